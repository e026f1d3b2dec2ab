"""A VirtualService's routes in Envoy's form, as Istio writes them for one port of one client.

By istio/istio, pilot/pkg/networking/core/route/route.go: one route for each match, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from krm_fn.plan.exposure import MESH
from krm_fn.values import Value, mapping, mappings, strings
from krm_fn.verify.asked import CannotTell

Config = dict[str, Any]

INJECTOR = {"name": "envoy.filters.http.fault", "typed_config": {"@type": "HTTPFault"}}
_PATHS = {"exact": "path", "prefix": "prefix"}
_CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}


@dataclass(frozen=True, slots=True)
class Names:
    """How objects of the list are called in the cluster.

    Attributes:
        home: the namespace of objects that name none.
        domain: of the cluster's Services.
    """

    home: str
    domain: str = "cluster.local"

    def space(self, namespace: str) -> str:
        return namespace or self.home

    def host(self, namespace: str, name: str) -> str:
        """Return the full name of a Service."""
        return f"{name}.{self.space(namespace)}.svc.{self.domain}"

    def resolved(self, host: str, namespace: str) -> str:
        """Return the full name that a VirtualService or DestinationRule of a namespace means by a host."""
        return host if "." in host or "*" in host else self.host(namespace, host)

    def ref(self, value: Value) -> str:
        """Return an object as the proxy's metadata names it: `KIND NAMESPACE/NAME`."""
        metadata = mapping(value, "metadata")
        return f"{value.get('kind')} {self.space(str(metadata.get('namespace') or ''))}/{metadata.get('name')}"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks.

    Attributes:
        namespace: of the proxy.
        labels: of its pod.
        is_gateway: whether requests come from outside.
    """

    namespace: str
    labels: Mapping[str, str]
    is_gateway: bool = False


@dataclass(slots=True)
class Place:
    """Where routes are read: by which client, in which cluster, and the selectors of the list's gateways."""

    names: Names
    client: Client
    gateways: dict[str, Value] = field(default_factory=dict)  # by NAMESPACE/NAME

    def is_here(self, gateway: str, namespace: str) -> bool:
        """Tell whether routes for a gateway, as an object of a namespace names it, may reach the proxy.

        Of a gateway that is not in the list nobody knows whose proxies it has.
        """
        if gateway == MESH:
            return not self.client.is_gateway
        full = gateway if "/" in gateway else f"{self.names.space(namespace)}/{gateway}"
        selector = self.gateways.get(full)
        return self.client.is_gateway and (selector is None or selector.items() <= self.client.labels.items())


def namespace_of(one: Value) -> str:
    """Return the namespace that an object names; empty for none."""
    return str(mapping(one, "metadata").get("namespace") or "")


class Reader:
    """Reads the routes of one VirtualService for one port and client."""

    def __init__(self, seen: Place, virtual_service: Value, ports: Mapping[str, int], port: int) -> None:
        self.seen = seen
        self.spec = mapping(virtual_service, "spec")
        self.namespace = namespace_of(virtual_service)
        self.ports = ports
        self.port = port

    def http(self) -> Iterator[Config]:
        for route in mappings(self.spec.get("http")):
            for match in mappings(route.get("match")) or [{}]:
                if self._applies(match):
                    yield self._route(route, match)

    def _applies(self, match: Value) -> bool:
        if match.get("port", self.port) != self.port:
            return False
        client = self.seen.client
        if gateways := strings(match.get("gateways")):  # Istio then looks at no source any more
            return any(self.seen.is_here(one, self.namespace) for one in gateways)
        wanted, space = mapping(match, "sourceLabels"), match.get("sourceNamespace", client.namespace)
        return wanted.items() <= client.labels.items() and space == client.namespace

    def _route(self, route: Value, match: Value) -> Config:
        made: Config = {"match": _match(match), "name": route.get("name", "")}
        if "delegate" in route:
            raise CannotTell("a VirtualService of the list hands its routes to another one")
        if "directResponse" in route:
            said = mapping(route, "directResponse")
            body = mapping(said, "body")
            return made | {
                "direct_response": {"status": said.get("status"), "body": {"inline_string": body.get("string", "")}}
            }
        if abort := mapping(mapping(route, "fault"), "abort"):
            made["typed_per_filter_config"] = {INJECTOR["name"]: {"abort": _abort(abort)}}
        if "redirect" in route:
            code = mapping(route, "redirect").get("redirectCode", 301)
            return made | {"redirect": {"response_code": _CODES.get(code, "MOVED_PERMANENTLY")}}
        made |= _headers(route)
        clusters = [
            {"name": self._cluster(mapping(one, "destination")), "weight": one.get("weight", 0), **_headers(one)}
            for one in mappings(route.get("route"))
        ]
        if len(clusters) == 1:
            one = clusters[0]
            for key in ("request_headers_to_add", "request_headers_to_remove"):
                made[key] = [*made.get(key, ()), *one.get(key, ())]
            return made | {"route": {"cluster": one["name"]}}
        return made | {"route": {"weighted_clusters": {"clusters": clusters}}}

    def _cluster(self, destination: Value) -> str:
        host = self.seen.names.resolved(str(destination.get("host")), self.namespace)
        port = mapping(destination, "port").get("number") or self.ports.get(host) or self.port
        return f"outbound|{port}|{destination.get('subset', '')}|{host}"


def _headers(part: Value) -> Config:
    """Return what a route or a destination does to the headers of requests."""
    request = mapping(mapping(part, "headers"), "request")
    added = {**mapping(request, "set"), **mapping(request, "add")}
    return {
        "request_headers_to_add": [{"header": {"key": key, "value": value}} for key, value in added.items()],
        "request_headers_to_remove": strings(request.get("remove")),
    }


def _abort(abort: Value) -> Config:
    percentage = mapping(abort, "percentage").get("value", 100)
    made: Config = {"percentage": {"numerator": percentage * 10_000, "denominator": "MILLION"}}
    return made | ({"http_status": abort["httpStatus"]} if "httpStatus" in abort else {})


def _match(match: Value) -> Config:
    uri = mapping(match, "uri")
    how = next(iter(uri), "")
    made: Config = {_PATHS[how]: uri[how]} if how in _PATHS else {"prefix": "/"}
    if how == "regex":
        made = {"safe_regex": {"regex": uri["regex"]}}
    if match.get("ignoreUriCase"):
        made["case_sensitive"] = False
    headers = [_header(name, rule) for name, rule in mapping(match, "headers").items()]
    for name, rule in mapping(match, "withoutHeaders").items():
        without = _header(name, rule) | {"invert_match": True}
        headers.append(without | ({} if "present_match" in without else {"treat_missing_header_as_empty": True}))
    headers += [_header(f":{key}", match[key]) for key in ("method", "authority", "scheme") if key in match]
    if headers:
        made["headers"] = headers
    if mapping(match, "queryParams"):
        made["query_parameters"] = [_rule(name, rule) for name, rule in mapping(match, "queryParams").items()]
    return made


def _header(name: str, rule: Any) -> Config:  # noqa: ANN401 - whatever the list has there
    return _rule(name.lower(), rule)


def _rule(name: str, rule: Any) -> Config:  # noqa: ANN401 - as above
    """Return the matcher of a StringMatch; an empty one asks only whether it is there."""
    if not isinstance(rule, dict) or not rule or rule == {"regex": "*"}:
        return {"name": name, "present_match": True}
    how, text = next(iter(rule.items()))
    return {"name": name, "string_match": {"safe_regex": {"regex": text}} if how == "regex" else {how: text}}
