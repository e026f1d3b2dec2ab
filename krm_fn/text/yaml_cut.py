"""One object in block style, cut at its keys into the parts that somebody asks for and the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from typing import Any

from krm_fn.text.yaml_parts import Waiting
from krm_fn.text.yaml_shapes import EACH, WORD, All, Shape, Tree

_LEAD = re.compile(r"(?:[ ]*(?:#[^\n]*)?\n)*")  # blank lines and comments
INNER = re.compile(r"(?:[ ]+(?:#[^\n]*)?)?(?:\n[ ]*(?:#[^\n]*)?(?=\n))*(?P<rest>\n(?P<blanks>[ ]*))")  # behind `key:`


@cache
def keys_at(column: int) -> Callable[..., Iterator[re.Match[str]]]:
    """Return what finds the lines at a column that begin something: with their key, if it is a plain word."""
    return re.compile(rf"\n {{{column}}}(?:({WORD}):(?=[ \n])|(?=[^ \n#-]|-[^ \n]))", re.ASCII).finditer


class Cut:
    """One object while it is cut; what its keys are, and their order, is noted in `shape`."""

    def __init__(self, waiting: Waiting, dropped: list[str]) -> None:
        self.waiting = waiting
        self.dropped = dropped
        self.shape = Shape()

    def mapping(self, text: str, column: int, tree: Tree, value: dict[str, Any], number: int) -> bool:
        """Fill in the mapping of that number, whose keys stand at `column`; return whether it could be cut.

        `text` begins with a line break.
        """
        matches = list(keys_at(column)(text))
        keys = [(match[1] or "").strip("\"'") for match in matches]
        if not keys or not all(keys) or not _LEAD.fullmatch(text, 1, matches[0].start() + 1):
            return False
        asked = keys if tree is EACH or isinstance(tree, All) else [key for key in keys if key in tree]
        value.update(dict.fromkeys(asked))  # in their order
        if len(value) != len(asked):
            return False
        starts = [*(match.start() for match in matches), len(text) - 1]
        parts = [(match[0][1:-1], text[match.end() : end]) for match, end in zip(matches, starts[1:], strict=True)]
        if tree is EACH:
            for head, rest in parts:
                self.waiting.add(head, rest, value)
            self.shape.each(column, number)
            return True
        for is_asked, places in groupby(range(len(keys)), key=lambda at: keys[at] in value):
            group = list(places)
            if not is_asked:
                self.dropped.append(text[starts[group[0]] : starts[group[-1] + 1]])
                self.shape.rest(column, tree)
                continue
            for at in group:
                part = text[starts[at] : starts[at + 1]]
                below, made = tree.get(keys[at]), dict[str, Any]()
                inner = INNER.match(part + "\n", matches[at].end() - starts[at])
                # What stands no deeper than the key is not within it: libyaml says what is wrong.
                deeper = inner if inner and len(inner["blanks"]) > column else None
                if below is not None and deeper and self._below(part, deeper, below, made, (number, keys[at])):
                    value[keys[at]] = made
                else:
                    head, rest = parts[at]
                    self.waiting.add(head, rest, value)
                    self.shape.leaf(column, head, rest, keys[at], number)
        return True

    def _below(
        self, part: str, inner: re.Match[str], tree: Tree, made: dict[str, Any], opened: tuple[int, str]
    ) -> bool:
        """Fill in the mapping of a key (of the mapping of that number); return whether it could be cut."""
        begun, before = len(self.dropped), self.shape.copy()
        below = self.shape.open(opened[0], part[: inner.start()], opened[1])
        if self.mapping(part[inner.start("rest") :] + "\n", len(inner["blanks"]), tree, made, below):
            return True
        del self.dropped[begun:]
        self.shape = before
        return False
