"""Bytes <-> list: a ResourceList, or a plain stream of YAML or JSON documents.

Reading gives each item's values, as Kubernetes reads them, and its place in the text. Writing edits the text:
what nobody changes leaves as the bytes that came in, and no change returns the input itself. The functions
specification: https://github.com/kubernetes-sigs/kustomize/blob/master/cmd/config/docs/api-conventions/functions-spec.md
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from krm_fn.results import FUNCTION, Code
from krm_fn.text import form, yaml_list, yaml_reader, yaml_stream
from krm_fn.text.form import Form
from krm_fn.text.pages import Entry, Page, fail
from krm_fn.text.splice import Splice, block_list, edit_list, flow_list
from krm_fn.text.stream_edits import edit_stream
from krm_fn.text.writer import dump
from krm_fn.text.yaml_shapes import Asked

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["Document", "Form", "Item", "dump", "parse"]

_BOM = b"\xef\xbb\xbf"


def everything(_api_version: str, _kind: str) -> None:
    """Ask for all that there is, of whatever kind."""


@dataclass(slots=True)
class Item:
    """One object of the input.

    `value` is shared with nobody's copy: read it, do not change it. `duplicates` are the dotted paths of keys
    that one mapping was given twice with different values (the last one counts). `start` and `end` bound the
    object in the decoded `text`, `column` is that of its first key: all its other lines stand at least there.
    `partial`: the value holds what was asked for; `whole` is all of it.
    """

    index: int
    value: dict[str, Any]
    duplicates: tuple[str, ...]
    start: int
    end: int
    column: int
    text: str
    partial: bool = False

    @property
    def source(self) -> str:
        """The item's text as it came in.

        The first line begins at the first key (or `{`, or a tag), the others keep their indentation in the
        list; comments above the first key are not in it, comments below are when they are the item's own.
        """
        return self.text[self.start : self.end]

    @property
    def whole(self) -> dict[str, Any]:
        """All of the item's value."""
        if not self.partial:
            return self.value
        text = " " * self.column + self.source
        return dict(yaml_reader.read(text, text.encode())[0].value)


class Document:
    """The input as read; it does not change. Made by `parse`."""

    __slots__ = ("_bom", "_pages", "_raw", "_text", "form", "function_config", "is_json", "items", "results")

    def __init__(self, raw: bytes, text: str, pages: list[Page], *, is_json: bool) -> None:
        self._raw = raw
        self._bom = _BOM if raw.startswith(_BOM) else b""
        self._text = text
        self.is_json = is_json
        self._pages = pages
        self.form = form.of(pages, text)
        self.function_config: dict[str, Any] | None = None
        self.results: list[dict[str, Any]] = []
        if self.form is Form.RESOURCE_LIST:
            self._pages = pages = [form.check_list(pages, text)]
            self.function_config = pages[0].value.get("functionConfig")
            self.results = (
                [entry.value for entry in pages[0].listings["results"].entries]
                if ("results" in pages[0].listings)
                else []
            )
            entries: Sequence[Any] = pages[0].listings["items"].entries
        else:
            self._pages = entries = [page for page in pages if page.value is not None]
            form.check_stream(pages, text)
        self.items = tuple(
            Item(index, entry.value, _duplicates(entry), entry.start, entry.end, entry.column, text, entry.partial)
            for index, entry in enumerate(entries)
        )

    @property
    def grows(self) -> int | None:
        """The index of the JSON List that all objects stand in: what is new goes into it, so that the form stays."""
        alone = self.is_json and self.form is Form.STREAM and len(self.items) == 1
        value = self.items[0].value if alone else {}
        return 0 if str(value.get("kind", "")) == "List" and isinstance(value.get("items"), list) else None

    def apply(
        self,
        *,
        replaced: Mapping[int, Mapping[str, Any] | str],
        removed: Collection[int],
        added: Sequence[Mapping[str, Any]],
        results: Sequence[Mapping[str, Any]],
    ) -> bytes:
        """Return the input with the edits made; with none, the very input.

        `replaced`: an item's index -> its new value, or a new text in the shape of `source`. `results` take
        the place of this function's own (by `tags.function`) in a ResourceList; a stream has nowhere for them.
        """
        splice, gone = Splice(self._text), frozenset(removed)
        if self.form is Form.STREAM:
            edit_stream(splice, self._pages, replaced, gone, added, is_json=self.is_json)
        else:
            page = self._pages[0]
            edit_list(splice, page.listings["items"], replaced=replaced, removed=gone, added=added)
            self._edit_results(splice, page, results)
        if not splice.edits:
            return self._raw
        # JSON has no BOM, and kubectl reads no further than the first object behind one.
        bom = b"" if self.is_json and self.form is Form.STREAM else self._bom
        return bom + splice.result().encode()

    def _edit_results(self, splice: Splice, page: Page, results: Sequence[Mapping[str, Any]]) -> None:
        own = [index for index, result in enumerate(self.results) if _is_own(result)]
        if [self.results[index] for index in own] == list(results):
            return
        if "results" in page.listings:
            edit_list(splice, page.listings["results"], replaced={}, removed=own, added=results)
        elif page.flow:
            splice.put(page.last, page.last, f', "results": [{flow_list(results)}]')
        else:
            text = f"{' ' * page.column}results:\n{block_list(results, page.column)}"
            end = page.end
            if splice.is_open and end == len(self._text):
                end = splice.line_start(page.listings["items"].key_end - 1)
            splice.put(end, end, text, lines=True)


def _duplicates(entry: Entry | Page) -> tuple[str, ...]:
    """Return the paths of keys given twice, those in the members of a List among them."""
    listings = entry.listings if isinstance(entry, Page) else {}
    return entry.duplicates + tuple(
        f"{key}[{place}].{path}"
        for key, listing in listings.items()
        for place, member in enumerate(listing.entries)
        for path in member.duplicates
    )


def parse(raw: bytes, asked: Asked = everything) -> Document:
    """Read the input, and of an object of a kind what is `asked` for.

    Raises FunctionError with INPUT_*, SHARED_ALIAS, DUPLICATE_KEY or NO_LIBYAML findings.
    """
    text = _decode(raw)
    collecting = gc.isenabled()
    gc.disable()  # nothing here is garbage: the collector would walk a growing tree again and again
    try:
        pages = None
        if text[:4096].lstrip()[:1] in ("{", "-"):
            from krm_fn.text import json_reader  # noqa: PLC0415 - few inputs are JSON

            pages = json_reader.read(text)
        is_json = pages is not None
        if pages is None:
            pages = (
                yaml_list.read(text, asked)
                or yaml_stream.read(text, asked)
                or yaml_reader.read(text, raw.removeprefix(_BOM))
            )
        return Document(raw, text, pages, is_json=is_json)
    finally:
        if collecting:
            gc.enable()


def _decode(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:4]:
        fail(Code.INPUT_SYNTAX, "the input is UTF-16 or UTF-32, but a list is UTF-8; save or send it as UTF-8")
    if b"\0" in raw:
        line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
        fail(Code.INPUT_SYNTAX, f"line {line}: a NUL character, so this is no text; look at what wrote it")
    try:
        return raw.removeprefix(_BOM).decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        fail(
            Code.INPUT_SYNTAX,
            f"line {line}: the byte 0x{raw[error.start]:02x} is not UTF-8 ({error.reason}); "
            "save or send the input as UTF-8",
        )


def _is_own(result: Mapping[str, Any]) -> bool:
    tags = result.get("tags")
    return isinstance(tags, dict) and tags.get("function") == FUNCTION
