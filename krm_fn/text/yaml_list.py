"""A ResourceList in the form that kustomize and kpt send, cut at its dashes into items.

What is around the items is read with `items: []` in their place. Whenever anything is out of the ordinary (an error,
an alias to another item, a second document) this returns None, and `yaml_reader` reads the text in one pass from the
start, with the right line in its messages.
"""

from __future__ import annotations

import re

from yaml import YAMLError

from krm_fn.results import FunctionError
from krm_fn.text import yaml_reader
from krm_fn.text.pages import Entry, Listing, Page, Style
from krm_fn.text.yaml_cuts import Cutter
from krm_fn.text.yaml_ends import block_end
from krm_fn.text.yaml_odd import LINE_SEPARATORS, PROPERTIES, OddTextError, is_printable, whole_lines
from krm_fn.text.yaml_parts import LIST
from krm_fn.text.yaml_shapes import Asked

_START = re.compile(r"^items:(?:[ ]+(?:#[^\n]*)?)?\n(?:[ ]*(?:#[^\n]*)?\n)*([ ]*)-(?=[ \n])", re.MULTILINE)
_TAGS = re.compile("^%TAG", re.MULTILINE)
_FIRST_KEY = re.compile(r"-(?:[ ]*(?:#[^\n]*)?\n)* *")
_KEY, _NOTHING = "items", "items: []\n"


def read(text: str, asked: Asked) -> list[Page] | None:
    """Return the one page of a ResourceList, None if the text must be read in one pass."""
    start = _START.search(text)
    if start is None or not is_printable(text) or LINE_SEPARATORS.search(start[0]):
        return None
    if _TAGS.search(text, 0, start.start()):  # the tags of the items mean what that says
        return None
    column = len(start[1])
    # The end: a line of that column or less that is no item, blank or comment.
    after = re.compile(rf"\n(?! {{{column + 1}}})(?! {{{column}}}-[ \n])(?! *(?:#|\n|\Z))").search(
        text, start.end() - 1
    )
    end = after.start() + 1 if after else len(text)
    try:
        page = _around(text, start.start(), end)
        cuts = _cuts(text, text.rindex("\n", 0, start.end()) + 1, end, column)
        entries = _entries(text, cuts, column, asked) if page else None
    except (FunctionError, OddTextError, YAMLError):
        return None
    if page is None or entries is None:
        return None
    key_end = start.start() + len(_KEY)
    listing = Listing(Style.BLOCK, key_end, cuts[0] + column, entries[-1].end, column, in_flow=False, entries=entries)
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
    if page.repeated or page.shared_alias or page.duplicates or page.value.get("kind") != "ResourceList":
        return None
    edge, shift = start + len(_NOTHING), end - start - len(_NOTHING)
    page.end += shift
    for other in page.listings.values():
        if other.key_end >= edge:
            other.key_end, other.start, other.end = other.key_end + shift, other.start + shift, other.end + shift
            for entry in other.entries:
                entry.start, entry.end = entry.start + shift, entry.end + shift
    return page


def _cuts(text: str, begin: int, end: int, column: int) -> list[int]:
    """Return where the lines of the items' dashes begin, and where the last item ends."""
    dashes = re.compile(rf"\n {{{column}}}-(?=[ \n]|\Z)").finditer(text, begin - 1, end)
    return [*(dash.start() + 1 for dash in dashes), end]


def _entries(text: str, cuts: list[int], dash: int, asked: Asked) -> list[Entry] | None:
    """Return the items between the cuts, whose dashes stand in the column `dash`."""
    entries: list[Entry] = []
    cutter = Cutter(asked, LIST)
    is_ascii = text.isascii()
    for number, begin in enumerate(cuts[:-1]):
        end = cuts[number + 1]
        first = _FIRST_KEY.match(text, begin + dash, end)
        if first is None:
            return None
        start = first.end()
        if text[start : start + 1] in PROPERTIES or (not is_ascii and LINE_SEPARATORS.search(text, begin, start + 1)):
            return None
        column = start - 1 - text.rfind("\n", 0, start)
        entry = Entry(None, start, block_end(text, start, end, dash), column)
        cutter.add(entry, whole_lines(f"\n{' ' * (dash + 1)}{text[begin + dash + 1 : end]}"), column)
        entries.append(entry)
    cutter.read()
    return entries
