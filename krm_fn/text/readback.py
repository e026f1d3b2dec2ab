"""What was written is read again: exit 0 is a promise that the output says what it was meant to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krm_fn.results import FunctionError
from krm_fn.text import json_reader, yaml_reader
from krm_fn.text.pages import Page


def reads_as(text: str, wanted: Mapping[str, Any], source: str) -> bool:
    """Tell whether a text is one object, and that one; types count, the order of keys does not.

    A key that it gives twice with different values must be one that the `source` gives so, too.
    """
    page = _page(text)
    if page is None or not same(page.value, wanted):
        return False
    if not page.duplicates:
        return True
    before = _page(source)
    return before is not None and set(page.duplicates) <= set(before.duplicates)


def _page(text: str) -> Page | None:
    try:
        pages = json_reader.read(text) or yaml_reader.read(text, text.encode())
    except FunctionError:
        return None
    return pages[0] if len(pages) == 1 else None


def same(one: object, other: object) -> bool:
    """Tell whether two values are the same, type for type (1 == True in Python, and nan is not nan)."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(child, other[key]) for key, child in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)  # noqa: PLR0124 - nan
