"""YAML text -> pages: one pass over libyaml's events gives the values and their places."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from krm_fn.results import Code
from krm_fn.text.anchors import Event
from krm_fn.text.nodes import Nodes
from krm_fn.text.pages import (
    LISTINGS,
    NULLS,
    Entry,
    Listing,
    Node,
    Page,
    Style,
    duplicate_paths,
    fail,
    line_of,
    repeated_keys,
    too_deep,
)
from krm_fn.text.yaml_ends import COLON, block_end, flow_end, open_parser, parted, tolerant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_TO_DASH = re.compile(r"(?:[&!]\S*|#[^\r\n]*|\s)*-")
_COLLECTIONS = (MappingStartEvent, SequenceStartEvent)
_LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_NO_MARKER = re.compile(r"--|-{4,}|[ \t]+---|---[ \t]*[\w\"'].*")
_LONG = 100  # characters of a line that are looked at


def read(text: str, raw: bytes) -> list[Page]:
    """Return the documents of `text`; `raw` is its UTF-8 form. Raises FunctionError."""
    reader = _reader(text, parted(text).encode() if "---#" in text else raw)
    try:
        return list(reader.pages())
    except yaml.YAMLError as error:
        taken = tolerant(text)
        if taken != text and COLON not in text:
            reader = _reader(text, taken.encode(), with_colons=True)
            with contextlib.suppress(yaml.YAMLError):
                return list(reader.pages())
        _syntax(error, text, reader.place)


def _reader(text: str, raw: bytes, *, with_colons: bool = False) -> _Reader:
    parser = open_parser(raw)
    get_event = _restoring(parser.get_event) if with_colons else parser.get_event
    return _Reader(text, get_event, parser.peek_event, special=b"&" in raw or b"!" in raw)


def _restoring(get_event: Callable[[], Event]) -> Callable[[], Event]:
    """Return what gives the events of a `tolerant` text as those of the text itself."""

    def event() -> Event:
        found = get_event()
        if type(found) is ScalarEvent and COLON in found.value:
            found.value = found.value.replace(COLON, ":")
        return found

    return event


def _syntax(error: yaml.YAMLError, text: str, place: str) -> NoReturn:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    if mark and problem == "exceeded maximum nesting depth":  # libyaml's own limit of 1,000, since 0.2.6
        too_deep(mark.line)
    where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    hint = "correct the text there"
    if mark:
        near = text[max(0, mark.index - 500) : mark.index + 1]
        if match := _LINE_SEPARATORS.search(near):
            hint = (
                f"the text before it has the character U+{ord(match[0]):04X}, which YAML takes for the end of "
                "a line: delete it, or write it as an escape between double quotes"
            )
        elif "\ufeff" in near:
            hint = "the text before it has a byte order mark (U+FEFF), which belongs to the start of a file: delete it"
        elif problem == "did not find expected <document start>":
            hint = "here another object begins, or what is left of one: part objects by a line of ---"
        elif _is_no_marker(text, mark.index):
            hint = "objects are parted by three dashes at the start of a line of their own: write --- alone there"
    elif isinstance(error, ReaderError):
        hint = f"the character U+{error.character:04X} must not stand in YAML: delete it, or write it as an escape"
        where = _place(text, error.character)
    detail = f"{problem} ({context})" if context else problem
    fail(Code.INPUT_SYNTAX, f"{where}this is not YAML{place}: {detail}; {hint}")


def _is_no_marker(text: str, index: int) -> bool:
    """Tell whether the line of a place, or the one before, looks like what parts documents, and is not."""
    begin = text.rfind("\n", 0, max(text.rfind("\n", 0, index), 0)) + 1
    return any(_NO_MARKER.fullmatch(line.rstrip()) for line in text[begin : index + _LONG].split("\n")[:2])


def _place(text: str, character: int) -> str:
    """Return where a character stands that no YAML may have; libyaml counts other things than lines."""
    index = text.find(chr(character))
    if index < 0:
        return ""
    begin = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    return f"line {line_of(text, index)}, column {index - begin + 1}: "


class _Reader:
    def __init__(
        self, text: str, get_event: Callable[[], Event], peek_event: Callable[[], Event], *, special: bool
    ) -> None:
        self.text = text
        self.get_event = get_event
        self.peek_event = peek_event
        self.nodes = Nodes(get_event, special=special, size=len(text))
        self.place = ""  # for the message when libyaml stops

    def pages(self) -> Iterator[Page]:
        """Yield the documents. The first one's top level is read key by key, as it may be a ResourceList."""
        self.get_event()  # the stream's start
        number, first = 0, True
        while type(event := self.get_event()) is not StreamEndEvent:
            number += 1
            self.place = f", in document {number}" if number > 1 else ""
            page = self._page(event, first=first)
            first = first and page.value is None
            yield page

    def _page(self, opening: Event, *, first: bool) -> Page:
        self.nodes.anchors.begin_document()
        event = self.get_event()
        start, column = event.start_mark.index, self._column(event)
        page = Page(None, opening.start_mark.index, start, 0, column)
        page.flow = bool(getattr(event, "flow_style", False))
        if first and type(event) is MappingStartEvent:
            page.value = self._top_level(event, page)
        else:
            page.value = self.nodes.node(event)
        page.end = self.get_event().start_mark.index  # the document's end
        page.duplicates = self._duplicates(page.value)
        page.shared_alias = self.nodes.anchors.shared
        return page

    def _column(self, event: Event) -> int:
        """Return the column of the first key: where a tag or an anchor comes first, that is the next event's."""
        if getattr(event, "anchor", None) is None and getattr(event, "tag", None) is None:
            return int(event.start_mark.column)
        if type(event) is SequenceStartEvent and not event.flow_style and event.start_mark:
            start = event.start_mark.index
            dash = _TO_DASH.match(self.text, start)
            place: int = dash.end() - 1 if dash else start
            return place - max(self.text.rfind("\n", 0, place), self.text.rfind("\r", 0, place)) - 1
        first: Event = self.peek_event() if type(event) is MappingStartEvent and not event.flow_style else event
        return int(first.start_mark.column)

    def _top_level(self, opening: Event, page: Page) -> Node:
        nodes = self.nodes
        out: list[Any] = []
        if opening.anchor is not None:
            nodes.open_anchor(opening, out)
        while type(event := self.get_event()) is not MappingEndEvent:
            out.append(nodes.key(event, out))
            key, key_end = out[-1], nodes.end.end_mark.index
            nodes.anchors.region += 1
            event = self.get_event()
            listing = self._listing(event, key_end, page) if key in LISTINGS else None
            if listing:
                page.listings[key] = listing
                self._fill(listing, event, key)
                out.append(None if listing.style is Style.NULL else [entry.value for entry in listing.entries])
            else:
                out.append(nodes.node(event))
            if nodes.end:
                page.last = nodes.end.end_mark.index
        page.repeated = repeated_keys(key for key in out[::2] if isinstance(key, str))
        return nodes.close_mapping(out, event)

    def _listing(self, event: Event, key_end: int, page: Page) -> Listing | None:
        """Return where a list is that begins with `event`; None when it is something else, or an alias."""
        start, end = event.start_mark.index, event.end_mark.index
        if type(event) is SequenceStartEvent:
            style = Style.FLOW if event.flow_style else Style.BLOCK
            column = self._column(event) if style is Style.BLOCK else page.column
            return Listing(style, key_end, start, end, column, page.flow)
        if type(event) is ScalarEvent and event.implicit[0] and event.value in NULLS:
            return Listing(Style.NULL, key_end, start, end, page.column, page.flow)
        return None

    def _fill(self, listing: Listing, event: Event, key: str) -> None:
        """Read the entries of a list; its events are used up afterwards."""
        nodes, entries = self.nodes, listing.entries
        if listing.style is Style.NULL:
            nodes.node(event)
            return
        if event.anchor is not None:
            nodes.open_anchor(event, [])
        before, nodes.repeats = nodes.repeats, []  # of the page's other values
        while type(event := self.get_event()) is not SequenceEndEvent:
            self.place = f", in {key}[{len(entries)}]"
            nodes.anchors.region += 1
            entries.append(self._entry(event, listing))
        self.place, nodes.repeats = "", before
        nodes.end = event
        listing.end = nodes.end.end_mark.index if listing.style is Style.FLOW else entries[-1].end

    def _entry(self, event: Event, listing: Listing) -> Entry:
        start, column = event.start_mark.index, self._column(event)
        value = self.nodes.node(event)
        end = self.nodes.end.end_mark.index
        if listing.style is Style.BLOCK and type(event) in _COLLECTIONS and not event.flow_style:
            end = block_end(self.text, start, end, listing.column)
        elif listing.style is Style.BLOCK:
            end = flow_end(self.text, end, listing.column)
        return Entry(value, start, end, column, self._duplicates(value))

    def _duplicates(self, value: Node) -> tuple[str, ...]:
        repeats = self.nodes.repeats
        if not repeats:
            return ()
        paths = duplicate_paths(value, repeats)
        repeats.clear()
        return paths
