"""Which DestinationRules a client of a Service reads, as Istio looks them up.

In the client's namespace, then in the Service's, then in Istio's own; the first of these with a rule whose host covers
the Service's is it, a wildcard no less than the exact host (istio/istio, pilot/pkg/model/push_context.go,
destinationRule, and destination_rule.go).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.hosts import Hosts
from krm_fn.istio.theirs import DestinationRule
from krm_fn.plan.services import Key
from krm_fn.values import Value, mapping, mappings

OTHERS = "*"  # stands for every namespace that no rule of the list is in, or is made for


class Reading(NamedTuple):
    """What the clients of a namespace read for a Service.

    Attributes:
        rules: the rules that were found, in the order in which Istio joins them; empty for none.
        is_local: whether they are the client namespace's own, and not found farther off.
    """

    rules: tuple[DestinationRule, ...] = ()
    is_local: bool = False

    @property
    def for_all(self) -> tuple[DestinationRule, ...]:
        """Those that hold for every pod of the namespace; Istio reads the last kind of them.

        A private one is joined with those that have a workloadSelector, and holds for their pods only
        (destination_rule.go, mergeDestinationRule).
        """
        plain = [one for one in self.rules if one.selector is None]
        if len(plain) < len(self.rules):
            plain = [one for one in plain if one.exported != (".",)]
        return tuple(one for one in plain if one.joins(plain[-1])) if plain else ()

    @property
    def is_exact(self) -> bool:
        return any(not one.is_wildcard for one in self.rules)

    @property
    def subsets(self) -> tuple[Value, ...]:
        """The subsets that hold for every pod, as Istio joins them."""
        found = {str(one.get("name")): one for rule in reversed(self.for_all) for one in subsets_of(rule)}
        return tuple(found[name] for name in sorted(found))

    @property
    def policy(self) -> tuple[DestinationRule | None, Value]:
        """The trafficPolicy that holds for every pod, and the rule that it is of."""
        return next(((one, found) for one in self.for_all if (found := policy_of(one))), (None, {}))


def policy_of(rule: DestinationRule) -> Value:
    """Return the trafficPolicy of a rule."""
    return mapping(rule.spec, "trafficPolicy")


def subsets_of(rule: DestinationRule) -> list[Value]:
    """Return the subsets of a rule."""
    return mappings(rule.spec.get("subsets"))


class Lookup:
    """The DestinationRules of a list.

    Args:
        exact: those for the exact host of a Service with routes, by Service.
        wildcards: all others.
        root: Istio's own namespace.
        hosts: of these Services.
    """

    def __init__(
        self,
        exact: Mapping[Key | None, Sequence[DestinationRule]],
        wildcards: Iterable[DestinationRule],
        root: str,
        hosts: Hosts,
    ) -> None:
        self.exact = exact
        self.root = root
        self.hosts = hosts
        self.wildcards: dict[str, list[DestinationRule]] = defaultdict(list)
        for one in sorted(wildcards, key=joined_order):
            self.wildcards[one.namespace].append(one)

    def clients(self, key: Key) -> list[str]:
        """Return the namespaces whose clients may read other rules for a Service than all others do, in order."""
        covering = [*self.exact.get(key, ()), *self.wild(key)]
        named = {namespace for one in covering for namespace in (one.namespace, *one.exported)} | {key[0]}
        return sorted(named - {"*", ".", "~"})

    def wild(self, key: Key) -> list[DestinationRule]:
        """Return the rules with a wildcard over a Service, those that all others read first."""
        covering = [one for rules in self.wildcards.values() for one in rules if self._covers(one, key)]
        first = self.read_by(OTHERS, key).rules if covering else ()
        return sorted(covering, key=lambda one: one not in first)

    def read_by(self, client: str, key: Key) -> Reading:
        """Return what the clients of a namespace (OTHERS: of any that has no rules) read for a Service."""
        here = _closest([one for one in self._in(client, key) if _holds_at_home(one)])
        if client == self.root:
            here = [one for one in here if _is_private(one)]
        if client != OTHERS and here:
            return Reading(tuple(here), is_local=True)
        for namespace in (key[0], self.root):
            exported = [one for one in self._in(namespace, key) if not _is_private(one)]
            found = [one for one in _closest(exported) if _is_seen(one, client)]
            if found:
                return Reading(tuple(found))
        return Reading()

    def _in(self, namespace: str, key: Key) -> list[DestinationRule]:
        exact = [one for one in self.exact.get(key, ()) if one.namespace == namespace]
        return [
            *sorted(exact, key=joined_order),
            *(one for one in self.wildcards.get(namespace, ()) if self._covers(one, key)),
        ]

    def _covers(self, rule: DestinationRule, key: Key) -> bool:
        return rule.is_wildcard and self.hosts.spans(rule.host, key)


def _closest(rules: Sequence[DestinationRule]) -> list[DestinationRule]:
    """Return the rules with the most specific host."""
    exact = [one for one in rules if not one.is_wildcard]
    if exact or not rules:
        return exact
    host = min((one.host for one in rules), key=lambda host: (-len(host), host))
    return [one for one in rules if one.host == host]


def joined_order(one: DestinationRule) -> tuple[bool, str, str]:
    """Return how Istio sorts rules before it joins them: with a workloadSelector first, then by age, then by name."""
    return (one.selector is None, one.created, one.object.ref.name)


def _holds_at_home(one: DestinationRule) -> bool:
    return one.selector is not None or bool({"*", ".", one.namespace} & set(one.exported))


def _is_private(one: DestinationRule) -> bool:
    return one.selector is not None or set(one.exported) <= {".", one.namespace}


def _is_seen(one: DestinationRule, client: str) -> bool:
    return "*" in one.exported or client in one.exported
