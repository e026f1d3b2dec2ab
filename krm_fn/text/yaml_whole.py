"""Objects that are asked for whole, cut so that what many of them say, and one says many times, is read once.

An object is cut at its keys, and a list in it at its dashes and the keys of its entries. Each part with a text of its
own is read once, whatever object it comes from, and is one value for all that say it. The order stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from krm_fn.text.pages import Entry, Page
from krm_fn.text.yaml_cut import INNER
from krm_fn.text.yaml_parts import Waiting
from krm_fn.text.yaml_shapes import ENTRIES, WORD, Tree, Whole

_Part = dict[str, Any]  # a mapping of one key, filled by reading
_KEY = re.compile(rf"({WORD}):(?=[ \n]|\Z)", re.ASCII)
_BLANK = re.compile(r"(?:\n[ ]*(?:#[^\n]*)?)*")


@cache
def _split(column: int) -> Callable[[str], list[str]]:
    """Return what parts a text at the lines of a column that begin something."""
    return re.compile(rf"\n {{{column}}}(?=[^ \n#-]|-[^ \n])").split


class _Below:
    """A key whose value was cut, too: the parts of its mapping, or of each entry of its list."""

    __slots__ = ("entries", "key", "parts")

    def __init__(self, key: str, parts: _Parts | None, entries: list[list[_Part]] | None) -> None:
        self.key = key
        self.parts = parts
        self.entries = entries

    def value(self) -> Any:  # noqa: ANN401 - a tree of any values
        if self.parts is not None:
            return _value(self.parts)
        return [_value(parts) for parts in self.entries or ()]


_Parts = list["_Part | _Below"]


class Wholes:
    """Takes in whole objects, one after the other; they get their values when all their parts have been read.

    Args:
        waiting: where each part of a new text is put, to be read.
    """

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._known: dict[int, dict[str, _Part]] = defaultdict(dict)  # by the column of the key, and the text
        self._new: dict[tuple[int, str], _Part] = {}  # of the object that is being cut
        self._objects: list[tuple[Entry | Page, str, _Parts]] = []

    def add(self, entry: Entry | Page, text: str, column: int, tree: Whole) -> bool:
        """Take in an object, as `Cutter.add` does; return whether it could be cut."""
        self._new.clear()
        parts = self._mapping(text[:-1], column, tree)
        if parts is None:
            return False
        for (at, part), value in self._new.items():
            self._known[at][part] = value
            head, _, rest = part.partition(":")
            self._waiting.add(f"{' ' * at}{head}", rest, value)
        self._objects.append((entry, text, parts))
        return True

    def fill(self) -> list[tuple[Entry | Page, str]]:
        """Give the objects their values; return those that give a key twice, with their texts: they need more care."""
        left = []
        for entry, text, parts in self._objects:
            try:
                entry.value = _value(parts)
            except KeyError:
                left.append((entry, text))
        self._objects.clear()
        return left

    def _mapping(self, text: str, column: int, tree: Whole) -> _Parts | None:
        """Return the parts of a mapping whose keys stand at `column`; `text` begins with a line break."""
        lead, *texts = _split(column)(text)
        if not texts or not _BLANK.fullmatch(lead):
            return None
        parts: _Parts = []
        for text_part in texts:
            match = _KEY.match(text_part)
            if match is None:
                return None
            key = match[1].strip("\"'")
            found = self._below(key, text_part, match.end(), column, tree[key]) if key in tree else None
            parts.append(found or self._part(text_part, column))
        return parts

    def _below(self, key: str, part: str, at: int, column: int, tree: Tree | None) -> _Below | None:
        """Return what is below a key, cut as far as it can be; None if it cannot."""
        inner = INNER.match(part, at)
        if inner is None:
            return None
        deeper, begin = len(inner["blanks"]), inner.start("rest")
        if tree is ENTRIES:  # a list may stand at the column of its key
            entries = self._entries(part[begin:], deeper) if deeper >= column else None
            return None if entries is None else _Below(key, None, entries)
        parts = self._mapping(part[begin:], deeper, tree) if isinstance(tree, Whole) and deeper > column else None
        return None if parts is None else _Below(key, parts, None)

    def _entries(self, text: str, column: int) -> list[list[_Part]] | None:
        """Return the parts of each mapping of a list whose dashes stand at `column`."""
        lead, *texts = text.split(f"\n{' ' * column}- ")
        if lead or not texts:
            return None
        inner = column + 2
        split, known = _split(inner), self._known[inner]
        entries = []
        for text_entry in texts:
            parts = []
            for part in split(text_entry):
                value = known.get(part)
                if value is None:
                    value = self._new.get((inner, part))
                    if value is None:
                        if not _KEY.match(part):
                            return None
                        value = self._part(part, inner)
                parts.append(value)
            entries.append(parts)
        return entries

    def _part(self, text: str, column: int) -> _Part:
        value = self._known[column].get(text)
        return self._new.setdefault((column, text), {}) if value is None else value


def _value(parts: _Parts | list[_Part]) -> dict[str, Any]:
    """Return a mapping of its parts. Raises KeyError if they give a key twice."""
    value: dict[str, Any] = {}
    for part in parts:
        if part.__class__ is dict:
            value.update(part)
        else:
            value[part.key] = part.value()  # type: ignore[union-attr]  # told apart by its class, which is faster
    if len(value) != len(parts):
        raise KeyError
    return value
