"""DestinationRules of the user's for one host that say different things, and Istio asks their age which it takes.

Of rules for one host and namespace Istio joins the subsets, of two of one name the older one's, and takes the oldest
trafficPolicy (istio/istio, pilot/pkg/model/destination_rule.go, mergeDestinationRule).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from krm_fn.istio.hosts import Hosts, covers
from krm_fn.istio.lookup import joined_order, policy_of
from krm_fn.istio.theirs import DestinationRule, Theirs
from krm_fn.plan.answers import Plan
from krm_fn.results import Code, Result
from krm_fn.values import Value, mappings


def find(theirs: Theirs, plan: Plan, domain: str) -> Iterator[Result]:
    """Yield a finding for each two rules of which the older one holds where the list does not show which that is."""
    keys = {one.key for one in plan.services if one.is_split}
    hosts = Hosts(keys, {rule.namespace for rule in theirs.rules} | {key[0] for key in keys}, domain)
    groups: dict[object, list[DestinationRule]] = defaultdict(list)
    for rule in theirs.rules:
        if not rule.is_wildcard:
            host: object = hosts.find(rule.host, rule.namespace)
        else:
            host = rule.host if any(covers(rule.host, key, rule.namespace, domain) for key in keys) else None
        if host:
            groups[host, rule.namespace].append(rule)
    for rules in groups.values():
        for one, other in combinations(sorted(rules, key=joined_order), 2):
            if one.created == other.created and one.selector == other.selector and one.joins(other):
                yield from _differing(one, other)


def _differing(one: DestinationRule, other: DestinationRule) -> Iterator[Result]:
    first, second = _subsets(one), _subsets(other)
    names = [name for name in first if name in second and first[name] != second[name]]
    if names:
        shown = ", ".join(map(repr, names))
        message = (
            f"has the subset {shown}, as {one.object.ref} has for the same host, with other labels or settings: Istio "
            "uses the older one's, and the list does not show which that is; the one of "
            f"{one.object.ref.name} is taken for it; give each subset a name of its own"
        )
        yield Result(Code.RULES_TWICE, message, other.object.ref, "spec.subsets")
    policies = [policy_of(rule) for rule in (one, other)]
    is_copied = one.is_wildcard or not one.is_for_all
    if is_copied and all(policies) and policies[0] != policies[1]:
        message = (
            f"has a trafficPolicy for the same host as {one.object.ref}, and another one: Istio uses the older one's, "
            f"and the list does not show which that is; that of {one.object.ref.name} is copied to the rules of "
            "Services; join them to one"
        )
        yield Result(Code.RULES_TWICE, message, other.object.ref, "spec.trafficPolicy")


def _subsets(rule: DestinationRule) -> Mapping[str, Value]:
    return {str(one.get("name")): one for one in mappings(rule.spec.get("subsets"))}
