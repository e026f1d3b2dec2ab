"""Where a request may carry its environment → header matches of a route.

Every expression matches the whole header value (Envoy anchors it on both sides).
"""

from __future__ import annotations

import re
from typing import Any

from krm_fn.options import Alias, EnvHeader
from krm_fn.plan import Route

Match = dict[str, Any]

_SPACE = "[ \t]*"
# A name ends where no further character of a label value follows.
_OUTSIDE = "[^-A-Za-z0-9_.]"


def header_matches(header: EnvHeader, route: Route) -> list[Match]:
    """Return one header match per carrier and way of naming the route's environment; any of them is enough."""
    matches = _values(header.name, route)
    for alias in header.aliases:
        if alias.name is not None and alias.pattern is None:
            matches += _values(alias.name, route)
        else:
            matches += [{name: {"regex": regex}} for name, regex in _expressions(alias, route)]
    return [{"headers": match} for match in matches]


def _values(name: str, route: Route) -> list[Match]:
    matches: list[Match] = [{name.lower(): {"exact": value}} for value in route.exact]
    return [*matches, {name.lower(): {"prefix": route.prefix}}] if route.prefix else matches


def _expressions(alias: Alias, route: Route) -> list[tuple[str, str]]:
    below = route.prefix.removeprefix(route.environment)  # the splitter, or nothing where only known values match
    if alias.name is not None and alias.pattern is not None:
        if alias.placeholder not in alias.pattern:
            return []  # reported as dead
        return [(alias.name.lower(), _around(alias.pattern, alias.placeholder, value, below)) for value in route.exact]
    if alias.cookie is not None:
        start, stop, end = "(?:.*;[ ]*)?", '[^;"]*', "(?:;.*)?"
        return [
            ("cookie", f'{start}{re.escape(alias.cookie)}="?{_encoded(value, below, stop)}"?{_SPACE}{end}')
            for value in route.exact
        ]
    start, stop, end = "(?:.*,)?", "[^,;]*", "(?:[,;].*)?"
    key = re.escape(alias.baggage or "")
    return [
        ("baggage", f"{start}{_SPACE}{key}{_SPACE}={_SPACE}{_encoded(value, below, stop)}{_SPACE}{end}")
        for value in route.exact
    ]


def _around(pattern: str, placeholder: str, value: str, below: str) -> str:
    """Put an environment where the placeholder stands, so that no longer or shorter name fits there.

    `.*` beside the placeholder would swallow the rest of a longer name, so it must begin outside of one.
    """
    before, _, after = pattern.partition(placeholder)
    for wildcard, bounded in ((".*", f"(?:.*{_OUTSIDE})?"), (".+", f".*{_OUTSIDE}")):
        if before.endswith(wildcard):
            before = before.removesuffix(wildcard) + bounded
    for wildcard, bounded in ((".*", f"(?:{_OUTSIDE}.*)?"), (".+", f"{_OUTSIDE}.*")):
        if after.startswith(wildcard):
            after = bounded + after.removeprefix(wildcard)
    deeper = f"(?:{re.escape(below)}.*)?" if below else ""
    return rf"{before}\b{re.escape(value)}\b{deeper}{after}"


def _encoded(value: str, below: str, stop: str) -> str:
    """Return an expression for a value whose punctuation may be percent-encoded, and for what lies below it."""

    def text(plain: str) -> str:
        return "".join(one if one.isalnum() else f"(?:{re.escape(one)}|%{ord(one):02X}{_lower(one)})" for one in plain)

    return text(value) + (f"(?:{text(below)}{stop})?" if below else "")


def _lower(character: str) -> str:
    upper = f"{ord(character):02X}"
    return f"|%{upper.lower()}" if upper != upper.lower() else ""
