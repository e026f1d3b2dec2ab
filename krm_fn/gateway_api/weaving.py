"""The user's own HTTPRoutes and GRPCRoutes: a route beside each, with their rules once for every environment.

One header more in a match outranks the user's own rule, whatever its path and age, so their file stays as it is. Every
rule is copied, also those that lead elsewhere: a copy of another could be as specific as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.gateway_api.arranged import Part, Rules, arranged
from krm_fn.gateway_api.backends import Backends
from krm_fn.gateway_api.routes import Wanted, says, suffix
from krm_fn.gateway_api.theirs import Reference, Route, Theirs, is_service
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.answers import Route as OwnRoute
from krm_fn.plan.carriers import carriers
from krm_fn.plan.differing import told_apart
from krm_fn.plan.previews import about, host_of
from krm_fn.plan.services import Key, Traffic
from krm_fn.results import Code, Result
from krm_fn.values import Manifest, Value, mapping, mappings


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
    looms = [
        _Loom(route, meant, backends, [(one, meant[one.key]) for one in route.backends() if one.key in meant])
        for route in theirs.routes
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
        (*results, *(result for one in looms for result in one.results())),
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


class _Loom(NamedTuple):
    """One route of the user's, and the Services of several environments that it leads to."""

    one: Route
    meant: Mapping[Key, ServicePlan]
    backends: Backends
    found: Sequence[tuple[Reference, ServicePlan]]

    @property
    def plans(self) -> list[ServicePlan]:
        """The Services of several environments that it leads to, each once."""
        return list({plan.key: plan for _, plan in self.found}.values())

    def wanted(self) -> Iterator[Wanted]:
        """Yield the routes beside it: for environments, and for preview hosts."""
        if not self.found:
            return
        ref = self.one.object.ref
        for part in self._parts():
            yield Wanted(
                ref.kind,
                ref.namespace,
                f"{ref.name}-virtual-env{suffix(part.environment, part.number)}",
                (ref.name, "woven", ref.kind, part.environment, str(part.number)),
                self.one.all_parents,
                part.rules,
                self.one.hosts,
            )
        yield from self._previews()

    def _parts(self) -> list[Part]:
        plans = self.plans
        return arranged(plans[0].config, list(told_apart(plans)), self._variant, [])

    def _variant(self, route: OwnRoute, headers: Sequence[Manifest]) -> Rules:
        copies: list[Manifest] = []
        for rule in self.one.rules:
            matches = [
                {**match, "headers": [*mappings(match.get("headers")), header]}
                for match in mappings(rule.get("matches")) or [{}]
                for header in headers
                if header["name"] not in _names(match)
            ]
            if matches:
                copies.append({"matches": matches, **self._led(rule, route.environment)})
        return copies

    def _led(self, rule: Value, value: str) -> Manifest:
        """Return a rule without its name and matches, with the backends that answer a value."""
        rest = {key: part for key, part in rule.items() if key not in ("name", "matches")}
        if "filters" in rest:
            rest["filters"] = [self._filter(one, value) for one in mappings(rest["filters"])]
        if "backendRefs" in rest:
            rest["backendRefs"] = _collapsed(self._backend(one, value) for one in mappings(rest["backendRefs"]))
        return rest

    def _filter(self, one: Value, value: str) -> Value:
        mirror = mapping(one, "requestMirror")
        if "backendRef" not in mirror:
            return one
        return {**one, "requestMirror": {**mirror, "backendRef": self._backend(mapping(mirror, "backendRef"), value)}}

    def _backend(self, reference: Value, value: str) -> Value:
        plan = self.meant.get(self.one.key(reference)) if is_service(reference) else None
        if plan is None:
            return reference
        to = self.backends.of(plan, plan.answer(value).environment, self.one.namespace)
        return {**to, **{key: part for key, part in reference.items() if key not in ("name", "namespace")}}

    def _previews(self) -> Iterator[Wanted]:
        config, ref = self.plans[0].config, self.one.object.ref
        hosts = self._preview_hosts()
        for environment in self._known() if hosts else ():
            header = says(config.env_header.name, environment)
            rules: Rules = [
                _saying({**_matches(rule), **self._led(rule, environment)}, header) for rule in self.one.rules
            ]
            yield Wanted(
                ref.kind,
                ref.namespace,
                f"{ref.name}-preview{suffix(environment)}",
                (ref.name, "woven-preview", ref.kind, environment),
                self.one.gateways(),
                rules,
                [host_of(config.preview_hosts, environment, host) for host in hosts],
            )

    def _preview_hosts(self) -> list[str]:
        if not self.plans[0].config.preview_hosts or not self.one.gateways():
            return []
        return [host for host in self.one.hosts if not host.startswith("*")]

    def _known(self) -> list[str]:
        return sorted({name for plan in self.plans for name in plan.known})

    def results(self) -> Iterator[Result]:
        """Yield what keeps it from being woven, and what it does not follow."""
        if not self.found:
            return
        ref = self.one.object.ref
        for reference, plan in self.found:
            if reference.key == plan.key and not plan.is_narrowed and _needs_base(plan):
                yield self._spreads(reference, plan)
        yield from self._reading()
        if not all(part.fits for part in self._parts()):
            message = (
                f"has {len(self.one.rules)} rules, and each would have to stand once more with every carrier of an "
                "environment: more than 16 rules or 128 matches in one route; make several routes of it, by hostname "
                "or by path"
            )
            yield Result(Code.ROUTE_LIMIT, message, ref, "spec.rules")
        taken = {host.lower(): f"the {ref.kind} itself" for host in self.one.hosts}
        pattern = self.plans[0].config.preview_hosts
        for environment in self._known() if pattern else ():
            for host in self._preview_hosts():
                name = host_of(pattern, environment, host)
                yield from about(
                    ref, "spec.hostnames", pattern=pattern, environment=environment, host=name, taken=taken
                )

    def _spreads(self, reference: Reference, plan: ServicePlan) -> Result:
        home = plan.home(plan.base_answer)
        base = self.backends.names[home, plan.key[1], plan.base_answer or plan.base]
        message = (
            f"leads to {plan.service.ref}, which has pods of several environments ({', '.join(plan.own)}): requests "
            f"that name none of them would reach all of those; set base: selector, so that the Service has the "
            f"base's pods alone, or name {base} here, the generated Service of the base"
        )
        return Result(Code.ROUTE_SPREADS, message, self.one.object.ref, f"{reference.field}.name")

    def _reading(self) -> Iterator[Result]:
        ref, header = self.one.object.ref, self.plans[0].config.env_header
        known = {one.name: one for one in carriers(header)}
        for place, rule in enumerate(self.one.rules):
            for number, match in enumerate(mappings(rule.get("matches"))):
                for name in _names(match) & known.keys():
                    where = f"spec.rules[{place}].matches[{number}].headers"
                    if known[name].shared:
                        message = (
                            f"matches the header {name}, which may carry the environment, too, and a match names a "
                            "header once: requests that it takes have their environment read from the other carriers "
                            f"only, such as {header.name}"
                        )
                        yield Result(Code.ROUTE_READS_ENVIRONMENT, message, ref, where)
                    else:
                        message = (
                            f"matches the header {name}, which carries the environment: it could not be told from the "
                            "generated rules, which match it, too; leave the environments to this function and remove "
                            "that match"
                        )
                        yield Result(Code.ROUTE_UNWOVEN, message, ref, where)
            for number, one in enumerate(mappings(rule.get("filters"))):
                if header.name.lower() in _set_by(one):
                    where = f"spec.rules[{place}].filters[{number}]"
                    message = (
                        f"sets the header {header.name}, which says the environment, and leads to a Service "
                        "of several: name the generated Service of that environment as its backend, and it stays"
                    )
                    yield Result(Code.ROUTE_UNWOVEN, message, ref, where)


