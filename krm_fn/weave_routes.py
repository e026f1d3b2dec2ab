"""A user's routes to Services of several environments → the routes to put before them, and the pins in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krm_fn.edits import Insert, Path, Put
from krm_fn.environments import deepest_first, levels
from krm_fn.inventory import Port, Traffic
from krm_fn.marks import destinations, signed, with_destination
from krm_fn.objects import Object
from krm_fn.parts import mapping, mappings
from krm_fn.plan import Route, ServicePlan
from krm_fn.render.carriers import header_matches
from krm_fn.render.istio import ServiceRoutes
from krm_fn.results import Code, Ref, Result
from krm_fn.weave_subsets import Subsets

Value = Mapping[str, Any]
Manifest = dict[str, Any]
_MIRRORS = ("mirror", "mirrors")
_ELSEWHERE = ("redirect", "directResponse", "delegate")


@dataclass(frozen=True, slots=True)
class Target:
    """A destination of a route, and what is known of its Service: None where its requests need no care."""

    value: Value
    subsets: Subsets | None

    @property
    def subset(self) -> str:
        return str(mapping(self.value, "destination").get("subset", ""))

    @property
    def names_environment(self) -> bool:
        """Whether the user sent it to an environment other than the base's on purpose."""
        if self.subsets is None:
            return False
        labels = self.subsets.labels_of(self.subset) if self.subset else None
        named = (labels or {}).get(self.subsets.label)
        return named is not None and named != self.subsets.plan.base_answer


