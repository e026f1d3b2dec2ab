"""The user's own VirtualServices and DestinationRules: what must be added to them, and what they take over.

Istio uses one VirtualService per host of the mesh and reads subsets from one place, so environments are woven into
what is there. A user's objects keep their text; additions are marked by name, and taken out before new ones go in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.hosts import Hosts, covers
from krm_fn.istio.manifests import Covered, Weaving
from krm_fn.istio.marks import Stripped
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.theirs import DestinationRule, Theirs, VirtualService
from krm_fn.istio.weaving import connections
from krm_fn.istio.weaving.http import HttpRoutes
from krm_fn.istio.weaving.previews import Previews, previews_of_routes
from krm_fn.istio.weaving.rollouts import changed_weights
from krm_fn.istio.weaving.targets import Additions, Loomed, together
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import RULE
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.text.edits import Edit, Insert, Put, made
from krm_fn.values import Value, mapping, mappings

_LONGEST = 1000
_ROOT = "istio-system"  # Istio's own namespace: its rules hold where no closer one does


class _Woven(NamedTuple):
    """A VirtualService of the user's: what is added to it, and for which Services it speaks."""

    one: VirtualService
    additions: Additions
    previews: Previews
    served: tuple[Key, ...]
    led_to: frozenset[Key]


class _Known(NamedTuple):
    """What is known of the user's objects once all are read: which of them concern a Service."""

    rules: Mapping[Key | None, Sequence[DestinationRule]]
    serving: Mapping[Key, Sequence[VirtualService]]
    touched: frozenset[Key]  # those that something is added for


_Needed = Mapping[Key | None, Sequence[Value]]  # the subsets that additions lead to, by Service


def weave(theirs: Theirs, objects: Sequence[Object], plan: Plan, owner: str) -> Weaving:
    """Find what must be added to the user's own routes and rules so that they serve the plan."""
    services = {one.key: one for one in plan.services if one.needs_routes and one.is_split}
    # Nothing is woven into routes of joined namespaces: checks/joined.py reports those.
    plans = {key: one for key, one in services.items() if not one.joined}
    hosts = Hosts(plans.keys(), {one.ref.namespace for one in objects if one.is_source})
    rules = _rules(theirs, hosts)
    subsets = {key: Subsets(one, [rule.spec for rule in rules.get(key, ())], owner) for key, one in plans.items()}
    woven = [_woven(one, hosts, subsets, owner) for one in theirs.routes]
    needed = _needed(woven)
    changes = [
        *(_change(one.one.object, one.one.stripped, one.additions, owner) for one in woven),
        *_changed_rules(rules, subsets, needed, owner),
    ]
    touched = frozenset(key for one in woven if one.additions.edits for key in (*one.led_to, *one.served))
    known = _Known(rules, _serving(woven), touched)
    covers = list(_covers(theirs, plan, subsets, needed, known))
    results = [
        *(theirs.results if services else ()),
        *_to_come(theirs, hosts),
        *(result for one in woven for result in (*one.additions.results, *one.previews.results)),
        *(result for change in changes for result in change.results),
        *_taken_over(known.serving, plans),
        *(result for one in covers for result in one.results()),
        *changed_weights(objects, [change.one for change in changes if change.is_woven]),
    ]
    return Weaving(
        tuple(change.edit for change in changes if change.edit),
        tuple(preview for one in woven for preview in one.previews.routes),
        {one.key: one.covered for one in covers},
        tuple(results),
    )


def _needed(woven: Iterable[_Woven]) -> _Needed:
    needed: dict[Key | None, list[Value]] = defaultdict(list)
    for one in woven:
        for key, subset in (*one.additions.needed, *one.previews.needed):
            needed[key].append(subset)
    return needed


def _changed_rules(
    rules: Mapping[Key | None, Sequence[DestinationRule]], subsets: Mapping[Key, Subsets], needed: _Needed, owner: str
) -> Iterator[_Change]:
    for key, own in rules.items():
        for rule in own:
            additions = _of_rule(rule, subsets[key], needed.get(key, ())) if key else Additions()
            yield _change(rule.object, rule.stripped, additions, owner)


def _rules(theirs: Theirs, hosts: Hosts) -> dict[Key | None, list[DestinationRule]]:
    """Return the rules of each Service with routes; those of no such Service under None."""
    rules: dict[Key | None, list[DestinationRule]] = defaultdict(list)
    for rule in theirs.rules:
        rules[hosts.find(rule.host, rule.namespace) if rule.host and not rule.is_wildcard else None].append(rule)
    return rules


def _to_come(theirs: Theirs, hosts: Hosts) -> Iterator[Result]:
    """Yield a finding for each full name of a Service that has no namespace yet."""
    named = [
        *(
            (one.object, {each.host for each in one.destinations()} | set(one.on_mesh * one.hosts))
            for one in theirs.routes
        ),
        *((one.object, {one.host}) for one in theirs.rules),
    ]
    for one, written in named:
        for host in written:
            if key := hosts.to_come(host, one.ref.namespace):
                message = f"the host {host!r} is taken for the Service {key[1]} of the list, which has no namespace yet"
                yield Result(Code.NAMESPACE_TO_COME, message, one.ref)


