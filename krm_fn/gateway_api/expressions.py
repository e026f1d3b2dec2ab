"""A route's environments → expressions of whole values: in an order, or such that no value meets two of them.

The Gateway API knows no prefix of a header, and no order between routes but their age. Where the environments of a
Service do not fit into one route, the expression of each leaves out what is below its nearest descendants: RE2 has no
look-ahead, so it says what may stand in place of their names, letter by letter.

Every expression is `^…$`: Linkerd searches for the leftmost alternative, which must then span the value, and all others
hold the whole value against it.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from krm_fn.config.options import EnvHeader
from krm_fn.plan.answers import Route
from krm_fn.plan.carriers import Match, Place, places
from krm_fn.plan.environments import levels

LONGEST = 4096  # characters of a header match's value in the Gateway API
_IN_BRACKETS = re.compile(r"[-\\\]^]")
_SPACE = r" \t"
# The definitions of the experimental channel take printable ASCII, with one space or tab at a time.
_UNPRINTABLE = re.compile(r"\\(?P<escaped>.)|[^ -~]|  +", re.DOTALL)
_OF_NAMES = frozenset(string.ascii_letters + string.digits + "-._")
_SHORT_RUN = 3


def ordered(header: EnvHeader, routes: Sequence[Route]) -> dict[str, list[Match]]:
    """Return the matches of each environment, for routes that are tried deepest first."""
    return {one.environment: list(_matches(header, one, None)) for one in routes}


def disjoint(header: EnvHeader, routes: Sequence[Route], splitter: str) -> dict[str, list[Match]]:
    """Return the matches of each environment such that in no carrier a value meets those of two of them."""
    below = _descendants(routes, splitter)
    return {one.environment: list(_matches(header, one, below.get(one.environment))) for one in routes}


def _descendants(routes: Sequence[Route], splitter: str) -> Mapping[str, _Node]:
    """Return what stands behind an environment's name and splitter where a descendant with a route answers."""
    names = {one.environment for one in routes if one.prefix}
    found: dict[str, _Node] = {}
    for name in sorted(names):
        above = next((one for one in levels(name, splitter)[1:] if one in names), None)
        if above is not None:
            found.setdefault(above, _Node()).add(name.removeprefix(above + splitter), splitter)
    return found


def _matches(header: EnvHeader, route: Route, below: _Node | None) -> Iterator[Match]:
    splitter = route.prefix.removeprefix(route.environment)
    for place in places(header):
        if not route.prefix:
            names = [place.text(value) for value in route.exact]
            all_of = _Writer(place, "", "").joined(names)
        else:
            writer = _Writer(place, place.text(route.environment), place.text(splitter))
            all_of = [writer.whole(place.rest)] if below is None else writer.without(below)
        yield from (Match(place.carrier, "regex", text) for text in all_of)


@dataclass(slots=True)
class _Node:
    """A place in a trie of names.

    Attributes:
        children: what follows, by letter.
        is_end: whether a name ends here, so that nothing else may.
        is_below: whether what follows is below a name: nothing may follow at all.
    """

    children: dict[str, _Node] = field(default_factory=dict)
    is_end: bool = False
    is_below: bool = False

    def add(self, name: str, splitter: str) -> None:
        """Add a name, and all that begins with it and the splitter."""
        node = self
        for letter in name:
            node = node.children.setdefault(letter, _Node())
        node.is_end = True
        for letter in splitter:
            node = node.children.setdefault(letter, _Node())
        node.is_below = True


