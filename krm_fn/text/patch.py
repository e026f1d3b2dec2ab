"""Edits of one object's own text: insert and take out, line by line where it is written in lines.

All else keeps its bytes: comments, quoting, order. What `insert` and `put` add, `remove` takes away again without a
trace. Beside `document.py` the only room that knows YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from krm_fn.text.collected import Collected
from krm_fn.text.edits import Path
from krm_fn.text.layout import Place
from krm_fn.text.pages import NULLS
from krm_fn.text.pieces import Pieces
from krm_fn.text.places import Node
from krm_fn.text.splice import block_list
from krm_fn.text.writer import dump, flow, scalar

_REFERENCE = re.compile(r"[A-Za-z_][\w./-]*[:@][\w./:@-]*\w", re.ASCII)  # an image with its tag: plain to every reader
GONE = object()  # what is left of an emptied list whose key went with it
_FILLED = " "  # behind a bracket within others: it was there before, and empty; more of them stand for a null
_NOTHING_BEFORE = " # before virtual-env-fn:"  # behind the key of a filled list, then what stood there
_STEP = 2  # columns by which a new mapping stands deeper than its key


class Text(Collected):
    """An object's text, with edits that are collected and then made at once.

    Args:
        source: the text of the object, as `document.Document.source` gives it.
        column: the column of its first key in the list; the other lines of `source` stand at least there.
        paths: the lists and mappings that edits will name; None for any. What is beside them is passed over.
        pieces: what writes entries that are inserted as lines, in place of `block_list`.
        masks: whether to look at entries beside the paths as their lines stand; the outcome is to be read again then.
    """

    def __init__(
        self,
        source: str,
        column: int,
        paths: Iterable[Path] | None = None,
        pieces: Pieces | None = None,
        *,
        masks: bool = False,
    ) -> None:
        super().__init__(source, column, paths, masks=masks)
        self._parents: dict[Path, list[Place]] = {}  # of entries that are taken out
        self.pieces = pieces
        self.blocks: list[tuple[str, int]] = []  # what `pieces` wrote, in order, and at which column
        self.given: set[tuple[int, str]] = set()  # keys put into a mapping: aliases lead to it by several paths
        self.filled: set[int] = set()

    def insert(self, path: Path, index: int, values: Sequence[Mapping[str, Any]]) -> None:
        """Put `values` before the entry `index` of the sequence at `path`; at its end if there are no more."""
        for place in self._at(path):
            node = place.node
            if self._is_null(node):
                self._fill(place, list(values), len(path))
            elif node.is_flow:
                self._insert_flow(node, index, [flow(value) for value in values])
            elif index < len(node.entries):
                at, column = self._entry_place(node, index)
                lines = self._block(values, column)
                if self._begins_line(node, index):
                    self._add_lines(at, lines, len(path))
                else:  # `: - a`, `- - a`: behind what stands before the first dash
                    lines = self._lines(f"{lines[column:]}{' ' * column}")
                    self.edits.setdefault((at, at), []).append((len(path), lines))
            else:
                lines = self._block(values, self._dash(node, 0)[1])
                self._add_lines(self._line_after(node.entries[-1][1]), lines, len(path))

    def _block(self, values: Sequence[Mapping[str, Any]], column: int) -> str:
        if not self.pieces:
            return block_list(values, column)
        lines = self.pieces.block_list(values, column)
        self.blocks.append((lines, column))
        return lines

    def put(self, path: Path, key: str, value: object, after: str | None = None) -> None:
        """Add a key to the mapping at `path`, behind the key `after` or at its end.

        Mappings of the path that are missing, or empty, are made; so is a key that is there without a value.
        """
        for place in self._deepest((*path, key)):
            missing = place.missing
            if not missing:
                self._fill_once(place, value, len(path) + 1)
                continue
            wanted = value
            for step in reversed(missing[1:]):
                wanted = {step: wanted}
            self._put(place, missing[0], wanted, after if len(missing) == 1 else None, len(path) + 1 - len(missing))

    def _put(self, place: Place, key: str, value: object, after: str | None, depth: int) -> None:
        node = place.node
        if (id(node), key) in self.given:
            return
        self.given.add((id(node), key))
        if not node.is_mapping:
            if node.target or not self._is_null(node):
                raise KeyError(key)  # a value of another kind, which no key goes into
            self._fill(place, {key: value}, depth)
        elif node.is_flow:
            self._put_flow(place, key, value)
        else:
            names = [name.text for name, _ in node.entries if name]
            last = node.entries[names.index(after)] if after in names else node.entries[-1]
            self._add_lines(self._line_after_entry(last), dump({key: value}, self._key_column(node)), depth)

    def _put_flow(self, place: Place, key: str, value: object) -> None:
        node = place.node
        first = node.entries or (self.root.entries if self.root.is_flow else ())
        quoted = first and first[0][0] and self.text[first[0][0].start] == '"'
        words = f"{scalar(key)}: {scalar(value)}" if isinstance(value, str) and not quoted else ""
        text = words or flow({key: value})[1:-1]
        at = self._end(node.entries[-1]) if node.entries else self._opening(node, "{")
        if node.entries:
            self._opening(node, "{")  # `[a: b]` is a mapping without braces
            text = f"{' ' * (self.text[at - 1] == ':')}, {text}"
        else:
            text = self._filled(place) + text
        self._add(at, at, text)

    def _fill_once(self, place: Place, value: object, depth: int) -> None:
        """Give a key that is there without a value, or with an empty list or mapping, the value."""
        node = place.node
        if id(node) in self.filled:
            return
        self.filled.add(id(node))
        if self._is_null(node):
            self._fill(place, value, depth)
            return
        kind = "{" if node.is_mapping else "["
        if not node.is_flow or node.entries or not isinstance(value, dict if node.is_mapping else list):
            raise KeyError(node.text)  # it has a value already
        at = self._opening(node, kind)
        self._add(at, at, self._filled(place) + flow(value)[1:-1])

    def _filled(self, place: Place) -> str:
        """Return what stands before all that fills a place that was there and empty."""
        return _FILLED if place.parent and place.parent.is_flow else ""

    def remove(self, path: Path) -> None:
        """Take out the entry of a sequence, or the key of a mapping, at `path`."""
        above, step = path[:-1], path[-1]
        if above not in self._parents:
            self._parents[above] = self._at(above)
        for parent in self._parents[above]:
            places = self._steps(parent.node, step)
            if not places:
                raise KeyError(path)
            for place in places:
                if place.parent:  # of a merged mapping another one
                    self.removed.setdefault(id(place.parent), (place.parent, set()))[1].add(place.index)

    def empty(self, path: Path) -> object:
        """Take out all entries of a list or mapping, and its key, unless that was there before it was filled.

        Returns what is left of it: the empty list or mapping, None where there was none, or GONE.
        """
        left = [self._left(place) for place in self._at(path)]
        if any(one is GONE for one in left):
            self.remove(path)
            return GONE
        return left[0]

    def _left(self, place: Place) -> object:
        node, parent = place.node, place.parent
        if parent is None or not node.entries:
            return GONE
        if node.is_flow:
            return self._left_in_brackets(node, parent)
        key = parent.entries[place.index][0]
        if key is None or parent.is_flow:
            return GONE
        at = self._colon_end(key)
        if not self.text.startswith(_NOTHING_BEFORE, at):
            return GONE
        self._add(at, at + len(_NOTHING_BEFORE), "")
        self._add(self._line_end(at), self._line_after(node.entries[-1][1]), "")
        return None

    def _left_in_brackets(self, node: Node, parent: Node) -> object:
        at, end = self._opening(node, "{" if node.is_mapping else "["), self._end(node.entries[-1])
        blanks = len(self.text[at:end]) - len(self.text[at:end].lstrip(_FILLED))
        if parent.is_flow and not blanks:
            return GONE
        if parent.is_flow and 1 < blanks < len(NULLS) + 2 and at == node.start + 1:
            was = NULLS[blanks - 2]
            self._add(node.start - (not was), node.end, was)  # what was empty got a blank, too
            return None
        self._add(at, end, "")
        return {} if node.is_mapping else []

    def replace(self, path: Path, value: str) -> None:
        """Give the scalar at `path` another text, in the quotes that it has or without any."""
        for place in self._at(path):
            node = place.node
            before = self.text[node.start : node.end]
            if not node.is_scalar:
                raise KeyError(path)
            text = scalar(value)
            if node.is_block_scalar:  # what stood in lines of its own stands behind its key; lines behind it stay
                self._add(node.start, node.start + len(before.rstrip(" \t\r\n")), text)
                continue
            if before.startswith("'"):
                text = f"'{value}'"
            elif before[:1].isalnum() and _REFERENCE.fullmatch(value):
                text = value
            elif before.startswith('"') and not text.startswith('"'):
                text = f'"{value}"'
            self._add(node.start, node.end, f" {text}" if node.is_empty else text)

    def _insert_flow(self, node: Node, index: int, texts: Sequence[str]) -> None:
        if not node.entries:
            at = self._opening(node, "[")
            self._add(at, at, ", ".join(texts))
            return
        behind = index >= len(node.entries)
        place = node.entries[-1 if behind else index][1]
        line = self.text[self._line_start(place.start) : place.start]
        between = self.newline + line if not line.strip() else ""
        if behind:
            at = self._end((None, place))
            blank = " " * (self.text[at - 1] == ":")
            self._add(at, at, blank + "".join(f"{between}, {text}" for text in texts))
        else:
            self._add(place.start, place.start, "".join(f"{text},{between or ' '}" for text in texts))

    def _fill(self, place: Place, value: object, depth: int) -> None:
        """Give a key without a value, or with null, a value."""
        node, parent = place.node, place.parent
        if parent is None:
            raise KeyError(depth)
        key = parent.entries[place.index][0]
        if parent.is_flow or key is None or not isinstance(value, (dict, list)):
            at, text = self._end((key, node)), flow(value)
            if parent.is_flow and isinstance(value, (dict, list)):
                was = "" if node.is_empty else self.text[node.start : node.end]
                text = text[0] + _FILLED * (2 + NULLS.index(was)) + text[1:]
            self._add(at if node.is_empty else node.start, at, f" {text}" if node.is_empty else text)
            return
        column = self._key_column(parent)
        lines = dump(value, column + _STEP) if isinstance(value, dict) else block_list(value, column)
        at = self._colon_end(key)
        if isinstance(value, list) and node.end <= self._line_end(at):
            self._add(at, at, _NOTHING_BEFORE)
        elif not node.is_empty:
            at = node.end
            self._add(node.start, node.end, "")
        self._add_lines(self._line_end(at), lines, depth)
