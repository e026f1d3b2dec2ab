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
from krm_fn.text.anchors import Anchors, Event, merge_sources
from krm_fn.text.pages import MAX_DEPTH, Node, fail, too_deep

if TYPE_CHECKING:
    from collections.abc import Callable

_MERGE = object()  # the key `<<`, until its mapping closes


class Nodes:
    """Builds one value after the other from the events of a parser.

    After `node`, `end` is the event that closed the value, and `repeats` has grown by the mappings that were
    given a key twice, with those keys. `special` says that the text may have anchors or tags, `size` how long it is.
    """

    def __init__(self, get_event: Callable[[], Any], *, special: bool, size: int) -> None:
        self.get_event = get_event
        self.special = special
        self.anchors = Anchors(size)
        self.end: Any = None
        self.repeats: list[tuple[Any, list[str]]] = []
        self._strings: dict[str, str] = {}  # one object for all equal strings; plain ones known as strings
        self._others: dict[str, scalars.Scalar] = {}  # plain scalars that are no strings
        self._notes: list[tuple[list[Any], str | None]] = []  # open collections with something special, anchor

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
                out.append(self.anchors.value(event, len(stack)))
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
            return self.anchors.value(event, 0)
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
        if plain and not event.style:  # `! '1'` is "plain" to libyaml, too
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
            self.anchors.note(event, "<<" if value is _MERGE else value)
        return value

    def open_anchor(self, event: Event, out: list[Any]) -> None:
        """Note the anchor of a collection that will be built from `out`."""
        self._notes.append((out, event.anchor))
        self.anchors.open(event)

    def _close_anchors(self, out: list[Any], value: Node) -> None:
        notes = self._notes
        while notes and notes[-1][0] is out:
            _, anchor = notes.pop()
            if anchor is not None:
                self.anchors.close(anchor, value)

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
                merged += merge_sources(child, event)
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


def _same(one: Node, other: Node) -> bool:
    """Return whether two values are the same, type for type (1 == True in Python)."""
    return one is other or (repr(one) == repr(other))


def _no_key(event: Event) -> NoReturn:
    fail(
        Code.INPUT_SYNTAX,
        f"near line {event.start_mark.line + 1}: a key is a mapping or a list, which Kubernetes "
        "cannot read; is this a template ({{ … }}) that was not rendered? Quote it, or render it first",
    )
