"""Who answers a request by the routes alone: VirtualServices and DestinationRules read as Istio reads them.

An oracle for the tests. It shares no code with the product and knows nothing of environments, only of labels: a
request goes by the first route that matches it to the pods that carry the labels of the route's subset. It knows the
parts of the API that the function writes, and fails on any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Manifest = dict[str, Any]
SPREAD, CLOSED = "spread", "closed"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a port of a Service; `protocol` is http, http2, grpc, tcp or tls.

    With a `gateway` (its name; its namespace is the request's) it comes from outside, and `service` is a host there.
    """

    service: str
    namespace: str
    port: int
    protocol: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    caller: Mapping[str, str] = field(default_factory=dict)
    gateway: str = ""
    path: str = "/"
    method: str = "GET"


def answer(objects: Iterable[Manifest], request: Request, label: str) -> str | int:
    """Return the value of `label` on the pods that answer, SPREAD where they differ, CLOSED, or the HTTP status."""
    objects = list(objects)
    route, place = _gateway_route(objects, request) if request.gateway else _route(objects, request)
    if "directResponse" in route:
        return int(route["directResponse"]["status"])
    if "redirect" in route:
        return int(route["redirect"].get("redirectCode", 301))
    destination = route["route"][0]["destination"]
    namespace, name = _resolved(destination["host"], place)
    service = _one(objects, "Service", namespace, name)
    wanted = dict(service["spec"].get("selector") or {"nobody": "at all"})
    if subset := destination.get("subset"):
        wanted |= _subset(objects, (namespace, name), subset)
    found = {pod.get(label) for pod in _pods(objects, namespace) if wanted.items() <= pod.items()}
    if not found:
        return CLOSED if request.protocol == "tcp" else 503
    return found.pop() or "" if len(found) == 1 else SPREAD


def _route(objects: list[Manifest], request: Request) -> tuple[Manifest, str]:
    """Return the route that takes the request; without one, Istio's own to all pods of the Service.

    Short hosts in it mean Services of the namespace that comes with it.
    """
    asked = (request.namespace, request.service)
    service = _one(objects, "Service", *asked)
    while alias := service["spec"].get("externalName"):
        asked = _resolved(alias, asked[0])
        service = _one(objects, "Service", *asked)
    to_all = {"route": [{"destination": {"host": asked[1]}}]}, asked[0]
    if service["spec"].get("clusterIP") == "None" or request.protocol == "tls":
        return to_all
    section = "tcp" if request.protocol == "tcp" else "http"
    for virtual_service in _of_kind(objects, "VirtualService"):
        spec, place = virtual_service["spec"], virtual_service["metadata"].get("namespace", "")
        if asked not in [_resolved(host, place) for host in spec["hosts"]] or "mesh" not in spec.get(
            "gateways", ["mesh"]
        ):
            continue
        here = [route for route in spec.get(section, ()) if _on_port(route, request.port)]
        for route in here:
            if any(_matches(match, request) for match in route.get("match", [{}])):
                return route, place
        if here and section == "http":
            return {"directResponse": {"status": 404}}, place
    return to_all


def _gateway_route(objects: list[Manifest], request: Request) -> tuple[Manifest, str]:
    """Return the route that takes a request from outside: of the closest host, in the order of the list."""
    routes: dict[str, list[tuple[Manifest, str]]] = {}
    for virtual_service in _of_kind(objects, "VirtualService"):
        spec, place = virtual_service["spec"], virtual_service["metadata"].get("namespace", "")
        names = [gateway if "/" in gateway else f"{place}/{gateway}" for gateway in spec.get("gateways", ())]
        for host in spec["hosts"] if f"{request.namespace}/{request.gateway}" in names else ():
            for route, match in _singly(spec.get("http", ())):
                if _at_gateway(match, place, request):
                    routes.setdefault(host, []).append(({**route, "match": [match]}, place))
                    if _catches_all(match):
                        break  # nothing behind it is ever asked
    asked = request.service.partition(":")[0]
    fitting = [host for host in routes if host == asked or (host[0] == "*" and asked.endswith(host[1:]))]
    closest = routes[max(fitting, key=len)] if fitting else []
    for route, place in sorted(closest, key=lambda one: _catches_all(one[0]["match"][0])):
        if any(_matches(match, request) for match in route.get("match", [{}])):
            return route, place
    return {"directResponse": {"status": 404}}, request.namespace


