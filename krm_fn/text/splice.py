"""Edits of a list in a text: entries replaced, removed, added; everything else stays as it is.

An edit is a range of the text and what stands there instead. All edits are collected first, then the text
is put together once (from the end, one by one, would copy a list of 10 MB per edit).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from krm_fn.text.pages import Style
from krm_fn.text.writer import dump, flow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from krm_fn.text.pages import Entry, Listing, Page

    Replaced = Mapping[int, Mapping[str, Any] | str]

_KEEP = re.compile(r"[|>][0-9]?\+")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\r\n]*)?[\r\n]")
_BLANKS = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*")
_DASH = re.compile(r" *(?:- *)?")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


def opens(text: str) -> bool:
    """Tell whether a block scalar may stand in a text, and so at its end."""
    return _BLOCK_SCALAR.search(text) is not None


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `text` where `start` to `end` was. `lines`: it is whole lines, so it must begin at a line's start."""

    start: int
    end: int
    text: str
    lines: bool = False


@dataclass(slots=True)
class Splice:
    """The edits of one text. Line ends are the text's own."""

    text: str
    newline: str = field(init=False)
    is_open: bool = field(init=False)  # the last line may belong to a block scalar: a line end would become its text
    edits: list[Edit] = field(default_factory=list)

    def __post_init__(self) -> None:
        match = re.search(r"\r\n|\r|\n", self.text)
        self.newline = match[0] if match else "\n"
        self.is_open = not self.text.endswith(("\n", "\r")) and opens(self.text)

    def put(self, start: int, end: int, text: str, *, lines: bool = False) -> None:
        """Note an edit; whatever line ends `text` has, it gets the text's own."""
        if self.newline != "\n":
            text = re.sub(r"\r\n|\r|\n", self.newline, text)
        self.edits.append(Edit(start, end, text, lines))

    def result(self) -> str:
        """Return the edited text."""
        pieces: list[str] = []
        done = 0
        for edit in sorted(self.edits, key=lambda edit: (edit.start, edit.end)):
            if edit.start > done:
                pieces.append(self.text[done : edit.start])
            if edit.lines and edit.text and pieces and not pieces[-1].endswith(("\n", self.newline)):
                pieces.append("\n" if pieces[-1].endswith("\r") else self.newline)
            if edit.text:
                pieces.append(edit.text)
            done = max(done, edit.end)
        pieces.append(self.text[done:])
        return "".join(pieces)

    def line_start(self, index: int) -> int:
        """Return where the line of `index` begins."""
        return 1 + max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index))

    def line_end(self, index: int) -> int:
        """Return where the next line begins."""
        match = _LINE.match(self.text, index)
        return match.end() if match else len(self.text)

    def line_end_if_alone(self, start: int, end: int) -> int:
        """Return where the line behind a range ends; `end`, if more than the range is in its lines."""
        below = self.line_end(end)
        is_alone = not (self.text[self.line_start(start) : start].strip() or self.text[end:below].strip())
        return below if is_alone else end


def replace(splice: Splice, entry: Entry | Page, value: Mapping[str, Any] | str, *, block: bool) -> None:
    """Put a value, or a text in the shape of the entry's own, in the entry's place."""
    old = splice.text[entry.start : entry.end]
    ended = old.endswith(("\n", "\r"))
    if isinstance(value, str):  # with its own line ends, which need not be those of the rest
        ends = "\r\n" if "\r\n" in value else "\n"
        splice.edits.append(Edit(entry.start, entry.end, value + ends * (ended and not value.endswith(("\n", "\r")))))
        return
    if not block:
        new = flow(value)
    else:
        new = dump(value, entry.column)
        start = splice.line_start(entry.start)
        lead = splice.text[start : entry.start]
        in_place = len(lead) == entry.column and _DASH.fullmatch(lead)
        new = new[entry.column :] if in_place else "\n" + new  # else behind a tag, or on the line of `---`
        if not ended:
            new = new.removesuffix("\n")
    if ended and not new.endswith(("\n", "\r")):
        new += "\n"
    splice.put(entry.start, entry.end, new)


