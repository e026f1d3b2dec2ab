"""Edits of one object's own text: insert and take out, line by line where it is written in lines.

All else keeps its bytes: comments, quoting, order. What `insert` and `put` add, `remove` takes away again without a
trace. Beside `document.py` the only room that knows YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from krm_fn.text.edits import Path
from krm_fn.text.places import Node, read
from krm_fn.text.splice import block_list
from krm_fn.text.writer import dump, flow, scalar

_STEP = 2  # columns by which a new mapping stands deeper than its key


class Text:
    """An object's text, with edits that are collected and then made at once.

    Args:
        source: the text of the object, as `document.Document.source` gives it.
        column: the column of its first key in the list; the other lines of `source` stand at least there.
        paths: the lists and mappings that edits will name; None for any. What is beside them is passed over.
    """

    def __init__(self, source: str, column: int, paths: Iterable[Path] | None = None) -> None:
        self.pad = column
        self.text = " " * column + source
        self.newline = "\r\n" if "\r\n" in source else "\n"
        self.edits: dict[tuple[int, int], list[tuple[int, str]]] = {}  # place -> (depth, text) of what goes there
        self.removed: dict[int, tuple[Node, set[int]]] = {}
        self.given: set[tuple[int, str]] = set()  # keys put into a mapping: aliases lead to it by several paths
        self.root = read(self.text, paths)

    def insert(self, path: Path, index: int, values: Sequence[Mapping[str, Any]]) -> None:
        """Put `values` before the entry `index` of the sequence at `path`; at its end if there are no more."""
        node = self._at(path)
        if node.is_flow:
            self._insert_flow(node, index, [flow(value) for value in values])
            return
        lines = block_list(values, self._dash(node, 0)[1])
        if index < len(node.entries):
            self._add_lines(self._entry_line(node, index), lines, len(path))
        else:
            self._add_lines(self._line_after(node.entries[-1][1]), lines, len(path))

    def put(self, path: Path, key: str, value: object, after: str | None = None) -> None:
        """Add a key to the mapping at `path`, behind the key `after` or at its end.

        Mappings of the path that are missing, or empty, are made.
        """
        node, missing = self._deepest(path)
        for step in reversed([*missing, key]):
            value = {step: value}
        (key, value), *_ = value.items()  # type: ignore[attr-defined]  # a mapping, by the line above
        if (id(node), key) in self.given:
            return
        self.given.add((id(node), key))
        if not node.is_mapping:
            self._fill(node, path[: len(path) - len(missing)], {key: value})
        elif node.is_flow:
            place, comma = (node.entries[-1][1], ", ") if node.entries else (None, "")
            quoted = node.entries and node.entries[0][0] and self.text[node.entries[0][0].start] == '"'
            words = f"{scalar(key)}: {scalar(value)}" if isinstance(value, str) and not quoted else ""
            text = words or flow({key: value})[1:-1]
            at = self._end(node.entries[-1]) if place else node.start + 1
            self._add(at, at, comma + text)
        else:
            names = [name.text for name, _ in node.entries if name]
            last = node.entries[names.index(after)] if after in names else node.entries[-1]
            lines = dump({key: value}, self._key_column(node))
            self._add_lines(self._line_after_entry(last), lines, len(path) - len(missing))

    def remove(self, path: Path) -> None:
        """Take out the entry of a sequence, or the key of a mapping, at `path`."""
        parent = self._at(path[:-1])
        self.removed.setdefault(id(parent), (parent, set()))[1].add(_index(parent, path[-1]))

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
        return text if self.text.endswith("\n") else text.removesuffix(self.newline)

    # Places.

    def _at(self, path: Path) -> Node:
        node, missing = self._deepest(path)
        if missing:
            raise KeyError(path)
        return node

    def _deepest(self, path: Path) -> tuple[Node, list[str]]:
        node = self.root.real
        for depth, step in enumerate(path):
            try:
                node = node.entries[_index(node, step)][1].real
            except KeyError:
                return node, [str(name) for name in path[depth:]]
        return node, []

    def _key_column(self, mapping: Node) -> int:
        first = mapping.entries[0][0]
        place = first.start if first else mapping.start
        return place - self._line_start(place)

    def _dash(self, node: Node, index: int) -> tuple[int, int]:
        """Return the start of the line of an entry's dash, and the dash's column."""
        start = node.entries[index][1].start
        line = self._line_start(start)
        before = self.text[line:start]
        while before.strip(" -") or "-" not in before:
            start = line - 1
            line = self._line_start(start)
            before = self.text[line:start].partition("#")[0].rstrip()
        return line, before.rindex("-")

    def _line_start(self, place: int) -> int:
        return self.text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        """Return the place behind the line that `place` is in."""
        end = self.text.find("\n", place)
        return len(self.text) if end < 0 else end + 1

    def _entry_line(self, node: Node, index: int) -> int:
        """Return the start of the line of an entry's dash, or of the comments right above it."""
        line, column = self._dash(node, index)
        while line:
            above = self._line_start(line - 1)
            comment = self.text[above : line - 1]
            if not comment.lstrip().startswith("#") or len(comment) - len(comment.lstrip()) != column:
                return line
            line = above
        return line

    def _end(self, entry: tuple[Node | None, Node]) -> int:
        """Return the place behind an entry's last character. An empty value has no place of its own."""
        key, value = entry
        if value.is_empty and key:
            colon = re.compile(r"\s*:").match(self.text, key.end)
            return colon.end() if colon else key.end
        if value.target is None and value.entries and not value.is_flow:
            return self._end(value.entries[-1])
        return value.end

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
        place = (entries[first][0] or entries[first][1]).start
        if not parent.is_flow and self._begins_line(parent, first):
            line = self._line_start(place) if entries[first][0] else self._dash(parent, first)[0]
            return line, self._line_after_entry(entries[last])
        if last + 1 < len(entries):
            return place, (entries[last + 1][0] or entries[last + 1][1]).start
        return self._end(entries[first - 1]) if first else place, self._end(entries[last])

    def _begins_line(self, parent: Node, index: int) -> bool:
        key, value = parent.entries[index]
        start = (key or value).start
        return not self.text[self._line_start(start) : start].strip(" " if key else " -")

    # Texts.

    def _add(self, start: int, end: int, text: str) -> None:
        texts = self.edits.setdefault((start, end), [])
        if (0, text) not in texts:  # an anchored node is reached by several paths, and edited once
            texts.append((0, text))

    def _add_lines(self, place: int, lines: str, depth: int) -> None:
        lines = lines.replace("\n", self.newline)
        if place == len(self.text) and not self.text.endswith("\n"):
            lines = self.newline + lines.removesuffix(self.newline)
        self.edits.setdefault((place, place), []).append((depth, lines))

    def _insert_flow(self, node: Node, index: int, texts: Sequence[str]) -> None:
        if not node.entries:
            self._add(node.start + 1, node.start + 1, ", ".join(texts))
            return
        behind = index >= len(node.entries)
        place = node.entries[-1 if behind else index][1]
        line = self.text[self._line_start(place.start) : place.start]
        between = self.newline + line if not line.strip() else ""
        if behind:
            at = self._end((None, place))
            self._add(at, at, "".join(f"{between}, {text}" for text in texts))
        else:
            self._add(place.start, place.start, "".join(f"{text},{between or ' '}" for text in texts))

    def _fill(self, node: Node, path: Path, value: Mapping[str, Any]) -> None:
        """Give a key without a value, or with null, a mapping."""
        parent = self._deepest(path[:-1])[0]
        key = parent.entries[_index(parent, path[-1])][0]
        if parent.is_flow or key is None:
            at = self._end((key, node))
            self._add(at if node.is_empty else node.start, at, f" {flow(value)}" if node.is_empty else flow(value))
            return
        lines = dump(value, self._key_column(parent) + _STEP)
        if not node.is_empty:
            self._add(node.start, node.end, "")
        self._add_lines(self._line_end(key.end), lines, len(path))


def _index(node: Node, step: str | int) -> int:
    if isinstance(step, int):
        return step
    found = [place for place, (key, _) in enumerate(node.entries) if key is not None and key.text == step]
    if not found:
        raise KeyError(step)
    return found[-1]  # readers take the last of two