def _needs_base(plan: ServicePlan) -> bool:
    return plan.base_answer is not None or plan.config.unmatched == "reject"


def _matches(rule: Value) -> Manifest:
    return {"matches": rule["matches"]} if rule.get("matches") else {}


def _names(match: Value) -> set[str]:
    return {str(one.get("name", "")).lower() for one in mappings(match.get("headers"))}


def _set_by(one: Value) -> set[str]:
    change = mapping(one, "requestHeaderModifier")
    return {str(each.get("name", "")).lower() for key in ("set", "add") for each in mappings(change.get(key))}


def _saying(rule: Manifest, header: Manifest) -> Manifest:
    """Return a rule with a filter that sets a header; a rule has one filter of that kind at most."""
    if "backendRefs" not in rule:
        return rule
    filters = list(rule.get("filters", ()))
    for place, one in enumerate(filters):
        if one.get("type") == header["type"]:
            change = mapping(one, "requestHeaderModifier")
            said = [*mappings(change.get("set")), *header["requestHeaderModifier"]["set"]]
            filters[place] = {**one, "requestHeaderModifier": {**change, "set": said}}
            return {**rule, "filters": filters}
    return {**rule, "filters": [*filters, header]}


def _collapsed(references: Iterator[Value]) -> list[Manifest]:
    """Return references with those to one place as one, their weights together."""
    found: dict[str, Manifest] = {}
    for one in references:
        key = repr(sorted((name, part) for name, part in one.items() if name != "weight"))
        if key in found:
            found[key]["weight"] = found[key].get("weight", 1) + one.get("weight", 1)
        else:
            found[key] = dict(one)
    return list(found.values())
