"""What a user's VirtualService for a Service's host leaves open, and routes for just that.

Istio settles the gateways, the source and the port of a match for each proxy and port before it makes routes. A proxy
that is left with no route gets Istio's own, to every pod; one that is left with any answers 404 to what they do not
take (istio/istio, pilot/pkg/networking/core/route, TranslateRoute and sourceMatchHTTP; core/tls.go for TCP).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krm_fn.istio.destinations import theirs_elsewhere
from krm_fn.istio.routes import ServiceRoutes
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.weaving.connections import marked
from krm_fn.istio.weaving.targets import Additions, Loomed, Woven
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Port, Traffic
from krm_fn.results import Code, Result
from krm_fn.signatures import signed
from krm_fn.values import Manifest, Value, mappings

_SOURCE = ("sourceLabels", "sourceNamespace")
# What of a match Istio settles itself, so that a match of these alone takes every request of a proxy.
_SETTLED = {*_SOURCE, "gateways", "port", "name", "statPrefix", "ignoreUriCase"}
_NOT_FOUND = {"directResponse": {"status": 404}}


def closed(loomed: Loomed, subsets: Subsets) -> Iterator[Additions]:
    """Yield the routes of what the VirtualService does not speak of, for the one Service whose host it has."""
    plan = subsets.plan
    routes: list[Woven] = []
    for port in plan.ports(Traffic.HTTP, Traffic.SNIFFED):
        sources = _http_sources(loomed, port)
        if sources is None:
            continue
        at = {} if len(plan.service.ports) == 1 else {"port": port.number}
        routes += [_unrouted(loomed, {**source, **at}) for source in sources]
        made = ServiceRoutes(plan, subsets.names).http([port])
        routes += [_of_mesh(loomed, route) for route in made]
    yield loomed.inserted("http", len(loomed.one.routes("http")), routes)
    tcp = [port for port in plan.ports(Traffic.TCP, Traffic.SNIFFED) if not _is_taken(loomed, port)]
    connections = [marked(_for_mesh(loomed, route), subsets) for route in ServiceRoutes(plan).tcp(tcp)]
    yield loomed.inserted("tcp", len(loomed.one.routes("tcp")), connections)


def told(loomed: Loomed, served: Iterable[Subsets], why: str, advice: str) -> Iterator[Result]:
    """Yield a finding for each Service whose ports are left open where no route can be added, with the reason."""
    for subsets in served:
        plan = subsets.plan
        ports = {
            port.number for port in plan.ports(Traffic.HTTP, Traffic.SNIFFED) if _http_sources(loomed, port) is not None
        }
        ports |= {port.number for port in plan.ports(Traffic.TCP, Traffic.SNIFFED) if not _is_taken(loomed, port)}
        if ports:
            numbers = ", ".join(map(str, sorted(ports)))
            message = (
                f"{why}, and leaves requests to port {numbers} of {plan.service.ref} open, for some clients or all: "
                f"they reach pods of any environment; {advice}"
            )
            yield Result(Code.PORTS_OPEN, message, loomed.one.object.ref, "spec.hosts")


def _http_sources(loomed: Loomed, port: Port) -> list[Value] | None:
    """Return the sources whose requests to a port meet some route, but may find none; None if every proxy has one."""
    sources: list[Value] = []
    for route in loomed.one.routes("http"):
        for match in mappings(route.get("match")) or [{}]:
            if not _is_here(match, port):
                continue
            # Istio reads no source beside gateways.
            source = {} if match.get("gateways") else _source(match)
            if not source:
                return None
            if set(match) - _SETTLED and source not in sources:
                sources.append(source)
    return sources


def _is_taken(loomed: Loomed, port: Port) -> bool:
    """Tell whether the TCP routes take every connection to a port of a sidecar."""
    return any(
        _is_here(match, port) and not _source(match) and not match.get("destinationSubnets")
        for route in loomed.one.routes("tcp")
        for match in mappings(route.get("match")) or [{}]
    )


def _is_here(match: Value, port: Port) -> bool:
    """Tell whether a match holds for sidecars at a port."""
    return MESH in (match.get("gateways") or [MESH]) and (match.get("port") or port.number) == port.number


def _source(match: Value) -> Manifest:
    return {key: match[key] for key in _SOURCE if match.get(key)}


def _unrouted(loomed: Loomed, match: Value) -> Woven:
    """Return the 404 that the requests of a source get which no route of the user's takes."""
    return Woven(signed({"match": [match], **_NOT_FOUND}, "unrouted", loomed.owner))


def _of_mesh(loomed: Loomed, route: Value) -> Woven:
    return Woven(signed(_for_mesh(loomed, route), route["name"], loomed.owner))


def _for_mesh(loomed: Loomed, route: Value) -> Value:
    """Return a Service's own route as the VirtualService says it, for sidecars only where it is a gateway's, too."""
    here = loomed.served[0][0]
    if loomed.one.namespace != here:
        route = theirs_elsewhere(route, here, loomed.domain)
    if set(loomed.one.gateways) == {MESH}:
        return route
    match = [{**one, "gateways": [MESH]} for one in route.get("match") or [{}]]
    return {**route, "match": match}
