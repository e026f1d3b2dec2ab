"""Objects in block style, cut into the parts that somebody asks for and the rest.

What a part means is libyaml's to say: the parts that are asked for are read from its events, each text once however
often it comes; the rest goes through its parser without a Python object, a fifth of the time. Cutting is safe because
each part must be a whole document by itself: were a cut inside a quoted text or brackets, the part before it would not
end there. What a cut cannot be sure of (a key that is no plain word, an anchor, a key given twice) is read whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby, pairwise
from typing import Any

import yaml
from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from krm_fn.results import FunctionError
from krm_fn.text.anchors import Event
from krm_fn.text.nodes import Nodes
from krm_fn.text.pages import MAX_DEPTH, Entry, Page, duplicate_paths
from krm_fn.text.yaml_ends import open_parser
from krm_fn.text.yaml_shapes import EACH, IDENTITY, WORD, Shape, Shapes, Tree, Waiting

Asked = Callable[[str, str], Tree | None]  # apiVersion and kind -> what is asked for; None: everything

_LEAD = re.compile(r"(?:[ ]*(?:#[^\n]*)?\n)*")  # blank lines and comments
_INNER = re.compile(r"(?:[ ]+(?:#[^\n]*)?)?(?:\n[ ]*(?:#[^\n]*)?(?=\n))*(?P<rest>\n(?P<blanks>[ ]*))")  # behind `key:`
_SPECIAL = re.compile(r"(?:^|[\s\[{,:])[&*][\w-]", re.ASCII)  # may be an anchor or an alias
# What libyaml takes, and the reading of events does not always: a merge key, YAML's own tags, a collection for a key.
_JUDGED = re.compile(
    r"(?:^|[\s{,])<<[ ]*(?::|$)|!!(?:int|float|bool|null|binary)\b|(?:^[ -]*|[\[{,]\s*)\?(?=\s)", re.MULTILINE
)
_KEY_END = re.compile(" *:")
LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")  # ends of lines for YAML, and for nobody else
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\n")
_ASCII = bytes([9, 10, *range(0x20, 0x7F)])
_UNPRINTABLE = re.compile("[^\t\n -~\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\x85]")
_LIST, _STREAM = "\n-\n", "\n---\n"  # what stands before each part when they are read together


class OddTextError(Exception):
    """The text is not what cutting takes it for: it must be read in one pass."""


@cache
def _keys(column: int) -> Callable[[str], Iterator[re.Match[str]]]:
    """Return what finds the lines at a column that begin something: with their key, if it is a plain word."""
    return re.compile(rf"\n {{{column}}}(?:({WORD}):(?=[ \n])|(?=[^ \n#-]|-[^ \n]))", re.ASCII).finditer


class Cutter:
    """Reads objects, and of each what is asked for."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._trees: dict[tuple[str, ...], Tree | None] = {}  # by the texts of apiVersion and kind
        self._waiting: Waiting = {}
        self._dropped: list[str] = []
        self._shapes = Shapes()
        self._lead = _LIST

    def add(self, entry: Entry | Page, text: str, column: int) -> None:
        """Take in an object; `text` is a line break and then its lines, its first key at `column` and all others too.

        The entry gets its value when `read` is called.
        """
        if not column:
            self._lead = _STREAM
        begun = len(self._dropped)
        value = None if _is_odd(text) else self._object(text, column, entry)
        if value is None:
            del self._dropped[begun:]
            self._waiting.setdefault(text[:-1], []).extend((None, entry))
        else:
            entry.value, entry.partial = value, True

    def read(self) -> None:
        """Give every object its value. Raises OddTextError or FunctionError if the text must be read in one pass."""
        try:
            self._check_dropped()
            self._resolve()
        except yaml.YAMLError as error:
            raise OddTextError from error

    def _object(self, text: str, column: int, entry: Entry | Page) -> dict[str, Any] | None:
        value = self._shapes.cut(text, entry, self._waiting, self._dropped)
        if value is not None:
            return value
        tree = self._tree(text, column)
        if tree is None:
            return None
        cut = _Cut(text, entry, self._waiting, self._dropped)
        value = {}
        if not cut.mapping(text, column, tree, value, 0):
            return None
        self._shapes.learn(cut.shape)
        return value

    def _tree(self, text: str, column: int) -> Tree | None:
        """Return what is asked for of an object of its apiVersion and kind; None: everything, or they are odd."""
        matches = list(_keys(column)(text))
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
            names = {key: value for text in texts for key, value in _value(text).items()}
        except (yaml.YAMLError, FunctionError, OddTextError):
            return None
        if len(texts) != len(IDENTITY) or not all(isinstance(names.get(key), str) for key in IDENTITY):
            return None
        return self._asked(names["apiVersion"], names["kind"])

    def _check_dropped(self) -> None:
        """Let libyaml's parser say whether each part that nobody asks for is YAML, a document by itself."""
        if self._dropped:
            open_parser((_STREAM.join(["", *self._dropped]) + "\n").encode()).raw_parse()

    def _resolve(self) -> None:
        text = self._lead.join(["", *self._waiting]) + "\n"
        nodes = _nodes(text)
        values = _each(nodes, len(self._waiting), in_list=self._lead is _LIST)
        for found, slots in zip(values, self._waiting.values(), strict=True):
            repeats, nodes.repeats = nodes.repeats, []
            places = iter(slots)
            for value, entry in zip(places, places, strict=True):
                if value is None:
                    entry.value = found
                    entry.duplicates = duplicate_paths(found, repeats) if repeats else ()
                elif repeats:
                    raise OddTextError
                else:
                    value.update(found)


