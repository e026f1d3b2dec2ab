"""A user's HTTP routes to Services of several environments → the routes to put before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product

from krm_fn.istio.destinations import MIRRORS, destinations, theirs_elsewhere, with_destination
from krm_fn.istio.matches import carried, combined, of_carriers
from krm_fn.istio.routes import ServiceRoutes
from krm_fn.istio.weaving.known import Known, findings, plans
from krm_fn.istio.weaving.neighbours import Neighbour, catches_all
from krm_fn.istio.weaving.rivals import rivals, twins
from krm_fn.istio.weaving.runs import Run, runs
from krm_fn.istio.weaving.shared import Shared
from krm_fn.istio.weaving.targets import Additions, Loomed, Needed, Target, Woven, collapsed, together, weight
from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.differing import told_apart
from krm_fn.results import Ref, Result
from krm_fn.signatures import unnamed
from krm_fn.text.readback import same
from krm_fn.values import Manifest, Value, mapping, mappings

ELSEWHERE = ("redirect", "directResponse", "delegate")


class HttpRoutes:
    """The HTTP routes of one VirtualService."""

    def __init__(self, loomed: Loomed, beside: Callable[[], Sequence[tuple[Neighbour, HttpRoutes]]] = list) -> None:
        self.loomed = loomed
        self.routes = loomed.http()
        # Istio takes a delegate's route only where each match of the one that hands over meets one of its own.
        self._shares = bool(loomed.one.hosts)
        self._beside = beside  # the neighbours on gateways, with their routes; made only where a route catches all
        self._shared = loomed.shared or Shared()
        self._kept: list[Value] = []  # an identity is that of one value while it is kept
        self._found: dict[int, Known] = {}  # by the identity of a route
        self._alike: dict[tuple[int, ...], Known] = {}  # by the identities of what says where a route leads
        self._led: dict[tuple[int, str | None], tuple[list[Manifest] | None, tuple[Needed, ...]]] = {}
        self._entries: dict[str, list[Manifest]] = {}  # one for all that are equal, so that it is written once
        self._told_apart: dict[tuple[Ref, ...], list[tuple[Route, Sequence[Manifest]]]] = {}  # by Services

    def _read(self, route: Value) -> Known:
        """Return what is known of a route of the VirtualService; every copy asks again."""
        found = self._found.get(id(route))
        if found is None:
            key = tuple(id(route.get(part)) for part in ("route", "headers", *MIRRORS))
            like = self._alike.get(key)
            found = like.with_matches(route) if like else Known.of(self.loomed, route)
            self._alike[key] = self._found[id(route)] = found
            self._kept.append(route)
        return found

    def woven(self) -> Additions:
        """Return the routes to put before the user's."""
        led = (
            (place, route)
            for place, route in enumerate(self.routes)
            if not any(key in route for key in ELSEWHERE) and self._read(route).plans
        )
        return together(self._added(run) for run in runs(led, self._is_free))

    def _added(self, run: Run) -> Additions:
        everyone, services = self.everyone(run.first), self._read(run.first).plans
        said = [
            result
            for number, route in enumerate(run.routes)
            for result in findings(self.loomed, route, self._read(route), f"spec.http[{run.place + number}]")
        ]
        if any(not carrier.shared for _, _, carrier in self._read(run.first).carriers):
            return Additions(results=tuple(said))
        variants = self._variants(run, self.apart(plans(one for one in everyone if one.spoken.value is None)))
        guards, twins = self._guarded(run.first, services) if variants else ([], [])
        routes = [*guards, *variants] if guards is not None else []
        if any(one.needs_pin or (one.plan and one.spoken.by_nobody) for one in everyone):
            routes.append(self._for_nobody(run))
        return together([self.loomed.inserted("http", run.place, routes), Additions(results=(*twins, *said))])

    def _is_free(self, route: Value) -> bool:
        """Tell whether a route may share its copies; one that matches a carrier of the environment has fewer."""
        return self._shares and not self._read(route).carriers

    def _variants(self, run: Run, values: Iterable[tuple[Route, Sequence[Manifest]]]) -> list[Woven]:
        """Return a run's copies for the requests of environments; neighbours that lead to the same are one."""
        found: list[tuple[Woven, list[Manifest], str]] = []
        matches = run.matches() if len(run.routes) > 1 else run.first.get("match")
        for (one, carriers), within in product(values, self._within(run.first)):
            match = combined([within], carriers) if within else self._shared.combined(matches, carriers)
            if not match:  # nothing can carry it
                continue
            led = self.led(run.first, one.environment)
            if self._shares and found and found[-1][0].value == led.value and same(found[-1][0].value, led.value):
                found[-1] = (found[-1][0], [*found[-1][1], *match], found[-1][2])
            else:
                found.append((led, match, one.environment))
        return [self._signed(run.first, led, match, stem) for led, match, stem in found]

    def everyone(self, route: Value) -> Sequence[Target]:
        """Return whoever a route sends requests to, mirrors among them."""
        return self._read(route).everyone

    def apart(self, services: Sequence[ServicePlan]) -> list[tuple[Route, Sequence[Manifest]]]:
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

    def _guarded(self, route: Value, services: Sequence[ServicePlan]) -> tuple[list[Woven] | None, list[Result]]:
        """Return what must stand before the copies of a route that catches all, so that others' routes stay theirs.

        None where such copies would take what is another's whole.
        """
        if not any(map(catches_all, mappings(route.get("match")) or [{}])):
            return [], []
        beside = self._beside()
        others = [one for one, _ in beside]
        results = [*twins(self.loomed.one, others), *rivals(self.loomed.one, others)]
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

    def _for_nobody(self, run: Run) -> Woven:
        """Return the routes of a run as one, kept to the base; it stands before the user's own, which stay."""
        route, match = run.first, run.matches()
        entries, targets = mappings(route.get("route")), self._read(route).targets
        asked = [one for entry, one in zip(entries, targets, strict=True) if len(targets) == 1 or weight(entry)]
        if asked and all(one.is_unmatched for one in asked):
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
        known = self._read(route)
        key = (id(known.targets), value)
        if key not in self._led:
            self._led[key] = self._entries_led(route, known.targets, value)
        entries, needed = self._led[key]
        if entries is None:
            return Woven({})
        mirrored = self._mirrored(route, value) if known.mirrors else Woven(route)
        rest = {key: part for key, part in mirrored.value.items() if key not in ("name", "match", "route")}
        return Woven({"route": entries, **rest}, (*needed, *mirrored.needed))

    def _entries_led(
        self, route: Value, targets: Sequence[Target], value: str | None
    ) -> tuple[list[Manifest] | None, tuple[Needed, ...]]:
        """Return the entries of a route as they are to be for `value`; None where nobody answers."""
        entries: list[Manifest] = []
        needed: list[Needed] = []
        for entry, target in zip(mappings(route.get("route")), targets, strict=True):
            led = target.led(value) if value else target.led_by_nobody()
            if led is not None:
                entries.append({**entry, "destination": led.value})
                needed += led.needed
        if len(entries) < len(targets) and not sum(map(weight, entries)):
            return None, ()  # what is left answers nothing, and Istio refuses weights that are all 0
        entries = collapsed(entries) if value else entries
        return self._entries.setdefault(repr(entries), entries), tuple(needed)

    def _nowhere(self, route: Value) -> Woven:
        """Return a route as `led` does, to subsets without pods: its fault comes before the 503."""
        entries: list[Manifest] = []
        needed: list[Needed] = []
        for entry, target in zip(mappings(route.get("route")), self._read(route).targets, strict=True):
            led = target.at(target.subsets.of_base()) if target.subsets else Woven(target.destination)
            entries.append({**entry, "destination": led.value})
            needed += led.needed
        rest = {key: part for key, part in route.items() if key not in ("name", "match", "route", *MIRRORS)}
        return Woven({"route": entries, **rest}, tuple(needed))

    def _mirrored(self, route: Value, value: str | None) -> Woven:
        """Return a route with its mirrors kept to those who answer `value`."""
        needed: list[Needed] = []
        for path, target in self._read(route).mirrors:
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


def _is_below(value: Route, others: Iterable[Route]) -> bool:
    """Tell whether all requests of a route are among those of others."""
    name = value.environment
    return any(name in one.exact or (one.prefix and name.startswith(one.prefix)) for one in others)
