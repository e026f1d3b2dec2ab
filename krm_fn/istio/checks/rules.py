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
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings


def find(theirs: Theirs, plan: Plan, domain: str) -> Iterator[Result]:
    """Yield a finding for each two rules that say different things, where requests may get what is not theirs."""
    split = {one.key: one for one in plan.services if one.is_split}
    hosts = Hosts(split.keys(), {rule.namespace for rule in theirs.rules} | {key[0] for key in split}, domain)
    of_service: dict[Key, list[DestinationRule]] = defaultdict(list)
    of_wildcard: dict[str, list[DestinationRule]] = defaultdict(list)
    for rule in theirs.rules:
        if key := None if rule.is_wildcard else hosts.find(rule.host, rule.namespace):
            of_service[key].append(rule)
        elif rule.is_wildcard and any(covers(rule.host, key, rule.namespace, domain) for key in split):
            of_wildcard[rule.host].append(rule)
    for rules in (*of_service.values(), *of_wildcard.values()):
        for one, other in combinations(sorted(rules, key=joined_order), 2):
            if one.created == other.created and _are_joined(one, other):
                yield from _differing(one, other)
    led = {(hosts.find(each.host, one.namespace), each.subset) for one in theirs.routes for each in one.destinations()}
    for key, rules in of_service.items():
        named = {subset for service, subset in led if service == key}
        for one, other in combinations(sorted(rules, key=joined_order), 2) if named else ():
            if not _are_joined(one, other):
                yield from _of_clients(one, other, named, split[key].config.env_label.name)


def _are_joined(one: DestinationRule, other: DestinationRule) -> bool:
    """Tell whether Istio joins two rules for one host: they hold for the same clients."""
    return one.namespace == other.namespace and one.selector == other.selector and one.joins(other)


def _of_clients(one: DestinationRule, other: DestinationRule, named: set[str], label: str) -> Iterator[Result]:
    """Yield a finding for subsets that mean something else to other clients: the copies of a route have one of both."""
    first, second = _subsets(one), _subsets(other)
    differing = [name for name in first if name in named and name in second and first[name] != second[name]]
    names = [name for name in differing if label not in mapping(first[name], "labels")]
    if names:
        shown = ", ".join(map(repr, names))
        message = (
            f"has the subset {shown} for some clients, as {one.object.ref} has for others of the same host, with other "
            f"labels or settings: a request of an environment gets those of {one.object.ref.name} wherever it comes "
            "from; give each subset a name of its own"
        )
        yield Result(Code.RULES_TWICE, message, other.object.ref, "spec.subsets")


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
