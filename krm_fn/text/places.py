"""A text -> the tree of its nodes, each with its place; what no edit needs is passed over."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from yaml import YAMLError, cyaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from krm_fn.text.edits import Path
from krm_fn.text.masks import Wanted, masked
from krm_fn.text.yaml_ends import COLON, tolerant

Event = Any  # one of yaml.events; PyYAML's stubs do not say what its C parser fills in

_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_STARTS: frozenset[Any] = frozenset([MappingStartEvent, SequenceStartEvent])
_ENDS: frozenset[Any] = frozenset([MappingEndEvent, SequenceEndEvent])


@dataclass(slots=True)
class Node:
    """A node where its text stands: characters from `start` to `end`, which is exclusive.

    Attributes:
        entries: (key, value) of a mapping, (None, value) of a sequence. Of a node that was passed over: the last of
            the leaves in it, with its key.
        target: of an alias.
    """

    start: int
    end: int
    is_mapping: bool = False
    is_scalar: bool = False
    is_flow: bool = False
    is_block_scalar: bool = False
    text: str = ""
    entries: list[tuple[Node | None, Node]] = field(default_factory=list)
    target: Node | None = None

    @property
    def real(self) -> Node:
        return self.target or self

    @property
    def is_empty(self) -> bool:
        return self.is_scalar and self.start == self.end


def read(text: str, paths: Iterable[Path] | None, *, masks: bool = False) -> Node:
    """Return the tree of the text's first document: in full, or only along `paths` and one step beside them.

    With `masks` entries beside them are looked at as their lines stand, which is fast and may err: see `masks`.
    """
    wanted: dict[str | int, Any] | None = None
    if paths is not None and "&" not in text:  # an alias on a path leads to wherever its anchor stands
        wanted = {}
        for path in paths:
            at = wanted
            for step in path:
                at = at.setdefault(step, {})
        if masks:
            text = masked(text, wanted)
    text = _PAIR.sub(lambda pair: pair[0].lower().replace(r"\ud", r"\ue"), text)  # JSON's, which libyaml refuses
    try:
        return _Reader(text).root(wanted)
    except YAMLError:
        return _Reader(tolerant(text)).root(wanted)


class _Reader:
    def __init__(self, text: str) -> None:
        self.get_event: Callable[[], Event] = cyaml.CParser(text).get_event  # type: ignore[attr-defined]  # a gap in the stubs
        self.anchors: dict[str, Node] = {}

    def root(self, wanted: Wanted | None) -> Node:
        """Return the first document."""
        self.get_event(), self.get_event()  # the stream's start and the document's
        return self.node(self.get_event(), wanted)

    def node(self, event: Event, wanted: Wanted | None) -> Node:
        """Return the node that begins with `event`, its entries in full where they are wanted (None: all)."""
        node = _node(event)
        kind = event.__class__
        if kind is AliasEvent:
            node.target = self.anchors[event.anchor]
            return node
        if event.anchor:
            self.anchors[event.anchor] = node
        if kind is ScalarEvent:
            return node
        while (event := self.get_event()).__class__ not in _ENDS:
            key = None
            step: str | int = len(node.entries)
            if node.is_mapping:
                key = self.node(event, None)
                step, event = key.text, self.get_event()
            if wanted is None or step in wanted or step == "<<":
                value = self.node(event, None if wanted is None else wanted.get(step))
            else:
                value = self.passed_over(event)
            node.entries.append((key, value))
        node.end = event.end_mark.index
        return node

    def passed_over(self, event: Event) -> Node:
        """Return the node that begins with `event`, with its last leaf for its only entry."""
        node, get_event = _node(event), self.get_event
        depth = int(event.__class__ in _STARTS)
        key: Event = None
        last: Event = None
        before: Event = None
        while depth:
            earlier, before, event = before, event, get_event()
            kind = event.__class__
            if kind is ScalarEvent:
                continue
            if kind in _STARTS:
                depth += 1
            elif kind in _ENDS:
                depth -= 1
                if event.start_mark.index < event.end_mark.index:  # it has a bracket of its own: flow style
                    key, last = None, event
                elif before.__class__ in (ScalarEvent, AliasEvent):
                    key, last = (earlier if kind is MappingEndEvent else None), before
                node.end = event.end_mark.index
        if last:
            node.entries.append((_node(key) if key else None, _node(last)))
        return node


def _node(event: Event) -> Node:
    node = Node(event.start_mark.index, event.end_mark.index)
    kind = event.__class__
    if kind is ScalarEvent:
        node.is_scalar, node.text, node.is_block_scalar = (
            True,
            event.value.replace(COLON, ":"),
            event.style in ("|", ">"),
        )
    elif kind in _STARTS:
        node.is_mapping, node.is_flow = kind is MappingStartEvent, bool(event.flow_style)
    return node
