"""The user's DestinationRules: the subsets that are added to them, and what the function's own take over from them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.hosts import Hosts
from krm_fn.istio.lookup import OTHERS, Lookup, Reading, joined_order, policy_of, subsets_of
from krm_fn.istio.manifests import Covered, RuleCopy
from krm_fn.istio.subsets import Subsets
from krm_fn.istio.theirs import DestinationRule, Theirs
from krm_fn.istio.weaving.targets import Additions
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.text.edits import Insert, Put
from krm_fn.values import Value, mappings

Rules = Mapping[Key | None, Sequence[DestinationRule]]  # by Service; those of no Service with routes under None


def by_service(theirs: Theirs, hosts: Hosts) -> Rules:
    """Return the rules for the exact host of each Service."""
    rules: dict[Key | None, list[DestinationRule]] = defaultdict(list)
    for rule in theirs.rules:
        rules[hosts.find(rule.host, rule.namespace) if rule.host and not rule.is_wildcard else None].append(rule)
    return {key: sorted(own, key=joined_order) if key else own for key, own in rules.items()}


def additions(rule: DestinationRule, subsets: Subsets, needed: Iterable[Value]) -> Additions:
    """Return the subsets that are added to a rule for a Service."""
    if rule.is_beside:
        # Istio joins two rules for one host that stand in one namespace and are seen by the same clients.
        joined = rule.namespace == subsets.plan.key[0] and rule.is_for_all and not rule.spec.get("exportTo")
        return Additions(results=() if joined else (_not_beside(rule),))
    added = subsets.missing_from(rule.spec, needed)
    if not added:
        return Additions()
    there = rule.spec.get("subsets") if mappings(rule.spec.get("subsets")) else None
    edit = Insert(("spec", "subsets"), len(there), added) if there else Put(("spec",), "subsets", added)
    return Additions((edit,), tuple(added))


def _not_beside(rule: DestinationRule) -> Result:
    why = (
        "an Argo Rollout writes its subsets anew"
        if rule.is_rewritten
        else "its list of subsets is there and empty, and stays as it is"
    )
    message = (
        f"must get subsets of environments, and {why}; a rule beside it would not be joined with it, because it holds "
        "for some clients only: move it to the Service's namespace, without exportTo and workloadSelector"
    )
    message += "" if rule.is_rewritten else ", or take the key away"
    return Result(Code.NOT_EDITABLE, message, rule.object.ref, "spec.subsets")


class Taken(NamedTuple):
    """What the function's own rules for a Service take over: policies that they would put out of force.

    Attributes:
        has_rule: whether the clients of all namespaces that have no rules read one of the user's for its exact host.
        policy: the trafficPolicy for them.
        subsets: those that they read, of a wildcard.
        copies: rules of their own that clients of some namespaces need.
        results: which policies are copied.
    """

    has_rule: bool
    policy: Value
    subsets: tuple[Value, ...]
    copies: tuple[RuleCopy, ...]
    results: tuple[Result, ...]


NOTHING = Taken(has_rule=False, policy={}, subsets=(), copies=(), results=())


def taken(lookup: Lookup, key: Key) -> Taken:
    """Find what the clients of each namespace read for a Service, and what they must read beside its subsets."""
    others = lookup.read_by(OTHERS, key)
    has_rule = others.is_exact and any(not one.is_beside for one in others.for_all)
    # Istio joins exact ones itself; a wildcard one it reads no more, once there is an exact one.
    source, policy = (None, {}) if others.is_exact else others.policy
    subsets = () if others.is_exact else others.subsets
    source = source or next((one for one in others.for_all if subsets and subsets_of(one)), None)
    copies: list[RuleCopy] = []
    hiding: list[DestinationRule] = []
    sources = [(source, "")] if source else []
    for client in lookup.clients(key):
        reading = lookup.read_by(client, key)
        stays = reading.for_all == others.for_all  # beside which the Service's own rule stands
        said = (policy, subsets)
        for copy, rule in _copies(client, reading, key, stays=stays, has_rule=has_rule, said=said):
            if client and not key[0]:
                hiding += reading.rules[:1]
                continue
            copies.append(copy)
            sources += [(rule, client)] if rule else []
    results = [_copied(rule, key, client) for rule, client in sources]
    results += [_hiding(rule, key) for rule in hiding]
    return Taken(has_rule, policy, subsets, tuple(copies), tuple(results))


def _copies(
    client: str, reading: Reading, key: Key, *, stays: bool, has_rule: bool, said: tuple[Value, tuple[Value, ...]]
) -> Iterator[tuple[RuleCopy, DestinationRule | None]]:
    """Yield the rules for the exact host that a namespace needs of its own, and those that their policies are of."""
    if not reading.is_exact and reading.is_local:
        for one in reading.rules:
            if one.selector is not None:
                yield RuleCopy(client, policy_of(one), one.selector, subsets_of(one)), one
    source, own = reading.policy
    if any(not one.is_wildcard for one in reading.for_all):
        if not (stays or has_rule or (reading.is_local and client != key[0])):
            yield RuleCopy(client, own, subsets=reading.subsets), source or reading.for_all[0]
        return
    hides = reading.is_local and client != key[0]  # what it reads first would hide the Service's own rule
    if hides or has_rule or (own, reading.subsets) != said:
        named = next((one for one in reading.for_all if subsets_of(one)), None)
        yield RuleCopy(client, own, subsets=reading.subsets), source or named


def _copied(rule: DestinationRule, key: Key, client: str) -> Result:
    where = f" for the clients of namespace {client}" if client else ""
    if rule.is_wildcard:
        message = (
            f"its {_what(rule)} copied to the DestinationRule of Service {key[1]}{where}: Istio reads only the one "
            "with the exact host, once there is one"
        )
        field = "spec.trafficPolicy" if policy_of(rule) else "spec.subsets"
        return Result(Code.RULE_COPIED, message, rule.object.ref, field)
    message = (
        f"what it says is copied to a DestinationRule of Service {key[1]}{where}: the one that all others need would "
        "come before it there"
    )
    return Result(Code.RULE_COPIED, message, rule.object.ref, "spec.exportTo")


def _what(rule: DestinationRule) -> str:
    if not subsets_of(rule):
        return "trafficPolicy is"
    return "trafficPolicy and its subsets are" if policy_of(rule) else "subsets are"


def _hiding(rule: DestinationRule, key: Key) -> Result:
    message = (
        f"is read by the clients of namespace {rule.namespace} for Service {key[1]}, which has no namespace yet, and "
        "theirs would need one for that Service's full name beside it, or its environments are none to them (503): set "
        "the option namespace to what the Service will get, or write it into the list"
    )
    return Result(Code.RULE_HIDES, message, rule.object.ref, "spec.host")


def covered(found: Taken, subsets: Subsets | None, needed: Iterable[Value], *, has_routes: bool) -> Covered:
    """Return what the user's own objects take care of for a Service; `subsets` where they name any of it."""
    return Covered(
        subsets.names if subsets else None,
        has_routes=has_routes,
        has_rule=found.has_rule,
        traffic_policy=None if found.has_rule else found.policy or None,
        subsets=[*found.subsets, *subsets.missing_from({"subsets": list(found.subsets)}, needed)] if subsets else None,
        copies=found.copies,
    )
