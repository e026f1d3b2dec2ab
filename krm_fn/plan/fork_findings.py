"""What a copy of a workload would share with its source, or be counted among: findings of `fork`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

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


class Copied(NamedTuple):
    """A copy that is to be.

    Attributes:
        source: the workload that is copied.
        name: the copy's name.
        old: the labels of the source's pods.
        new: the labels of the copy's pods.
    """

    source: Object
    name: str
    old: Mapping[str, str]
    new: Mapping[str, str]


def findings(objects: Sequence[Object], copied: Copied, pod: Path, selector: Value) -> Iterator[Result]:
    """Yield all there is to know about a copy.

    Args:
        objects: the list that it comes into.
        copied: the copy.
        pod: the place of its pods' spec.
        selector: the labels by which the source finds its pods, where the copy's pods have them as well; else empty.
    """
    yield from _shares(copied, pod)
    yield from _counts(objects, copied, selector)
    yield from _selected(objects, copied)
    yield from _governed(objects, copied)
    yield from _delivered(copied)
    yield from _hashed(objects, copied, pod)
    yield from _asleep(copied)


def _shares(copied: Copied, pod: Path) -> Iterator[Result]:
    """Yield findings about what copy and source would have in common, or have not."""
    source, name = copied.source, copied.name
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


def _counts(objects: Sequence[Object], copied: Copied, selector: Value) -> Iterator[Result]:
    """Yield a finding for each autoscaler of the source that would count the pods of the copy, too."""
    source, name = copied.source, copied.name
    for one in objects if selector else ():
        if target_of(one) == key_of(source.ref) and mapping(mapping(one.whole, "spec"), "scaleTargetRef"):
            labels = ", ".join(f"{key}={value}" for key, value in selector.items())
            message = f"counts the pods of {name} as well: {source.ref} finds its own by {labels} alone"
            yield Result(Code.FORK_SHARES, message, one.ref, "spec.scaleTargetRef")


# Kinds that choose pods by their labels, beside Services: (API group, kind) -> where.
_CHOOSE: Mapping[tuple[str, str], Path] = {
    ("policy", "PodDisruptionBudget"): ("spec", "selector"),
    ("networking.k8s.io", "NetworkPolicy"): ("spec", "podSelector"),
    ("cilium.io", "CiliumNetworkPolicy"): ("spec", "endpointSelector"),
    ("monitoring.coreos.com", "PodMonitor"): ("spec", "selector"),
    ("security.istio.io", "AuthorizationPolicy"): ("spec", "selector"),
    ("security.istio.io", "PeerAuthentication"): ("spec", "selector"),
    ("security.istio.io", "RequestAuthentication"): ("spec", "selector"),
    ("telemetry.istio.io", "Telemetry"): ("spec", "selector"),
    ("extensions.istio.io", "WasmPlugin"): ("spec", "selector"),
    ("networking.istio.io", "Sidecar"): ("spec", "workloadSelector"),
    ("networking.istio.io", "EnvoyFilter"): ("spec", "workloadSelector"),
}


def _selected(objects: Sequence[Object], copied: Copied) -> Iterator[Result]:
    """Yield a finding for each object that chooses the source's pods and not the copy's, or counts both as one."""
    for one in objects:
        path = _CHOOSE.get((one.group, one.ref.kind))
        if path is None or one.ref.namespace != copied.source.ref.namespace:
            continue
        selector = at(one.whole, path)
        labels = mapping(selector, "matchLabels") or mapping(selector, "labels")
        if not labels or mappings(selector.get("matchExpressions")) or not labels.items() <= copied.old.items():
            continue
        field = ".".join(map(str, path))
        if not labels.items() <= copied.new.items():
            message = f"is about pods of {copied.source.ref}, and not about those of {copied.name}: make one for these"
            yield Result(Code.FORK_SHARES, message, one.ref, field)
        elif one.ref.kind == "PodDisruptionBudget":
            message = (
                f"counts the pods of {copied.name} with those of {copied.source.ref}: while the ones stand, the others "
                "may all be evicted; name the environment in both selectors"
            )
            yield Result(Code.FORK_SHARES, message, one.ref, field)


def _governed(objects: Sequence[Object], copied: Copied) -> Iterator[Result]:
    """Yield a finding if the Service that gives names to a StatefulSet's pods does not select the copy's."""
    source = copied.source
    name = mapping(source.whole, "spec").get("serviceName")
    for one in objects if source.ref.kind == "StatefulSet" and name else ():
        if (one.ref.api_version, one.ref.kind) == ("v1", "Service") and one.ref.namespace == source.ref.namespace:
            selector = mapping(mapping(one.whole, "spec"), "selector")
            if one.ref.name == name and not selector.items() <= copied.new.items():
                message = (
                    f"gives names to pods by Service {name}, which does not select those of {copied.name}: none of "
                    "them has a name; let the copy name a headless Service of its own"
                )
                yield Result(Code.FORK_SHARES, message, source.ref, "spec.serviceName")


def _delivered(copied: Copied) -> Iterator[Result]:
    """Yield a finding if an Argo Rollout works on Services and routes, which two cannot do."""
    source = copied.source
    if (source.group, source.ref.kind) != ("argoproj.io", "Rollout"):
        return
    for name, strategy in mapping(mapping(source.whole, "spec"), "strategy").items():
        keys = ("stableService", "canaryService", "pingPong", "activeService", "previewService", "trafficRouting")
        found = [key for key in keys if isinstance(strategy, dict) and strategy.get(key)]
        if found:
            message = (
                f"works on Services and routes by its strategy ({', '.join(found)}), and {copied.name} would work on "
                "the same: Argo Rollouts refuses the second one, which then has no pods; give the copy Services of its "
                "own there, or take these fields out of it"
            )
            yield Result(Code.FORK_SHARES, message, source.ref, f"spec.strategy.{name}")


def _asleep(copied: Copied) -> Iterator[Result]:
    """Yield a finding if the copy begins without pods."""
    if mapping(copied.source.whole, "spec").get("replicas") == 0 and copied.source.ref.kind not in ("DaemonSet", "Pod"):
        message = (
            f"has replicas: 0, and so has {copied.name}: nothing is routed to it until it has pods; what scales "
            f"{copied.source.ref} up does not know the copy"
        )
        yield Result(Code.FORK_SHARES, message, copied.source.ref, "spec.replicas")


_HASHED = re.compile(r"-[2456789bcdfghkmt]{10}$")  # kustomize's letters of a hash (kyaml, hasher.go)


def _hashed(objects: Sequence[Object], copied: Copied, pod: Path) -> Iterator[Result]:
    """Yield a finding for each ConfigMap and Secret that a pod names by the hash of what it holds."""
    there = {
        (one.ref.kind, one.ref.name)
        for one in objects
        if one.ref.kind in ("ConfigMap", "Secret") and one.ref.namespace == copied.source.ref.namespace
    }
    names = {name for name in _texts(at(copied.source.whole, pod)) if _HASHED.search(name)}
    for kind, name in sorted(there):
        if name in names:
            message = (
                f"names {kind} {name}, and so does {copied.name}, which a build does not follow when that changes: "
                f"write {_HASHED.sub('', name)} there and name the copy in a kustomization"
            )
            yield Result(Code.FORK_SHARES, message, copied.source.ref, ".".join(map(str, pod)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
