"""What becomes of running pods when the labels of their template change: whether their controller replaces them.

The rules are Kubernetes' own: a Job's template is immutable (https://kubernetes.io/docs/concepts/workloads/controllers/job/),
a ReplicaSet's pods are never replaced for it, StatefulSets and DaemonSets have an update strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krm_fn.objects import Object, annotations_of
from krm_fn.values import mapping

# By these something deletes a Job before it applies it anew.
_HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook")
_KEEPERS = {("apps", "ReplicaSet"), ("", "ReplicationController")}
_BY_STRATEGY = {("apps", "StatefulSet"), ("apps", "DaemonSet")}


def kept(one: Object) -> str:
    """Say why pods that run keep their labels, and what to do; empty where their controller replaces them."""
    key, value = (one.group, one.ref.kind), one.whole
    spec = mapping(value, "spec")
    if key == ("batch", "Job"):
        if not one.ref.name or any(name in annotations_of(value) for name in _HOOKS):
            return ""
        return "the API server refuses to change the template of a Job that is there: delete the Job before"
    if key in _KEEPERS:
        return f"a {one.ref.kind} does not replace its pods: delete them afterwards, or use a Deployment"
    if key == ("apps", "Deployment") and spec.get("paused") is True:
        return "the Deployment is paused, so its pods stay: resume it afterwards"
    return _by_strategy(mapping(spec, "updateStrategy")) if key in _BY_STRATEGY else ""


def _by_strategy(strategy: Mapping[str, Any]) -> str:
    if strategy.get("type") == "OnDelete":
        return "its update strategy is OnDelete, so its pods stay: delete them afterwards"
    partition = mapping(strategy, "rollingUpdate").get("partition")
    if isinstance(partition, int) and partition > 0:
        return f"its update strategy has the partition {partition}, so pods below it stay: lower it to 0 afterwards"
    return ""
