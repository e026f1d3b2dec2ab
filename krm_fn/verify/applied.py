"""The list as it would be applied: which VirtualService serves a host, and what its routes say of a request.

A VirtualService's routes are read into Envoy's form, as Istio writes them (istio/istio,
pilot/pkg/networking/core/route/route.go), so that the same evaluator answers for the list and for the proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from krm_fn.objects import OWNER, annotations_of
from krm_fn.plan.exposure import MESH
from krm_fn.values import Value, mapping, mappings, strings
from krm_fn.verify.asked import CannotTell, Outcome, Request
from krm_fn.verify.filters import faults
from krm_fn.verify.routes import RouteTable

Config = dict[str, Any]

_PLAIN_PATH = re.compile(r"/[-\w.~/]*")  # what no proxy rewrites before it looks for a route
_MOST_PATHS = 8
_INJECTOR = {"name": "envoy.filters.http.fault", "typed_config": {"@type": "HTTPFault"}}
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


class Applied:
    """The objects of Istio that the list leads to, as one proxy sees them."""

    def __init__(self, manifests: Iterable[Value], names: Names, client: Client) -> None:
        self.names = names
        self.client = client
        self.refs: set[str] = set()
        self.with_tls: set[str] = set()  # DestinationRules that ask for TLS
        self.subsets: dict[tuple[str, str], Mapping[str, str]] = {}
        self.gateways: dict[str, Value] = {}  # NAMESPACE/NAME → selector
        self._served: dict[str, list[Value]] = {}
        self._tables: dict[tuple[str, int], RouteTable | None] = {}
        kinds: dict[str, list[Value]] = {}
        for one in manifests:
            if str(one.get("apiVersion", "")).startswith("networking.istio.io/"):
                self.refs.add(names.ref(one))
                kinds.setdefault(str(one.get("kind")), []).append(one)
        for one in kinds.get("Gateway", ()):
            self.gateways[names.ref(one).partition(" ")[2]] = mapping(mapping(one, "spec"), "selector")
        for one in kinds.get("DestinationRule", ()):
            self._rule(one)
        for one in kinds.get("VirtualService", ()):
            self._routes(one)

    def _routes(self, one: Value) -> None:
        spec, namespace = mapping(one, "spec"), _namespace(one)
        if any(self.is_here(gateway, namespace) for gateway in strings(spec.get("gateways")) or [MESH]):
            for host in strings(spec.get("hosts")):
                self._served.setdefault(self.names.resolved(host, namespace).lower(), []).append(one)

    def is_here(self, gateway: str, namespace: str) -> bool:
        """Tell whether routes for a gateway, as an object of a namespace names it, may reach the proxy.

        Of a gateway that is not in the list nobody knows whose proxies it has.
        """
        if gateway == MESH:
            return not self.client.is_gateway
        full = gateway if "/" in gateway else f"{self.names.space(namespace)}/{gateway}"
        selector = self.gateways.get(full)
        return self.client.is_gateway and (selector is None or selector.items() <= self.client.labels.items())

    def _rule(self, one: Value) -> None:
        spec = mapping(one, "spec")
        host = self.names.resolved(str(spec.get("host")), _namespace(one))
        for subset in mappings(spec.get("subsets")):
            labels = {str(key): str(value) for key, value in mapping(subset, "labels").items()}
            self.subsets[host, str(subset.get("name"))] = labels
        if "'tls'" in str(spec):
            self.with_tls.add(self.names.ref(one))

    def serving(self, host: str) -> list[Value]:
        """Return the VirtualServices of the list for a host: a Service's full name, or a gateway's host."""
        return self._served.get(host.lower(), [])

    def theirs(self) -> Iterator[tuple[str, Value]]:
        """Yield each host with the one VirtualService of the user's that serves it."""
        for host, serving in self._served.items():
            if len(serving) == 1 and is_theirs(serving[0]):
                yield host, serving[0]

    def paths(self, host: str) -> list[str]:
        """Return paths that the user's routes for a host tell apart, `/` first."""
        found = ["/"]
        for one in self.serving(host):
            routes = mappings(mapping(one, "spec").get("http")) if is_theirs(one) else []
            for match in (match for route in routes for match in mappings(route.get("match"))):
                uri = mapping(match, "uri")
                exact, prefix = uri.get("exact"), uri.get("prefix")
                found += [exact] if isinstance(exact, str) else []
                found += [f"{prefix.rstrip('/')}/verify"] if isinstance(prefix, str) else []
        return [one for one in dict.fromkeys(found) if _PLAIN_PATH.fullmatch(one)][:_MOST_PATHS]

    def destinations(self, one: Value) -> list[str]:
        """Return the full names of the Services that a VirtualService's HTTP routes lead to."""
        routes = [
            target for route in mappings(mapping(one, "spec").get("http")) for target in mappings(route.get("route"))
        ]
        hosts = [str(mapping(target, "destination").get("host")) for target in routes]
        return [self.names.resolved(host, _namespace(one)) for host in dict.fromkeys(hosts)]

    def outcomes(self, host: str, port: int, ports: Mapping[str, int], request: Request) -> tuple[Outcome, ...] | None:
        """Return what the list's routes say of a request; None where it has none for the host, or several.

        Args:
            host: the Service's full name, or a gateway's host.
            port: that is asked.
            ports: the only port of each Service that has but one, by full name.
            request: what is asked.

        Raises:
            CannotTell: where a route is not read here, such as one of a delegate.
        """
        key = (host, port)
        if key not in self._tables:
            serving = self.serving(host)
            table = None
            if len(serving) == 1:
                routes = list(_Reader(self, serving[0], ports, port).http())
                hosts = [{"name": host, "domains": ["*"], "routes": routes}]
                table = RouteTable({"virtual_hosts": hosts}) if routes else None
            self._tables[key] = table
        table = self._tables[key]
        if table is None:
            return None
        taken = table.take(table.config["virtual_hosts"][0], request, secure=True)
        return tuple(faults({"http_filters": [_INJECTOR]}, taken, request))


