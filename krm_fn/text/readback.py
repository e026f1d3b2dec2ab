"""What was written is read again: exit 0 is a promise that the output says what it was meant to say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from yaml import YAMLError

from krm_fn.results import FunctionError
from krm_fn.text import json_reader, yaml_reader
from krm_fn.text.edits import Path
from krm_fn.text.pages import Entry, Page
from krm_fn.text.yaml_odd import OddTextError, is_odd, is_printable, whole_lines
from krm_fn.text.yaml_parts import LIST, Waiting
from krm_fn.text.yaml_shapes import ENTRIES, Whole
from krm_fn.text.yaml_whole import Wholes


class Again:
    """Texts of objects that are read again: what they say alike is read once (see `yaml_whole`)."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._waiting = Waiting()
        self._wholes = Wholes(self._waiting)

    def read(self, text: str, column: int, lists: Iterable[Path]) -> dict[str, Any] | None:
        """Return what an object says, its first key at `column`; None where it must be read in one piece.

        `lists` are the paths of lists in it that are like those of other objects.
        """
        if not column or not is_printable(text):
            return None
        tree = Whole()
        for path in lists:
            below = tree
            for step in path[:-1]:
                below = below.setdefault(str(step), Whole())  # type: ignore[assignment]  # lists stand in no others
            below[str(path[-1])] = ENTRIES
        entry = Entry(None, 0, 0, column)
        try:
            lines = whole_lines(f"\n{text}")
            if not is_odd(lines) and self._wholes.add(entry, lines, column, tree):
                self._waiting.read(LIST)
                if not self._wholes.fill():
                    return dict(entry.value)
        except (FunctionError, OddTextError, YAMLError):
            self._forget()  # nothing of such a text is known
        return None


def reads_as(text: str, wanted: Mapping[str, Any], source: str) -> bool:
    """Tell whether a text is one object, and that one; types count, the order of keys does not.

    A key that it gives twice with different values must be one that the `source` gives so, too.
    """
    page = _page(text)
    if page is None or not is_same(page.value, wanted):
        return False
    if not page.duplicates:
        return True
    before = _page(source)
    return before is not None and set(page.duplicates) <= set(before.duplicates)


def _page(text: str) -> Page | None:
    try:
        pages = json_reader.read(text) or yaml_reader.read(text, text.encode())
    except FunctionError:
        return None
    return pages[0] if len(pages) == 1 else None


def is_same(one: object, other: object) -> bool:
    """Tell what `same` tells, of values that mostly have the same keys in the same order: that is found faster."""
    return repr(one) == repr(other) or same(one, other)


def same(one: object, other: object) -> bool:
    """Tell whether two values are the same, type for type (1 == True in Python, and nan is not nan)."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(child, other[key]) for key, child in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)  # noqa: PLR0124 - nan
