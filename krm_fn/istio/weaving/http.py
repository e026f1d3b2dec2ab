"""A user's HTTP routes to Services of several environments → the routes to put before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.istio.manifests import ServiceRoutes
from krm_fn.istio.weaving.marks import destinations, with_destination
from krm_fn.istio.weaving.subsets import Subsets
from krm_fn.istio.weaving.targets import Draft, Manifest, Target, Value, collapsed
from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.carriers import header_matches
from krm_fn.plan.environments import deepest_first, levels
from krm_fn.results import Code, Ref, Result
from krm_fn.text.edits import Path
from krm_fn.values import mapping, mappings

_MIRRORS = ("mirror", "mirrors")
_ELSEWHERE = ("redirect", "directResponse", "delegate")


class HttpRoutes:
    """The HTTP routes of one VirtualService."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.known: dict[tuple[Ref, ...], list[tuple[Route, list[Value]]]] = {}  # by Services

    def weave(self) -> None:
        """Collect the routes to put before the user's."""
        for place, route in enumerate(mappings(self.draft.spec.get("http"))):
            if not any(key in route for key in _ELSEWHERE):
                self._http(place, route)

    def _http(self, place: int, route: Value) -> None:
        targets = self.draft.targets(route)
        plans = self.draft.plans(targets)
        if not plans:
            if any(True for _ in self._mirrors(route)):
                self.draft.insert("http", place, [self._for_nobody(route, targets)])
            return
        path = f"spec.http[{place}]"
        if problem := self._reads_carrier(route, plans[0]):
            message = (
                f"matches {problem}, so it is left as it is: an environment's requests that it takes go where it says; "
                "leave the environments to this function and remove that match, if it was meant for them"
            )
            self.draft.results.append(
                Result(Code.ROUTE_READS_ENVIRONMENT, message, self.draft.one.ref, f"{path}.match")
            )
            return
        routes = [self._variant(route, targets, *one) for one in self._told_apart(plans)]
        routes = [one for one in routes if one]
        if self._is_unmatched(targets):
            routes.append(self._rejecting(route, targets))
        elif any(self._needs_pin(target) for target in targets) or any(True for _ in self._mirrors(route)):
            routes.append(self._for_nobody(route, targets))
        self.draft.warn_about_leaks(targets, path)
        self._warn_about_carriers(route, plans[0], path)
        self.draft.insert("http", place, routes)

    def _warn_about_carriers(self, route: Value, plan: ServicePlan, path: str) -> None:
        """Report a match of a header that carries more than the environment: no second match of it can be added."""
        aliases = plan.config.env_header.aliases
        shared = {"cookie" for alias in aliases if alias.cookie} | {"baggage" for alias in aliases if alias.baggage}
        for number, match in enumerate(mappings(route.get("match"))):
            for name in sorted(shared & {str(name).lower() for name in mapping(match, "headers")}):
                message = (
                    f"matches the header {name}, which may carry the environment, too, and a match names a header "
                    f"once: requests that it takes have their environment read from the other carriers only, such as "
                    f"{plan.config.env_header.name}"
                )
                place = f"{path}.match[{number}].headers.{name}"
                self.draft.results.append(Result(Code.ROUTE_READS_ENVIRONMENT, message, self.draft.one.ref, place))

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
        destinations = collapsed(
            {**target.value, "destination": destination}
            for target in targets
            if (destination := self._destination(target, one.environment)) is not None
        )
        if not match or not destinations:
            return {}
        route = self._mirrored(route, one.environment)
        rest = {key: part for key, part in route.items() if key not in ("name", "match", "route")}
        return self.draft.signed({"match": match, "route": destinations, **rest}, one.environment, route)

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
        return self.draft.signed({**match, "route": kept, **rest}, self._base(route), route)

    def _base(self, route: Value) -> str:
        hosts = [str(destination.get("host", "")) for _, destination in destinations(route)]
        return next(self.draft.service_of[host].plan.base for host in hosts if host in self.draft.service_of)

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
        return self.draft.signed({**match, **ServiceRoutes(plan).rejection()}, "unmatched", route)

    def _mirrors(self, route: Value) -> Iterator[tuple[Path, Value, Subsets]]:
        """Yield the mirrors that would reach pods of any environment."""
        for path, destination in destinations({key: route[key] for key in _MIRRORS if key in route}):
            subsets = self.draft.service_of.get(str(destination.get("host", "")))
            if subsets and not destination.get("subset"):
                yield path, destination, subsets

    def _mirrored(self, route: Value, value: str | None) -> Value:
        for path, destination, subsets in list(self._mirrors(route)):
            environment = subsets.answer(value)
            subset = subsets.names[environment] if environment else subsets.of_base()
            route = with_destination(route, path, {**destination, "subset": subset})
        return route

    def preview(self, environment: str, header: str) -> list[Value]:
        """Return the routes of requests that are an environment's without saying so; from here the header does."""
        return [self._previewed(route, environment, header) for route in mappings(self.draft.spec.get("http"))]

    def _previewed(self, route: Value, environment: str, header: str) -> Value:
        if any(key in route for key in _ELSEWHERE):
            return route
        found = [(target, self._destination(target, environment)) for target in self.draft.targets(route)]
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
        return {**self._mirrored(route, environment), "route": collapsed(kept), "headers": said}


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
