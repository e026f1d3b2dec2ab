"""Where a request may carry its environment: matches as data, which each output writes in its own words.

Every expression is RE2 and matches the whole value. Istio takes 1024 characters of it (istio/istio,
pkg/config/validation); the limits in krm_fn/config/options.py keep all of them shorter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

from krm_fn.config.options import Alias, EnvHeader
from krm_fn.plan.answers import Route

Where = Literal["header"]


class Carrier(NamedTuple):
    """A named part of a request that may carry its environment.

    Attributes:
        where: the kind of part.
        name: its name; of a header in lower case.
        shared: whether it carries more than the environment, so that others may read it, too.
    """

    where: Where
    name: str
    shared: bool = False


class Match(NamedTuple):
    """A part of a request that is held against a text.

    Attributes:
        carrier: the part.
        how: whether its value is the text, begins with it, or fits it as an expression.
        text: what it is held against.
    """

    carrier: Carrier
    how: Literal["exact", "prefix", "regex"]
    text: str


class Place(NamedTuple):
    """Where in a carrier's value an environment's name stands, for whoever says in one expression what may stand there.

    Attributes:
        carrier: the carrier.
        around: puts the expression of a name, and one that is free of what lies below it, into the carrier's whole one.
        stops: characters that end a name there, as they stand in a bracket; empty for none.
        is_encoded: whether the punctuation of a name may be percent-encoded.
        is_bare: whether the name is the whole value.
    """

    carrier: Carrier
    around: Callable[[str, str], str]
    stops: str = ""
    is_encoded: bool = False
    is_bare: bool = False

    @property
    def rest(self) -> str:
        """The expression of any characters of a name."""
        return f"[^{self.stops}]*" if self.stops else ".*"

    def text(self, plain: str) -> str:
        """Return the expression of a text as it may stand there."""
        return _text(plain) if self.is_encoded else _literal(plain)


_SPACE = "[ \t]*"
_SPECIAL = re.compile(r"[$()*+.?\[\\\]^{|}]")
# Any character, or any but some; with its quantifier, and the brackets around it that are beside the placeholder.
_OPEN = r"(?P<open>(?<!\\)\.|\\S|\[\^(?:\\.|[^\]\\])+\])(?P<times>[*+])"
_AT_START = re.compile(rf"\A(?P<brackets>(?:\((?:\?:)?)*){_OPEN}")
_AT_END = re.compile(rf"{_OPEN}(?P<brackets>(?:\)\??)*)\Z")


def carriers(header: EnvHeader) -> list[Carrier]:
    """Return every part of a request that may carry its environment, each once."""
    return list(dict.fromkeys([Carrier("header", header.name.lower()), *map(_carrier, header.aliases)]))


def aliases(header: EnvHeader) -> list[str]:
    """Return how people name each alias that is not dead, such as `cookie env`."""
    return [_alias_name(alias) for alias in header.aliases if _place(alias) is not None]


def _alias_name(alias: Alias) -> str:
    if alias.cookie is not None:
        return f"cookie {alias.cookie}"
    if alias.baggage is not None:
        return f"baggage member {alias.baggage}"
    return f"{alias.name} (as {alias.pattern})" if alias.pattern is not None else str(alias.name)


def matches(header: EnvHeader, route: Route) -> list[Match]:
    """Return a match for each carrier and way of naming the route's environment; any of them is enough."""
    found = _values(Carrier("header", header.name.lower()), route)
    for alias in header.aliases:
        carrier = _carrier(alias)
        if alias.name is not None and alias.pattern is None:
            found += _values(carrier, route)
        else:
            found += [Match(carrier, "regex", expression) for expression in _expressions(alias, route)]
    return found


def _carrier(alias: Alias) -> Carrier:
    if alias.cookie is not None:
        return Carrier("header", "cookie", shared=True)
    if alias.baggage is not None:
        return Carrier("header", "baggage", shared=True)
    return Carrier("header", (alias.name or "").lower())


