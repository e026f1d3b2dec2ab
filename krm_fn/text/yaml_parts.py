"""Parts of objects → their values: libyaml's events of many parts in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
from krm_fn.text.yaml_ends import open_parser
from krm_fn.text.yaml_odd import OddTextError

LIST, STREAM = "\n-\n", "\n---\n"  # what stands before each part when they are read together


def nodes_of(text: str) -> Nodes:
    raw = text.encode()
    nodes = Nodes(open_parser(raw).get_event, special=b"&" in raw or b"!" in raw, size=len(text))
    nodes.get_event()  # the stream's start
    return nodes


def value_of(text: str) -> dict[str, Any]:
    return dict(next(each_of(nodes_of(STREAM + text), 1, in_list=False)))


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
