"""The user's own HTTPRoutes and GRPCRoutes: which are woven, and which ports of Services those take care of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from krm_fn.gateway_api.backends import Backends
from krm_fn.gateway_api.routes import Wanted
from krm_fn.gateway_api.theirs import Reference, Route, Theirs
from krm_fn.gateway_api.weaving import findings, neighbours, ties
from krm_fn.gateway_api.weaving.loom import Loom
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.services import Key, Traffic
from krm_fn.results import Code, Result


class Woven(NamedTuple):
    """The routes beside the user's own, the ports of Services that those take care of, and what there is to say."""

    routes: tuple[Wanted, ...]
    covered: Mapping[Key, frozenset[int]]
    results: tuple[Result, ...]


def weave(theirs: Theirs, plan: Plan, backends: Backends) -> Woven:
    """Return what the user's own routes need so that they serve the plan."""
    plans = {one.key: one for one in plan.services if one.is_split and not one.service.headless}
    routed = {one.key: one for one in plan.services if one.needs_routes}
    meant = dict(plans)
    for key, one in plans.items():  # a route may name the base's own Service, and then needs no label in the user's
        home = one.home(one.base_answer)
        meant[home, backends.names[home, key[1], one.base_answer or one.base]] = one
    found = [[(one, meant[one.key]) for one in route.backends() if one.key in meant] for route in theirs.routes]
    leading = {place: [plan for _, plan in one] for place, one in enumerate(found) if one}
    copied, shown = neighbours.copied(theirs.routes, leading), neighbours.on_hosts_of(theirs.routes, leading)
    looms = [
        Loom(theirs.routes[place], meant, backends, found[place], copied.get(place, []), shown.get(place, []))
        for place in sorted(copied.keys() | shown.keys())
    ]
    covered: dict[Key, set[int]] = defaultdict(set)
    results: list[Result] = []
    kinds: dict[tuple[Key, int], str] = {}
    hung = [(route, parent) for route in theirs.routes for parent in route.parents()]
    for route, parent in hung:
        kind, ports = route.object.ref.kind, sorted(_covered(route, parent, routed))
        covered[parent.key].update(ports)
        others = [port for port in ports if kinds.setdefault((parent.key, port), kind) != kind]
        results += [_both_kinds(route, parent, port) for port in others]
    return Woven(
        tuple(wanted for one in looms for wanted in one.wanted()),
        {key: frozenset(ports) for key, ports in covered.items()},
        (
            *results,
            *(result for one in looms for result in findings.find(one)),
            *ties.find(theirs.routes, copied),
        ),
    )


def _covered(route: Route, parent: Reference, plans: Mapping[Key, ServicePlan]) -> set[int]:
    """Return the ports of a Service whose clients, all of them, follow a route of the user's."""
    plan = plans.get(parent.key)
    if plan is None or route.namespace != parent.key[0]:
        return set()  # a route in another namespace is for the clients there
    ports = {port.number for port in plan.ports(Traffic.HTTP, Traffic.SNIFFED)}
    return ports & {parent.value["port"]} if "port" in parent.value else ports


def _both_kinds(route: Route, parent: Reference, port: int) -> Result:
    message = (
        f"is one of an HTTPRoute and a GRPCRoute for port {port} of Service {parent.key[1]}: which of them holds "
        "differs from mesh to mesh; keep one"
    )
    return Result(Code.ROUTE_UNWOVEN, message, route.object.ref, parent.field)
