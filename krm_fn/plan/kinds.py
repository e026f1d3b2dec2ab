"""The kinds of objects: where each has its pod template, and what is read of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krm_fn.config.reader import Configs
from krm_fn.objects import INDEXES, LOCAL_CONFIG, OWNER, PATHS, group_of
from krm_fn.text.yaml_shapes import EACH, ENTRIES, All, Whole

RUN_TO_COMPLETION = {"Job", "CronJob", "BroadcastJob", "AdvancedCronJob"}
# (API group, kind) → where the pod template stands
TEMPLATES: Mapping[tuple[str, str], str] = {
    ("apps", "Deployment"): "spec.template",
    ("extensions", "Deployment"): "spec.template",
    ("apps", "StatefulSet"): "spec.template",
    ("apps", "DaemonSet"): "spec.template",
    ("extensions", "DaemonSet"): "spec.template",
    ("apps", "ReplicaSet"): "spec.template",
    ("extensions", "ReplicaSet"): "spec.template",
    ("", "ReplicationController"): "spec.template",
    ("", "Pod"): "",
    ("batch", "Job"): "spec.template",
    ("batch", "CronJob"): "spec.jobTemplate.spec.template",
    ("argoproj.io", "Rollout"): "spec.template",
    ("apps.openshift.io", "DeploymentConfig"): "spec.template",
    ("apps.kruise.io", "CloneSet"): "spec.template",
    ("apps.kruise.io", "StatefulSet"): "spec.template",
    ("apps.kruise.io", "DaemonSet"): "spec.template",
    ("apps.kruise.io", "BroadcastJob"): "spec.template",
    ("apps.kruise.io", "AdvancedCronJob"): "spec.template.jobTemplate.spec.template",
    # Machines beside pods: a Service selects them like these (istio/istio, serviceregistry/kube/controller).
    ("networking.istio.io", "WorkloadEntry"): "spec",
    ("networking.istio.io", "WorkloadGroup"): "spec",
}
MACHINES = {"WorkloadEntry", "WorkloadGroup"}
_META = {
    "name": None,
    "generateName": None,
    "namespace": None,
    "labels": EACH,
    "annotations": dict.fromkeys((OWNER, LOCAL_CONFIG, *PATHS, *INDEXES)),
    "ownerReferences": None,
}
_IDENTITY: Mapping[str, Any] = {"apiVersion": None, "kind": None, "metadata": _META}
# Kinds of which nobody asks more than their names.
_BYSTANDERS = {
    ("", "ConfigMap"),
    ("", "Secret"),
    ("", "ServiceAccount"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("monitoring.coreos.com", "PodMonitor"),
    ("monitoring.coreos.com", "PrometheusRule"),
    ("monitoring.coreos.com", "ServiceMonitor"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
}
# Kinds that are read whole, and say much of what they say many times.
_WHOLE = {
    ("", "Service"): All(metadata=All(labels=EACH, annotations=EACH), spec=All(selector=EACH)),
    ("networking.istio.io", "VirtualService"): Whole(spec=Whole(http=ENTRIES, tls=ENTRIES, tcp=ENTRIES)),
    ("networking.istio.io", "DestinationRule"): Whole(spec=Whole(subsets=ENTRIES)),
    ("gateway.networking.k8s.io", "HTTPRoute"): Whole(spec=Whole(rules=ENTRIES)),
}


def asked(api_version: str, kind: str) -> Mapping[str, Any] | None:
    """Return what is read of an object of a kind: keys, each with those below it; None for everything."""
    key = (group_of(api_version), kind)
    if key in _BYSTANDERS:
        return _IDENTITY
    # A Rollout's strategy concerns its Services, and few have machines.
    if key not in TEMPLATES or kind == "Rollout" or kind in MACHINES:
        return _WHOLE.get(key)
    template: Mapping[str, Any] = {"metadata": _META}
    for step in reversed(TEMPLATES[key].split(".") if TEMPLATES[key] else ()):
        template = {step: template}
    spec = {"replicas": None, "parallelism": None, "suspend": None, **template.get("spec", {})}
    return {**_IDENTITY, "spec": spec}


def templates(configs: Configs) -> Mapping[tuple[str, str], str]:
    """Return the kinds with a pod template, those that configurations name among them."""
    sources = [configs.default, *configs.by_namespace.values()]
    further = [kind for source in sources for kind in source.config.workloads]
    return {**TEMPLATES, **{(group_of(kind.api_version), kind.kind): kind.template_path for kind in further}}
