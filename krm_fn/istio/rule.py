"""A Service's custom rule → into its routes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krm_fn.plan.exposure import REPLIES

Manifest = dict[str, Any]


def ruled(rule: Mapping[str, Any], routes: Sequence[Manifest], gateways: Sequence[str]) -> list[Manifest]:
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
    if any(reply in rule for reply in REPLIES):
        changed = [_merged(rule, matches, {key: part for key, part in routes[-1].items() if key in ("name", "match")})]
    else:
        changed = [_merged(rule, matches, route) for route in routes if "directResponse" not in route]
    changed = [one for one in changed if one]
    if wanted:
        return [*changed, *routes]
    return [*changed, *(route for route in routes if "directResponse" in route and not rule.keys() & set(REPLIES))]


def _merged(rule: Mapping[str, Any], matches: Sequence[Mapping[str, Any]], route: Manifest) -> Manifest:
    """Return a route as the rule wants it for what both match; empty where nothing can."""
    both = [
        _and(one, other)
        for one in matches
        for other in route.get("match", [{}])
        if "port" not in one or one["port"] == other.get("port", one["port"])
    ]
    if not both:
        return {}
    rest = {key: part for key, part in rule.items() if key not in ("name", "match")}
    if "headers" in rest and "headers" in route:
        rest["headers"] = _deep(rest["headers"], route["headers"])
    merged = {**route, **{key: part for key, part in rest.items() if key != "headers"}}
    merged |= {"headers": rest["headers"]} if "headers" in rest else {}
    given = [match for match in both if match]
    merged.pop("match", None)
    name = f"{route['name']}--{rule.get('name', 'rule')}" if rule.get("match") else route["name"]
    return {"name": name, **({"match": given} if given else {}), **{k: v for k, v in merged.items() if k != "name"}}


def _and(one: Mapping[str, Any], other: Mapping[str, Any]) -> Manifest:
    headers = {**one.get("headers", {}), **other.get("headers", {})}
    return {**one, **other, **({"headers": headers} if headers else {})}


def _deep(one: Mapping[str, Any], other: Mapping[str, Any]) -> Manifest:
    """Return both mappings as one; where both say something, the second one holds."""
    both = {key: part for key, part in one.items() if key not in other}
    for key, part in other.items():
        both[key] = _deep(one[key], part) if isinstance(part, dict) and isinstance(one.get(key), dict) else part
    return both
