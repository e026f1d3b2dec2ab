"""The user's own VirtualServices and DestinationRules: what must be added to them, and what they take over.

Istio uses one VirtualService per host of the mesh and reads subsets from one place, so environments are woven into
what is there. A user's objects keep their text; additions are marked by name, and taken out before new ones go in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from krm_fn.istio.hosts import covers, service_of
from krm_fn.istio.manifests import Theirs
from krm_fn.istio.shapes import problems
from krm_fn.istio.weaving import connections
from krm_fn.istio.weaving.http import HttpRoutes
from krm_fn.istio.weaving.marks import Stripped, destinations, strip
from krm_fn.istio.weaving.previews import previews_of_routes
from krm_fn.istio.weaving.subsets import Subsets
from krm_fn.istio.weaving.targets import Draft
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan
from krm_fn.plan.exposure import RULE
from krm_fn.results import Code, Result
from krm_fn.text.edits import Edit, Insert, Put, made
from krm_fn.values import mapping, mappings, strings

_GROUP = "networking.istio.io"
_LONGEST = 1000
_ROOT = "istio-system"  # Istio's own namespace: its rules hold where no closer one does
_Key = tuple[str, str]


@dataclass(slots=True)
class Weaving:
    """What the user's objects need, and what of each Service they take care of."""

    edits: list[Edit] = field(default_factory=list)
    woven: list[Object] = field(default_factory=list)
    previews: list[Mapping[str, Any]] = field(default_factory=list)
    theirs: dict[_Key, Theirs] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)


def weave(objects: Sequence[Object], plan: Plan, owner: str) -> Weaving:
    """Find what must be added to the user's own routes and rules so that they serve the plan."""
    return _Loom(objects, plan, owner).weave()


