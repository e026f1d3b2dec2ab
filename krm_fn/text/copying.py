"""An item's text → the text of a copy that differs in some scalars. All else keeps its bytes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from krm_fn.results import FunctionError
from krm_fn.text import document
from krm_fn.text.document import Item
from krm_fn.text.edits import Edit, Path, Put
from krm_fn.text.patch import Text
from krm_fn.text.rewrite import outcome


def copied(item: Item, scalars: Mapping[Path, str], removals: Sequence[Path]) -> str | None:
    """Return the text of a copy as a document of its own, with the comments right above the item.

    A scalar at a place that the item does not have is added there. None where the text cannot be changed so: it is read
    again, and must be the item's value with these changes, nothing else.
    """
    added = {path for path in scalars if not _has(item.whole, path)}
    puts = tuple(Put(path[:-1], str(path[-1]), scalars[path]) for path in scalars if path in added)
    wanted = copy.deepcopy(outcome(item.whole, Edit(0, tuple(removals), puts)))
    try:
        text = Text(item.source, item.column)
        for path, value in scalars.items():
            if path in added:
                text.put(path[:-1], str(path[-1]), value)
            else:
                text.replace(path, value)
                _set(wanted, path, value)
        for path in removals:
            text.remove(path)
        margin = " " * item.column
        result = text.result().replace(f"\n{margin}", "\n").rstrip("\n") + "\n"
        read = document.parse(result.encode()).items
    except (FunctionError, LookupError):
        return None
    return _above(item) + result if [one.value for one in read] == [wanted] else None


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
