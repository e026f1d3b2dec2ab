"""Anchors and aliases of a text while it is read: what each stands for, and what they add up to."""

from __future__ import annotations

from typing import Any

from krm_fn.results import Code
from krm_fn.text.pages import MAX_DEPTH, Node, fail, too_deep

Event = Any  # one of yaml.events; PyYAML's stubs do not say what its C parser fills in

# What aliases may add to the text, in characters and nodes, or ten times the text if that is more: a bomb of 1 KB would
# need 10^9. Go's reader stops at 400,000 nodes of which 99 of 100 come from aliases.
MAX_EXPANSION = 1_000_000

_OPEN = object()  # the value of an anchor whose collection has not closed yet


class Anchors:
    """The anchors of one document after the other.

    `region` is set by the caller: an alias to an anchor of another region is noted in `shared`. `size` is how long the
    text is.
    """

    def __init__(self, size: int) -> None:
        self.region = 0
        self.shared: str | None = None
        self._room = max(MAX_EXPANSION, 10 * size)
        self._known: dict[str, tuple[int, Any, int]] = {}  # name -> region, value, line
        self._measures: dict[int, tuple[Any, int, int]] = {}  # id of a value -> itself, size, height
        self._expanded = 0

    def begin_document(self) -> None:
        """Forget the anchors and aliases of the document before."""
        self._known.clear()
        self.shared = None

    def open(self, event: Event) -> None:
        """Note the anchor of a collection that begins with `event`."""
        self._known[event.anchor] = (self.region, _OPEN, event.start_mark.line + 1)

    def note(self, event: Event, value: Node) -> None:
        """Note the anchor of a scalar."""
        self._known[event.anchor] = (self.region, value, event.start_mark.line + 1)

    def close(self, name: str, value: Node) -> None:
        """Note what a collection has become."""
        region, old, line = self._known[name]
        if old is _OPEN:  # else the name was used again inside
            self._known[name] = (region, value, line)

    def value(self, event: Event, depth: int) -> Node:
        """Return what an alias stands for, `depth` below the outermost value. Raises FunctionError."""
        line = event.start_mark.line + 1
        region, value, anchor_line = self._known.get(event.anchor, (0, None, 0))
        if not anchor_line:
            fail(
                Code.INPUT_SYNTAX,
                f"line {line}: the alias *{event.anchor} has no anchor &{event.anchor} before "
                "it in its document; add the anchor, or quote the text if it is no alias",
            )
        if value is _OPEN:
            fail(
                Code.INPUT_SYNTAX,
                f"line {line}: the alias *{event.anchor} stands inside its own anchor of line "
                f"{anchor_line}, so its value would hold itself; write the value out",
            )
        if region != self.region and self.shared is None:
            self.shared = (
                f"line {line}: the alias *{event.anchor} takes its value from another object (line "
                f"{anchor_line}), and would dangle when the objects go to files of their own; "
                "write the value out in both"
            )
        size, height = self._measure(value)
        self._expanded += size
        if self._expanded > self._room:
            fail(
                Code.INPUT_LIMIT,
                f"line {line}: written out, the aliases up to here would take more than "
                f"{self._room:,} characters; use fewer, or write them out in files of their own",
            )
        if height + depth >= MAX_DEPTH:
            too_deep(event.start_mark.line)
        return value

    def _measure(self, value: Node) -> tuple[int, int]:
        """Return the size in characters and the height of a value that aliases repeat."""
        if not isinstance(value, (dict, list)):
            return (len(value) if isinstance(value, str) else 0) + 1, 0
        known = self._measures.get(id(value))
        if known:
            return known[1], known[2]
        children = list(value.values()) if isinstance(value, dict) else value
        keys = sum(len(key) + 1 for key in value) if isinstance(value, dict) else 0
        measures = [self._measure(child) for child in children]
        size = 1 + keys + sum(measure[0] for measure in measures)
        height = 1 + max((measure[1] for measure in measures), default=0)
        self._measures[id(value)] = (value, size, height)  # with the value, so that its id stays its own
        return size, height


def merge_sources(value: Node, event: Event) -> list[dict[str, Any]]:
    """Return the mappings that a merge key brings in. Raises FunctionError if it is none."""
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        fail(
            Code.INPUT_SYNTAX,
            f"near line {event.start_mark.line + 1}: the merge key << takes a mapping or a list "
            "of mappings; quote it if it is an ordinary key",
        )
    return sources
