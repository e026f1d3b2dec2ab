"""Edits of a text, collected at their places and made at once."""

from __future__ import annotations

from collections.abc import Iterable

from krm_fn.text.edits import Path
from krm_fn.text.layout import Layout
from krm_fn.text.places import Node


class Collected(Layout):
    """A text and its edits; arguments as those of `Layout`."""

    def __init__(self, source: str, column: int, paths: Iterable[Path] | None, *, masks: bool = False) -> None:
        super().__init__(source, column, paths, masks=masks)
        self.edits: dict[tuple[int, int], list[tuple[int, str]]] = {}  # place -> (depth, text) of what goes there
        self.removed: dict[int, tuple[Node, set[int]]] = {}

    def result(self) -> str:
        """Return the source with all edits made."""
        for parent, indexes in self.removed.values():
            for first in sorted(indexes - {index + 1 for index in indexes}):
                last = next(index for index in range(first, len(parent.entries)) if index + 1 not in indexes)
                start, end = self._extent(parent, first, last)
                self._add(start, end, "")
        parts: list[str] = []
        at = self.pad
        for (start, end), texts in sorted(self.edits.items()):
            # Where a mapping ends with its last key's list, a new entry of the list comes before a new key.
            deepest_first = sorted(texts, key=lambda one: -one[0])
            parts += [self.text[at:start], *(text for _, text in deepest_first)]
            at = max(at, end)
        text = "".join([*parts, self.text[at:]])
        # A last line without a line break stays one, also when what stood behind it was taken out.
        return text if self.text.endswith(("\n", "\r")) else text.removesuffix(self.newline)

    def _add(self, start: int, end: int, text: str) -> None:
        texts = self.edits.setdefault((start, end), [])
        if (0, text) not in texts:  # an anchored node is reached by several paths, and edited once
            texts.append((0, text))

    def _lines(self, text: str) -> str:
        return text.replace("\n", self.newline)

    def _add_lines(self, place: int, lines: str, depth: int) -> None:
        lines = self._lines(lines)
        if place == len(self.text) and not self.text.endswith(("\n", "\r")):
            lines = self.newline + lines.removesuffix(self.newline)
        self.edits.setdefault((place, place), []).append((depth, lines))
