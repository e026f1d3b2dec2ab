"""Workloads to pods: one for each that has replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .model import Manifest, Pod, metadata_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Target = tuple[str, str, str]  # namespace, kind, name

_POD_NAME = "statefulset.kubernetes.io/pod-name"  # a StatefulSet's controller gives it to each of its pods


def template_of(item: Manifest, awake: Iterable[Target] = ()) -> Manifest | None:
    """Return the pod template of a workload of any kind, or None: it has none, or no replicas.

    A template is known by its form, `spec.containers`, wherever the kind has it.
    """
    spec = item.get("spec") or {}
    target = (item["metadata"].get("namespace", ""), item.get("kind", ""), item["metadata"]["name"])
    if isinstance(spec, dict) and spec.get("replicas") == 0 and target not in awake:
        return None
    return None if item.get("kind") == "PodTemplate" else next(_templates(item), None)


def awake_of(items: Iterable[Manifest]) -> set[Target]:
    """Return the workloads that something scales up from zero: KEDA, or an autoscaler that may go down to it."""
    scaled = set()
    for item in items:
        spec = item.get("spec") or {}
        to_zero = item.get("kind") == "HorizontalPodAutoscaler" and spec.get("minReplicas") == 0
        if to_zero or item.get("kind") == "ScaledObject":
            target = spec["scaleTargetRef"]
            scaled.add((item["metadata"]["namespace"], target.get("kind", "Deployment"), target["name"]))
    return scaled


def pods_of(items: list[Manifest], addresses: Iterator[str]) -> Iterator[Pod]:
    """Make a pod of each workload, named like it; a second of the same name is `NAME-kind`."""
    taken: set[tuple[str, str]] = set()
    awake = awake_of(items)
    for item in items:
        template = template_of(item, awake)
        if template is None:
            continue
        namespace, name, kind = item["metadata"]["namespace"], item["metadata"]["name"], item["kind"]
        pod = name if (namespace, name) not in taken else f"{name}-{kind.lower()}"
        taken.add((namespace, pod))
        labels = metadata_of(template).get("labels") or {}
        if kind == "StatefulSet":
            labels = {**labels, _POD_NAME: f"{name}-0"}
        yield Pod(pod, namespace, labels, next(addresses), f"{kind}/{name}", _ports(template["spec"]))


def document(pod: Pod) -> Manifest:
    """Return the pod as the API server would have it: scheduled, started, ready."""
    ports = [
        {"containerPort": number} | ({} if name == str(number) else {"name": name})
        for name, number in pod.ports.items()
    ]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "spec": {
            "serviceAccountName": "default",
            "containers": [{"name": "main", "image": "main", "ports": ports}],
        },
        "status": {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _templates(value: Any) -> Iterator[Manifest]:
    if isinstance(value, dict):
        spec = value.get("spec")
        if isinstance(spec, dict) and isinstance(spec.get("containers"), list):
            yield value
        else:
            for inner in value.values():
                yield from _templates(inner)


def _ports(spec: Manifest) -> dict[str, int]:
    """Return the container ports; native sidecars stand among the init containers."""
    return {
        str(port.get("name") or port["containerPort"]): int(port["containerPort"])
        for container in [*spec["containers"], *(spec.get("initContainers") or [])]
        for port in container.get("ports") or []
        if port.get("protocol", "TCP") == "TCP"
    }
