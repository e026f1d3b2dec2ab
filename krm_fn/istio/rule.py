"""A Service's custom rule: read, held against what it may say, merged into its routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from krm_fn.config.options import EnvHeader
from krm_fn.istio.matches import both, of_carriers
from krm_fn.istio.shapes import Problem
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import RULE, about
from krm_fn.results import Code, Result
from krm_fn.values import Manifest

if TYPE_CHECKING:
    from krm_fn.istio.http_route import Reading

# What answers in place of pods, so that no environment does.
_REPLIES = ("redirect", "directResponse")


def read(plan: ServicePlan) -> Mapping[str, Any]:
    """Return the rule of a Service, an HTTPRoute without destinations; empty for none, or where it is refused."""
    text = plan.exposure.rule
    if not text:
        return {}
    reading = _read(text)
    return {} if any(_problems(reading, plan.config.env_header)) else reading.route


def findings(plan: Plan) -> Iterator[Result]:
    """Yield what is wrong with the rules of Services."""
    for one in plan.services:
        if one.exposure.rule:
            for path, message in _problems(_read(one.exposure.rule), one.config.env_header):
                said = f"{path}: {message}" if path else message
                yield about(one.service, Code.RULE_INVALID, RULE, said)


def _read(text: str) -> Reading:
    from krm_fn.istio import http_route  # noqa: PLC0415 - few lists have rules

    return http_route.read(text)


def _problems(reading: Reading, header: EnvHeader) -> Iterator[Problem]:
    from krm_fn.istio import refused  # noqa: PLC0415 - as above

    yield from reading.problems
    if not reading.problems:
        yield from _refused(reading.route)
        yield from refused.problems(reading.route)
        for path, _, _ in of_carriers(reading.route.get("match"), header):
            message = "carries the environment, and the environments' routes match it themselves: remove it"
            yield f"match{path}", message


def _refused(rule: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what a rule cannot say, because the environments say it."""
    if "route" in rule:
        yield "route", "names pods of its own, and here the environments decide who answers: remove it"
    if "delegate" in rule:
        yield "delegate", "hands the routes to another VirtualService, which no environment reaches: remove it"
    if not rule.keys() - {"name", "match"}:
        yield "", "says nothing but what it matches: add what to do, such as rewrite or timeout, or remove it"
    if all(key in rule for key in _REPLIES):
        yield "redirect", "cannot stand beside directResponse: keep one of them"


def merged(rule: Mapping[str, Any], routes: Sequence[Manifest], gateways: Sequence[str]) -> list[Manifest]:
    """Return routes with a rule merged into them.

    Whatever one of the rule's matches takes is routed first, each environment's requests in the order of `routes`;
    then the routes stand as they were, for everything else. A rule without a match changes the routes themselves.

    Args:
        rule: an HTTPRoute without destinations; empty for none.
        routes: the routes of one port, the one that takes all others last.
        gateways: where they are served.
    """
    if not rule:
        return list(routes)
    wanted = rule.get("match")
    matches = [one for one in wanted or [{}] if not one.get("gateways") or set(one["gateways"]) & set(gateways)]
    if any(reply in rule for reply in _REPLIES):
        changed = [_with(rule, matches, {key: part for key, part in routes[-1].items() if key in ("name", "match")})]
    else:
        changed = [_with(rule, matches, route) for route in routes if "directResponse" not in route]
    changed = [one for one in changed if one]
    if wanted:
        return [*changed, *routes]
    return [*changed, *(route for route in routes if "directResponse" in route and not rule.keys() & set(_REPLIES))]


def _with(rule: Mapping[str, Any], matches: Sequence[Mapping[str, Any]], route: Manifest) -> Manifest:
    """Return a route as the rule wants it for what both match; empty where nothing can."""
    met = [
        match
        for one in matches
        for other in route.get("match", [{}])
        if "port" not in one or one["port"] == other.get("port", one["port"])
        if (match := both(one, other)) is not None
    ]
    if not met:
        return {}
    rest = {key: part for key, part in rule.items() if key not in ("name", "match")}
    if "headers" in rest and "headers" in route:
        rest["headers"] = _deep(rest["headers"], route["headers"])
    whole = {**route, **{key: part for key, part in rest.items() if key != "headers"}}
    whole |= {"headers": rest["headers"]} if "headers" in rest else {}
    given = [match for match in met if match]
    whole.pop("match", None)
    name = f"{route['name']}--{rule.get('name', 'rule')}" if rule.get("match") else route["name"]
    return {"name": name, **({"match": given} if given else {}), **{k: v for k, v in whole.items() if k != "name"}}


def _deep(one: Mapping[str, Any], other: Mapping[str, Any]) -> Manifest:
    """Return both mappings as one; where both say something, the second one holds."""
    both = {key: part for key, part in one.items() if key not in other}
    for key, part in other.items():
        both[key] = _deep(one[key], part) if isinstance(part, dict) and isinstance(one.get(key), dict) else part
    return both