def _singly(routes: Iterable[Manifest]) -> Iterator[tuple[Manifest, Manifest]]:
    for route in routes:
        for match in route.get("match", [{}]):
            yield route, match


def _at_gateway(match: Manifest, place: str, request: Request) -> bool:
    names = [gateway if "/" in gateway else f"{place}/{gateway}" for gateway in match.get("gateways", ())]
    return not names or f"{request.namespace}/{request.gateway}" in names


def _catches_all(match: Manifest) -> bool:
    """Tell whether a gateway asks a route last: it has no condition but `/`."""
    rest = {key: value for key, value in match.items() if key not in ("gateways", "port", "name")}
    return rest in ({}, {"uri": {"prefix": "/"}})


def _resolved(host: str, namespace: str) -> tuple[str, str]:
    """Return (namespace, name) of the Service that a host means in a namespace, as Istio does: short or full.

    A host of the world outside is no Service's: it comes back whole.
    """
    name, _, rest = host.partition(".")
    if rest and not rest.endswith(".svc.cluster.local"):
        return ("", host)
    return (rest.removesuffix(".svc.cluster.local") or namespace, name)


def _on_port(route: Manifest, port: int) -> bool:
    return any(
        match.get("port", port) == port and "mesh" in match.get("gateways", ["mesh"])
        for match in route.get("match", [{}])
    )


def _matches(match: Manifest, request: Request) -> bool:
    sent = {name.lower(): value for name, value in request.headers.items()}
    checks = {
        "port": lambda port: port == request.port,
        "gateways": lambda names: bool(request.gateway) or "mesh" in names,
        "authority": lambda rule: _holds(rule, request.service),
        "sourceLabels": lambda labels: labels.items() <= request.caller.items(),
        "uri": lambda rule: _holds(rule, request.path),
        "headers": lambda headers: all(_holds(rule, sent.get(name.lower())) for name, rule in headers.items()),
    }
    return all(checks[key](value) for key, value in match.items())


def _holds(rule: Manifest, value: str | None) -> bool:
    ((how, text),) = rule.items()
    if value is None:
        return False
    if how == "exact":
        return value == text
    if how == "prefix":
        return value.startswith(text)
    assert how == "regex", rule
    return bool(re.fullmatch(text, value))


def _subset(objects: list[Manifest], service: tuple[str, str], name: str) -> Mapping[str, str]:
    rules = [
        one
        for one in _of_kind(objects, "DestinationRule")
        if _resolved(one["spec"]["host"], one["metadata"].get("namespace", "")) == service
    ]
    subsets = [one for rule in rules for one in rule["spec"]["subsets"] if one["name"] == name]  # Istio joins them
    assert len(subsets) == 1, f"{len(subsets)} subsets {name} of {service}"
    return subsets[0]["labels"]


def _pods(objects: list[Manifest], namespace: str) -> Iterator[Mapping[str, str]]:
    for one in objects:
        if one["metadata"].get("namespace", "") == namespace:
            for template in _templates(one):
                yield template["metadata"].get("labels", {})


def _templates(value: object) -> Iterator[Manifest]:
    """Yield what looks like a pod, wherever it stands: labels beside containers."""
    if isinstance(value, dict):
        if "containers" in (value.get("spec") or {}) and "metadata" in value:
            yield value
        for child in value.values():
            yield from _templates(child)


def _of_kind(objects: list[Manifest], kind: str) -> list[Manifest]:
    return [one for one in objects if one["kind"] == kind]


def _one(objects: list[Manifest], kind: str, namespace: str, name: str) -> Manifest:
    found = [
        one
        for one in _of_kind(objects, kind)
        if (one["metadata"].get("namespace", ""), one["metadata"]["name"]) == (namespace, name)
    ]
    assert len(found) == 1, f"{len(found)} of {kind} {namespace}/{name}"
    return found[0]