def _woven(one: VirtualService, hosts: Hosts, subsets: Mapping[Key, Subsets], owner: str) -> _Woven:
    named = {each.host: hosts.find(each.host, one.namespace) for each in one.destinations()}
    loomed = Loomed(one, {host: subsets[key] for host, key in named.items() if key}, owner)
    served = tuple(sorted({key for host in one.on_mesh * one.hosts for key in hosts.covered(host, one.namespace)}))
    routes = HttpRoutes(loomed)
    additions = together([routes.woven(), connections.woven(loomed, [subsets[key] for key in served])])
    previews = previews_of_routes(routes) if loomed.services else Previews()
    return _Woven(one, additions, previews, served, frozenset(key for key in named.values() if key))


def _of_rule(rule: DestinationRule, subsets: Subsets, needed: Iterable[Value]) -> Additions:
    added = subsets.missing_from(rule.spec, needed)
    if not added:
        return Additions()
    there = rule.spec.get("subsets") if mappings(rule.spec.get("subsets")) else None
    edit = Insert(("spec", "subsets"), len(there), added) if there else Put(("spec",), "subsets", added)
    return Additions((edit,), tuple(added))


class _Change(NamedTuple):
    """What becomes of an object of the user's: an edit, or a finding that says why there is none."""

    one: Object
    is_woven: bool = False
    edit: Edit | None = None
    results: tuple[Result, ...] = ()


def _change(one: Object, found: Stripped, additions: Additions, owner: str) -> _Change:
    if not additions.edits and not found.removals:
        return _Change(one)
    if found.removals and made(found.value, additions.edits) == one.value:  # woven already: its text stays as it is
        return _Change(one, is_woven=True)
    if strange := found.strange(owner):
        return _Change(one, results=(Result(Code.ADDITION_EDITED, _both(strange, additions.added), one.ref),))
    return _Change(one, is_woven=True, edit=Edit(one.position, found.removals, additions.edits))


def _serving(woven: Iterable[_Woven]) -> Mapping[Key, list[VirtualService]]:
    """Return the VirtualServices that speak for each Service to all clients."""
    serving: dict[Key, list[VirtualService]] = defaultdict(list)
    for one in woven:
        for key in one.served if one.one.is_for_all else ():
            serving[key].append(one.one)
    return serving


class _Cover(NamedTuple):
    """What of a Service the user's own objects take care of, and the wildcard rule of which the policy is copied."""

    key: Key
    covered: Covered
    wildcard: DestinationRule | None

    def results(self) -> Iterator[Result]:
        if self.wildcard and self.covered.traffic_policy:
            message = (
                f"its trafficPolicy is copied to the DestinationRule of Service {self.key[1]}: Istio reads only the "
                "one with the exact host, once there is one"
            )
            yield Result(Code.RULE_COPIED, message, self.wildcard.object.ref, "spec.trafficPolicy")


def _covers(
    theirs: Theirs, plan: Plan, subsets: Mapping[Key, Subsets], needed: _Needed, known: _Known
) -> Iterator[_Cover]:
    for service in plan.services:
        key = service.key
        wildcard = _closest_wildcard(theirs, key) if key in subsets or service.joined else None
        policy = mapping(wildcard.spec, "trafficPolicy") if wildcard else {}
        serving, own = known.serving.get(key, ()), known.rules.get(key, ())
        if key in subsets and (key in known.touched or own or serving):
            for_all = any(_holds_for_all(rule, key) for rule in own)
            covered = Covered(
                subsets[key].names,
                has_routes=bool(serving),
                has_rule=for_all,
                traffic_policy=None if for_all else policy or None,
                subsets=subsets[key].missing_from({}, needed.get(key, ())),
            )
            yield _Cover(key, covered, wildcard)
        elif policy:
            yield _Cover(key, Covered(traffic_policy=policy), wildcard)


def _closest_wildcard(theirs: Theirs, key: Key) -> DestinationRule | None:
    """Return the closest wildcard rule of a Service's namespace, which a rule for the exact host puts out of force."""
    found = [
        one
        for one in theirs.rules
        if one.is_wildcard and one.namespace == key[0] and covers(one.host, key, one.namespace)
    ]
    return max(found, key=lambda one: len(one.host)) if found else None


def _holds_for_all(rule: DestinationRule, key: Key) -> bool:
    """Tell whether every client of a Service reads a DestinationRule for its host.

    Istio looks in the client's namespace, the Service's, and its own, and takes what it finds first.
    """
    return rule.namespace in (key[0], _ROOT) and "workloadSelector" not in rule.spec and "*" in rule.exported


def _taken_over(serving: Mapping[Key, Sequence[VirtualService]], plans: Mapping[Key, ServicePlan]) -> Iterator[Result]:
    """Yield findings about Services whose routes are the user's."""
    for key, routes in serving.items():
        if plans[key].exposure.rule:
            message = (
                f"the annotation {RULE} changes generated routes only, and {routes[0].object.ref} has those of this "
                "Service: say there what the rule says"
            )
            yield Result(Code.NOT_EXPOSED, message, plans[key].service.ref)
        if len(routes) > 1:
            names = ", ".join(str(one.object.ref) for one in routes)
            message = (
                f"{len(routes)} VirtualServices have the host of Service {key[1]} ({names}): Istio uses the oldest "
                "alone"
            )
            yield Result(Code.ROUTES_TWICE, message, routes[-1].object.ref, "spec.hosts")


def _both(strange: Sequence[Value], added: Sequence[Value]) -> str:
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


def _stem(entry: Value) -> str:
    return str(entry.get("name", "")).rpartition("-")[0]