class _Loom:
    def __init__(self, objects: Sequence[Object], plan: Plan, owner: str) -> None:
        self.owner = owner
        self.weaving = Weaving()
        self.plans = {one.key: one for one in plan.services if one.needs_routes and one.is_routed and not one.joined}
        # Nothing is woven into routes of joined namespaces: conflicts.py reports those.
        self.joined = [one.key for one in plan.services if one.joined]
        istio = self._sound([one for one in objects if one.group == _GROUP and one.is_source])
        self.routes = [(one, strip(one.value)) for one in istio if one.ref.kind == "VirtualService"]
        self.rules = [(one, strip(one.value)) for one in istio if one.ref.kind == "DestinationRule"]
        self.wildcards = [
            (one, host, spec)
            for one, found in self.rules
            if (host := str((spec := mapping(found.value, "spec")).get("host", ""))).startswith("*")
        ]
        self.namespaces = {one.ref.namespace for one in objects if one.is_source}
        self.rollouts = [one for one in objects if one.ref.kind == "Rollout" and one.is_source]

    def _sound(self, istio: Sequence[Object]) -> list[Object]:
        """Return the objects that can be read; one that cannot is reported, not repaired."""
        sound = []
        for one in istio:
            found = list(problems(one)) if one.ref.kind in ("VirtualService", "DestinationRule") else []
            if self.plans:
                self.weaving.results += found
            if not found:
                sound.append(one)
        return sound

    def weave(self) -> Weaving:
        rules_of = self._rules()
        subsets = {
            key: Subsets(plan, [mapping(found.value, "spec") for _, found in rules_of[key]], self.owner)
            for key, plan in self.plans.items()
        }
        served: dict[_Key, list[Object]] = defaultdict(list)
        touched: set[_Key] = set()
        for one, found in self.routes:
            touched |= self._virtual_service(one, found, subsets, served)
        for key, one, found in [(key, *rule) for key, rules in rules_of.items() for rule in rules]:
            self._destination_rule(one, found, subsets[key] if key else None)
        self._take_over(subsets, rules_of, served, touched)
        self.weaving.results += self._rollouts()
        return self.weaving

    def _take_over(
        self,
        subsets: Mapping[_Key, Subsets],
        rules_of: Mapping[_Key | None, list[tuple[Object, Stripped]]],
        served: Mapping[_Key, list[Object]],
        touched: set[_Key],
    ) -> None:
        """Note what of each Service the user's own objects take care of."""
        for key in self.plans:
            if key in touched or rules_of[key] or served[key]:
                self.weaving.theirs[key] = self._theirs(subsets[key], bool(served[key]), rules_of[key])
            elif policy := self._wildcard_policy(key):
                self.weaving.theirs[key] = Theirs(traffic_policy=policy)
            if served[key] and self.plans[key].exposure.rule:
                self._rule_unused(key, served[key][0])
            if len(served[key]) > 1:
                self._routed_twice(key, served[key])
        for key in self.joined:
            if policy := self._wildcard_policy(key):
                self.weaving.theirs[key] = Theirs(traffic_policy=policy)

    def _find(self, host: str, one: Object) -> _Key | None:
        """Return the Service with routes that a host of `one` means."""
        key = service_of(host, one.ref.namespace)
        if key is None or key in self.plans:
            return key if key in self.plans else None
        # A full name whose namespace is set only later, by the host that applies the list.
        without = ("", key[1])
        if "." in host and without in self.plans and key[0] not in self.namespaces:
            message = f"the host {host!r} is taken for the Service {key[1]} of the list, which has no namespace yet"
            self.weaving.results.append(Result(Code.NAMESPACE_TO_COME, message, one.ref))
            return without
        return None

    def _rules(self) -> dict[_Key | None, list[tuple[Object, Stripped]]]:
        """Return the rules of each Service with routes; those of no such Service under None."""
        rules: dict[_Key | None, list[tuple[Object, Stripped]]] = defaultdict(list)
        for one, found in self.rules:
            host = mapping(found.value, "spec").get("host")
            key = self._find(host, one) if isinstance(host, str) and not host.startswith("*") else None
            rules[key].append((one, found))
        return rules

    def _virtual_service(
        self, one: Object, found: Stripped, subsets: Mapping[_Key, Subsets], served: dict[_Key, list[Object]]
    ) -> set[_Key]:
        spec = mapping(found.value, "spec")
        by_host = {host: subsets[key] for host in _destinations(spec) if (key := self._find(host, one))}
        own = list(self._served(one, spec))
        for key in own if "*" in (strings(spec.get("exportTo")) or ["*"]) else ():
            served[key].append(one)
        draft = Draft(one, spec, by_host, self.owner)
        routes = HttpRoutes(draft)
        routes.weave()
        connections.weave(draft, [subsets[key] for key in own])
        self.weaving.results += draft.results
        self._edit(one, found, draft.edits, draft.added)
        if by_host:
            previews, results = previews_of_routes(one, spec, routes, [each.plan for each in by_host.values()])
            self.weaving.previews += previews
            self.weaving.results += results
        woven = {used.plan.key for used in by_host.values()}
        return woven | set(own) if draft.edits else set()

    def _served(self, one: Object, spec: Mapping[str, Any]) -> Iterator[_Key]:
        """Yield the Services for whose host in the mesh a VirtualService holds, for all clients or those it is for."""
        if "mesh" not in strings(spec.get("gateways") or ["mesh"]):
            return
        hosts = strings(spec.get("hosts"))
        served = {key for host in hosts if not host.startswith("*") and (key := self._find(host, one))}
        for host in hosts:
            if host.startswith("*"):
                served |= {key for key in self.plans if covers(host, key, one.ref.namespace)}
        yield from sorted(served)

    def _destination_rule(self, one: Object, found: Stripped, subsets: Subsets | None) -> None:
        spec = mapping(found.value, "spec")
        added = subsets.missing_from(spec) if subsets else []
        edits: list[Insert | Put] = []
        if added and mappings(spec.get("subsets")):
            edits.append(Insert(("spec", "subsets"), len(spec["subsets"]), added))
        elif added:
            edits.append(Put(("spec",), "subsets", added))
        self._edit(one, found, edits, added)

    def _edit(
        self, one: Object, found: Stripped, edits: Sequence[Insert | Put], added: Sequence[Mapping[str, Any]]
    ) -> None:
        if not edits and not found.removals:
            return
        if found.removals and made(found.value, edits) == one.value:  # woven already: its text stays as it is
            self.weaving.woven.append(one)
        elif strange := found.strange(self.owner):
            self.weaving.results.append(Result(Code.ADDITION_EDITED, _both(strange, added), one.ref))
        elif one.position is None:
            message = (
                "must get routes of environments, and stands in a v1 List, which is not edited: take it out of the List"
            )
            self.weaving.results.append(Result(Code.NOT_EDITABLE, message, one.ref))
        else:
            self.weaving.edits.append(Edit(one.position, found.removals, tuple(edits)))
            self.weaving.woven.append(one)

    def _theirs(self, subsets: Subsets, has_routes: bool, rules: Sequence[tuple[Object, Stripped]]) -> Theirs:
        key = subsets.plan.key
        for_all = any(_holds_for_all(one, mapping(found.value, "spec"), key) for one, found in rules)
        return Theirs(
            subsets.names,
            has_routes=has_routes,
            has_rule=for_all,
            traffic_policy=None if for_all else self._wildcard_policy(key),
            subsets=subsets.missing_from({}),
        )

    def _wildcard_policy(self, key: _Key) -> Mapping[str, Any] | None:
        """Return the policy of the closest wildcard rule, which a rule for the exact host puts out of force."""
        found = [
            (len(host), one, spec)
            for one, host, spec in self.wildcards
            if one.ref.namespace == key[0] and covers(host, key, one.ref.namespace)
        ]
        if not found:
            return None
        _, one, spec = max(found, key=lambda item: item[0])
        policy = mapping(spec, "trafficPolicy")
        if policy:
            message = (
                f"its trafficPolicy is copied to the DestinationRule of Service {key[1]}: Istio reads only the one "
                "with the exact host, once there is one"
            )
            self.weaving.results.append(Result(Code.RULE_COPIED, message, one.ref, "spec.trafficPolicy"))
        return policy or None

    def _rule_unused(self, key: _Key, one: Object) -> None:
        message = (
            f"the annotation {RULE} changes generated routes only, and {one.ref} has those of this Service: "
            "say there what the rule says"
        )
        self.weaving.results.append(Result(Code.NOT_EXPOSED, message, self.plans[key].service.ref))

    def _routed_twice(self, key: _Key, routes: Sequence[Object]) -> None:
        names = ", ".join(str(one.ref) for one in routes)
        message = (
            f"{len(routes)} VirtualServices have the host of Service {key[1]} ({names}): Istio uses the oldest alone"
        )
        self.weaving.results.append(Result(Code.ROUTES_TWICE, message, routes[-1].ref, "spec.hosts"))

    def _rollouts(self) -> Iterator[Result]:
        """Yield a finding for each Argo Rollout that changes the weights of what was woven into."""
        woven = {(one.ref.namespace, one.ref.name) for one in self.weaving.woven}
        for one in self.rollouts:
            canary = mapping(mapping(mapping(one.value, "spec"), "strategy"), "canary")
            istio = mapping(mapping(canary, "trafficRouting"), "istio")
            for route in [mapping(istio, "virtualService"), *mappings(istio.get("virtualServices"))]:
                if (one.ref.namespace, str(route.get("name"))) in woven:
                    message = (
                        f"changes the weights of VirtualService {route['name']} while it runs; the routes that "
                        "were added for environments keep the weights that stand in the list"
                    )
                    yield Result(Code.RUNTIME_WEIGHTS, message, one.ref, "spec.strategy.canary.trafficRouting.istio")


