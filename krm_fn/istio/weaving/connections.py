"""What of a user's VirtualService shows no header, or is not spoken of: TCP and TLS routes, and ports left open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.istio.destinations import destinations, with_destination
from krm_fn.istio.routes import ServiceRoutes
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.weaving.targets import Additions, Loomed, Needed, Target, Woven, plans, together
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.environments import deepest_first
from krm_fn.plan.services import Port, Traffic
from krm_fn.results import Code, Result
from krm_fn.signatures import signed
from krm_fn.text.edits import Put
from krm_fn.values import Value, mapping, mappings


def woven(loomed: Loomed, served: Sequence[Subsets]) -> Additions:
    """Return the additions; `served` are the Services whose host in the mesh is this VirtualService's."""
    connections = [
        _connections(loomed, protocol, place, route)
        for protocol in ("tls", "tcp")
        for place, route in enumerate(loomed.one.routes(protocol))
    ]
    if len(served) == 1:
        return together([*connections, *_complete(loomed, served[0])])
    left_open = tuple(_left_open(loomed, served))
    return together([*connections, Additions(results=left_open)])


def _connections(loomed: Loomed, protocol: str, place: int, route: Value) -> Additions:
    targets = loomed.targets(route)
    services = plans(targets)
    if not services:
        return Additions()
    pins = _pinned(protocol, place, targets)
    said = Additions(results=tuple(loomed.leaks(targets, f"spec.{protocol}[{place}]")))
    if protocol == "tls":
        return together([pins, said])
    label = services[0].config.env_label.name
    callers = deepest_first({name for plan in services for name, _ in plan.callers()}, services[0].splitter)
    routes = []
    for caller in callers:
        match = [
            {**one, "sourceLabels": {**mapping(one, "sourceLabels"), label: caller}}
            for one in mappings(route.get("match")) or [{}]
        ]
        routes.append(_of_caller(match, targets, caller))
    return together([pins, said, loomed.inserted(protocol, place, routes)])


def _of_caller(match: Sequence[Value], targets: Sequence[Target], caller: str) -> Woven:
    """Return where a caller's connections go; nowhere is the base's subset without pods."""
    plain = {"match": match, "route": [target.value for target in targets]}
    led = []
    for target in targets:
        subset = None
        if target.subsets:
            plan = target.subsets.plan
            subset = target.subsets.of_connections(plan.answer(caller).environment or plan.base, plain)
        led.append(target.led_to(subset))
    needed = tuple(needed for one in led for needed in one.needed)
    return Woven({"match": match, "route": [one.value for one in led]}, needed)


def _pinned(protocol: str, place: int, targets: Sequence[Target]) -> Additions:
    """Keep the connections of a user's route to the base. Istio takes no second route for the same connections."""
    edits: list[Put] = []
    needed: list[Needed] = []
    for number, target in enumerate(targets):
        if target.subsets and not target.subset:
            subset = target.subsets.of_base()
            path = ("spec", protocol, place, "route", number, "destination")
            edits.append(Put(path, "subset", subset["name"], after="host"))
            needed.append((target.subsets.plan.key, subset))
    return Additions(tuple(edits), needed=tuple(needed))


def _complete(loomed: Loomed, subsets: Subsets) -> Iterator[Additions]:
    """Yield the routes of ports that the VirtualService does not speak of: no other one can."""
    plan = subsets.plan
    http, tcp = _open(loomed, plan)
    made = ServiceRoutes(plan, subsets.names).http(http)
    marked = [Woven(signed(route, route["name"], loomed.owner)) for route in made]
    yield loomed.inserted("http", len(loomed.one.routes("http")), marked)
    routes = [_marked(route, subsets) for route in ServiceRoutes(plan).tcp(tcp)]
    yield loomed.inserted("tcp", len(loomed.one.routes("tcp")), routes)


def _left_open(loomed: Loomed, served: Sequence[Subsets]) -> Iterator[Result]:
    """Yield ports that a VirtualService of several Services leaves open; a route of one would take all requests."""
    for subsets in served:
        plan = subsets.plan
        ports = {port.number for protocol in _open(loomed, plan) for port in protocol}
        if ports:
            numbers = ", ".join(map(str, sorted(ports)))
            message = (
                f"has the hosts of several Services, and leaves requests to port {numbers} of {plan.service.ref} "
                "open: they reach pods of any environment; give each Service a VirtualService of its own"
            )
            yield Result(Code.PORTS_OPEN, message, loomed.one.object.ref, "spec.hosts")


def _marked(route: Value, subsets: Subsets) -> Woven:
    """Return a TCP route of the function's with a mark in place of the usual subset."""
    environments = {name: environment for environment, name in ServiceRoutes(subsets.plan).names.items()}
    needed: list[Needed] = []
    for path, destination in list(destinations(route)):
        subset = subsets.of_connections(environments[destination["subset"]], route)
        needed.append((subsets.plan.key, subset))
        route = with_destination(route, path, {**destination, "subset": subset["name"]})
    return Woven(route, tuple(needed))


def _open(loomed: Loomed, plan: ServicePlan) -> tuple[list[Port], list[Port]]:
    """Return the ports of a Service whose requests, and whose plain connections, no route speaks of."""
    return (
        _open_ports(loomed, "http", plan.ports(Traffic.HTTP, Traffic.SNIFFED)),
        _open_ports(loomed, "tcp", plan.ports(Traffic.TCP, Traffic.SNIFFED)),
    )


def _open_ports(loomed: Loomed, protocol: str, ports: Sequence[Port]) -> list[Port]:
    spoken_of: set[object] = set()
    for route in loomed.one.routes(protocol):
        for match in mappings(route.get("match")) or [{}]:
            spoken_of.add(match.get("port"))
    return [port for port in ports if not spoken_of & {None, port.number}]
