"""What of a user's VirtualService shows no header, or is not spoken of: TCP and TLS routes, and ports left open."""

from __future__ import annotations

from collections.abc import Sequence

from krm_fn.istio.manifests import ServiceRoutes
from krm_fn.istio.weaving.marks import destinations, signed, with_destination
from krm_fn.istio.weaving.subsets import Subsets
from krm_fn.istio.weaving.targets import Draft, Manifest, Target, Value
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.environments import deepest_first
from krm_fn.plan.inventory import Port, Traffic
from krm_fn.results import Code, Result
from krm_fn.text.edits import Put
from krm_fn.values import mapping, mappings


def weave(draft: Draft, served: Sequence[Subsets]) -> None:
    """Collect the edits; `served` are the Services whose host in the mesh is this VirtualService's."""
    for protocol in ("tls", "tcp"):
        for place, route in enumerate(mappings(draft.spec.get(protocol))):
            _connections(draft, protocol, place, route)
    if len(served) == 1:
        _complete(draft, served[0])
        return
    for subsets in served:
        _report_open(draft, subsets)


def _connections(draft: Draft, protocol: str, place: int, route: Value) -> None:
    targets = draft.targets(route)
    plans = draft.plans(targets)
    if not plans:
        return
    _pin(draft, protocol, place, targets)
    draft.warn_about_leaks(targets, f"spec.{protocol}[{place}]")
    if protocol == "tls":
        return
    label = plans[0].config.env_label.name
    callers = deepest_first({name for plan in plans for name, _ in plan.callers()}, plans[0].splitter)
    routes = []
    for caller in callers:
        match = [
            {**one, "sourceLabels": {**mapping(one, "sourceLabels"), label: caller}}
            for one in mappings(route.get("match")) or [{}]
        ]
        routes.append(_connection_route(match, targets, caller))
    draft.insert(protocol, place, routes)


def _connection_route(match: Sequence[Value], targets: Sequence[Target], caller: str) -> Manifest:
    """Return where a caller's connections go; nowhere is the base's subset without pods."""
    plain = {"match": match, "route": [target.value for target in targets]}
    route = []
    for target in targets:
        destination = dict(mapping(target.value, "destination"))
        if target.subsets:
            plan = target.subsets.plan
            answer = plan.answer(caller).environment or plan.base
            destination["subset"] = target.subsets.of_connections(answer, plain)
        route.append({**target.value, "destination": destination})
    return {"match": match, "route": route}


def _pin(draft: Draft, protocol: str, place: int, targets: Sequence[Target]) -> None:
    """Keep the connections of a user's route to the base. Istio takes no second route for the same connections."""
    for number, target in enumerate(targets):
        if target.subsets and not target.subset:
            path = ("spec", protocol, place, "route", number, "destination")
            draft.edits.append(Put(path, "subset", target.subsets.of_base(), after="host"))


def _complete(draft: Draft, subsets: Subsets) -> None:
    """Add the routes of ports that the VirtualService does not speak of: no other one can."""
    plan = subsets.plan
    http, tcp = _open(draft, plan)
    made = ServiceRoutes(plan, subsets.names).http(http)
    marked = [signed(route, route["name"], draft.owner) for route in made]
    draft.insert("http", len(mappings(draft.spec.get("http"))), marked)
    routes = [_marked(route, subsets) for route in ServiceRoutes(plan).tcp(tcp)]
    draft.insert("tcp", len(mappings(draft.spec.get("tcp"))), routes)


def _report_open(draft: Draft, subsets: Subsets) -> None:
    """Report ports that a VirtualService of several Services leaves open; a route of one would take all requests."""
    plan = subsets.plan
    ports = {port.number for protocol in _open(draft, plan) for port in protocol}
    if ports:
        numbers = ", ".join(map(str, sorted(ports)))
        message = (
            f"has the hosts of several Services, and leaves requests to port {numbers} of {plan.service.ref} open: "
            "they reach pods of any environment; give each Service a VirtualService of its own"
        )
        draft.results.append(Result(Code.PORTS_OPEN, message, draft.one.ref, "spec.hosts"))


def _marked(route: Value, subsets: Subsets) -> Value:
    """Return a TCP route of the function's with a mark in place of the usual subset."""
    environments = {name: environment for environment, name in ServiceRoutes(subsets.plan).names.items()}
    for path, destination in list(destinations(route)):
        environment = environments[destination["subset"]]
        route = with_destination(route, path, {**destination, "subset": subsets.of_connections(environment, route)})
    return route


def _open(draft: Draft, plan: ServicePlan) -> tuple[list[Port], list[Port]]:
    """Return the ports of a Service whose requests, and whose plain connections, no route speaks of."""
    return (
        _open_ports(draft, "http", plan.ports(Traffic.HTTP, Traffic.SNIFFED)),
        _open_ports(draft, "tcp", plan.ports(Traffic.TCP, Traffic.SNIFFED)),
    )


def _open_ports(draft: Draft, protocol: str, ports: Sequence[Port]) -> list[Port]:
    spoken_of: set[object] = set()
    for route in mappings(draft.spec.get(protocol)):
        for match in mappings(route.get("match")) or [{}]:
            spoken_of.add(match.get("port"))
    return [port for port in ports if not spoken_of & {None, port.number}]