def _destinations(spec: Mapping[str, Any]) -> set[str]:
    return {
        host
        for protocol in ("http", "tls", "tcp")
        for route in mappings(spec.get(protocol))
        for _, destination in destinations(route)
        if isinstance(host := destination.get("host"), str)
    }


def _holds_for_all(one: Object, spec: Mapping[str, Any], key: _Key) -> bool:
    """Tell whether every client of a Service reads a DestinationRule for its host.

    Istio looks in the client's namespace, the Service's, and its own, and takes what it finds first.
    """
    exported = strings(spec.get("exportTo")) or ["*"]
    return one.ref.namespace in (key[0], _ROOT) and "workloadSelector" not in spec and "*" in exported


def _both(strange: Sequence[Mapping[str, Any]], added: Sequence[Mapping[str, Any]]) -> str:
    """Say what stands there, and what this run would put in its place."""
    wanted = {_stem(one): one for one in added}
    pairs = "; ".join(
        f"it is {json.dumps(one)[:_LONGEST]}, and would be {json.dumps(wanted.get(_stem(one)))[:_LONGEST]}"
        for one in strange[:2]
    )
    return (
        "has an addition that is not as this config made it: somebody changed it, or another config added it, and it "
        f"would be lost: {pairs}; move a change into a route of your own and delete what is named virtual-env--…, or "
        "let one config be responsible"
    )


def _stem(entry: Mapping[str, Any]) -> str:
    return str(entry.get("name", "")).rpartition("-")[0]
