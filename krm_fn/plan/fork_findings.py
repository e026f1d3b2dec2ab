"""What a copy of a workload would share with its source, or be counted among: findings of `fork`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krm_fn.objects import Object
from krm_fn.results import Code, Ref, Result
from krm_fn.values import Value, mapping, mappings

Path = tuple[str | int, ...]
Key = tuple[str, str, str]  # namespace, kind, name


def key_of(ref: Ref) -> Key:
    return ref.namespace, ref.kind, ref.name


def target_of(one: Object) -> Key:
    """Return the key of the workload that an object is about, such as an autoscaler; else empty names."""
    spec = mapping(one.whole, "spec")
    target = mapping(spec, "scaleTargetRef") or mapping(spec, "targetRef")
    if not target:
        return "", "", ""
    return one.ref.namespace, str(target.get("kind", "Deployment")), str(target.get("name"))


def at(value: Value, path: Path) -> Value:
    for step in path:
        value = mapping(value, str(step))
    return value


def shares(source: Object, pod: Path, name: str) -> Iterator[Result]:
    """Yield findings about what copy and source would have in common, or have not."""
    spec: Mapping[str, Any] = at(source.whole, pod)
    field = ".".join(map(str, pod))
    if claims := mappings(mapping(source.whole, "spec").get("volumeClaimTemplates")):
        names = ", ".join(str(mapping(one, "metadata").get("name")) for one in claims)
        message = f"has volumes of its own ({names}): those of {name} are new, and empty"
        yield Result(Code.FORK_SHARES, message, source.ref, "spec.volumeClaimTemplates")
    for volume in mappings(spec.get("volumes")):
        claim = mapping(volume, "persistentVolumeClaim").get("claimName")
        if claim or "hostPath" in volume:
            what = f"the claim {claim!r}" if claim else f"the host's folder {mapping(volume, 'hostPath').get('path')!r}"
            message = f"has {what} as a volume, and {name} has the same: what one writes the other reads"
            yield Result(Code.FORK_SHARES, message, source.ref, f"{field}.volumes")
    if spec.get("hostNetwork") is True:
        message = f"uses the ports of its host, and so does {name}: they cannot run on one node"
        yield Result(Code.FORK_SHARES, message, source.ref, f"{field}.hostNetwork")
    for container in mappings(spec.get("containers")):
        for port in mappings(container.get("ports")):
            if number := port.get("hostPort"):
                message = f"uses port {number} of its host, and so does {name}: they cannot run on one node"
                yield Result(Code.FORK_SHARES, message, source.ref, f"{field}.containers")


def counts(objects: Sequence[Object], source: Object, selector: Value, name: str) -> Iterator[Result]:
    """Yield a finding for each autoscaler of the source that would count the pods of the copy `name`, too.

    `selector`: the labels by which the source finds its pods, where the copy's pods have them as well; else empty.
    """
    for one in objects if selector else ():
        if target_of(one) == key_of(source.ref) and mapping(mapping(one.whole, "spec"), "scaleTargetRef"):
            labels = ", ".join(f"{key}={value}" for key, value in selector.items())
            message = f"counts the pods of {name} as well: {source.ref} finds its own by {labels} alone"
            yield Result(Code.FORK_SHARES, message, one.ref, "spec.scaleTargetRef")
