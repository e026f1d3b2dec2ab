"""What was written is read again: exit 0 is a promise that the output says what it was meant to say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krm_fn.results import FunctionError
from krm_fn.text import json_reader, yaml_reader


def reads_as(text: str, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a text is one object, and that one; types count, the order of keys does not."""
    try:
        pages = json_reader.read(text) or yaml_reader.read(text, text.encode())
    except FunctionError:
        return False
    return len(pages) == 1 and same(pages[0].value, wanted)


def same(one: object, other: object) -> bool:
    """Tell whether two values are the same, type for type (1 == True in Python, and nan is not nan)."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(child, other[key]) for key, child in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)  # noqa: PLR0124 - nan
