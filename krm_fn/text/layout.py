"""Where in an object's text its entries begin and end: the ground on which `patch` makes its edits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from krm_fn.text.edits import Path
from krm_fn.text.pages import NULLS
from krm_fn.text.places import Node, read

_LINE_END = re.compile(r"\r\n|\r|\n")
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*\s+)*")
_COMMENT = re.compile(r"(?:(?<=\s)|\A)#.*", re.DOTALL)
_COLON = re.compile(r"(?:\s|#[^\r\n]*[\r\n])*:")
_EXPLICIT = re.compile(r"\?(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*[ \t]*\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a path leads to: a node and its place in its parent; `missing` are the steps that are not there."""

    node: Node
    parent: Node | None = None
    index: int = 0
    missing: list[str] = field(default_factory=list)


class Layout:
    """The nodes of an object's text, and how its lines are laid out around them.

    Args:
        source: the text of the object, as `document.Document.source` gives it.
        column: the column of its first key in the list.
        paths: what to read; None for all. What is beside them is passed over, with `masks` as `places.read` says.
    """

    def __init__(self, source: str, column: int, paths: Iterable[Path] | None, *, masks: bool = False) -> None:
        self.pad = column
        self.text = " " * column + source
        line_end = _LINE_END.search(source)
        self.newline = line_end[0] if line_end else "\n"
        self.root = read(self.text, paths, masks=masks)

    def _at(self, path: Path) -> list[Place]:
        places = self._deepest(path)
        if any(place.missing for place in places):
            raise KeyError(path)
        return places

    def _deepest(self, path: Path) -> list[Place]:
        """Return where a path leads to, or how far: each of the places where a key is given twice with one value."""
        places = [Place(self.root.real)]
        for depth, step in enumerate(path):
            further: list[Place] = []
            for place in places:
                found = self._steps(place.node, step)
                missing = [str(name) for name in path[depth:]]
                further += found or [Place(place.node, place.parent, place.index, missing)]
            if any(place.missing for place in further):
                return further
            places = further
        return places

    def _steps(self, node: Node, step: str | int) -> list[Place]:
        if isinstance(step, int):
            if node.is_mapping or step >= len(node.entries):
                raise KeyError(step)
            return [Place(node.entries[step][1].real, node, step)]
        found = [index for index, (key, _) in enumerate(node.entries) if key is not None and key.text == step]
        values = (node.entries[index][1] for index in found)
        if len({self.text[value.start : value.end].rstrip() for value in values}) > 1:
            found = found[-1:]  # readers take the last of two
        if not found and (merged := self._merged(node)):
            return next((places for one in merged if (places := self._steps(one, step))), [])
        return [Place(node.entries[index][1].real, node, index) for index in found]

    def _merged(self, node: Node) -> list[Node]:
        """Return the mappings that a merge key `<<` brings into a mapping, and that stand in it."""
        values = [value for key, value in node.entries if key is not None and key.text == "<<" and not value.target]
        return [
            one
            for value in values
            for one in ([value] if value.is_mapping else [entry for _, entry in value.entries])
            if one.is_mapping
        ]

    def _is_null(self, node: Node) -> bool:
        return node.is_scalar and not node.target and self.text[node.start : node.end] in NULLS

    def _opening(self, node: Node, bracket: str) -> int:
        """Return the place behind the bracket of a flow collection, which stands behind its tag and anchor."""
        match = _PROPERTIES.match(self.text, node.start)
        at = match.end() if match else node.start
        if self.text[at] != bracket:
            raise KeyError(bracket)
        return at + 1

    def _entry_start(self, node: Node, index: int) -> int:
        """Return where an entry begins: its value, its key, or the `?` before a key."""
        key, value = node.entries[index]
        if key is None:
            return value.start
        floor = self._end(node.entries[index - 1]) if index else node.start
        sign = _EXPLICIT.search(self.text, floor, key.start)
        if sign and "#" not in self.text[max(floor, self._line_start(sign.start())) : sign.start()]:
            return sign.start()
        return key.start

    def _key_column(self, mapping: Node) -> int:
        place = self._entry_start(mapping, 0)
        return place - self._line_start(place)

    def _dash(self, node: Node, index: int) -> tuple[int, int]:
        """Return the start of the line of an entry's dash, and the dash's column."""
        start = node.entries[index][1].start
        floor = self._end(node.entries[index - 1]) if index else node.start
        line = self._line_start(start)
        before = self.text[max(line, floor) : start].rstrip()
        while not before.endswith("-"):
            if line <= floor:
                raise KeyError(index)
            start = line - 1
            line = self._line_start(start)
            before = _COMMENT.sub("", self.text[max(line, floor) : start]).rstrip()
        return line, max(line, floor) - line + len(before) - 1

    def _line_start(self, place: int) -> int:
        return max(self.text.rfind("\n", 0, place), self.text.rfind("\r", 0, place)) + 1

    def _line_end(self, place: int) -> int:
        """Return the place behind the line that `place` is in."""
        end = _LINE_END.search(self.text, place)
        return end.end() if end else len(self.text)

    def _entry_place(self, node: Node, index: int) -> tuple[int, int]:
        """Return where an entry goes that is to stand before another, and the column of its dash.

        That is the start of the line of the other's dash, or of the comments right above it.
        """
        line, column = self._dash(node, index)
        if not self._begins_line(node, index):
            return line + column, column
        floor = self._end(node.entries[index - 1]) if index else 0
        while line > floor:
            above = self._line_start(line - 1)
            comment = self.text[above:line].rstrip("\r\n")
            is_comment = above >= floor and comment.lstrip().startswith("#")
            if not is_comment or len(comment) - len(comment.lstrip()) != column:
                break
            line = above
        return line, column

    def _end(self, entry: tuple[Node | None, Node]) -> int:
        """Return the place behind an entry's last character. An empty value has no place of its own."""
        key, value = entry
        if value.is_empty and key:
            return self._colon_end(key)
        if value.target is None and value.entries and not value.is_flow:
            return self._end(value.entries[-1])
        return value.end

    def _colon_end(self, key: Node) -> int:
        """Return the place behind the colon of a key, or behind the key where it has none."""
        colon = _COLON.match(self.text, key.end)
        return colon.end() if colon else key.end

    def _line_after_entry(self, entry: tuple[Node | None, Node]) -> int:
        last = entry
        while last[1].target is None and last[1].entries and not last[1].is_flow:
            last = last[1].entries[-1]
        if last[1].is_block_scalar:
            return last[1].end  # the start of a line: the blank ones above may be the scalar's
        return self._line_end(self._end(entry))

    def _line_after(self, node: Node) -> int:
        return self._line_after_entry((None, node))

    def _extent(self, parent: Node, first: int, last: int) -> tuple[int, int]:
        """Return the text that the entries from `first` to `last` take, with what parts them from others."""
        entries = parent.entries
        place = self._entry_start(parent, first)
        if not parent.is_flow and self._begins_line(parent, first):
            line = self._line_start(place) if entries[first][0] else self._dash(parent, first)[0]
            return line, self._line_after_entry(entries[last])
        if last + 1 < len(entries):
            return place, self._entry_start(parent, last + 1)
        return self._end(entries[first - 1]) if first else place, self._end(entries[last])

    def _begins_line(self, parent: Node, index: int) -> bool:
        if parent.entries[index][0] is None:
            line, column = self._dash(parent, index)
            return not self.text[line : line + column].strip(" ")
        start = self._entry_start(parent, index)
        return not self.text[self._line_start(start) : start].strip(" ")
