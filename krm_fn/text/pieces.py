"""Entries of a list → their text in block style, and what was written is read again: each piece once.

Entries that are added to a list say the same few things in ever new combinations: so a piece (a key with its value) is
written, and read, once for each place where it may stand. That pieces one below the other at one column mean what they
mean alone is what `yaml_cuts` builds on, too; a key that has others below it is read with something below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from krm_fn.results import FunctionError
from krm_fn.text import yaml_reader
from krm_fn.text.edits import Path
from krm_fn.text.readback import Again, is_same, same
from krm_fn.text.splice import block_list
from krm_fn.text.writer import dump, scalar

_STUB = {"stub": 0}
_FEW: Mapping[type, Any] = {dict: _STUB, list: [_STUB, _STUB], str: "stub"}


class Pieces:
    """The pieces of what is added to objects, one object after the other."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str, int], str] = {}  # by key, text of the value and column
        self._heads: dict[tuple[str, int, type], str] = {}  # the line of a key that has others below it
        # Values do not change meanwhile, and many objects get the same; an identity is that of one while it is kept.
        self._of_values: dict[tuple[str, int, int], str] = {}  # by key, identity of the value and column
        self._kept: list[object] = []
        self._written: dict[str, Mapping[str, Any]] = {}  # what is to be read again
        self._words: dict[str, str] = {}  # values of one line, that are to be read again
        self._again = Again()
        self._is_sound = True

    def block_list(self, values: Sequence[Mapping[str, Any]], column: int) -> str:
        """Return entries in block style, their dashes at `column`, as `splice.block_list` does."""
        lead = f"{' ' * column}- "
        return "".join([lead + self._mapping(one, column + 2)[column + 2 :] for one in values])

    def are_sound(self) -> bool:
        """Read what was written since this was asked, and tell whether all of it says what it was written for."""
        wanted = [*self._written.values(), *self._words.values()]
        text = "".join([*(f"-\n{text}" for text in self._written), *(f"- {text}\n" for text in self._words)])
        self._written.clear()
        self._words.clear()
        return self._is_sound and (not text or self._read(text, wanted))

    def read_as(self, text: str, column: int, lists: Iterable[Path], wanted: Mapping[str, Any]) -> bool:
        """Tell whether an object's text says what it was written for; if not, it may still do so as a whole.

        `lists` are the paths of those that have entries like other objects'.
        """
        value = self._again.read(text, column, lists)
        return value is not None and is_same(value, wanted)

    def _read(self, text: str, wanted: Sequence[object]) -> bool:
        try:
            pages = yaml_reader.read(text, text.encode())
        except FunctionError:
            pages = []
        # Once it does not, nothing that is known already is believed any more.
        self._is_sound = len(pages) == 1 and is_same(pages[0].value, wanted)
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
        if isinstance(child, str):
            text = self._texts[key, child, column] = self._line(key, child, column)
            return text
        if isinstance(child, dict) and child:
            text = self._head(key, child, column, self._mapping(child, column + 2))
        elif isinstance(child, list) and child and all(isinstance(one, dict) for one in child):
            text = self._head(key, child, column, self.block_list(child, column))
        else:
            text = self._noted(dump({key: child}, column), {key: child})
        self._kept.append(child)
        self._of_values[key, id(child), column] = text
        return text

    def _line(self, key: str, child: str, column: int) -> str:
        """Return a key with a text, which is read as what it is of a list, where it is written in one line."""
        if "\n" in child:
            return self._noted(dump({key: child}, column), {key: child})
        word = scalar(child)
        if self._words.setdefault(word, child) != child:
            self._is_sound = False
        return f"{self._head(key, child, column, '')}{word}\n"

    def _head(self, key: str, child: object, column: int, below: str) -> str:
        """Return a key with what is below it, or behind it; each key is read with something there."""
        place = (key, column, child.__class__)
        if place not in self._heads:
            few: Any = _FEW[child.__class__]
            whole = self._noted(dump({key: few}, column), {key: few})
            self._heads[place] = whole.removesuffix(_behind(few, column))
        return self._heads[place] + below

    def _noted(self, text: str, value: Mapping[str, Any]) -> str:
        if not same(self._written.setdefault(text, value), value):
            self._is_sound = False
        return text


def _behind(few: Any, column: int) -> str:  # noqa: ANN401 - one of _FEW
    if isinstance(few, list):
        return block_list(few, column)
    return f"{few}\n" if isinstance(few, str) else dump(few, column + 2)
