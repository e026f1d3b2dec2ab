"""Ways around the routes that a list shows, and resources of Istio's that the routes put out of force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from krm_fn.gateway_api.backends import GROUP
from krm_fn.gateway_api.theirs import Theirs, is_service, means
from krm_fn.objects import Object
from krm_fn.plan import ingress
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings, strings

_OPEN_TYPES = ("LoadBalancer", "NodePort")
_AMBIENT, _WAYPOINT = "istio.io/dataplane-mode", "istio.io/use-waypoint"
_SELECTOR = "or set base: selector, and this Service has the base's pods alone"


def find(theirs: Theirs, objects: Sequence[Object], plan: Plan, domain: str) -> Iterator[Result]:
    """Yield a finding for each way on which requests to a Service of several environments miss its routes."""
    split = {one.key: one for one in plan.services if one.is_split and one.needs_routes}
    if not split:
        return
    for one in theirs.virtual_services:
        yield from _virtual_service(one, split, domain)
    for one in theirs.destination_rules:
        yield from _destination_rule(one, split, domain)
    yield from _waypoints(objects, split)
    open_ones = {key: one for key, one in split.items() if not one.is_narrowed}
    for one in objects if open_ones else ():
        if one.is_source:
            yield from _door(one, open_ones)


def _virtual_service(one: Object, split: Mapping[Key, ServicePlan], domain: str) -> Iterator[Result]:
    spec = mapping(one.value, "spec")
    if MESH in (strings(spec.get("gateways")) or [MESH]):
        for host in strings(spec.get("hosts")):
            for key, plan in split.items():
                if means(host, key, one.ref.namespace, domain):
                    message = (
                        f"has the host {host!r}, and {plan.service.ref} gets HTTPRoutes, which Istio prefers to it: it "
                        "would be dead from then on, silently; write it as an HTTPRoute, into which environments are "
                        "woven, or leave this namespace to output: istio"
                    )
                    yield Result(Code.VIRTUAL_SERVICE, message, one.ref, "spec.hosts")
    else:
        for place, route in enumerate(mappings(spec.get("http"))):
            for number, target in enumerate(mappings(route.get("route"))):
                led = mapping(target, "destination").get("host")
                for key, plan in split.items():
                    if isinstance(led, str) and means(led, key, one.ref.namespace, domain) and not plan.is_narrowed:
                        yield _outside(one, plan, f"spec.http[{place}].route[{number}].destination.host")


def _destination_rule(one: Object, split: Mapping[Key, ServicePlan], domain: str) -> Iterator[Result]:
    spec = mapping(one.value, "spec")
    host = spec.get("host")
    if not isinstance(host, str) or host.startswith("*") or not spec.get("trafficPolicy"):
        return  # a wildcard holds for the generated Services as well
    for key, plan in split.items():
        if means(host, key, one.ref.namespace, domain):
            message = (
                f"holds for requests to {plan.service.ref} itself, and routes lead to a Service for each environment: "
                "its trafficPolicy does not hold there; say it for the whole namespace with a wildcard host"
            )
            yield Result(Code.RULE_PASSED_BY, message, one.ref, "spec.trafficPolicy")


def _waypoints(objects: Sequence[Object], split: Mapping[Key, ServicePlan]) -> Iterator[Result]:
    """Yield a finding for each Service of an ambient namespace that no waypoint serves."""
    ambient = {
        one.ref.name: _labels(one)
        for one in objects
        if one.ref.kind == "Namespace" and one.is_source and _labels(one).get(_AMBIENT) == "ambient"
    }
    for one in objects if ambient else ():
        key = (one.ref.namespace, one.ref.name)
        if one.ref.kind != "Service" or one.ref.api_version != "v1" or key not in split or key[0] not in ambient:
            continue
        waypoint = _labels(one).get(_WAYPOINT, ambient[key[0]].get(_WAYPOINT, "none"))
        if waypoint == "none" and one.is_source:
            message = (
                f"stands in namespace {key[0]!r}, which is in Istio's ambient mode, and no waypoint serves it: its "
                f"routes have no effect; label it, or the namespace, {_WAYPOINT}"
            )
            yield Result(Code.WAYPOINT_MISSING, message, one.ref, "metadata.labels", (one.ref,))


def _labels(one: Object) -> Value:
    return mapping(mapping(one.value, "metadata"), "labels")


def _door(one: Object, split: Mapping[Key, ServicePlan]) -> Iterator[Result]:
    spec = mapping(one.value, "spec")
    plan = split.get((one.ref.namespace, one.ref.name))
    if one.ref.kind == "Service" and one.ref.api_version == "v1" and plan and spec.get("type") in _OPEN_TYPES:
        message = (
            f"is of type {spec['type']}: requests that come in by its own port pass no route and reach pods of any "
            f"environment ({', '.join(plan.own)}); let them in by a Gateway with an HTTPRoute, {_SELECTOR}"
        )
        yield Result(Code.OUTSIDE_DOOR, message, one.ref, "spec.type", (plan.service.ref,))
    elif one.ref.kind == "Ingress":
        yield from (_outside(one, split[key], field) for field, key in ingress.backends(one) if key in split)
    elif one.ref.kind in ("TCPRoute", "TLSRoute", "UDPRoute") and one.group == GROUP:
        for number, rule in enumerate(mappings(spec.get("rules"))):
            for place, backend in enumerate(mappings(rule.get("backendRefs"))):
                key = (str(backend.get("namespace") or one.ref.namespace), str(backend.get("name")))
                if is_service(backend) and key in split:
                    yield _outside(one, split[key], f"spec.rules[{number}].backendRefs[{place}]")


def _outside(one: Object, plan: ServicePlan, field: str) -> Result:
    message = (
        f"sends requests to {plan.service.ref} past its routes: they reach pods of any environment "
        f"({', '.join(plan.own)}); use a Gateway with an HTTPRoute, into which environments are woven, {_SELECTOR}"
    )
    return Result(Code.OUTSIDE_DOOR, message, one.ref, field, (plan.service.ref,))
