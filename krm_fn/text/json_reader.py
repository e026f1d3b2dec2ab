"""JSON text -> pages, with the places of a list's entries.

JSON is nearly YAML, but libyaml refuses what JSON allows (surrogate pairs, keys over 1,024 characters), so
text that is JSON is read as JSON.
"""

from __future__ import annotations

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, NoReturn

from krm_fn.results import Code
from krm_fn.text.pages import (
    LISTINGS,
    MAX_DEPTH,
    Entry,
    Listing,
    Node,
    Page,
    Style,
    duplicate_paths,
    fail,
    line_of,
    repeated_keys,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_MARKER = re.compile(r"---[ \t]*(?:\r\n|\r|\n|\Z)")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}]')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read(text: str) -> list[Page] | None:
    """Return the JSON objects of `text` (one, or several, with `---` before each or none), None if it is not JSON.

    Raises FunctionError for JSON that nests too deep or holds half a surrogate pair.
    """
    space = _SPACE.match(text)
    start = space.end() if space else 0
    if not text.startswith("{", start) and not _MARKER.match(text, start):
        return None
    try:
        pages = _Reader(text).pages()
    except (ValueError, IndexError, RecursionError):
        return None
    _check_depth(text)
    if _SURROGATE.search(text):
        _check_surrogates(pages, text)
    return pages


def _check_depth(text: str) -> None:
    """Raise FunctionError if JSON is deeper than what reads the values may recurse."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                fail(
                    Code.INPUT_LIMIT,
                    f"line {line_of(text, token.start())}: nested more than {MAX_DEPTH} deep; "
                    "no Kubernetes object is, so look for brackets gone wrong",
                )
        elif first in "]}":
            depth -= 1


def _check_surrogates(pages: list[Page], text: str) -> None:
    for page in pages:
        try:
            json.dumps(page.value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            fail(
                Code.INPUT_SYNTAX,
                f"the JSON object of line {line_of(text, page.start)} has half a surrogate pair "
                r"(such as \ud83d alone), which is no character; write both halves, or the character itself",
            )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are JavaScript, not JSON


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.repeats: list[tuple[Any, list[str]]] = []
        decoder = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=self._object)
        self.decode = decoder.raw_decode

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            different = {key for key, child in pairs if repr(child) != repr(value[key])}
            if different:
                self.repeats.append((value, [key for key in value if key in different]))
        return value

    def _space(self, index: int) -> int:
        match = _SPACE.match(self.text, index)
        return match.end() if match else index

    def _expect(self, index: int, character: str) -> int:
        """Return the place behind `character`, which must come next."""
        index = self._space(index)
        if self.text[index] != character:
            raise ValueError(character)
        return index + 1

    def _value(self, index: int) -> tuple[Node, int]:
        return self.decode(self.text, index)

    def pages(self) -> list[Page]:
        pages: list[Page] = []
        index = self._space(0)
        marked = False
        while index < len(self.text):
            begin = index
            marker = _MARKER.match(self.text, index)
            if pages and marked != bool(marker) and (marked or len(pages) > 1):
                raise ValueError(index)  # `---` between some only: kubectl reads the first object behind each
            marked = bool(marker)
            if marker:
                index = self._space(marker.end())
                if index == len(self.text):
                    break
            if self.text[index] != "{":
                raise ValueError(index)
            page = self._plain_page(begin, index) if pages else self._page(begin, index)
            pages.append(page)
            index = self._space(page.end)
        return pages

    def _plain_page(self, begin: int, index: int) -> Page:
        value, end = self._value(index)
        return self._finish(Page(value, begin, index, end, 0, flow=True))

    def _finish(self, page: Page) -> Page:
        if self.repeats:
            page.duplicates = duplicate_paths(page.value, self.repeats)
            self.repeats.clear()
        return page

    def _page(self, begin: int, index: int) -> Page:
        """Read the first object's top level key by key, as it may be a ResourceList."""
        text = self.text
        page = Page(None, begin, index, 0, 0, flow=True)
        pairs: list[tuple[str, Any]] = []
        index = self._space(index + 1)
        while text[index] != "}":
            if pairs:
                index = self._space(self._expect(index, ","))
            key, key_end = scanstring(text, self._expect(index, '"'))
            index = self._space(self._expect(key_end, ":"))
            value, page.last = self._member(key, key_end, index, page)
            pairs.append((key, value))
            index = self._space(page.last)
        page.repeated = repeated_keys(key for key, _ in pairs)
        page.value = self._object(pairs)
        page.end = index + 1
        return self._finish(page)

    def _member(self, key: str, key_end: int, index: int, page: Page) -> tuple[Node, int]:
        if key in LISTINGS and self.text[index] == "[":
            listing = self._listing(key_end, index)
            page.listings[key] = listing
            return [entry.value for entry in listing.entries], listing.end
        value, end = self._value(index)
        if key in LISTINGS and value is None:
            page.listings[key] = Listing(Style.NULL, key_end, index, end, 0, in_flow=True)
        return value, end

    def _listing(self, key_end: int, start: int) -> Listing:
        listing = Listing(Style.FLOW, key_end, start, 0, 0, in_flow=True)
        before, self.repeats = self.repeats, []  # of the page's other values
        index = self._space(start + 1)
        while self.text[index] != "]":
            if listing.entries:
                index = self._space(self._expect(index, ","))
            value, end = self._value(index)
            entry = Entry(value, index, end, 0)
            if self.repeats:
                entry.duplicates = duplicate_paths(value, self.repeats)
                self.repeats.clear()
            listing.entries.append(entry)
            index = self._space(end)
        self.repeats = before
        listing.end = index + 1
        return listing
