"""Entries of lists that no edit leads into, each as one word as long as itself: their events would tell nothing.

Whoever looks for places needs of such an entry only where it begins and where it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krm_fn.text.yaml_cut import INNER, keys_at

Wanted = Mapping[str | int, Any]  # the next steps of the wanted paths, each with those behind it


def masked(text: str, wanted: Wanted) -> str:
    """Return an object's text with such entries masked, all else at its place.

    `text` begins with the blanks before its first key. An entry that might end elsewhere than in its last line's last
    character (a comment, a block scalar) stays as it is. Where a quoted text has lines that look like entries the
    outcome is wrong: what is edited by it is to be read again.
    """
    if "\r" in text or "\n" not in text:
        return text
    return _below(f"\n{text}", 0, len(text) + 1, len(text) - len(text.lstrip(" ")), wanted)[1:]


def _below(text: str, begin: int, end: int, column: int, wanted: Wanted) -> str:
    """Return the text with the lists masked that are below the mapping from `begin` to `end`, its keys at `column`."""
    for key, further in wanted.items():
        line = f"\n{' ' * column}{key}:"
        at = text.find(line, begin, end)
        inner = INNER.match(text, at + len(line), end) if at >= 0 else None
        if inner is None or text.find(line, at + 1, end) >= 0:
            continue
        start, deeper = inner.start("rest"), len(inner["blanks"])
        following = next(keys_at(column)(text, start, end), None)
        stop = following.start() if following else end
        if text.startswith("- ", inner.end()) and deeper >= column:
            changed = _entries(text[start:stop], f"\n{' ' * deeper}- ", further)
        elif deeper > column:
            changed = _below(text[start:stop], 0, stop - start, deeper, further)
        else:
            continue
        text = text[:start] + changed + text[stop:]
    return text


def _entries(text: str, dash: str, wanted: Wanted) -> str:
    lead, *entries = text.split(dash)
    return dash.join([lead, *(one if place in wanted else _masked(one) for place, one in enumerate(entries))])


def _masked(entry: str) -> str:
    body = entry.rstrip(" \n")
    if "#" in body[body.rfind("\n") + 1 :] or "|" in body or ">" in body:
        return entry
    return "x" * len(body) + entry[len(body) :]
