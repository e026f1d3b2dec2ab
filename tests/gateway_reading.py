"""Who answers a request by routes of the Gateway API alone, read as its specification says.

An oracle for the tests, as istio_reading.py is for Istio's kinds: it shares no code with the product and knows nothing
of environments, only of labels. Precedence: https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule and, for
GRPCRoute, …/#grpcrouterule. A header's expression is held against the whole value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from istio_reading import CLOSED, SPREAD, Manifest, Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KINDS = ("HTTPRoute", "GRPCRoute")
_METHOD = re.compile(r"/([^/]+)/([^/]+)")


def answer(objects: Iterable[Manifest], request: Request, label: str) -> str | int:
    """Return the value of `label` on the pods that answer, SPREAD where they differ, CLOSED, or the HTTP status."""
    found = answers(objects, request, label)
    return found.pop() if len(found) == 1 else SPREAD


def answers(objects: Iterable[Manifest], request: Request, label: str) -> set[str | int]:
    """Return all that may answer: values of `label` (empty for none), or the HTTP status."""
    objects = list(objects)
    candidates = list(_candidates(objects, request))
    if not candidates:
        if request.gateway:
            return {404}
        return _pods_of(objects, (request.namespace, request.service), request, label)
    taken = min((one for one in candidates if one.takes), key=lambda one: one.rank, default=None)
    if taken is None:
        return {404}
    place = taken.route["metadata"].get("namespace", "")
    for one in taken.rule.get("filters") or ():
        if one["type"] == "RequestRedirect":
            return {int(one["requestRedirect"].get("statusCode", 302))}
    backends = [one for one in taken.rule.get("backendRefs") or () if one.get("weight", 1)]
    found: set[str | int] = set()
    for one in backends:
        found |= _pods_of(objects, (one.get("namespace", place), one["name"]), request, label)
    return found or {500}


class _Candidate:
    """A match of a rule of a route that serves the host: whether it takes the request, and its rank, lowest first."""

    def __init__(self, route: Manifest, at: int, host: str, match: Manifest, request: Request) -> None:
        self.route, self.rule = route, route["spec"]["rules"][at]
        headers = match.get("headers") or ()
        sent = {name.lower(): value for name, value in request.headers.items()}
        takes = [_holds(one, sent.get(one["name"].lower())) for one in headers]
        exact = path_length = method = service = 0
        if route["kind"] == "HTTPRoute":
            path = match.get("path") or {}
            kind, text = path.get("type", "PathPrefix"), path.get("value", "/")
            exact, path_length = kind == "Exact", len(text)
            takes.append(_on_path(kind, text, request.path.partition("?")[0]))
            method = "method" in match
            takes.append(match.get("method", request.method) == request.method)
            query = dict(one.partition("=")[::2] for one in request.path.partition("?")[2].split("&"))
            takes += [_holds(one, query.get(one["name"])) for one in match.get("queryParams") or ()]
        elif "method" in match:
            wanted = match["method"]
            asked = _METHOD.fullmatch(request.path)
            service, method = len(wanted.get("service", "")), len(wanted.get("method", ""))
            of_kind = {"type": wanted.get("type", "Exact")}
            for place, key in enumerate(("service", "method"), 1):
                if key in wanted:
                    takes.append(_holds({**of_kind, "value": wanted[key]}, asked[place] if asked else None))
        counts = (len(headers), len(match.get("queryParams") or ()))
        metadata = route["metadata"]
        name = f"{metadata.get('namespace', '')}/{metadata['name']}"
        age = metadata.get("creationTimestamp", "9999")
        most = [_specific(host), exact, path_length, service, method, *counts]
        self.rank = (*(-int(one) for one in most), str(age), name, at)
        self.takes = all(takes)


def _specific(host: str) -> int:
    return len(host) + 1000 * (not host.startswith("*"))


def _candidates(objects: list[Manifest], request: Request) -> Iterator[_Candidate]:
    for route in objects:
        if route["kind"] not in _KINDS or not str(route["apiVersion"]).startswith("gateway.networking.k8s.io/"):
            continue
        place = route["metadata"].get("namespace", "")
        if not any(_is_parent(one, place, request) for one in route["spec"].get("parentRefs") or ()):
            continue
        hosts = (route["spec"].get("hostnames") or ["*"]) if request.gateway else ["*"]
        asked = request.service.partition(":")[0].lower()
        for host in (one for one in hosts if one in ("*", asked) or (one[0] == "*" and asked.endswith(one[1:]))):
            for at, rule in enumerate(route["spec"].get("rules") or [{}]):
                for match in rule.get("matches") or [{}]:
                    yield _Candidate(route, at, host, match, request)


def _is_parent(parent: Manifest, place: str, request: Request) -> bool:
    kind, group = parent.get("kind", "Gateway"), parent.get("group", "gateway.networking.k8s.io")
    namespace = parent.get("namespace", place)
    if request.gateway:
        return (kind, namespace, parent["name"]) == ("Gateway", request.namespace, request.gateway)
    wanted = ("Service", "", request.namespace, request.service)
    # A route in another namespace than the Service's is for the clients there, and these ask from its own.
    on_port = parent.get("port", request.port) == request.port
    return (kind, group, namespace, parent["name"]) == wanted and place == namespace and on_port


def _on_path(kind: str, text: str, path: str) -> bool:
    if kind == "Exact":
        return path == text
    if kind == "RegularExpression":
        return bool(re.fullmatch(text, path))
    trimmed = text.rstrip("/")
    return path == trimmed or path.startswith(f"{trimmed}/")


def _holds(match: Manifest, value: str | None) -> bool:
    if value is None:
        return False
    if match.get("type", "Exact") == "Exact":
        return bool(match["value"] == value)
    return bool(re.fullmatch(match["value"], value))


def _pods_of(objects: list[Manifest], key: tuple[str, str], request: Request, label: str) -> set[str | int]:
    (service,) = [
        one
        for one in objects
        if (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]) == ("Service", *key)
    ] or [None]
    if service is None:
        return {500}
    wanted: Any = (service["spec"].get("selector") or {"nobody": "at all"}).items()
    found: set[str | int] = {
        labels.get(label) or "" for labels in pod_labels(objects, key[0]) if wanted <= labels.items()
    }
    return found or {CLOSED if request.protocol == "tcp" else 503}


def pod_labels(objects: Iterable[Manifest], namespace: str) -> Iterator[dict[str, str]]:
    """Yield the labels of each pod template of a namespace."""
    for one in objects:
        if one["metadata"].get("namespace", "") == namespace:
            yield from _labels(one)


def _labels(value: object) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        if "containers" in (value.get("spec") or {}) and "metadata" in value:
            yield value["metadata"].get("labels") or {}
        for child in value.values():
            yield from _labels(child)