class Weaver:
    """The edits of one VirtualService of the user's.

    Args:
        one: the VirtualService, without this function's additions.
        spec: its spec.
        service_of: the Services with routes that its hosts can name, by host as written.
        owner: the config whose additions these are.
    """

    def __init__(self, one: Object, spec: Value, service_of: Mapping[str, Subsets], owner: str) -> None:
        self.owner = owner
        self.one = one
        self.spec = spec
        self.service_of = service_of
        self.edits: list[Insert | Put] = []
        self.added: list[Value] = []
        self.results: list[Result] = []
        self.known: dict[tuple[Ref, ...], list[tuple[Route, list[Value]]]] = {}  # by Services

    def weave(self, served: Iterable[Subsets]) -> None:
        """Collect the edits; `served` are the Services whose host in the mesh is this VirtualService's."""
        for place, route in enumerate(mappings(self.spec.get("http"))):
            if not any(key in route for key in _ELSEWHERE):
                self._http(place, route)
        for protocol in ("tls", "tcp"):
            for place, route in enumerate(mappings(self.spec.get(protocol))):
                self._connections(protocol, place, route)
        for subsets in served:
            self._complete(subsets)

    def _insert(self, protocol: str, index: int, routes: Sequence[Value]) -> None:
        if not routes:
            return
        self.added += routes
        if isinstance(self.spec.get(protocol), list) and self.spec[protocol]:
            self.edits.append(Insert(("spec", protocol), index, routes))
        else:
            self.edits.append(Put(("spec",), protocol, list(routes)))

    def _targets(self, route: Value) -> list[Target]:
        return [
            Target(one, self.service_of.get(str(mapping(one, "destination").get("host", ""))))
            for one in mappings(route.get("route"))
        ]

    # HTTP routes.

    def _http(self, place: int, route: Value) -> None:
        targets = self._targets(route)
        plans = [target.subsets.plan for target in targets if target.subsets and not target.names_environment]
        if not plans:
            if any(True for _ in self._mirrors(route)):
                self._insert("http", place, [self._for_nobody(route, targets)])
            return
        path = f"spec.http[{place}]"
        if problem := self._reads_carrier(route, plans[0]):
            message = (
                f"matches {problem}, so it is left as it is: an environment's requests that it takes go where it says; "
                "leave the environments to this function and remove that match, if it was meant for them"
            )
            self.results.append(Result(Code.ROUTE_READS_ENVIRONMENT, message, self.one.ref, f"{path}.match"))
            return
        routes = [self._variant(route, targets, *one) for one in self._told_apart(plans)]
        routes = [one for one in routes if one]
        if self._is_unmatched(targets):
            routes.append(self._rejecting(route, targets))
        elif any(self._needs_pin(target) for target in targets) or any(True for _ in self._mirrors(route)):
            routes.append(self._for_nobody(route, targets))
        self._warn_about_leaks(targets, path)
        self._insert("http", place, routes)

    def _reads_carrier(self, route: Value, plan: ServicePlan) -> str:
        names = {plan.config.env_header.name.lower()}
        names |= {alias.name.lower() for alias in plan.config.env_header.aliases if alias.name}
        for match in mappings(route.get("match")):
            for key in ("headers", "withoutHeaders"):
                for name in mapping(match, key):
                    if str(name).lower() in names:
                        return f"the header {name}, which carries the environment"
        return ""

    def _told_apart(self, plans: Sequence[ServicePlan]) -> list[tuple[Route, list[Value]]]:
        """Return what to tell apart before a route to some Services, and how; most routes lead to the same ones."""
        key = tuple(plan.service.ref for plan in plans)
        if key not in self.known:
            self.known[key] = [(one, list(header_matches(plans[0].config.env_header, one))) for one in _routes(plans)]
        return self.known[key]

    def _variant(self, route: Value, targets: Sequence[Target], one: Route, carriers: Sequence[Value]) -> Manifest:
        match = self._combined(route, carriers)
        destinations = _collapsed(
            {**target.value, "destination": destination}
            for target in targets
            if (destination := self._destination(target, one.environment)) is not None
        )
        if not match or not destinations:
            return {}
        route = self._mirrored(route, one.environment)
        rest = {key: part for key, part in route.items() if key not in ("name", "match", "route")}
        return self._signed({"match": match, "route": destinations, **rest}, one.environment, route)

    def _needs_pin(self, target: Target) -> bool:
        """Tell whether requests without an environment would reach pods of any."""
        if target.subsets is None or target.subset:
            return False
        plan = target.subsets.plan
        return plan.base_answer is not None or plan.config.unmatched == "reject"

    def _for_nobody(self, route: Value, targets: Sequence[Target]) -> Manifest:
        """Return the route, kept to the base; it stands before the user's own, which stays as it is."""
        kept = []
        for target in targets:
            destination = dict(mapping(target.value, "destination"))
            if target.subsets and self._needs_pin(target):
                destination["subset"] = target.subsets.of_base()
            kept.append({**target.value, "destination": destination})
        route = self._mirrored(route, None)
        match = {"match": route["match"]} if route.get("match") else {}
        rest = {key: part for key, part in route.items() if key not in ("name", "match", "route")}
        return self._signed({**match, "route": kept, **rest}, self._base(route), route)

    def _signed(self, made: Value, environment: str, route: Value) -> Manifest:
        """Return a route with its name: the environment, and that of the route which it is a copy of."""
        own = route.get("name")
        return signed(made, f"{environment}--{own}" if own else environment, self.owner)

    def _base(self, route: Value) -> str:
        hosts = [str(destination.get("host", "")) for _, destination in destinations(route)]
        return next(self.service_of[host].plan.base for host in hosts if host in self.service_of)

    def _combined(self, route: Value, carriers: Sequence[Value]) -> list[Value]:
        """Return the route's matches, each with each carrier; a header that is matched already cannot be again."""
        combined: list[Value] = []
        for match in mappings(route.get("match")) or [{}]:
            headers = mapping(match, "headers")
            names = {str(name).lower() for name in headers}
            combined += [
                {**match, "headers": {**headers, **carrier["headers"]}}
                for carrier in carriers
                if not names & carrier["headers"].keys()
            ]
        return combined

    def _destination(self, target: Target, value: str | None) -> Manifest | None:
        """Return where a request that carries `value` goes instead of a destination; None for nowhere."""
        destination = dict(mapping(target.value, "destination"))
        if target.subsets is None or target.names_environment:
            return destination
        plan = target.subsets.plan
        environment = target.subsets.answer(value)
        if environment is None:
            if plan.config.unmatched == "anyPod":
                return destination
            return None
        if target.subset and environment == plan.base_answer:
            return destination  # as requests without an environment
        destination["subset"] = (
            target.subsets.narrowed(environment, target.subset) if target.subset else target.subsets.names[environment]
        )
        return destination

    def _is_unmatched(self, targets: Sequence[Target]) -> bool:
        """Tell whether nothing answers a request that names no environment."""
        return all(
            target.subsets is not None
            and not target.subset
            and target.subsets.plan.base_answer is None
            and target.subsets.plan.config.unmatched == "reject"
            for target in targets
        )

    def _rejecting(self, route: Value, targets: Sequence[Target]) -> Manifest:
        plan = next(target.subsets.plan for target in targets if target.subsets)
        match = {"match": route["match"]} if route.get("match") else {}
        return self._signed({**match, **ServiceRoutes(plan).rejection()}, "unmatched", route)

    def _pin(self, protocol: str, place: int, targets: Sequence[Target]) -> None:
        """Keep the connections of a user's route to the base. Istio takes no second route for the same connections."""
        for number, target in enumerate(targets):
            if target.subsets and not target.subset:
                path = ("spec", protocol, place, "route", number, "destination")
                self.edits.append(Put(path, "subset", target.subsets.of_base(), after="host"))

    def _mirrors(self, route: Value) -> Iterator[tuple[Path, Value, Subsets]]:
        """Yield the mirrors that would reach pods of any environment."""
        for path, destination in destinations({key: route[key] for key in _MIRRORS if key in route}):
            subsets = self.service_of.get(str(destination.get("host", "")))
            if subsets and not destination.get("subset"):
                yield path, destination, subsets

    def _mirrored(self, route: Value, value: str | None) -> Value:
        for path, destination, subsets in list(self._mirrors(route)):
            environment = subsets.answer(value)
            subset = subsets.names[environment] if environment else subsets.of_base()
            route = with_destination(route, path, {**destination, "subset": subset})
        return route

    def _warn_about_leaks(self, targets: Sequence[Target], path: str) -> None:
        for number, target in enumerate(targets):
            if target.subsets and target.subset and target.subsets.leaks(target.subset):
                message = (
                    f"sends requests without an environment to the subset {target.subset!r}, which has pods of "
                    f"personal environments too: add the label {target.subsets.label}: {target.subsets.plan.base} to "
                    "that subset"
                )
                place = f"{path}.route[{number}].destination.subset"
                self.results.append(Result(Code.SUBSET_SPANS_ENVIRONMENTS, message, self.one.ref, place))

    # Hosts that stand for an environment.

    def preview(self, environment: str, header: str) -> list[Value]:
        """Return the routes of requests that are an environment's without saying so; from here the header does."""
        return [self._previewed(route, environment, header) for route in mappings(self.spec.get("http"))]

    def _previewed(self, route: Value, environment: str, header: str) -> Value:
        if any(key in route for key in _ELSEWHERE):
            return route
        found = [(target, self._destination(target, environment)) for target in self._targets(route)]
        kept = [
            {**target.value, "destination": destination} for target, destination in found if destination is not None
        ]
        if found and not kept:
            plan = next(target.subsets.plan for target, _ in found if target.subsets)
            rest = {key: part for key, part in route.items() if key in ("name", "match")}
            return {**rest, **ServiceRoutes(plan).rejection()}
        headers = mapping(route, "headers")
        request = mapping(headers, "request")
        said = {**headers, "request": {**request, "set": {**mapping(request, "set"), header: environment}}}
        return {**self._mirrored(route, environment), "route": _collapsed(kept), "headers": said}

    # Connections, which show no header.

    def _connections(self, protocol: str, place: int, route: Value) -> None:
        targets = self._targets(route)
        plans = [target.subsets.plan for target in targets if target.subsets and not target.names_environment]
        if not plans:
            return
        self._pin(protocol, place, targets)
        self._warn_about_leaks(targets, f"spec.{protocol}[{place}]")
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
            routes.append(self._connection_route(match, targets, caller))
        self._insert(protocol, place, routes)

    def _connection_route(self, match: Sequence[Value], targets: Sequence[Target], caller: str) -> Manifest:
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

    # What a VirtualService for a Service's own host leaves open.

    def _complete(self, subsets: Subsets) -> None:
        """Add the routes of ports that the VirtualService does not speak of: no other one can."""
        plan = subsets.plan
        http = self._open_ports("http", plan.ports(Traffic.HTTP, Traffic.SNIFFED))
        made = ServiceRoutes(plan, subsets.names).http(http)
        marked = [signed(route, route["name"], self.owner) for route in made]
        self._insert("http", len(mappings(self.spec.get("http"))), marked)
        tcp = self._open_ports("tcp", plan.ports(Traffic.TCP, Traffic.SNIFFED))
        routes = [self._marked(route, subsets) for route in ServiceRoutes(plan).tcp(tcp)]
        self._insert("tcp", len(mappings(self.spec.get("tcp"))), routes)

    def _marked(self, route: Value, subsets: Subsets) -> Value:
        """Return a TCP route of the function's with a mark in place of the usual subset."""
        environments = {name: environment for environment, name in ServiceRoutes(subsets.plan).names.items()}
        for path, destination in list(destinations(route)):
            environment = environments[destination["subset"]]
            route = with_destination(route, path, {**destination, "subset": subsets.of_connections(environment, route)})
        return route

    def _open_ports(self, protocol: str, ports: Sequence[Port]) -> list[Port]:
        spoken_of: set[object] = set()
        for route in mappings(self.spec.get(protocol)):
            for match in mappings(route.get("match")) or [{}]:
                spoken_of.add(match.get("port"))
        return [port for port in ports if not spoken_of & {None, port.number}]


