"""Rules of two routes of the user's that only the routes' age tells apart: the ages of their copies are others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterator, Sequence
from itertools import combinations, product

from krm_fn.gateway_api.theirs import Route
from krm_fn.gateway_api.weaving.neighbours import decided_before
from krm_fn.results import Code, Result
from krm_fn.values import Value, mappings

_Rules = tuple[int, Value, Value]  # the number of the route, a rule, a match of it


def find(routes: Sequence[Route], copied: Collection[int]) -> Iterator[Result]:
    """Yield a finding for each two of the copied routes that a request may meet alike, and that answer it otherwise."""
    alike: dict[Hashable, list[_Rules]] = defaultdict(list)
    for number in sorted(copied):
        route = routes[number]
        for rule in route.rules:
            for match in mappings(rule.get("matches")) or [{}]:
                counts = [len(mappings(match.get(key))) for key in ("headers", "queryParams")]
                for place in dict.fromkeys(_places(route)):
                    alike[place, decided_before(route, match), *counts].append((number, rule, match))
    told: set[tuple[int, int]] = set()
    for rules in alike.values():
        for (one, rule, match), (other, rule_of_other, match_of_other) in combinations(rules, 2):
            pair = (one, other)
            differ = one != other and _answer(rule) != _answer(rule_of_other)
            if pair not in told and differ and _may_meet(match, match_of_other) and _hang(routes[one], routes[other]):
                told.add(pair)
                yield _tied(routes[one], routes[other])


def _places(route: Route) -> Iterator[Hashable]:
    """Yield where its rules are held against those of others: a Service, or a host of a gateway."""
    for parent in route.all_parents:
        hosts = [""] if parent.get("kind") == "Service" else route.hosts or ["*"]
        yield from ((route.object.ref.kind, *route.key(parent), host.lower()) for host in hosts)


def _hang(one: Route, other: Route) -> bool:
    """Tell whether some port or listener has both."""
    return any(
        one.key(first) == other.key(second)
        and first.get("kind") == second.get("kind")
        and all(first[key] == second[key] for key in ("port", "sectionName") if first.get(key) and second.get(key))
        for first, second in product(one.all_parents, other.all_parents)
    )


def _answer(rule: Value) -> Value:
    return {key: part for key, part in rule.items() if key not in ("name", "matches")}


def _may_meet(one: Value, other: Value) -> bool:
    """Tell whether a request may fit two matches: not where they ask for different values of one header."""
    return not any(
        first.get("type", "Exact") == second.get("type", "Exact") == "Exact"
        and str(first.get("name")).lower() == str(second.get("name")).lower()
        and first.get("value") != second.get("value")
        for key in ("headers", "queryParams")
        for first, second in product(mappings(one.get(key)), mappings(other.get(key)))
    )


def _tied(one: Route, other: Route) -> Result:
    message = (
        f"has a rule that may take the same requests as one of {one.object.ref}, as special as that: the older route "
        "answers, and of the copies for environments the one that was made first, or whose name comes first, which may "
        "be the other; put both rules into one route, where their order decides, or make one of them more special"
    )
    return Result(Code.RULE_PASSED_BY, message, other.object.ref, "spec.rules", (one.object.ref,))