def _values(carrier: Carrier, route: Route) -> list[Match]:
    found = [Match(carrier, "exact", value) for value in route.exact]
    return [*found, Match(carrier, "prefix", route.prefix)] if route.prefix else found


def _expressions(alias: Alias, route: Route) -> list[str]:
    place = _place(alias)
    if place is None:
        return []  # reported as dead
    below = route.prefix.removeprefix(route.environment)  # the splitter, or nothing where only known values match
    deeper = f"(?:{place.text(below)}{place.rest})?" if below else ""
    names = [f"{place.text(value)}{deeper}" for value in route.exact]
    return [place.around(name, name) for name in names]


def places(header: EnvHeader) -> list[Place]:
    """Return where a request may name an environment: one place for the header and for each alias that is not dead."""
    found = [Place(Carrier("header", header.name.lower()), _bare, is_bare=True), *map(_place, header.aliases)]
    return [one for one in found if one is not None]


def _bare(name: str, _: str) -> str:
    return name


def _place(alias: Alias) -> Place | None:
    carrier = _carrier(alias)
    if alias.cookie is not None:
        # RFC 6265, 4.2.1; quotes around a value are no part of it
        before, behind = f'(?:.*;{_SPACE})?{_literal(alias.cookie)}="?', f'"?{_SPACE}(?:;.*)?'
        return Place(carrier, partial(_between, before, behind), ';"', is_encoded=True)
    if alias.baggage is not None:
        # https://www.w3.org/TR/baggage/#header-content: members between commas, each with properties behind semicolons
        before = f"(?:.*,)?{_SPACE}{_literal(alias.baggage)}{_SPACE}={_SPACE}"
        return Place(carrier, partial(_between, before, f"{_SPACE}(?:[,;].*)?"), ",;", is_encoded=True)
    if alias.pattern is None:
        return Place(carrier, _bare, is_bare=True)
    if alias.placeholder not in alias.pattern:
        return None
    return Place(carrier, partial(_around, alias.pattern, alias.placeholder))


def _between(before: str, behind: str, name: str, _: str) -> str:
    return f"{before}{name}{behind}"


def _around(pattern: str, placeholder: str, name: str, further: str) -> str:
    """Put a name where the placeholder stands, `further` where it stands again, so that no longer name fits there.

    A wildcard beside the placeholder would swallow the rest of a longer name (`dev.proj1-x` for `dev.proj1`), so it
    must begin outside of one. RE2 cannot look ahead, so what it begins with is said in its own place.
    """
    first, *rest = pattern.split(placeholder)
    pieces = [first, *(_AT_START.sub(_after_name, piece) for piece in rest)]
    pieces = [*(_AT_END.sub(_before_name, piece) for piece in pieces[:-1]), pieces[-1]]
    names = [f"(?:{name})", *[f"(?:{further})"] * (len(pieces) - 2), ""]
    return "".join(piece + one for piece, one in zip(pieces, names, strict=True))


def _after_name(found: re.Match[str]) -> str:
    tail = f"{_outside(found['open'])}{found['open']}*"
    return found["brackets"] + (tail if found["times"] == "+" else f"(?:{tail})?")


def _before_name(found: re.Match[str]) -> str:
    head = f"{found['open']}*{_outside(found['open'])}"
    return (head if found["times"] == "+" else f"(?:{head})?") + found["brackets"]


def _outside(characters: str) -> str:
    """Return the expression of those characters that no label value has."""
    but = {".": "", r"\S": r"\s"}.get(characters, characters[2:-1])
    return f"[^-._A-Za-z0-9{but}]"


def _text(plain: str) -> str:
    return "".join(one if one.isalnum() else _either(one) for one in plain)


def _either(one: str) -> str:
    """Return an expression for a character or its percent-encoding; as short as can be, a name has up to 61."""
    digits = f"{ord(one):02X}"
    return f"({_literal(one)}|%{digits[0]}[{digits[1]}{digits[1].lower()}])"


def _literal(text: str) -> str:
    r"""Escape for RE2, and only what needs it: re.escape makes `-` two characters."""
    return _SPECIAL.sub(r"\\\g<0>", text)