def is_theirs(one: Value) -> bool:
    """Tell whether an object is the user's, and not made by this function."""
    return OWNER not in annotations_of(one)


def _namespace(one: Value) -> str:
    return str(mapping(one, "metadata").get("namespace") or "")


class _Reader:
    """Reads the routes of one VirtualService for one port and client."""

    def __init__(self, applied: Applied, virtual_service: Value, ports: Mapping[str, int], port: int) -> None:
        self.applied = applied
        self.spec = mapping(virtual_service, "spec")
        self.namespace = _namespace(virtual_service)
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
        client = self.applied.client
        if gateways := strings(match.get("gateways")):  # Istio then looks at no source any more
            return any(self.applied.is_here(one, self.namespace) for one in gateways)
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
            made["typed_per_filter_config"] = {_INJECTOR["name"]: {"abort": _abort(abort)}}
        if "redirect" in route:
            code = mapping(route, "redirect").get("redirectCode", 301)
            return made | {"redirect": {"response_code": _CODES.get(code, "MOVED_PERMANENTLY")}}
        clusters = [
            {"name": self._cluster(mapping(one, "destination")), "weight": one.get("weight", 0)}
            for one in mappings(route.get("route"))
        ]
        if len(clusters) == 1:
            return made | {"route": {"cluster": clusters[0]["name"]}}
        return made | {"route": {"weighted_clusters": {"clusters": clusters}}}

    def _cluster(self, destination: Value) -> str:
        host = self.applied.names.resolved(str(destination.get("host")), self.namespace)
        port = mapping(destination, "port").get("number") or self.ports.get(host) or self.port
        return f"outbound|{port}|{destination.get('subset', '')}|{host}"


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
