"""libyaml's events -> plain values. The inner loop of the whole function.

PyYAML's own loaders spend ten times libyaml's time in Python; this loop adds about a fifth to it. A mapping
is collected as a flat list [key, value, key, value, …] that becomes a dict when it closes, so a scalar costs
one append whatever it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from krm_fn.results import Code
from krm_fn.text import scalars
from krm_fn.text.pages import MAX_DEPTH, Node, fail

if TYPE_CHECKING:
    from collections.abc import Callable

Event = Any  # one of yaml.events; PyYAML's stubs do not say what its C parser fills in

# What aliases may add to the text, in characters and nodes, or ten times the text if that is more: a bomb of 1 KB would
# need 10^9. Go's reader stops at 400,000 nodes of which 99 of 100 come from aliases.
MAX_EXPANSION = 1_000_000

_MERGE = object()  # the key `<<`, until its mapping closes
_OPEN = object()  # the value of an anchor whose collection has not closed yet


class Nodes:
    """Builds one value after the other from the events of a parser.

    `region` is set by the caller: an alias to an anchor of another region is noted in `shared_alias`.
    After `node`, `end` is the event that closed the value, and `repeats` has grown by the mappings that were
    given a key twice, with those keys. `special` says that the text may have anchors or tags, `size` how long it is.
    """

    def __init__(self, get_event: Callable[[], Any], *, special: bool, size: int) -> None:
        self.get_event = get_event
        self.room = max(MAX_EXPANSION, 10 * size)
        self.special = special
        self.region = 0
        self.shared_alias: str | None = None
        self.end: Any = None
        self.repeats: list[tuple[Any, list[str]]] = []
        self._strings: dict[str, str] = {}  # one object for all equal strings; plain ones known as strings
        self._others: dict[str, scalars.Scalar] = {}  # plain scalars that are no strings
        self._notes: list[tuple[list[Any], str | None]] = []  # open collections with something special, anchor
        self._anchors: dict[str, tuple[int, Any, int]] = {}  # name -> region, value, line
        self._measures: dict[int, tuple[Any, int, int]] = {}  # id of a value -> itself, size, height
        self._expanded = 0

    def begin_document(self) -> None:
        """Forget the anchors and aliases of the document before."""
        self._anchors.clear()
        self.shared_alias = None

    def node(self, event: Event) -> Node:  # noqa: C901, PLR0912, PLR0915  # the hot loop: calls cost too much here
        """Return the value that begins with `event`, having read all its events."""
        kind = type(event)
        if kind is ScalarEvent or kind is AliasEvent:
            self.end = event
            return self._lone(event)
        get_event, special, notes = self.get_event, self.special, self._notes
        strings, others, suspect = self._strings, self._others, scalars.SUSPECT
        scalar_kind, map_start, map_end, list_start, alias_kind = (
            ScalarEvent,
            MappingStartEvent,
            MappingEndEvent,
            SequenceStartEvent,
            AliasEvent,
        )
        stack: list[list[Any]] = []
        out: list[Any] = []
        if event.anchor is not None:
            self.open_anchor(event, out)
        while True:
            event = get_event()
            kind = type(event)
            if kind is scalar_kind:
                text = event.value
                if special and (event.anchor is not None or event.tag is not None):
                    out.append(self._special(event, out))
                elif text in strings:  # quoted or not, it is this string
                    out.append(strings[text])
                elif not event.implicit[0]:
                    out.append(text)
                elif text in others and len(out) & 1:
                    out.append(others[text])
                elif text[:1] in suspect:
                    out.append(self._special(event, out))
                else:
                    strings[text] = text
                    out.append(text)
            elif kind is map_start or kind is list_start:
                stack.append(out)
                out = []
                if special and event.anchor is not None:
                    self.open_anchor(event, out)
                if len(stack) >= MAX_DEPTH:
                    too_deep(event.start_mark.line)
            elif kind is alias_kind:
                out.append(self._alias(event, len(stack)))
            else:
                if kind is map_end:
                    try:
                        pairs = iter(out)
                        value: Node = dict(zip(pairs, pairs))  # noqa: B905  # a keyword costs here
                    except TypeError:
                        _no_key(event)
                    if len(value) * 2 != len(out) or (notes and notes[-1][0] is out):
                        value = self.close_mapping(out, event)
                elif notes and notes[-1][0] is out:
                    value = self._close_sequence(out)
                else:
                    value = out
                if not stack:
                    self.end = event
                    return value
                out = stack.pop()
                out.append(value)

    def _lone(self, event: Event) -> Node:
        """Return the value of a scalar or alias that stands alone."""
        if type(event) is AliasEvent:
            return self._alias(event, 0)
        value = self._special(event, [None])
        return "<<" if value is _MERGE else value

    def key(self, event: Event, out: list[Any]) -> Node:
        """Return a key of the mapping that the caller collects in `out`."""
        if type(event) is not ScalarEvent:
            return self.node(event)
        self.end = event
        return self._special(event, out)

    def _special(self, event: Event, out: list[Any]) -> Node:
        """Return the value of a scalar with an anchor, a tag, or a plain text that may be no string."""
        text = event.value
        plain, quoted = event.implicit
        value: Node = text
        if plain:
            value = scalars.plain(text)
            if text == "<<":
                value = _MERGE if len(out) % 2 == 0 else text
            elif isinstance(value, str):
                self._strings[text] = value
            else:
                self._others[text] = value
        elif not quoted and event.tag is not None:
            try:
                value = scalars.tagged(text, event.tag)
            except ValueError as error:
                fail(
                    Code.INPUT_SYNTAX,
                    f"line {event.start_mark.line + 1}: {text[:40]!r} has the tag !!{error} "
                    "but is no such value; correct the value or take the tag away",
                )
        if not isinstance(value, str) and len(out) % 2 == 0:
            self._notes.append((out, None))  # if this is a mapping: a key that is no string
        if event.anchor is not None:
            kept = "<<" if value is _MERGE else value
            self._anchors[event.anchor] = (self.region, kept, event.start_mark.line + 1)
        return value

    def open_anchor(self, event: Event, out: list[Any]) -> None:
        """Note the anchor of a collection that will be built from `out`."""
        self._notes.append((out, event.anchor))
        self._anchors[event.anchor] = (self.region, _OPEN, event.start_mark.line + 1)

    def _close_anchors(self, out: list[Any], value: Node) -> None:
        notes = self._notes
        while notes and notes[-1][0] is out:
            _, anchor = notes.pop()
            if anchor is not None:
                region, old, line = self._anchors[anchor]
                if old is _OPEN:  # else the name was used again inside
                    self._anchors[anchor] = (region, value, line)

    def _close_sequence(self, out: list[Any]) -> list[Any]:
        out[:] = ["<<" if value is _MERGE else value for value in out]
        self._close_anchors(out, out)
        return out

    def close_mapping(self, out: list[Any], event: Event) -> dict[str, Any]:
        """Return the mapping of a flat list [key, value, …] with repeated, merge or other keys that are no strings."""
        value: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        repeated: dict[str, None] = {}
        for key, child in zip(out[::2], out[1::2], strict=True):
            if key is _MERGE:
                merged += _merge_sources(child, event)
                continue
            if isinstance(key, (dict, list)):
                _no_key(event)
            name = scalars.key_text(key)
            if name in value and not _same(value[name], child):
                repeated[name] = None
            value[name] = child
        for source in merged:  # an explicit key wins, then the earlier source
            for name, child in source.items():
                value.setdefault(name, child)
        if repeated:
            self.repeats.append((value, list(repeated)))
        self._close_anchors(out, value)
        return value

    def _alias(self, event: Event, depth: int) -> Node:
        line = event.start_mark.line + 1
        region, value, anchor_line = self._anchors.get(event.anchor, (0, None, 0))
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
        if region != self.region and self.shared_alias is None:
            self.shared_alias = (
                f"line {line}: the alias *{event.anchor} takes its value from another object (line "
                f"{anchor_line}), and would dangle when the objects go to files of their own; "
                "write the value out in both"
            )
        size, height = self._measure(value)
        self._expanded += size
        if self._expanded > self.room:
            fail(
                Code.INPUT_LIMIT,
                f"line {line}: written out, the aliases up to here would take more than "
                f"{self.room:,} characters; use fewer, or write them out in files of their own",
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


def _same(one: Node, other: Node) -> bool:
    """Return whether two values are the same, type for type (1 == True in Python)."""
    return one is other or (repr(one) == repr(other))


def _merge_sources(value: Node, event: Event) -> list[dict[str, Any]]:
    sources = value if isinstance(value, list) else [value]
    if not all(isinstance(source, dict) for source in sources):
        fail(
            Code.INPUT_SYNTAX,
            f"near line {event.start_mark.line + 1}: the merge key << takes a mapping or a list "
            "of mappings; quote it if it is an ordinary key",
        )
    return sources


def too_deep(line: int) -> NoReturn:
    """Fail because of the nesting in the line of that number, counted from 0."""
    fail(
        Code.INPUT_LIMIT,
        f"line {line + 1}: nested more than {MAX_DEPTH} deep; "
        "no Kubernetes object is, so look for brackets or indentation gone wrong",
    )


def _no_key(event: Event) -> NoReturn:
    fail(
        Code.INPUT_SYNTAX,
        f"near line {event.start_mark.line + 1}: a key is a mapping or a list, which Kubernetes "
        "cannot read; is this a template ({{ … }}) that was not rendered? Quote it, or render it first",
    )
