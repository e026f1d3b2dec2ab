"""A user's HTTP routes to Services of several environments → the routes to put before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from krm_fn.istio.destinations import MIRRORS, destinations, with_destination
from krm_fn.istio.matches import carried, combined, of_carriers
from krm_fn.istio.routes import ServiceRoutes
from krm_fn.istio.spoken import said as said_of
from krm_fn.istio.weaving import neighbours
from krm_fn.istio.weaving.neighbours import Neighbour, catches_all, theirs_elsewhere
from krm_fn.istio.weaving.targets import Additions, Loomed, Needed, Target, Woven, collapsed, together, weight
from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.differing import told_apart
from krm_fn.results import Code, Ref, Result
from krm_fn.signatures import unnamed
from krm_fn.text.edits import Path
from krm_fn.values import NOTHING, Manifest, Value, mapping, mappings

ELSEWHERE = ("redirect", "directResponse", "delegate")


class HttpRoutes:
    """The HTTP routes of one VirtualService."""

    def __init__(self, loomed: Loomed, beside: Callable[[], Sequence[tuple[Neighbour, HttpRoutes]]] = list) -> None:
        self.loomed = loomed
        self.routes = loomed.http()
        self._beside = beside  # the neighbours on gateways, with their routes; made only where a route catches all
        self._targets: dict[int, tuple[list[Target], list[tuple[Path, Target]]]] = {}  # by the identity of a route
        self._told_apart: dict[tuple[Ref, ...], list[tuple[Route, list[Manifest]]]] = {}  # by Services

    def _read(self, route: Value) -> tuple[list[Target], list[tuple[Path, Target]]]:
        """Return the destinations and the mirrors of a route of the VirtualService; every copy asks again."""
        found = self._targets.get(id(route))
        if found is None:
            found = self._targets[id(route)] = (self.loomed.targets(route), self.loomed.mirrors(route))
        return found

    def woven(self) -> Additions:
        """Return the routes to put before the user's."""
        return together(
            self._route(place, route)
            for place, route in enumerate(self.routes)
            if not any(key in route for key in ELSEWHERE)
        )

    def _route(self, place: int, route: Value) -> Additions:
        everyone = self.everyone(route)
        services = plans(everyone)
        if not services:
            return Additions()
        path = f"spec.http[{place}]"
        read = list(of_carriers(route.get("match"), services[0].config.env_header))
        if whole := [name for _, name, carrier in read if not carrier.shared]:
            message = (
                f"matches the header {whole[0]}, which carries the environment, so it is left as it is: an "
                "environment's requests that it takes go where it says; leave the environments to this function and "
                "remove that match, if it was meant for them"
            )
            return Additions(results=(self._reads(message, f"{path}.match"),))
        open_ = plans(one for one in everyone if one.spoken.value is None)
        variants = [self.variant(route, *one, within) for one in self.apart(open_) for within in self._within(route)]
        guards, twins = self._guarded(route, services) if any(one.value for one in variants) else ([], [])
        routes = [*guards, *variants] if guards is not None else []
        if any(one.needs_pin or (one.plan and one.spoken.by_nobody) for one in everyone):
            routes.append(self._for_nobody(route))
        said = [
            *twins,
            *self._about(route, path),
            *(self._reads(_shared(name, services[0]), f"{path}.match{below}") for below, name, _ in read),
        ]
        return together([self.loomed.inserted("http", place, routes), Additions(results=tuple(said))])

    def everyone(self, route: Value) -> list[Target]:
        """Return whoever a route sends requests to, mirrors among them."""
        return [*self._read(route)[0], *(target for _, target in self._read(route)[1])]

    def _about(self, route: Value, path: str) -> Iterator[Result]:
        for number, target in enumerate(self._read(route)[0]):
            yield from self.loomed.about(target, f"{path}.route[{number}].destination")
        for place, target in self._read(route)[1]:
            field = path + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
            yield from self.loomed.about(target, field)
        for number, part in enumerate([route, *mappings(route.get("route"))]):
            header = next(iter(self.loomed.services.values())).plan.config.env_header
            for action, value in said_of(part, header):
                field = f"{path}.route[{number - 1}].headers" if number else f"{path}.headers"
                if message := _said_unsurely(action, value):
                    yield Result(Code.ROUTE_SETS_ENVIRONMENT, message, self.loomed.one.object.ref, field)

    def _reads(self, message: str, field: str) -> Result:
        return Result(Code.ROUTE_READS_ENVIRONMENT, message, self.loomed.one.object.ref, field)

    def apart(self, services: Sequence[ServicePlan]) -> list[tuple[Route, list[Manifest]]]:
        """Return what to tell apart before a route to some Services, and how; most routes lead to the same ones."""
        if not services:
            return []
        key = tuple(plan.service.ref for plan in services)
        if key not in self._told_apart:
            header = services[0].config.env_header
            self._told_apart[key] = [(one, carried(header, one)) for one in told_apart(services)]
        return self._told_apart[key]

    def _within(self, route: Value) -> Sequence[Value]:
        """Return what the copies of a route must match besides: of a delegate's, what those that hand over demand."""
        return [{}] if mappings(route.get("match")) else self.loomed.demands

    def variant(self, route: Value, one: Route, carriers: Sequence[Value], within: Value = NOTHING) -> Woven:
        """Return a route's copy for the requests of an environment; none where nothing can carry it."""
        match = combined([within] if within else route.get("match"), carriers)
        if not match:
            return Woven({})
        return self._signed(route, self.led(route, one.environment), match, one.environment)

    def _guarded(self, route: Value, services: Sequence[ServicePlan]) -> tuple[list[Woven] | None, list[Result]]:
        """Return what must stand before the copies of a route that catches all, so that others' routes stay theirs.

        None where such copies would take what is another's whole.
        """
        if not any(map(catches_all, mappings(route.get("match")) or [{}])):
            return [], []
        beside = self._beside()
        others = [one for one, _ in beside]
        results = [*neighbours.twins(self.loomed.one, others), *neighbours.rivals(self.loomed.one, others)]
        if any(one.catches_all and one.is_first and one.is_everywhere for one, _ in beside):
            return None, results
        guards = [guard for one, routes in beside for guard in self._guards(one, routes, services)]
        return guards, results

    def _guards(self, one: Neighbour, theirs: HttpRoutes, services: Sequence[ServicePlan]) -> Iterator[Woven]:
        header = services[0].config.env_header
        copied = [value for value, _ in self.apart(services)]  # just these requests would be taken from the others
        for route, matches in one.routes():
            taken = {**route, "match": matches}
            if any(not carrier.shared for _, _, carrier in of_carriers(matches, header)):
                yield self._foreign(one, taken, Woven({**taken}), "beside")
                continue
            own = plans(theirs.everyone(route)) if not any(key in route for key in ELSEWHERE) else []
            for value, carriers in self.apart([*services, *own]):
                match = combined(matches, carriers) if _is_below(value, copied) else []
                if not match:
                    continue
                led = theirs.led(route, value.environment) if own else Woven(unnamed(route))
                if not led.value:
                    plan = next(plan for each in theirs.everyone(route) if (plan := each.plan))
                    led = Woven(ServiceRoutes(plan).rejection())
                made = {**led.value, "match": match}
                yield self._foreign(one, route, Woven(made, led.needed), value.environment)

    def _foreign(self, one: Neighbour, route: Value, made: Woven, stem: str) -> Woven:
        """Return a route of a neighbour's as this VirtualService says it."""
        value = {"match": made.value["match"], **made.value}
        if one.one.namespace != self.loomed.one.namespace:
            value = dict(theirs_elsewhere(value, one.one.namespace, self.loomed.domain))
        return Woven(self.loomed.signed(unnamed(value), stem, route), made.needed)

    def _for_nobody(self, route: Value) -> Woven:
        """Return the route, kept to the base; it stands before the user's own, which stays as it is."""
        match = route.get("match") or []
        entries, targets = mappings(route.get("route")), self._read(route)[0]
        asked = [one for entry, one in zip(entries, targets, strict=True) if len(targets) == 1 or weight(entry)]
        if asked and all(map(_is_unmatched, asked)):
            return self._signed(route, Woven({}), match, "unmatched")
        return self._signed(route, self.led(route, None), match, self._base(route))

    def _signed(self, route: Value, led: Woven, match: Sequence[Value], stem: str) -> Woven:
        """Return a copy of a route; `led` is where it leads, and nowhere is a reply that says so."""
        matched = {"match": match} if match else {}
        if not led.value and "fault" in route:
            led = self._nowhere(route)  # a reply of the mesh's own has no fault, and everybody's fault stays
        if not led.value:
            plan = next(plan for one in self.everyone(route) if (plan := one.plan))
            return Woven(self.loomed.signed({**matched, **ServiceRoutes(plan).rejection()}, stem, route))
        return Woven(self.loomed.signed({**matched, **led.value}, stem, route), led.needed)

    def led(self, route: Value, value: str | None) -> Woven:
        """Return a route without its name and match, as it is to be for requests that carry `value`."""
        targets = self._read(route)[0]
        entries: list[Manifest] = []
        needed: list[Needed] = []
        for entry, target in zip(mappings(route.get("route")), targets, strict=True):
            led = target.led(value) if value else target.led_by_nobody()
            if led is not None:
                entries.append({**entry, "destination": led.value})
                needed += led.needed
        if len(entries) < len(targets) and not sum(map(weight, entries)):
            return Woven({})  # what is left answers nothing, and Istio refuses weights that are all 0
        entries = collapsed(entries) if value else entries
        mirrored = self._mirrored(route, value)
        rest = {key: part for key, part in mirrored.value.items() if key not in ("name", "match", "route")}
        return Woven({"route": entries, **rest}, (*needed, *mirrored.needed))

    def _nowhere(self, route: Value) -> Woven:
        """Return a route as `led` does, to subsets without pods: its fault comes before the 503."""
        entries: list[Manifest] = []
        needed: list[Needed] = []
        for entry, target in zip(mappings(route.get("route")), self._read(route)[0], strict=True):
            led = target.at(target.subsets.of_base()) if target.subsets else Woven(target.destination)
            entries.append({**entry, "destination": led.value})
            needed += led.needed
        rest = {key: part for key, part in route.items() if key not in ("name", "match", "route", *MIRRORS)}
        return Woven({"route": entries, **rest}, tuple(needed))

    def _mirrored(self, route: Value, value: str | None) -> Woven:
        """Return a route with its mirrors kept to those who answer `value`."""
        needed: list[Needed] = []
        for path, target in self._read(route)[1]:
            led = target.led(value)
            if led is None and target.subsets:
                led = target.at(target.subsets.of_base())
            if led is not None:
                needed += led.needed
                route = with_destination(route, path, led.value)
        return Woven(route, tuple(needed))

    def _base(self, route: Value) -> str:
        hosts = [str(destination.get("host", "")) for _, destination in destinations(route)]
        return next(self.loomed.services[host].plan.base for host in hosts if host in self.loomed.services)

    def preview(self, environment: str, header: str) -> list[Woven]:
        """Return the routes of requests that are an environment's without saying so; from here the header does."""
        return [self._previewed(route, environment, header) for route in self.loomed.one.routes("http")]

    def _previewed(self, route: Value, environment: str, header: str) -> Woven:
        if any(key in route for key in ELSEWHERE):
            return Woven(route)
        kept = {key: part for key, part in route.items() if key in ("name", "match")}
        led = self.led(route, environment)
        if not led.value:
            plan = next(plan for one in self.everyone(route) if (plan := one.plan))
            return Woven({**kept, **ServiceRoutes(plan).rejection()})
        headers = mapping(route, "headers")
        request = mapping(headers, "request")
        said = {**headers, "request": {**request, "set": {**mapping(request, "set"), header: environment}}}
        return Woven({**route, **led.value, "headers": said}, led.needed)