def edit_list(
    splice: Splice,
    listing: Listing,
    *,
    replaced: Replaced,
    removed: Collection[int],
    added: Sequence[Any],
) -> None:
    """Note the edits of one list of the top level."""
    gone = set(removed)
    block = listing.style is Style.BLOCK
    for index, value in replaced.items():
        if index not in gone:
            replace(splice, listing.entries[index], value, block=block)
    if not gone and not added:
        return
    if len(gone) == len(listing.entries):
        _refill(splice, listing, added)
    elif block:
        for first, last in _runs(gone):
            splice.put(*_block_range(splice, listing, first, last), "")
        if added:
            end = listing.end
            if splice.is_open and end == len(splice.text) and len(listing.entries) - 1 not in gone:
                end, _ = _head(splice, listing, len(listing.entries) - 1)
            splice.put(end, end, block_list(added, listing.column), lines=True)
    else:
        _edit_flow(splice, listing, gone, added)


def _head(splice: Splice, listing: Listing, index: int) -> tuple[int, list[str]]:
    """Return where an entry's dash line begins, or the comments right above it, and the lines above those."""
    entries = listing.entries
    start = entries[index - 1].end if index else splice.line_end(listing.key_end)
    above: list[tuple[int, str]] = []
    for line in _LINE.finditer(splice.text, start, entries[index].start):
        start, body = line.start(), line[0].strip()
        if body.startswith("-"):
            break
        above.append((start, body))
    while above and above[-1][1].startswith("#"):
        start = above.pop()[0]
    return start, [body for _, body in above]


def block_list(values: Sequence[Any], column: int) -> str:
    """Return entries in block style, their dashes at `column`."""
    blank = " " * column
    return "".join(f"{blank}- {dump(value, column + 2)[column + 2 :]}" for value in values)


def flow_list(values: Sequence[Any], separator: str = ", ") -> str:
    """Return entries in flow style, without the brackets."""
    return separator.join(flow(value) for value in values)


def _runs(indices: Collection[int]) -> list[tuple[int, int]]:
    """Return the first and last of each run of neighbours."""
    ordered = sorted(indices)
    firsts = [index for index in ordered if index - 1 not in indices]
    lasts = [index for index in ordered if index + 1 not in indices]
    return list(zip(firsts, lasts, strict=True))


def _block_range(splice: Splice, listing: Listing, first: int, last: int) -> tuple[int, int]:
    """Return the range of a run of entries with their dashes, and with the comments right above the first.

    The blank lines above go too, unless a comment that stands apart is above them. Those below go when a `|+`
    text right above would take them for its own.
    """
    entries = listing.entries
    floor = entries[first - 1].end if first else splice.line_end(listing.key_end)
    start, above = _head(splice, listing, first)
    end = entries[last].end
    if any(above):
        return start, end
    keeps = first and not above and _KEEP.search(splice.text, entries[first - 1].start, floor)
    blanks = _BLANKS.match(splice.text, end) if keeps else None
    return floor, blanks.end() if blanks else end


def _refill(splice: Splice, listing: Listing, added: Sequence[Any]) -> None:
    """Note the edits of a list that had no entries, or loses them all."""
    text, start, end = splice.text, listing.start, listing.end
    if listing.style is Style.BLOCK:
        start, end = _block_range(splice, listing, 0, len(listing.entries) - 1)
        if added:
            splice.put(start, end, block_list(added, listing.column), lines=True)
        else:
            colon = text.index(":", listing.key_end) + 1
            splice.put(colon, colon, " []")
            splice.put(start, end, "")
        return
    one_line = not re.search(r"[\r\n]", text[start:end])
    if added and one_line and not listing.in_flow and not listing.entries:
        below = splice.line_end(end)
        while text[start - 1] == " ":
            start -= 1
        splice.put(start, end, "")
        splice.put(below, below, block_list(added, listing.column), lines=True)
        return
    missing = "" if ":" in text[listing.key_end : start] else ":"
    blank = "" if text[start - 1] in " \t" else " "
    before = f"{missing}{blank}" if listing.style is Style.NULL and start == end else ""
    splice.put(start, end, f"{before}[{flow_list(added)}]")


def _edit_flow(splice: Splice, listing: Listing, gone: set[int], added: Sequence[Any]) -> None:
    """Note the edits of a flow list that keeps at least one entry. Each run of removed ones goes with a comma."""
    entries = listing.entries
    last = max(index for index in range(len(entries)) if index not in gone)
    for index in gone:
        if index < last:
            splice.put(entries[index].start, entries[index + 1].start, "")
    tail = ""
    if added:
        gap = splice.text[listing.start + 1 : entries[0].start]
        separator = f",{gap}" if gap.isspace() else ", "
        tail = separator + flow_list(added, separator)
    splice.put(entries[last].end, entries[-1].end, tail)