class _Cut:
    """One object while it is cut; what its keys are, and their order, is noted in `shape`."""

    def __init__(self, text: str, entry: Entry | Page, waiting: Waiting, dropped: list[str]) -> None:
        self.text = text
        self.entry = entry
        self.waiting = waiting
        self.dropped = dropped
        self.shape = Shape()

    def mapping(self, text: str, column: int, tree: Tree, value: dict[str, Any], number: int) -> bool:
        """Fill in the mapping of that number, whose keys stand at `column`; return whether it could be cut.

        `text` begins with a line break.
        """
        matches = list(_keys(column)(text))
        keys = [(match[1] or "").strip("\"'") for match in matches]
        if not keys or not all(keys) or not _LEAD.fullmatch(text, 1, matches[0].start() + 1):
            return False
        asked = keys if tree is EACH else [key for key in keys if key in tree]
        if len(set(asked)) != len(asked):
            return False
        starts = [*(match.start() for match in matches), len(text) - 1]
        if tree is EACH:
            for start, end in pairwise(starts):
                self._wait(text[start:end], value)
            self.shape.each(column, number)
            return True
        for is_asked, places in groupby(range(len(keys)), key=lambda at: keys[at] in tree):
            group = list(places)
            if not is_asked:
                self.dropped.append(text[starts[group[0]] : starts[group[-1] + 1]])
                self.shape.rest(column, tree)
                continue
            for at in group:
                part = text[starts[at] : starts[at + 1]]
                below, made = tree[keys[at]], dict[str, Any]()
                inner = _INNER.match(part + "\n", matches[at].end() - starts[at])
                # What stands no deeper than the key is not within it: libyaml says what is wrong.
                deeper = inner if inner and len(inner["blanks"]) > column else None
                if below is not None and deeper and self._below(part, deeper, below, made, (number, keys[at])):
                    value[keys[at]] = made
                else:
                    self._wait(part, value)
                    self.shape.leaf(column, part, keys[at], number)
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

    def _wait(self, text: str, value: dict[str, Any]) -> None:
        self.waiting.setdefault(text, []).extend((value, self.entry))


def is_printable(text: str) -> bool:
    """Tell whether a text has only characters that libyaml takes; comments between parts are read by nobody else."""
    if text.isascii():
        return not text.encode().translate(None, _ASCII)
    return _UNPRINTABLE.search(text) is None


def whole_lines(text: str) -> str:
    """Return a text with a line end. Raises OddTextError where that could change a value: behind a block scalar."""
    if text.endswith("\n"):
        return text
    if _BLOCK_SCALAR.search(text):
        raise OddTextError
    return text + "\n"


def _is_odd(text: str) -> bool:
    """Tell whether a text has something that concerns all of it, wherever it stands."""
    # Looking for one character is fast, for two it is not: most texts have none of these.
    return bool(
        (("&" in text or "*" in text) and _SPECIAL.search(text))
        or _odd_brackets(text)
        or ((("<" in text and "<<" in text) or ("!" in text and "!!" in text) or "?" in text) and _JUDGED.search(text))
        or (not text.isascii() and LINE_SEPARATORS.search(text))
    )


def _odd_brackets(text: str) -> bool:
    """Tell whether brackets are many, double (a template that nobody rendered), or around a key."""
    find, count = text.find, 0
    for opening, closing in ("{}", "[]"):
        at = find(opening)
        while at >= 0:
            if opening == "{" == text[at + 1]:
                return True
            count += 1
            at = find(opening, at + 1)
        at = find(closing)
        while at >= 0:
            if text[at + 1] in " :" and _KEY_END.match(text, at + 1):
                return True
            at = find(closing, at + 1)
    return count > MAX_DEPTH


def _nodes(text: str) -> Nodes:
    raw = text.encode()
    nodes = Nodes(open_parser(raw).get_event, special=b"&" in raw or b"!" in raw, size=len(text))
    nodes.get_event()  # the stream's start
    return nodes


def _value(text: str) -> dict[str, Any]:
    return dict(next(_each(_nodes(_STREAM + text), 1, in_list=False)))


def _each(nodes: Nodes, count: int, *, in_list: bool) -> Iterator[Any]:
    """Yield the values of a stream of mappings, or of a list of them. Raises OddTextError if they are not `count`."""
    get_event = nodes.get_event
    for number in range(count):
        if not in_list:
            nodes.anchors.begin_document()
            _expect(get_event(), DocumentStartEvent)
        elif not number:
            _expect(get_event(), DocumentStartEvent)
            _expect(get_event(), SequenceStartEvent)
        nodes.anchors.region += 1
        event: Event = get_event()
        _expect(event, MappingStartEvent)
        yield nodes.node(event)
        if nodes.anchors.shared:
            raise OddTextError
        if not in_list:
            _expect(get_event(), DocumentEndEvent)
    if in_list and count:
        _expect(get_event(), SequenceEndEvent)
        _expect(get_event(), DocumentEndEvent)
    _expect(get_event(), StreamEndEvent)


def _expect(event: Event, kind: type) -> None:
    if type(event) is not kind:
        raise OddTextError
