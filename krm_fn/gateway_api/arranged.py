"""Rules of environments into routes: one route in order where they fit, else one per environment, in no order.

Limits: https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec (rules, and matches of all of them). The
definitions of Gateway API 1.1, which Linkerd installs, take 8 matches a rule, newer ones 64: more are several rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from krm_fn.config.options import RouteConfig
from krm_fn.gateway_api.expressions import disjoint, ordered
from krm_fn.plan.answers import Route
from krm_fn.plan.carriers import Match
from krm_fn.values import Manifest, mappings

MOST_RULES, MOST_IN_A_RULE, MOST_MATCHES = 16, 8, 128

Rules = Sequence[Manifest]
# The rules of an environment, given the header matches of which each alone says that a request carries it.
Variant = Callable[[Route, Sequence[Manifest]], Rules]


class Part(NamedTuple):
    """The rules of one route: of an environment alone, or of all and of requests that carry none."""

    environment: str
    rules: Rules
    number: int = 1

    @property
    def fits(self) -> bool:
        """Whether the API takes so many rules and matches."""
        counts = [_matches(one) for one in self.rules]
        return len(counts) <= MOST_RULES and sum(counts) <= MOST_MATCHES and max(counts, default=0) <= MOST_IN_A_RULE


def _divided(rules: Rules) -> list[Manifest]:
    """Return the same rules, those of too many matches as several in a row."""
    return [one for rule in rules for one in _pieces(rule)]


def _pieces(rule: Manifest) -> Iterator[Manifest]:
    matches = mappings(rule.get("matches"))
    if len(matches) <= MOST_IN_A_RULE:
        yield rule
        return
    for at in range(0, len(matches), MOST_IN_A_RULE):
        yield {**rule, "matches": matches[at : at + MOST_IN_A_RULE]}


def fits_one_route(rules: int, matches: int) -> bool:
    """Tell whether one route holds so many rules of so many matches each, and a last one."""
    return rules * -(-matches // MOST_IN_A_RULE) < MOST_RULES and rules * matches < MOST_MATCHES


def arranged(config: RouteConfig, routes: Sequence[Route], variant: Variant, default: Rules) -> list[Part]:
    """Return the rules of some environments, and those of all other requests.

    Where one route cannot hold them, each environment has one; no value then meets the expressions of two. A part
    that still does not fit has several rules of the user's, whose order must hold: `Part.fits` tells.
    """
    together = ordered(config.env_header, routes)
    rules = [rule for one in routes for rule in variant(one, _headers(together[one.environment]))]
    whole = Part("", _divided([*rules, *default]))
    if whole.fits:
        return [whole]
    apart = disjoint(config.env_header, routes, config.env_label.splitter)
    parts = [Part("", default)] if default else []
    for one in routes:
        parts += _cut(one.environment, variant(one, _headers(apart[one.environment])))
    return parts


def _headers(matches: Sequence[Match]) -> list[Manifest]:
    return [{"name": one.carrier.name, "type": "RegularExpression", "value": one.text} for one in matches]


def _matches(rule: Manifest) -> int:
    return max(1, len(mappings(rule.get("matches"))))


def _cut(environment: str, rules: Rules) -> Iterator[Part]:
    """Yield the rules of an environment, a single rule of too many matches as several routes of that rule."""
    part = Part(environment, _divided(rules))
    if part.fits or len(rules) != 1:
        yield part
        return
    for number, at in enumerate(range(0, len(part.rules), MOST_RULES), 1):
        yield Part(environment, part.rules[at : at + MOST_RULES], number)
