"""Entries of a list → their text in block style, and what was written is read again: each piece once.

Entries that are added to a list say the same few things in ever new combinations: so a piece (a key with its value) is
written, and read, once for each place where it may stand. That pieces one below the other at one column mean what they
mean alone is what `yaml_cuts` builds on, too; a key that has others below it is read with something below it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krm_fn.results import FunctionError
from krm_fn.text import yaml_reader
from krm_fn.text.readback import same
from krm_fn.text.splice import block_list
from krm_fn.text.writer import dump

_STUB = {"stub": 0}


class Pieces:
    """The pieces of what is added to objects, one object after the other."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str, int], str] = {}  # by key, text of the value and column
        self._heads: dict[tuple[str, int, type], str] = {}  # the line of a key that has others below it
        # Of one object, whose values do not change meanwhile; an identity is that of one value while it is kept.
        self._of_values: dict[tuple[str, int, int], str] = {}  # by key, identity of the value and column
        self._kept: list[object] = []
        self._written: dict[str, Mapping[str, Any]] = {}  # what is to be read again
        self._is_sound = True

    def block_list(self, values: Sequence[Mapping[str, Any]], column: int) -> str:
        """Return entries in block style, their dashes at `column`, as `splice.block_list` does."""
        lead = f"{' ' * column}- "
        return "".join([lead + self._mapping(one, column + 2)[column + 2 :] for one in values])

    def are_sound(self) -> bool:
        """Read what was written since this was asked, and tell whether all of it says what it was written for."""
        wanted = list(self._written.values())
        text = "".join([f"-\n{text}" for text in self._written])
        self._of_values.clear()
        self._kept.clear()
        self._written.clear()
        return self._is_sound and (not text or self._read(text, wanted))

    def _read(self, text: str, wanted: list[Mapping[str, Any]]) -> bool:
        try:
            pages = yaml_reader.read(text, text.encode())
        except FunctionError:
            pages = []
        # Once it does not, nothing that is known already is believed any more.
        self._is_sound = len(pages) == 1 and same(pages[0].value, wanted)
        return self._is_sound

    def _mapping(self, value: Mapping[str, Any], column: int) -> str:
        if not value:
            return self._noted(dump(value, column), value)
        texts, of_values, piece = self._texts, self._of_values, self._piece
        return "".join(
            [
                (texts.get((key, child, column)) if child.__class__ is str else of_values.get((key, id(child), column)))
                or piece(key, child, column)
                for key, child in value.items()
            ]
        )

    def _piece(self, key: str, child: Any, column: int) -> str:  # noqa: ANN401 - a tree of any values
        if isinstance(child, dict) and child:
            text = self._head(key, child, column, self._mapping(child, column + 2))
        elif isinstance(child, list) and child and all(isinstance(one, dict) for one in child):
            text = self._head(key, child, column, self.block_list(child, column))
        else:
            text = self._noted(dump({key: child}, column), {key: child})
        if isinstance(child, str):
            self._texts[key, child, column] = text
        else:
            self._kept.append(child)
            self._of_values[key, id(child), column] = text
        return text

    def _head(self, key: str, child: object, column: int, below: str) -> str:
        """Return a key with what is below it; each key is read with something below it."""
        place = (key, column, child.__class__)
        if place not in self._heads:
            few: Any = [_STUB, _STUB] if isinstance(child, list) else _STUB
            whole = self._noted(dump({key: few}, column), {key: few})
            self._heads[place] = whole.removesuffix(
                block_list(few, column) if few != _STUB else dump(_STUB, column + 2)
            )
        return self._heads[place] + below

    def _noted(self, text: str, value: Mapping[str, Any]) -> str:
        if not same(self._written.setdefault(text, value), value):
            self._is_sound = False
        return text
