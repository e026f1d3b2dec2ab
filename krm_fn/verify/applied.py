"""The list as it would be applied: which VirtualService serves a host, and what its routes say of a request.

Its routes are read into Envoy's form (translated.py): the same evaluator answers for the list and for the proxy.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from krm_fn.objects import OWNER, annotations_of
from krm_fn.plan.exposure import MESH
from krm_fn.values import Value, mapping, mappings, strings
from krm_fn.verify.asked import Outcome, Request
from krm_fn.verify.filters import faults
from krm_fn.verify.routes import RouteTable
from krm_fn.verify.translated import INJECTOR, Client, Names, Place, Reader, namespace_of

_PLAIN_PATH = re.compile(r"/[-\w.~/]*")  # what no proxy rewrites before it looks for a route
_MOST_PATHS = 8


class Applied:
    """The objects of Istio and of ours that the list leads to, as one proxy sees them."""

    def __init__(self, manifests: Iterable[Value], names: Names, client: Client) -> None:
        self.names = names
        self.place = Place(names, client)
        self.refs: set[str] = set()
        self.with_tls: set[str] = set()  # DestinationRules that ask for TLS
        self.subsets: dict[tuple[str, str], Mapping[str, str]] = {}
        self.backends: dict[str, Mapping[str, str]] = {}  # selectors of generated Services, by full name
        self._served: dict[str, list[Value]] = {}
        self._woven: set[str] = set()
        self._tables: dict[tuple[str, int], RouteTable | None] = {}
        kinds: dict[str, list[Value]] = {}
        for one in manifests:
            if str(one.get("apiVersion", "")).startswith("networking.istio.io/"):
                self.refs.add(names.ref(one))
                kinds.setdefault(str(one.get("kind")), []).append(one)
            elif not is_theirs(one):
                self._of_any_mesh(one)
        for one in kinds.get("Gateway", ()):
            self.place.gateways[names.ref(one).partition(" ")[2]] = mapping(mapping(one, "spec"), "selector")
        for one in kinds.get("DestinationRule", ()):
            self._rule(one)
        for one in kinds.get("VirtualService", ()):
            self._routes(one)

    def _of_any_mesh(self, one: Value) -> None:
        """Take a generated object that is none of Istio's: a Service of one environment, or a route to such."""
        kind, name = one.get("kind"), str(mapping(one, "metadata").get("name"))
        selector = mapping(mapping(one, "spec"), "selector")
        if kind == "Service" and selector:
            labels = {str(key): str(value) for key, value in selector.items()}
            self.backends[self.names.host(namespace_of(one), name)] = labels
        elif kind in ("HTTPRoute", "GRPCRoute"):  # a proxy's metadata does not tell them apart
            self.refs.add(self.names.ref({**one, "kind": "HTTPRoute"}))

    def _routes(self, one: Value) -> None:
        spec, namespace = mapping(one, "spec"), namespace_of(one)
        if any(self.place.is_here(gateway, namespace) for gateway in strings(spec.get("gateways")) or [MESH]):
            for host in strings(spec.get("hosts")):
                full = self.names.resolved(host, namespace).lower()
                self._served.setdefault(full, []).append(one)
                self._woven |= {full} if is_theirs(one) else set()

    def _rule(self, one: Value) -> None:
        spec = mapping(one, "spec")
        host = self.names.resolved(str(spec.get("host")), namespace_of(one))
        for subset in mappings(spec.get("subsets")):
            labels = {str(key): str(value) for key, value in mapping(subset, "labels").items()}
            self.subsets[host, str(subset.get("name"))] = labels
        if "'tls'" in str(spec):
            self.with_tls.add(self.names.ref(one))

    def serving(self, host: str) -> list[Value]:
        """Return the VirtualServices of the list for a host: a Service's full name, or a gateway's host."""
        return self._served.get(host.lower(), [])

    def is_woven(self, host: str) -> bool:
        """Tell whether a VirtualService of the user's serves a host."""
        return bool(self._woven) and host.lower() in self._woven

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
        return [self.names.resolved(host, namespace_of(one)) for host in dict.fromkeys(hosts)]

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
                routes = list(Reader(self.place, serving[0], ports, port).http())
                hosts = [{"name": host, "domains": ["*"], "routes": routes}]
                table = RouteTable({"virtual_hosts": hosts}) if routes else None
            self._tables[key] = table
        table = self._tables[key]
        if table is None:
            return None
        taken = table.take(table.config["virtual_hosts"][0], request, secure=True)
        return tuple(faults([INJECTOR], taken, request))


def is_theirs(one: Value) -> bool:
    """Tell whether an object is the user's, and not made by this function."""
    return OWNER not in annotations_of(one)
