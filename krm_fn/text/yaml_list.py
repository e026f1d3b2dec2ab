"""A ResourceList in the form that kustomize and kpt send, read item by item.

The list is cut at the dashes of column 0 and each item read by `yaml_lines`, or by libyaml; what is around the
items is read with `items: []` in their place. Cutting is safe because each piece must be a whole item by itself:
were a cut inside a quoted text or brackets, the piece before it would not end there. Whenever anything is out of
the ordinary (an error, an alias to another item, a second document) this returns None, and `yaml_reader` reads the
text in one pass from the start, with the right line in its messages.
"""

from __future__ import annotations

import re

from krm_fn.results import FunctionError
from krm_fn.text import yaml_reader
from krm_fn.text.pages import Entry, Listing, Page, Style
from krm_fn.text.yaml_ends import block_end
from krm_fn.text.yaml_lines import Lines

_START = re.compile(r"^items:[ \t]*(?:#[^\n]*)?\n(?=(?:[ ]*(?:#[^\n]*)?\n)*- )", re.MULTILINE)
_AFTER = re.compile(r"\n[^\s#-]")  # a line at column 0 that is no item, blank or comment
_FIRST_KEY = re.compile(r"-(?:[ \t]*(?:#[^\n]*)?\n)* *")
_KEY, _KEY_LINE, _NOTHING = "items", "items:\n", "items: []\n"


def read(text: str) -> list[Page] | None:
    """Return the one page of a ResourceList, None if the text must be read in one pass."""
    start = _START.search(text)
    if start is None or "\r" in text:
        return None
    after = _AFTER.search(text, start.end() - 1)
    end = after.start() + 1 if after else len(text)
    try:
        page = _around(text, start.start(), end)
        cuts = _cuts(text, start.end(), end)
        entries = _entries(text, cuts) if page else None
    except FunctionError:
        return None
    if page is None or entries is None:
        return None
    key_end = start.start() + len(_KEY)
    listing = Listing(Style.BLOCK, key_end, cuts[0], entries[-1].end, 0, in_flow=False, entries=entries)
    page.listings[_KEY] = listing
    page.value[_KEY] = [entry.value for entry in entries]
    return [page]


def _around(text: str, start: int, end: int) -> Page | None:
    """Return the page without its items, its places as they are in the whole text; None if it is not so simple."""
    short = f"{text[:start]}{_NOTHING}{text[end:]}"
    pages = yaml_reader.read(short, short.encode())
    listing = pages[0].listings.get(_KEY) if len(pages) == 1 else None
    if listing is None or listing.style is not Style.FLOW or listing.key_end != start + len(_KEY):
        return None
    page = pages[0]
    if page.repeated or page.shared_alias or page.duplicates:
        return None
    edge, shift = start + len(_NOTHING), end - start - len(_NOTHING)
    page.end += shift
    for other in page.listings.values():
        if other.key_end >= edge:
            other.key_end, other.start, other.end = other.key_end + shift, other.start + shift, other.end + shift
            for entry in other.entries:
                entry.start, entry.end = entry.start + shift, entry.end + shift
    return page


def _cuts(text: str, begin: int, end: int) -> list[int]:
    """Return where the items begin with their dashes, and where the last one ends."""
    cuts: list[int] = []
    place = text.find("\n- ", begin - 1, end)
    while place >= 0:
        cuts.append(place + 1)
        place = text.find("\n- ", place + 3, end)
    return [*cuts, end]


def _entries(text: str, cuts: list[int]) -> list[Entry] | None:
    """Return the items between the cuts; those that `yaml_lines` cannot read, a run of neighbours at a time."""
    entries: list[Entry] = []
    read_item = Lines().item
    waiting: list[int] = []  # where the items begin that libyaml must read
    for number, begin in enumerate(cuts[:-1]):
        end = cuts[number + 1]
        value = read_item(" " + text[begin + 1 : end])
        if value is None:
            waiting.append(begin)
            continue
        if waiting and not _read_run(text, waiting, begin, entries):
            return None
        match = _FIRST_KEY.match(text, begin, end)
        start = match.end() if match else begin
        column = start - 1 - text.rfind("\n", 0, start)
        entries.append(Entry(value, start, block_end(text, start, end, 0), column))
    if waiting and not _read_run(text, waiting, cuts[-1], entries):
        return None
    return entries


def _read_run(text: str, begins: list[int], end: int, entries: list[Entry]) -> bool:
    """Add the items that begin at `begins`, the last of which ends at `end`; False if they are other items."""
    part = _KEY_LINE + text[begins[0] : end]
    shift = begins[0] - len(_KEY_LINE)
    pages = yaml_reader.read(part, part.encode())
    page = pages[0]
    listing = page.listings.get(_KEY)
    if len(pages) > 1 or page.shared_alias or len(page.value) > 1 or listing is None:
        return False
    if len(listing.entries) != len(begins) or page.end != len(part):
        return False
    for entry in listing.entries:
        entry.start, entry.end = entry.start + shift, entry.end + shift
    entries += listing.entries
    begins.clear()
    return True
