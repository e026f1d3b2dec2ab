"""The copies of a user's route: its rules once for every environment, with the backends that answer each.

One header more in a match outranks the user's own rule, whatever its path and age, so their file stays as it is. Every
rule is copied, also those that lead elsewhere: a copy of another could be as specific as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.gateway_api.arranged import Part, Rules, arranged
from krm_fn.gateway_api.backends import Backends
from krm_fn.gateway_api.routes import Wanted, says, suffix
from krm_fn.gateway_api.theirs import Reference, Route, is_service
from krm_fn.plan.answers import Route as OwnRoute
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.differing import told_apart
from krm_fn.plan.previews import host_of
from krm_fn.plan.services import Key
from krm_fn.values import Manifest, Value, mapping, mappings


class Loom(NamedTuple):
    """One route of the user's, and for whose environments its rules are copied.

    Attributes:
        one: the route.
        meant: the Services of several environments.
        backends: those of single ones.
        found: the Services of several environments that it leads to.
        plans: those for whose environments it is copied; others' too, where its rules and theirs meet.
        shown: those for whose environments its hosts have preview hosts.
    """

    one: Route
    meant: Mapping[Key, ServicePlan]
    backends: Backends
    found: Sequence[tuple[Reference, ServicePlan]]
    plans: Sequence[ServicePlan]
    shown: Sequence[ServicePlan]

    def wanted(self) -> Iterator[Wanted]:
        """Yield the routes beside it: for environments, and for preview hosts."""
        ref = self.one.object.ref
        for part in self.parts():
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

    def parts(self) -> list[Part]:
        """Return its rules once for every environment, by the routes that they are in."""
        if not self.plans:
            return []
        return arranged(self.plans[0].config, list(told_apart(self.plans)), self._variant, [])

    def _variant(self, route: OwnRoute, headers: Sequence[Manifest]) -> Rules:
        copies: list[Manifest] = []
        for rule in self.one.rules:
            matches = [
                {**match, "headers": [*mappings(match.get("headers")), header]}
                for match in mappings(rule.get("matches")) or [{}]
                for header in headers
                if header["name"] not in names_of(match)
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
        hosts, ref = self.preview_hosts(), self.one.object.ref
        if not hosts:
            return
        config = self.shown[0].config
        for environment in self.known():
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

    def preview_hosts(self) -> list[str]:
        """Return its hosts on gateways that each have one more for every environment."""
        if not self.shown or not self.shown[0].config.preview_hosts or not self.one.gateways():
            return []
        return [host for host in self.one.hosts if not host.startswith("*")]

    def known(self) -> list[str]:
        """Return the environments that have preview hosts."""
        return sorted({name for plan in self.shown for name in plan.known})


def names_of(match: Value) -> set[str]:
    """Return the headers that a match asks for, in lower case."""
    return {str(one.get("name", "")).lower() for one in mappings(match.get("headers"))}


def _matches(rule: Value) -> Manifest:
    return {"matches": rule["matches"]} if rule.get("matches") else {}


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