class _Writer(NamedTuple):
    """Writes the expressions of one place in a carrier, for one environment.

    Attributes:
        place: the place.
        name: the expression of the environment's name.
        splitter: that of the splitter; empty where nothing below the name is met.
    """

    place: Place
    name: str
    splitter: str

    def whole(self, behind: str) -> str:
        """Return the expression of the name, or of it and what may stand behind the splitter."""
        # As short as can be where nothing stands around it: the form that people read.
        group = "(" if self.place.is_bare else "(?:"
        return self._anchored(f"{self.name}{group}{self.splitter}{behind})?")

    def joined(self, names: Sequence[str]) -> list[str]:
        """Return expressions of some names, as few as the limit allows."""
        return [self._any(names[start:end]) for start, end in self._packed(names)]

    def without(self, below: _Node) -> list[str]:
        """Return expressions of the name and all below it but the names of a trie and what is below those."""
        tails: dict[int, str] = {}
        self._write(below, tails)
        whole = self.whole(tails[id(below)])
        if len(whole) <= LONGEST:
            return [whole]
        start = self.name + self.splitter
        room = LONGEST - len(self._anchored(start))
        return self.joined([self.name, *(start + one for one in self._pieces(below, tails, "", room))])

    def _any(self, names: Sequence[str]) -> str:
        return self._anchored(names[0] if len(names) == 1 else f"(?:{'|'.join(names)})")

    def _anchored(self, name: str) -> str:
        # Where a pattern has the name twice, the first one decides.
        below = f"{self.name}(?:{self.splitter}{self._rest})?" if self.splitter else name
        text = self.place.around(name, below)
        # Alternatives without brackets, as a pattern of the user's may have them, end at the edges.
        return f"^{text}$" if self.place.is_bare else f"^(?:{_UNPRINTABLE.sub(_printable, text)})$"

    @property
    def _rest(self) -> str:
        """The expression of any characters of a name; in a pattern of the user's those that no name has are not its."""
        is_open = self.place.is_bare or self.place.stops
        return self.place.rest if is_open else f"[{_class(_OF_NAMES)}]*"

    def _packed(self, names: Sequence[str]) -> Iterator[tuple[int, int]]:
        """Yield the first and last place of names that fit into one expression together."""
        around = len(self._anchored("(?:)"))
        per_letter = len(self._anchored("(?:x)")) - around  # more than one where a pattern has the name twice
        start, length = 0, around
        for place, name in enumerate(names):
            length += (len(name) + 1) * per_letter
            if length > LONGEST and place > start:
                yield start, place
                start, length = place, around + (len(name) + 1) * per_letter
        if names:
            yield start, len(names)

    def _write(self, node: _Node, tails: dict[int, str]) -> None:
        """Say for a node and all below it what may follow there; empty where nothing may, not even the end."""
        for child in node.children.values():
            if not child.is_below:
                self._write(child, tails)
        branches = [*self._others(node), *(one for one in self._branches(node, tails) if one)]
        text = branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
        if not node.is_end:
            text = f"(?:{text})?" if len(branches) == 1 else f"{text}?"
        tails[id(node)] = text

    def _branches(self, node: _Node, tails: Mapping[int, str]) -> Iterator[str]:
        for letter, child in sorted(node.children.items()):
            if not child.is_below:
                yield self.place.text(letter) + tails[id(child)]

    def _others(self, node: _Node) -> list[str]:
        """Return the expressions, any of them, of what begins with none of a node's letters."""
        if self.place.is_encoded:
            return list(self._encoded(node))
        if self.place.is_bare:
            return [f"[^{_escaped(sorted(node.children))}]{self._rest}"]
        return [f"[{_class(_OF_NAMES.difference(node.children))}]{self._rest}"]

    def _encoded(self, node: _Node) -> Iterator[str]:
        """Yield the same where punctuation may be percent-encoded."""
        stops, rest = self.place.stops, self._rest
        space = _SPACE if node.is_end else ""  # the name ends before it
        letters = _escaped(sorted(node.children))
        codes = sorted(f"{ord(one):02X}" for one in node.children if not one.isalnum())
        yield f"[^{letters}{'%' if codes else ''}{stops}{space}]{rest}"
        if codes:
            firsts = "".join(sorted({code[0] for code in codes}))
            yield f"%(?:[^{firsts}{stops}]{rest})?"
            for first in firsts:
                seconds = [digit for code in codes if code[0] == first for digit in (code[1], code[1].lower())]
                yield f"%{first}(?:[^{''.join(dict.fromkeys(seconds))}{stops}]{rest})?"

    def _pieces(self, node: _Node, tails: Mapping[int, str], before: str, room: int) -> list[str]:
        """Return what may follow as expressions of their own, each short enough."""
        if len(before) + len(tails[id(node)]) <= room:
            return [before + tails[id(node)]]
        pieces = [f"{before}{one}" for one in self._ways(node)]
        for letter, child in sorted(node.children.items()):
            if not child.is_below:
                pieces += self._pieces(child, tails, before + self.place.text(letter), room)
        return pieces

    def _ways(self, node: _Node) -> Iterator[str]:
        text = "|".join(self._others(node))
        yield f"(?:{text})" if node.is_end else f"(?:{text})?"


def _printable(found: re.Match[str]) -> str:
    if (found["escaped"] or "") > " " and found["escaped"].isascii():
        return found[0]
    return "".join({" ": r"\x20", "\t": r"\t"}.get(one, f"\\x{{{ord(one):X}}}") for one in found["escaped"] or found[0])


def _escaped(letters: Iterable[str]) -> str:
    return "".join(_IN_BRACKETS.sub(r"\\\g<0>", one) for one in letters)


@cache
def _class(letters: frozenset[str]) -> str:
    """Return what a bracket has to hold to meet some letters, in ranges."""
    runs: list[list[str]] = []
    for one in sorted(letters):
        if runs and ord(one) == ord(runs[-1][-1]) + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return "".join(f"{run[0]}-{run[-1]}" if len(run) > _SHORT_RUN else _escaped(run) for run in runs)
