"""A user's TCP and TLS routes to Services of several environments: connections show no header."""

from __future__ import annotations

from collections.abc import Sequence

from krm_fn.istio.destinations import destinations, with_destination
from krm_fn.istio.routes import ServiceRoutes
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.weaving.known import plans
from krm_fn.istio.weaving.targets import Additions, Loomed, Needed, Target, Woven, together
from krm_fn.plan.environments import deepest_first
from krm_fn.results import Code, Result
from krm_fn.text.edits import Put
from krm_fn.values import Value, mapping, mappings


def woven(loomed: Loomed) -> Additions:
    """Return what is added to the routes and put before them."""
    return together(
        _connections(loomed, protocol, place, route)
        for protocol in ("tls", "tcp")
        for place, route in enumerate(loomed.one.routes(protocol))
    )


def _connections(loomed: Loomed, protocol: str, place: int, route: Value) -> Additions:
    targets = loomed.targets(route)
    services = plans(targets)
    if not services:
        return Additions()
    pins = _pinned(loomed, protocol, place, targets)
    said = Additions(
        results=tuple(
            result
            for number, target in enumerate(targets)
            for result in loomed.about(target, f"spec.{protocol}[{place}].route[{number}].destination")
        )
    )
    if protocol == "tls":
        return together([pins, said])
    label = services[0].config.env_label.name
    callers = deepest_first({name for plan in services for name, _ in plan.callers()}, services[0].splitter)
    routes = []
    for caller in callers:
        match = [
            {**one, "sourceLabels": {**mapping(one, "sourceLabels"), label: caller}}
            for one in mappings(route.get("match")) or [{}]
            if mapping(one, "sourceLabels").get(label, caller) == caller  # the user's own word stays
        ]
        if match:
            routes.append(_of_caller(match, mappings(route.get("route")), targets, caller))
    return together([pins, said, loomed.inserted(protocol, place, routes)])


def _of_caller(match: Sequence[Value], entries: Sequence[Value], targets: Sequence[Target], caller: str) -> Woven:
    """Return where a caller's connections go; nowhere is the base's subset without pods."""
    plain = {"match": match, "route": entries}
    led = []
    for entry, target in zip(entries, targets, strict=True):
        found = Woven(target.destination)
        if target.subsets:
            plan = target.subsets.plan
            found = target.at(target.subsets.of_connections(plan.answer(caller).environment or plan.base, plain))
        led.append(({**entry, "destination": found.value}, found.needed))
    needed = tuple(needed for _, parts in led for needed in parts)
    return Woven({"match": match, "route": [entry for entry, _ in led]}, needed)


def _pinned(loomed: Loomed, protocol: str, place: int, targets: Sequence[Target]) -> Additions:
    """Keep the connections of a user's route to the base. Istio takes no second route for the same connections."""
    edits: list[Put] = []
    needed: list[Needed] = []
    results: list[Result] = []
    for number, target in enumerate(targets):
        if target.subsets is None or (target.subset and not target.is_moved):
            continue
        path = ("spec", protocol, place, "route", number, "destination")
        base = target.subsets.of_base()
        if base.host:
            results.append(_elsewhere(loomed, target.subsets, f"spec.{protocol}[{place}].route[{number}]", base.host))
        elif base.subset:
            edits.append(Put(path, "subset", base.subset["name"], after="host"))
            needed.append((base.key, base.subset))
    return Additions(tuple(edits), needed=tuple(needed), results=tuple(results))


def _elsewhere(loomed: Loomed, subsets: Subsets, path: str, host: str) -> Result:
    """Return the error about connections whose base lives in another namespace, which no added line can lead to."""
    message = (
        f"sends connections to {subsets.plan.service.ref}, whose base {subsets.plan.base!r} has its pods in another "
        f"of the joined namespaces, and a connection's route cannot have a copy before it: write the host {host}"
    )
    code = Code.HOST_TAKEN if subsets.plan.key in loomed.served else Code.ROUTED_BY_USER
    return Result(code, message, loomed.one.object.ref, f"{path}.destination.host")


def marked(route: Value, subsets: Subsets) -> Woven:
    """Return a TCP route of the function's with a mark in place of the usual subset."""
    environments = {name: environment for environment, name in ServiceRoutes(subsets.plan).names.items()}
    needed: list[Needed] = []
    for path, destination in list(destinations(route)):
        if "subset" in destination:
            place = subsets.of_connections(environments[destination["subset"]], route)
            if place.subset:
                needed.append((place.key, place.subset))
                route = with_destination(route, path, {**destination, "subset": place.subset["name"]})
    return Woven(route, tuple(needed))
