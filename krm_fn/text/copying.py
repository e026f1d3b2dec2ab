"""An item's text → the text of a copy that differs in some scalars. All else keeps its bytes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from yaml import YAMLError

from krm_fn.text.document import Item
from krm_fn.text.edits import Edit, Path, Put, outcome
from krm_fn.text.patch import Text
from krm_fn.text.readback import reads_as


def copied(item: Item, scalars: Mapping[Path, str], removals: Sequence[Path]) -> str | None:
    """Return the text of a copy as a document of its own, with the comments right above the item.

    A scalar at a place that the item does not have is added there. None where the text cannot be changed so: it is read
    again, and must be the item's value with these changes, nothing else.
    """
    try:
        text = Text(item.source, item.column)
        for path, value in scalars.items():
            if _has(item.whole, path):
                text.replace(path, value)
            else:
                text.put(path[:-1], str(path[-1]), value)
        for path in removals:
            text.remove(path)
        margin = " " * item.column
        result = text.result().replace(f"\n{margin}", "\n").rstrip("\n") + "\n"
    except (YAMLError, LookupError):
        return None
    wanted = changed(item.whole, scalars, removals)
    return _above(item) + result if reads_as(result, wanted, margin + item.source) else None


def changed(value: Mapping[str, Any], scalars: Mapping[Path, str], removals: Sequence[Path]) -> dict[str, Any]:
    """Return a copy of an object with these changes."""
    puts = tuple(Put(path[:-1], str(path[-1]), text) for path, text in scalars.items() if not _has(value, path))
    wanted: dict[str, Any] = copy.deepcopy(outcome(value, Edit(0, tuple(removals), puts)))
    for path, text in scalars.items():
        _set(wanted, path, text)
    return wanted


def _has(value: Any, path: Path) -> bool:  # noqa: ANN401 - a tree of any values
    try:
        for step in path:
            value = value[step]
    except (LookupError, TypeError):
        return False
    return True


def _set(value: Any, path: Path, text: str) -> None:  # noqa: ANN401 - as above
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = text


def _above(item: Item) -> str:
    """Return the comments right above an item that is a document of its own."""
    if item.column:
        return ""
    lines = item.text[: item.start].split("\n")[:-1]
    first = len(lines)
    while first and lines[first - 1].startswith("#"):
        first -= 1
    return "".join(f"{line}\n" for line in lines[first:])
