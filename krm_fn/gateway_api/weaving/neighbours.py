"""Which routes of the user's are copied for which environments: those that lead there, and their rivals.

A copy has one header more than its rule. A rule of another route at the same place, with the same path and method,
whose headers are as many as the rule's or one more, was told from it by their number, by queries or age; against the
copy it would lose, or tie. So it is copied for the same environments, and all is as it was, one header higher.

Precedence: https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence

from krm_fn.gateway_api.theirs import Route
from krm_fn.plan.answers import ServicePlan
from krm_fn.values import Value, mapping, mappings

Plans = Sequence[ServicePlan]
_Form = tuple[Hashable, int]  # what decides before headers are counted, and their number


def copied(routes: Sequence[Route], leading: Mapping[int, Plans]) -> dict[int, list[ServicePlan]]:
    """Return for each route that is to be copied, by its place, the Services for whose environments it is.

    `leading` are those that lead to Services of several environments.
    """
    if not leading:
        return {}
    places: dict[Hashable, list[int]] = defaultdict(list)
    for number, route in enumerate(routes):
        for place in _places(route):
            places[place].append(number)
    forms = {number: set(_forms(route)) for number, route in enumerate(routes)}
    groups: dict[int, list[int]] = {}
    for first in leading:
        if first not in groups:
            group = _reached(first, routes, places, forms)
            groups |= dict.fromkeys(group, group)
    return {
        number: list({plan.key: plan for one in group for plan in leading.get(one, ())}.values())
        for number, group in groups.items()
    }


def on_hosts_of(routes: Sequence[Route], leading: Mapping[int, Plans]) -> dict[int, list[ServicePlan]]:
    """Return for each route on a host of a gateway that one of `leading` has, too, the Services that those lead to."""
    by_host: dict[Hashable, list[ServicePlan]] = defaultdict(list)
    for number, plans in leading.items():
        for place in _places(routes[number]):
            by_host[place] += plans
    found = {
        number: {plan.key: plan for place in _places(route) for plan in by_host.get(place, ())}
        for number, route in enumerate(routes)
        if by_host and route.hosts
    }
    return {number: list(plans.values()) for number, plans in found.items() if plans}


def _reached(
    first: int,
    routes: Sequence[Route],
    places: Mapping[Hashable, Sequence[int]],
    forms: Mapping[int, set[_Form]],
) -> list[int]:
    """Return a route, and all that its copies could beat, and those that theirs could."""
    group = [first]
    for number in group:
        near = {other for place in _places(routes[number]) for other in places[place]}
        risky = {(key, count + more) for key, count in forms[number] for more in (-1, 0, 1)}
        group += sorted(one for one in near.difference(group) if risky & forms[one])
    return sorted(group)


def _places(route: Route) -> Iterator[Hashable]:
    """Yield where routes meet: a Service, or a host of a gateway; a more special host is asked first."""
    kind = route.object.ref.kind
    for parent in route.all_parents:
        key = (kind, str(parent.get("kind", "Gateway")), *route.key(parent))
        if parent.get("kind") == "Service":
            yield key
        else:
            for host in route.hosts or [""]:
                yield (*key, host.lower())


def _forms(route: Route) -> Iterator[_Form]:
    for rule in route.rules:
        for match in mappings(rule.get("matches")) or [{}]:
            yield decided_before(route, match), len(mappings(match.get("headers")))


def decided_before(route: Route, match: Value) -> Hashable:
    """Return what of a match decides before its headers are counted."""
    if route.object.ref.kind == "GRPCRoute":
        method = mapping(match, "method")
        return tuple(str(method.get(one, "")) for one in ("type", "service", "method"))
    path = mapping(match, "path")
    kind = str(path.get("type", "PathPrefix"))
    text = str(path.get("value", "/")).rstrip("/") if kind == "PathPrefix" else str(path.get("value", ""))
    return kind, "" if kind == "RegularExpression" else text, str(match.get("method", ""))