def _routes(plans: Sequence[ServicePlan]) -> Iterator[Route]:
    """Yield what to tell apart before a route: each value that one of its Services answers otherwise."""
    config = plans[0].config
    splitter = config.env_label.splitter
    if config.matching == "exact":
        values = {value for plan in plans for route in plan.routes for value in route.exact}
    else:
        values = {name for plan in plans for name in plan.own}
    as_base = [plan.base_answer for plan in plans]
    differing = {value for value in values if [plan.answer(value).environment for plan in plans] != as_base}
    for value in deepest_first(values, splitter):
        above = set(levels(value, splitter)[1:]) if config.matching == "prefix" else set()
        if value in differing or above & differing:
            yield Route(value, (value,), value + splitter if config.matching == "prefix" else "")


def _collapsed(targets: Iterable[Value]) -> list[Manifest]:
    """Return destinations, those that became the same as one with the sum of their weights."""
    collapsed: list[Manifest] = []
    unweighted: list[Manifest] = []
    for target in targets:
        rest = {key: part for key, part in target.items() if key != "weight"}
        if rest not in unweighted:
            collapsed.append(dict(target))
            unweighted.append(rest)
            continue
        same = collapsed[unweighted.index(rest)]
        if "weight" in same or "weight" in target:
            same["weight"] = same.get("weight", 0) + target.get("weight", 0)
    if len(collapsed) == 1:
        collapsed[0].pop("weight", None)
    return collapsed
