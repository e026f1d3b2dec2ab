"""The shape of an object, learned once: most objects of a list have their keys in the order of one before.

A shape is a regular expression for the whole text of an object: what is asked for in the order in which it came, each
part a group, and between them runs of keys that nobody asks for, whatever they are. It cuts as `yaml_cuts` does, in a
tenth of the time; where it does not fit, nothing is lost but that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from krm_fn.text.yaml_parts import Waiting

Tree = Mapping[str, "Tree | None"]  # the keys that are asked for; None: with all that is in them
Asked = Callable[[str, str], "Tree | None"]  # apiVersion and kind -> what is asked for; None: everything
EACH: Tree = {}  # every key, each by itself: neighbours of other objects often say the same
ENTRIES: Tree = {"-": None}  # of a list, each key of each entry by itself
IDENTITY = ("apiVersion", "kind")


class All(dict[str, "Tree | None"]):
    """A mapping of which all keys are asked for; those named here are cut further."""


class Whole(All):
    """The same with lists in it whose entries are cut, too."""


WORD = r"""(?:[A-Za-z_][\w./-]*|"[A-Za-z_][\w./-]*"|'[A-Za-z_][\w./-]*')"""
_LEAD = r"(?:\n *(?:#[^\n]*+)?(?=\n))*+"  # blank lines and comments
_MOST = 12  # shapes that are kept
_LARGEST = 200  # parts of a shape: no kind has so many keys, and to make such an expression takes long
OFTEN = 10  # objects of a shape; to make its expression takes as long as to cut some of them


def _more(column: int) -> str:
    """Return what matches the rest of a key's line and the lines that belong to it."""
    deeper = rf" {{{column + 1}}}[^\n]*+"
    return rf"[^\n]*+(?:\n(?:{deeper}| {{{column}}}-(?=[ \n])[^\n]*+| {{0,{column}}}#[^\n]*+|(?=\n)))*+"


@dataclass(slots=True)
class Shape:
    """A shape while it is learned.

    Attributes:
        pattern: the parts of the expression.
        parts: of each group: in which mapping its values go, and the head of the part; no head for lines, each a part
            by itself; None for what nobody asks for.
        same: what stands alike in all objects of the shape, in the outermost mapping: heads and what follows them.
        keys: of each mapping, those that are asked for.
        below: the mappings below the outermost, each with the number of the one that holds it, and its key.
        is_whole: whether all that the objects say is asked for.
    """

    pattern: list[str] = field(default_factory=lambda: [_LEAD])
    parts: list[tuple[int, str] | None] = field(default_factory=list)
    same: list[tuple[str, str]] = field(default_factory=list)
    keys: list[list[str]] = field(default_factory=lambda: [[]])
    below: list[tuple[int, str]] = field(default_factory=list)
    is_whole: bool = False

    def copy(self) -> Shape:
        keys = [one[:] for one in self.keys]
        return Shape(self.pattern[:], self.parts[:], self.same[:], keys, self.below[:], self.is_whole)

    def open(self, holder: int, header: str, key: str) -> int:
        """Note the line of a key whose mapping is cut, too; return the number of that mapping."""
        self.pattern.append(re.escape(header) + "(?: +(?:#[^\\n]*+)?)?" + _LEAD)
        self.keys[holder].append(key)
        self.keys.append([])
        self.below.append((holder, key))
        return len(self.below)

    def leaf(self, column: int, head: str, rest: str, key: str, mapping: int) -> None:
        """Note a key that is asked for with all that is in it; apiVersion and kind as they stand."""
        self.keys[mapping].append(key)
        if not mapping and key in IDENTITY:
            self.pattern.append(re.escape(f"\n{head}:{rest}"))
            self.same.append((head, rest))
        else:
            self.pattern.append(rf"\n{re.escape(head)}:(?=[ \n])")
            self._group(_more(column), (mapping, head))

    def each(self, column: int, mapping: int) -> None:
        """Note a mapping of which each line is a part."""
        self._group(rf"(?:\n {{{column}}}{WORD}: [^\n]*+)++", (mapping, ""))

    def rest(self, column: int, tree: Tree) -> None:
        """Note a run of keys that nobody asks for."""
        asked = "|".join(re.escape(key) for key in tree)
        word = rf"(?![\"']?(?:{asked})[\"']?:){WORD}"
        self._group(rf"(?:\n {{{column}}}{word}:(?=[ \n]){_more(column)})++", None)

    def _group(self, pattern: str, part: tuple[int, str] | None) -> None:
        self.pattern.append(f"({pattern})")
        self.parts.append(part)


class _Cutting:
    """What a shape comes to."""

    def __init__(self, shape: Shape, waiting: Waiting, dropped: list[str]) -> None:
        self._fullmatch = re.compile("".join(shape.pattern) + r"\n", re.ASCII).fullmatch
        self._parts = [
            (part[0], waiting.under(part[1]) if part[1] else None) if part else (None, None) for part in shape.parts
        ]
        self._same = [waiting.under(head).setdefault(rest, []) for head, rest in shape.same]
        self._blanks: list[dict[str, Any]] = [dict.fromkeys(keys) for keys in shape.keys]
        self._below = shape.below
        self._add_lines = waiting.add_lines
        self._drop = dropped.append
        self.is_whole = shape.is_whole

    def cut(self, text: str) -> dict[str, Any] | None:
        """Return the object's mapping, that waits for its parts; None if it is of another shape, or has a key twice."""
        match = self._fullmatch(text)
        if match is None:
            return None
        mappings: list[dict[str, Any]] = [blank.copy() for blank in self._blanks]
        for number, (holder, key) in enumerate(self._below, 1):
            mappings[holder][key] = mappings[number]
        for same in self._same:
            same.append(mappings[0])
        for (place, under), part in zip(self._parts, match.groups(), strict=True):
            if place is None:
                self._drop(part)
            elif under is not None:
                if part in under:
                    under[part].append(mappings[place])
                else:
                    under[part] = [mappings[place]]
            elif not self._add_lines(part[1:].split("\n"), mappings[place]):
                return None
        return mappings[0]


class Shapes:
    """The shapes that were learned; the one that fitted last is tried first."""

    def __init__(self, waiting: Waiting, dropped: list[str]) -> None:
        self._waiting = waiting
        self._dropped = dropped
        self._known: list[_Cutting] = []
        self._met: Counter[int] = Counter()  # by the hash of the expression, which is long

    def cut(self, text: str) -> tuple[dict[str, Any], bool] | None:
        """Return the mapping of an object whose shape is known, as `_Cutting.cut`, and whether it is all of it."""
        for place, cutting in enumerate(self._known):
            value = cutting.cut(text)
            if value is not None:
                if place:
                    self._known.insert(0, self._known.pop(place))
                return value, cutting.is_whole
        return None

    def learn(self, shape: Shape) -> None:
        """Take in the shape of an object; its expression is made when that pays."""
        if len(shape.parts) > _LARGEST:
            return
        pattern = "".join(shape.pattern)
        self._met[hash(pattern)] += 1
        if self._met[hash(pattern)] == OFTEN:
            self._known.insert(0, _Cutting(shape, self._waiting, self._dropped))
            del self._known[_MOST:]
