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
    """A request to a port of a Service; `protocol` is http, http2, grpc, tcp or tls."""

    service: str
    namespace: str
    port: int
    protocol: str = "http"
    headers: Mapping[str, str] = field(default_factory=dict)
    caller: Mapping[str, str] = field(default_factory=dict)


def answer(objects: Iterable[Manifest], request: Request, label: str) -> str | int:
    """Return the value of `label` on the pods that answer, SPREAD where they differ, CLOSED, or the HTTP status."""
    objects = list(objects)
    route = _route(objects, request)
    if "directResponse" in route:
        return int(route["directResponse"]["status"])
    service = _one(objects, "Service", request.namespace, request.service)
    wanted = dict(service["spec"]["selector"])
    if subset := route["route"][0]["destination"].get("subset"):
        wanted |= _subset(objects, request, subset)
    found = {pod.get(label) for pod in _pods(objects, request.namespace) if wanted.items() <= pod.items()}
    if not found:
        return CLOSED if request.protocol == "tcp" else 503
    return found.pop() or "" if len(found) == 1 else SPREAD


def _route(objects: list[Manifest], request: Request) -> Manifest:
    """Return the route that takes the request; without one, Istio's own to all pods of the Service."""
    to_all = {"route": [{"destination": {"host": request.service}}]}
    service = _one(objects, "Service", request.namespace, request.service)
    if service["spec"].get("clusterIP") == "None" or request.protocol == "tls":
        return to_all
    section = "tcp" if request.protocol == "tcp" else "http"
    for virtual_service in _of_kind(objects, "VirtualService", request.namespace):
        if virtual_service["spec"]["hosts"] != [request.service]:
            continue
        here = [route for route in virtual_service["spec"].get(section, ()) if _on_port(route, request.port)]
        for route in here:
            if any(_matches(match, request) for match in route.get("match", [{}])):
                return route
        if here and section == "http":
            return {"directResponse": {"status": 404}}
    return to_all


def _on_port(route: Manifest, port: int) -> bool:
    return any(match.get("port", port) == port for match in route.get("match", [{}]))


def _matches(match: Manifest, request: Request) -> bool:
    sent = {name.lower(): value for name, value in request.headers.items()}
    checks = {
        "port": lambda port: port == request.port,
        "sourceLabels": lambda labels: labels.items() <= request.caller.items(),
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


def _subset(objects: list[Manifest], request: Request, name: str) -> Mapping[str, str]:
    rules = [
        one for one in _of_kind(objects, "DestinationRule", request.namespace) if one["spec"]["host"] == request.service
    ]
    assert len(rules) == 1, f"{len(rules)} DestinationRules for {request.service}"
    subsets = [one for one in rules[0]["spec"]["subsets"] if one["name"] == name]
    assert len(subsets) == 1, f"{len(subsets)} subsets {name} of {request.service}"
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


def _of_kind(objects: list[Manifest], kind: str, namespace: str) -> list[Manifest]:
    return [one for one in objects if one["kind"] == kind and one["metadata"].get("namespace", "") == namespace]


def _one(objects: list[Manifest], kind: str, namespace: str, name: str) -> Manifest:
    found = [one for one in _of_kind(objects, kind, namespace) if one["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} of {kind} {namespace}/{name}"
    return found[0]
