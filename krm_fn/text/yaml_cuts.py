"""Objects in block style, cut into the parts that somebody asks for and the rest.

What a part means is libyaml's to say: the parts that are asked for are read from its events, each text once however
often it comes; the rest goes through its parser without a Python object, a fifth of the time. Cutting is safe because
each part must be a whole document by itself: were a cut inside a quoted text or brackets, the part before it would not
end there. What a cut cannot be sure of (a key that is no plain word, an anchor, a key given twice) is read whole.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import yaml

from krm_fn.results import FunctionError
from krm_fn.text.pages import Entry, Page
from krm_fn.text.yaml_cut import Cut, keys_at
from krm_fn.text.yaml_ends import open_parser
from krm_fn.text.yaml_odd import OddTextError, check_marks, is_odd
from krm_fn.text.yaml_parts import STREAM, Waiting, value_of
from krm_fn.text.yaml_shapes import IDENTITY, All, Asked, Shapes, Tree, Whole
from krm_fn.text.yaml_whole import Wholes


class Cutter:
    """Reads objects, and of each what is asked for.

    Args:
        asked: by apiVersion and kind, what is asked for.
        lead: what stands before each part when they are read. Only where no line of theirs begins with a dash may it
            be LIST, which is faster: a dash of their own would be one entry more.
    """

    def __init__(self, asked: Asked, lead: str) -> None:
        self._asked = asked
        self._lead = lead
        self._trees: dict[tuple[str, ...], Tree | None] = {}  # by the texts of apiVersion and kind
        self._waiting = Waiting()
        self._dropped: list[str] = []
        self._shapes = Shapes(self._waiting, self._dropped)
        self._wholes = Wholes(self._waiting)

    def add(self, entry: Entry | Page, text: str, column: int) -> None:
        """Take in an object; `text` is a line break and then its lines, its first key at `column` and all others too.

        The entry gets its value when `read` is called. Raises OddTextError if the text must be read in one pass.
        """
        if is_odd(text):
            check_marks(text)
        elif self._cut(entry, text, column):
            return
        self._waiting.add_whole(entry, text[:-1])

    def read(self) -> None:
        """Give every object its value. Raises OddTextError or FunctionError if the text must be read in one pass."""
        try:
            self._check_dropped()
            self._waiting.read(self._lead)
            for entry, text in self._wholes.fill():
                self._waiting.add_whole(entry, text[:-1])
            self._waiting.read(self._lead)
        except yaml.YAMLError as error:
            raise OddTextError from error

    def _cut(self, entry: Entry | Page, text: str, column: int) -> bool:
        """Cut an object; return whether that could be done."""
        found = self._shapes.cut(text)
        if found is None:
            tree = self._tree(text, column)
            if isinstance(tree, Whole):
                return self._wholes.add(entry, text, column, tree)
            found = self._object(text, column, tree) if tree else None
        if found is None:
            return False
        entry.value, is_whole = found
        entry.partial = not is_whole
        return True

    def _object(self, text: str, column: int, tree: Tree) -> tuple[dict[str, Any], bool] | None:
        cut = Cut(self._waiting, self._dropped)
        value: dict[str, Any] = {}
        begun = len(self._dropped)
        if not cut.mapping(text, column, tree, value, 0):
            del self._dropped[begun:]
            return None
        cut.shape.is_whole = isinstance(tree, All)
        self._shapes.learn(cut.shape)
        return value, cut.shape.is_whole

    def _tree(self, text: str, column: int) -> Tree | None:
        """Return what is asked for of an object of its apiVersion and kind; None: everything, or they are odd."""
        matches = list(keys_at(column)(text))
        starts = [*(match.start() for match in matches), len(text) - 1]
        texts = tuple(
            text[start:end]
            for match, (start, end) in zip(matches, pairwise(starts), strict=True)
            if match[1] in IDENTITY
        )
        if texts not in self._trees:
            self._trees[texts] = self._asked_of(texts)
        return self._trees[texts]

    def _asked_of(self, texts: tuple[str, ...]) -> Tree | None:
        try:
            names = {key: value for text in texts for key, value in value_of(text).items()}
        except (yaml.YAMLError, FunctionError, OddTextError):
            return None
        if len(texts) != len(IDENTITY) or not all(isinstance(names.get(key), str) for key in IDENTITY):
            return None
        return self._asked(names["apiVersion"], names["kind"])

    def _check_dropped(self) -> None:
        """Let libyaml's parser say whether each part that nobody asks for is YAML, a document by itself."""
        if self._dropped:
            open_parser(STREAM.join(["", *self._dropped, ""]).encode()).raw_parse()
