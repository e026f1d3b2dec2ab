"""A user's HTTP routes to Services of several environments → the routes to put before them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.istio.destinations import MIRRORS, destinations, with_destination
from krm_fn.istio.matches import carried, combined, of_carriers
from krm_fn.istio.routes import ServiceRoutes
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.weaving.targets import Additions, Loomed, Needed, Target, Woven, collapsed, plans, together
from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.differing import told_apart
from krm_fn.results import Code, Ref, Result
from krm_fn.text.edits import Path
from krm_fn.values import Manifest, Value, mapping

_ELSEWHERE = ("redirect", "directResponse", "delegate")


class HttpRoutes:
    """The HTTP routes of one VirtualService."""

    def __init__(self, loomed: Loomed) -> None:
        self.loomed = loomed
        self._told_apart: dict[tuple[Ref, ...], list[tuple[Route, list[Manifest]]]] = {}  # by Services

    def woven(self) -> Additions:
        """Return the routes to put before the user's."""
        return together(
            self._route(place, route)
            for place, route in enumerate(self.loomed.one.routes("http"))
            if not any(key in route for key in _ELSEWHERE)
        )

    def _route(self, place: int, route: Value) -> Additions:
        targets = self.loomed.targets(route)
        services = plans(targets)
        mirrored = any(True for _ in self._mirrors(route))
        if not services:
            return self.loomed.inserted("http", place, [self._for_nobody(route, targets)]) if mirrored else Additions()
        path = f"spec.http[{place}]"
        read = list(of_carriers(route.get("match"), services[0].config.env_header))
        if whole := [name for _, name, carrier in read if not carrier.shared]:
            message = (
                f"matches the header {whole[0]}, which carries the environment, so it is left as it is: an "
                "environment's requests that it takes go where it says; leave the environments to this function and "
                "remove that match, if it was meant for them"
            )
            return Additions(results=(self._reads(message, f"{path}.match"),))
        routes = [self._variant(route, targets, *one) for one in self._apart(services)]
        if self._is_unmatched(targets):
            routes.append(Woven(self._rejecting(route, targets)))
        elif mirrored or any(self._needs_pin(target) for target in targets):
            routes.append(self._for_nobody(route, targets))
        said = [
            *self.loomed.leaks(targets, path),
            *(self._reads(_shared(name, services[0]), f"{path}.match{below}") for below, name, _ in read),
        ]
        return together([self.loomed.inserted("http", place, routes), Additions(results=tuple(said))])

    def _reads(self, message: str, field: str) -> Result:
        return Result(Code.ROUTE_READS_ENVIRONMENT, message, self.loomed.one.object.ref, field)

    def _apart(self, services: Sequence[ServicePlan]) -> list[tuple[Route, list[Manifest]]]:
        """Return what to tell apart before a route to some Services, and how; most routes lead to the same ones."""
        key = tuple(plan.service.ref for plan in services)
        if key not in self._told_apart:
            header = services[0].config.env_header
            self._told_apart[key] = [(one, carried(header, one)) for one in told_apart(services)]
        return self._told_apart[key]

    def _variant(self, route: Value, targets: Sequence[Target], one: Route, carriers: Sequence[Value]) -> Woven:
        match = combined(route.get("match"), carriers)
        led = [found for target in targets if (found := _led(target, one.environment)) is not None]
        if not match or not led:
            return Woven({})
        mirrored = self._mirrored(route, one.environment)
        made = {"match": match, "route": collapsed(one.value for one in led), **_rest(mirrored.value)}
        return Woven(self.loomed.signed(made, one.environment, route), (*_needed(led), *mirrored.needed))

    def _needs_pin(self, target: Target) -> bool:
        """Tell whether requests without an environment would reach pods of any."""
        if target.subsets is None or target.subset:
            return False
        plan = target.subsets.plan
        return plan.base_answer is not None or plan.config.unmatched == "reject"

    def _for_nobody(self, route: Value, targets: Sequence[Target]) -> Woven:
        """Return the route, kept to the base; it stands before the user's own, which stays as it is."""
        led = [
            target.led_to(target.subsets.of_base() if target.subsets and self._needs_pin(target) else None)
            for target in targets
        ]
        mirrored = self._mirrored(route, None)
        made = {**_match(route), "route": [one.value for one in led], **_rest(mirrored.value)}
        return Woven(self.loomed.signed(made, self._base(route), route), (*_needed(led), *mirrored.needed))

    def _base(self, route: Value) -> str:
        hosts = [str(destination.get("host", "")) for _, destination in destinations(route)]
        return next(self.loomed.services[host].plan.base for host in hosts if host in self.loomed.services)

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
        return self.loomed.signed({**_match(route), **ServiceRoutes(plan).rejection()}, "unmatched", route)

    def _mirrors(self, route: Value) -> Iterator[tuple[Path, Value, Subsets]]:
        """Yield the mirrors that would reach pods of any environment."""
        for path, destination in destinations({key: route[key] for key in MIRRORS if key in route}):
            subsets = self.loomed.services.get(str(destination.get("host", "")))
            if subsets and not destination.get("subset"):
                yield path, destination, subsets

    def _mirrored(self, route: Value, value: str | None) -> Woven:
        """Return a route with its mirrors kept to those who answer `value`."""
        needed: list[Needed] = []
        for path, destination, subsets in list(self._mirrors(route)):
            environment = subsets.answer(value)
            subset = subsets.of(environment) if environment else subsets.of_base()
            needed.append((subsets.plan.key, subset))
            route = with_destination(route, path, {**destination, "subset": subset["name"]})
        return Woven(route, tuple(needed))

    def preview(self, environment: str, header: str) -> list[Woven]:
        """Return the routes of requests that are an environment's without saying so; from here the header does."""
        return [self._previewed(route, environment, header) for route in self.loomed.one.routes("http")]

    def _previewed(self, route: Value, environment: str, header: str) -> Woven:
        if any(key in route for key in _ELSEWHERE):
            return Woven(route)
        targets = self.loomed.targets(route)
        led = [found for target in targets if (found := _led(target, environment)) is not None]
        if targets and not led:
            plan = next(target.subsets.plan for target in targets if target.subsets)
            rest = {key: part for key, part in route.items() if key in ("name", "match")}
            return Woven({**rest, **ServiceRoutes(plan).rejection()})
        headers = mapping(route, "headers")
        request = mapping(headers, "request")
        said = {**headers, "request": {**request, "set": {**mapping(request, "set"), header: environment}}}
        mirrored = self._mirrored(route, environment)
        made = {**mirrored.value, "route": collapsed(one.value for one in led), "headers": said}
        return Woven(made, (*_needed(led), *mirrored.needed))


def _shared(name: str, plan: ServicePlan) -> str:
    return (
        f"matches the header {name}, which may carry the environment, too, and a match names a header once: requests "
        "that it takes have their environment read from the other carriers only, such as "
        f"{plan.config.env_header.name}"
    )


def _match(route: Value) -> Manifest:
    return {"match": route["match"]} if route.get("match") else {}


def _rest(route: Value) -> Manifest:
    return {key: part for key, part in route.items() if key not in ("name", "match", "route")}


def _needed(led: Sequence[Woven]) -> Iterator[Needed]:
    for one in led:
        yield from one.needed


def _led(target: Target, value: str | None) -> Woven | None:
    """Return where a request that carries `value` goes instead of a destination; None for nowhere."""
    if target.subsets is None or target.names_environment:
        return target.led_to(None)
    plan = target.subsets.plan
    environment = target.subsets.answer(value)
    if environment is None:
        return target.led_to(None) if plan.config.unmatched == "anyPod" else None
    if target.subset and environment == plan.base_answer:
        return target.led_to(None)  # as requests without an environment
    if target.subset:
        return target.led_to(target.subsets.narrowed(environment, target.subset))
    return target.led_to(target.subsets.of(environment))