def plans(targets: Iterable[Target]) -> list[ServicePlan]:
    """Return the Services of several environments among destinations."""
    return [plan for target in targets if (plan := target.plan)]


def _is_unmatched(target: Target) -> bool:
    """Tell whether nothing answers there a request that names no environment."""
    plan = target.plan
    unanswered = plan is not None and plan.base_answer is None and plan.config.unmatched == "reject"
    return unanswered and not target.subset and not target.spoken.by_nobody


def _said_unsurely(action: str, value: str) -> str:
    """Say why it is not sure who answers from here on; empty where it is."""
    if "%" in value:
        return (
            f"sets the environment's header to {value!r}, which Envoy fills in for each request: from here on "
            "requests may name another environment than the one that answers them; set it to a fixed value"
        )
    if action == "add":
        return (
            f"adds {value!r} to the environment's header: a request that names an environment is answered by that one "
            "here, and names both from here on, of which each proxy takes what it finds; set the header instead"
        )
    return ""


def _is_below(value: Route, others: Iterable[Route]) -> bool:
    """Tell whether all requests of a route are among those of others."""
    name = value.environment
    return any(name in one.exact or (one.prefix and name.startswith(one.prefix)) for one in others)


def _shared(name: str, plan: ServicePlan) -> str:
    return (
        f"matches the header {name}, which may carry the environment, too, and a match names a header once: requests "
        "that it takes have their environment read from the other carriers only, such as "
        f"{plan.config.env_header.name}"
    )
