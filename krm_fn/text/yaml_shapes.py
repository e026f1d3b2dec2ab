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

Tree = Mapping[str, "Tree | None"]  # the keys that are asked for; None: with all that is in them
Asked = Callable[[str, str], "Tree | None"]  # apiVersion and kind -> what is asked for; None: everything
EACH: Tree = {}  # every key, each by itself: neighbours of other objects often say the same
ENTRIES: Tree = {"-": None}  # of a list, each key of each entry by itself
IDENTITY = ("apiVersion", "kind")


class Whole(dict[str, "Tree | None"]):
    """Keys of a mapping that is asked for whole, each with how it is cut further."""


# text -> where what it holds goes: a mapping and its object, or None and the object that it is the whole of
Waiting = dict[str, list[Any]]

WORD = r"""(?:[A-Za-z_][\w./-]*|"[A-Za-z_][\w./-]*"|'[A-Za-z_][\w./-]*')"""
_LEAD = r"(?:\n *(?:#[^\n]*+)?(?=\n))*+"  # blank lines and comments
_MOST = 12  # shapes that are kept
_OFTEN = 10  # objects of a shape; to make its expression takes as long as to cut some of them


def _more(column: int) -> str:
    """Return what matches the rest of a key's line and the lines that belong to it."""
    deeper = rf" {{{column + 1}}}[^\n]*+"
    return rf"[^\n]*+(?:\n(?:{deeper}| {{{column}}}-(?=[ \n])[^\n]*+| {{0,{column}}}#[^\n]*+|(?=\n)))*+"


@dataclass(slots=True)
class Shape:
    """A shape while it is learned.

    Attributes:
        pattern: the parts of the expression.
        parts: of each group: in which mapping its values go; None for what nobody asks for.
        lines: the groups whose lines are parts by themselves.
        below: the mappings below the outermost, each with the number of the one that holds it, and its key.
    """

    pattern: list[str] = field(default_factory=lambda: [_LEAD])
    parts: list[int | None] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    below: list[tuple[int, str]] = field(default_factory=list)

    def copy(self) -> Shape:
        return Shape(self.pattern[:], self.parts[:], self.lines.copy(), self.below[:])

    def open(self, holder: int, header: str, key: str) -> int:
        """Note the line of a key whose mapping is cut, too; return the number of that mapping."""
        self.pattern.append(re.escape(header) + "(?: +(?:#[^\\n]*+)?)?" + _LEAD)
        self.below.append((holder, key))
        return len(self.below)

    def leaf(self, column: int, text: str, key: str, mapping: int) -> None:
        """Note a key that is asked for with all that is in it; apiVersion and kind as they stand."""
        head = re.escape(text[: text.index(":")])
        kind = not mapping and key in IDENTITY
        self._group(re.escape(text) if kind else rf"{head}:(?=[ \n]){_more(column)}", mapping)

    def each(self, column: int, mapping: int) -> None:
        """Note a mapping of which each line is a part."""
        self.lines.add(len(self.parts))
        self._group(rf"(?:\n {{{column}}}{WORD}: [^\n]*+)++", mapping)

    def rest(self, column: int, tree: Tree) -> None:
        """Note a run of keys that nobody asks for."""
        asked = "|".join(re.escape(key) for key in tree)
        word = rf"(?![\"']?(?:{asked})[\"']?:){WORD}"
        self._group(rf"(?:\n {{{column}}}{word}:(?=[ \n]){_more(column)})++", None)

    def _group(self, pattern: str, mapping: int | None) -> None:
        self.pattern.append(f"({pattern})")
        self.parts.append(mapping)


class _Cutting:
    """What a shape comes to: the fields are those of `Shape`."""

    def __init__(self, shape: Shape) -> None:
        self._fullmatch = re.compile("".join(shape.pattern) + r"\n", re.ASCII).fullmatch
        self._parts = [(place, number in shape.lines) for number, place in enumerate(shape.parts)]
        self._below = shape.below

    def cut(self, text: str, entry: object, waiting: Waiting, dropped: list[str]) -> dict[str, Any] | None:
        """Return the object's mapping, to be filled from `waiting`, or None if the text is of another shape."""
        match = self._fullmatch(text)
        if match is None:
            return None
        mappings: list[dict[str, Any]] = [{}]
        for holder, key in self._below:
            mapping: dict[str, Any] = {}
            mappings[holder][key] = mapping
            mappings.append(mapping)
        for (place, in_lines), part in zip(self._parts, match.groups(), strict=True):
            if place is None:
                dropped.append(part)
                continue
            mapping = mappings[place]
            for text_part in part[1:].split("\n") if in_lines else (part,):
                slots = waiting.get(text_part)
                if slots is None:
                    waiting[text_part] = [mapping, entry]
                else:
                    slots += (mapping, entry)
        return mappings[0]


class Shapes:
    """The shapes that were learned; the one that fitted last is tried first."""

    def __init__(self) -> None:
        self._known: list[_Cutting] = []
        self._met: Counter[str] = Counter()

    def cut(self, text: str, entry: object, waiting: Waiting, dropped: list[str]) -> dict[str, Any] | None:
        """Return the mapping of an object whose shape is known, else None; see `_Cutting.cut`."""
        for place, cutting in enumerate(self._known):
            value = cutting.cut(text, entry, waiting, dropped)
            if value is not None:
                if place:
                    self._known.insert(0, self._known.pop(place))
                return value
        return None

    def learn(self, shape: Shape) -> None:
        """Take in the shape of an object; its expression is made when that pays."""
        pattern = "".join(shape.pattern)
        self._met[pattern] += 1
        if self._met[pattern] == _OFTEN:
            self._known.insert(0, _Cutting(shape))
            del self._known[_MOST:]
