"""Workloads that other workloads of the list make while they work, as `kubectl get` prints them beside those.

The ReplicaSets and Pods of a Deployment stand for its pods a second time, and are the controllers' to change: old
ReplicaSets have labels that the Deployment had once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from krm_fn.objects import Object, group_of
from krm_fn.values import mapping, mappings

Key = tuple[str, str, str, str]  # namespace, API group, kind, name

# (API group, kind) of what makes ReplicaSets, and the label by which their pods name them.
_MAKERS = (
    (("apps", "Deployment"), "pod-template-hash"),
    (("argoproj.io", "Rollout"), "rollouts-pod-template-hash"),
)


def made(objects: Sequence[Object], workloads: Iterable[Object]) -> set[int]:
    """Return the positions of the objects that one of the workloads makes, also in steps that the list may not have."""
    owned = [one for one in objects if "ownerReferences" in mapping(one.value, "metadata")]
    if not owned:
        return set()
    there = {_key(one) for one in workloads}
    found: dict[int, Object] = {}
    while fresh := [one for one in owned if one.position not in found and any(key in there for key in _makers(one))]:
        found |= {one.position: one for one in fresh}
        there |= {_key(one) for one in fresh}
    return set(found)


def _key(one: Object) -> Key:
    return one.ref.namespace, one.group, one.ref.kind, one.ref.name


def _makers(one: Object) -> Iterator[Key]:
    metadata = mapping(one.value, "metadata")
    labels = mapping(metadata, "labels")
    for owner in mappings(metadata.get("ownerReferences")):
        if owner.get("controller") is not True:
            continue
        kind, name = str(owner.get("kind")), str(owner.get("name"))
        yield one.ref.namespace, group_of(str(owner.get("apiVersion"))), kind, name
        for (group, maker), label in _MAKERS if kind == "ReplicaSet" else ():
            end = f"-{labels.get(label)}"
            if name.endswith(end):
                yield one.ref.namespace, group, maker, name.removesuffix(end)
