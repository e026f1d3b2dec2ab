"""Controllers that turn the selector of a Service to pods of their own while they work in the cluster.

- Argo Rollouts: the Services of its strategy get the hash of its pods (argoproj/argo-rollouts, rollout/service.go).
- Flagger: the Service of a Canary gets the label of the pods that it makes of its target, and a Service NAME-canary
  that of the target itself, whoever else has it (fluxcd/flagger, pkg/router/kubernetes_default.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krm_fn.objects import Object, group_of
from krm_fn.plan.services import Key, Workload
from krm_fn.results import Code, Ref, Result
from krm_fn.values import Value, mapping

_CANARY, _BLUE_GREEN = ("canary",), ("blueGreen",)
_OF_ROLLOUTS = (
    (_CANARY, "stableService"),
    (_CANARY, "canaryService"),
    (("canary", "pingPong"), "pingService"),
    (("canary", "pingPong"), "pongService"),
    (_BLUE_GREEN, "activeService"),
    (_BLUE_GREEN, "previewService"),
)
_METADATA = {
    "canary": ("stableMetadata", "canaryMetadata"),
    "blueGreen": ("activeMetadata", "previewMetadata"),
}
_CONTROLLERS = {"Rollout": "argoproj.io", "Canary": "flagger.app"}  # each kind and its API group
_BY_SUBSETS = (
    "to keep environments there, let it split one Service by subsets "
    "(spec.strategy.canary.trafficRouting.istio.destinationRule) and name no other"
)
_BY_ITSELF = (
    "give the pods of environments a Service that no Canary names, or take this Deployment out of Flagger's hands"
)
_SELECTED_BY = ("app", "name", "app.kubernetes.io/name")  # the first that a target has is the one that Flagger uses


class Claim(NamedTuple):
    """A Service whose selector a controller turns to the pods of one workload.

    Attributes:
        service: the Service.
        by: the controller's object.
        field: where it names the Service.
        kind, name: the workload, of the same namespace.
        advice: what to do about the others.
        tried: the label of the pods that get a share of the requests while a new version is tried.
        writes_routes: whether the controller writes the VirtualService of that name.
    """

    service: Key
    by: Ref
    field: str
    kind: str
    name: str
    advice: str
    tried: tuple[str, str] | None = None
    writes_routes: bool = False

    def takes(self, workload: Workload) -> bool:
        """Tell whether pods are those that the Service will have."""
        ref = workload.ref
        return (ref.namespace, ref.kind, ref.name) == (self.service[0], self.kind, self.name)


def claims(objects: Sequence[Object]) -> dict[Key, Claim]:
    """Return the Services that controllers claim; of several for one, the first by name."""
    found: dict[Key, Claim] = {}
    for one in objects:
        group = _CONTROLLERS.get(one.ref.kind)
        if group is None or group != one.group or not one.is_source:
            continue
        for claim in _of_rollout(one) if one.ref.kind == "Rollout" else _of_canary(one, objects):
            other = found.setdefault(claim.service, claim)
            found[claim.service] = min(claim, other, key=lambda each: each.by.name)
    return found


def _of_rollout(one: Object) -> Iterator[Claim]:
    spec = mapping(one.value, "spec")
    target = mapping(spec, "workloadRef")
    kind, name = ("Rollout", one.ref.name)
    if target and not mapping(spec, "template"):
        kind, name = str(target.get("kind", "Deployment")), str(target.get("name"))
    for path, key in _OF_ROLLOUTS:
        at: Value = mapping(spec, "strategy")
        for step in path:
            at = mapping(at, step)
        if isinstance(service := at.get(key), str) and service:
            field = ".".join(("spec.strategy", *path, key))
            yield Claim((one.ref.namespace, service), one.ref, field, kind, name, _BY_SUBSETS)


def _of_canary(one: Object, objects: Sequence[Object]) -> Iterator[Claim]:
    spec = mapping(one.value, "spec")
    target, service = mapping(spec, "targetRef"), mapping(spec, "service")
    name = str(target.get("name") or "")
    wanted = str(service.get("name") or name)
    if name:
        kind = str(target.get("kind", "Deployment"))
        key = (one.ref.namespace, kind, name)
        found = (each for each in objects if (each.ref.namespace, each.ref.kind, each.ref.name) == key)
        tried = next((_selected_by(each) for each in found), None)
        routes = spec.get("provider", "istio") == "istio"
        yield Claim((one.ref.namespace, wanted), one.ref, "spec.service", kind, name, _BY_ITSELF, tried, routes)


def _selected_by(target: Object) -> tuple[str, str] | None:
    """Return the label by which Flagger selects the pods of its target."""
    spec = mapping(target.value, "spec")
    labels = mapping(mapping(spec, "selector"), "matchLabels")
    labels = labels or mapping(mapping(mapping(spec, "template"), "metadata"), "labels")
    return next(((key, str(labels[key])) for key in _SELECTED_BY if key in labels), None)


def pod_labels(one: Object) -> frozenset[tuple[str, str]]:
    """Return the labels that an Argo Rollout gives to its stable or its new pods while it works."""
    if one.ref.kind != "Rollout" or group_of(one.ref.api_version) != "argoproj.io":
        return frozenset()
    strategy = mapping(mapping(one.value, "spec"), "strategy")
    parts = (mapping(mapping(strategy, kind), key) for kind, keys in _METADATA.items() for key in keys)
    return frozenset((key, str(text)) for part in parts for key, text in mapping(part, "labels").items())


def finding(claim: Claim, lost: Sequence[Workload], label: str) -> Result:
    """Return the finding about pods of environments that a claimed Service will not have."""
    names = ", ".join(sorted({one.labels[label] for one in lost}))
    message = (
        f"turns the selector of Service {claim.service[1]} to the pods of {claim.kind} {claim.name} while it works, so "
        f"that no request reaches those of {names} by that Service: no routes are made for them there"
        f"{_tried(claim, lost, label)}; {claim.advice}"
    )
    return Result(Code.SELECTOR_TAKEN, message, claim.by, claim.field)


def _tried(claim: Claim, lost: Sequence[Workload], label: str) -> str:
    """Say which of these pods get everybody's requests while a new version is tried; empty for none."""
    key, text = claim.tried or ("", "")
    names = ", ".join(sorted({one.labels[label] for one in lost if key and one.labels.get(key) == text}))
    if not names:
        return ""
    return (
        f"; and while a new version is tried, pods of {names} get a share of everybody's requests, because Service "
        f"{claim.service[1]}-canary selects {key}={text}: give them another value of that label"
    )
