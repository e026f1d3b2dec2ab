"""Parts of objects → their values: libyaml's events of many parts in one pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from yaml.events import (
    DocumentEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from krm_fn.text.anchors import Event
from krm_fn.text.nodes import Nodes
from krm_fn.text.pages import Entry, Page, duplicate_paths
from krm_fn.text.yaml_ends import open_parser
from krm_fn.text.yaml_odd import OddTextError

LIST, STREAM = "\n-\n", "\n---\n"  # what stands before each part when they are read together
_NO_SCALAR = re.compile(r"[\n\t\[{]")  # behind a key's colon: maybe more than a scalar that stands there
_AROUND_KEY = " \"'"
_COLLECTIONS = (dict, list)
_Mapping = dict[str, Any]


class _Text(NamedTuple):
    """What is read at once: a part, or with `is_list` what stands behind the colons of many with one head, as a list.

    `takers`: for each value, the mappings that it goes to.
    """

    text: str
    key: str
    takers: list[list[_Mapping]]
    is_list: bool

    def give(self, found: _Mapping) -> None:
        """Put what was found into the mappings. Raises OddTextError where a part is not a key with a value."""
        key = self.key
        if len(found) != 1 or key not in found:
            raise OddTextError
        values = found[key] if self.is_list else [found[key]]
        if not isinstance(values, list) or len(values) != len(self.takers):
            raise OddTextError
        for value, mappings in zip(values, self.takers, strict=True):
            if self.is_list and value.__class__ in _COLLECTIONS:
                raise OddTextError  # `a: b` and `- a` may stand behind a dash, and not behind a colon
            for mapping in mappings:
                mapping[key] = value


class Waiting:
    """Parts that wait to be read, each text once, however many mappings it goes to.

    A part is a key with its value; its head is the first line up to the colon. What goes on with a scalar is read
    together with all of the same head, as a list below it: an event for each in place of four.
    """

    def __init__(self) -> None:
        self._parts: dict[str, dict[str, list[_Mapping]]] = {}
        self._wholes: dict[str, list[Entry | Page]] = {}

    def under(self, head: str) -> dict[str, list[_Mapping]]:
        """Return what waits under a head, until `read`: by what stands behind the colon, the mappings it goes to."""
        return self._parts.setdefault(head, {})

    def add(self, head: str, rest: str, mapping: _Mapping) -> None:
        """Let a part wait for its mapping."""
        self.under(head).setdefault(rest, []).append(mapping)

    def add_lines(self, lines: list[str], mapping: _Mapping) -> bool:
        """Let lines, each a part, wait for their mapping, which is empty; return whether no key comes twice."""
        parts = self._parts
        for line in lines:  # a hot loop: calls cost too much here
            head, _, rest = line.partition(":")
            mapping[head.strip(_AROUND_KEY)] = None  # in their order
            under = parts.get(head)
            if under is None:
                parts[head] = {rest: [mapping]}
            elif rest in under:
                under[rest].append(mapping)
            else:
                under[rest] = [mapping]
        return len(mapping) == len(lines)

    def add_whole(self, entry: Entry | Page, text: str) -> None:
        """Let an object wait that is read in one piece: what it gives twice is found."""
        self._wholes.setdefault(text, []).append(entry)

    def read(self, before: str) -> None:
        """Give all that waits its values, and forget it; `before` is what stands before each part, LIST or STREAM.

        Raises:
            OddTextError, FunctionError, YAMLError: the text must be read in one pass.
        """
        parts = [*self._texts()]
        texts = [*(part.text for part in parts), *self._wholes]
        if not texts:
            return
        nodes = nodes_of(before.join(["", *texts]) + "\n")
        values = each_of(nodes, len(texts), in_list=before is LIST)
        for part in parts:
            part.give(next(values))
        if nodes.repeats:
            raise OddTextError
        for entries in self._wholes.values():
            found = next(values)
            repeats, nodes.repeats = nodes.repeats, []
            for entry in entries:
                entry.value = found
                entry.duplicates = duplicate_paths(found, repeats) if repeats else ()
        next(values, None)  # the end
        self._parts.clear()
        self._wholes.clear()

    def _texts(self) -> Iterator[_Text]:
        for head, under in self._parts.items():
            key, scalars = _key_of(head), {}
            for rest, mappings in under.items():
                if _NO_SCALAR.search(rest):
                    yield _Text(f"{head}:{rest}", key, [mappings], is_list=False)
                else:
                    scalars[rest] = mappings
            if scalars:
                dash = f"\n{head[: -len(head.lstrip(' '))]}-"
                yield _Text(f"{head}:{dash}{dash.join(scalars)}", key, [*scalars.values()], is_list=True)


def _key_of(head: str) -> str:
    return head.strip(_AROUND_KEY)


def nodes_of(text: str) -> Nodes:
    raw = text.encode()
    nodes = Nodes(open_parser(raw).get_event, special=b"&" in raw or b"!" in raw, size=len(text))
    nodes.get_event()  # the stream's start
    return nodes


def value_of(text: str) -> dict[str, Any]:
    """Return the value of a mapping's text, without the last line end: it may end in a block scalar, that counts it."""
    return dict(next(each_of(nodes_of(f"{STREAM}{text}\n"), 1, in_list=False)))


def each_of(nodes: Nodes, count: int, *, in_list: bool) -> Iterator[Any]:
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
