"""Edits as data → the object's new text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krm_fn.results import FunctionError
from krm_fn.text import document
from krm_fn.text.edits import Edit, Insert, Path, made
from krm_fn.text.patch import Text
from krm_fn.values import Value


def rewrite(source: str, column: int, value: Value, edit: Edit) -> str | None:
    """Return an object's text with the edits made; `source` and `column` as `document.Item` gives them.

    What an earlier run added is taken out first, so that the additions find the text as the user wrote it.

    None where the text cannot be edited so. With anchors it says one thing for several places (`&x`, `*x`, `<<`), and
    an edit of one could change another: such a text is read again, and must be `value` with the edits, nothing else.
    """
    if "&" not in source:
        return _edited(source, column, edit)
    try:
        text = _edited(source, column, edit)
        read = document.parse((" " * column + text).encode()).items
    except (FunctionError, LookupError):
        return None
    wanted = made(_without(value, edit.removals), edit.additions)
    return text if [one.value for one in read] == [wanted] else None


def _edited(source: str, column: int, edit: Edit) -> str:
    if edit.removals:
        text = Text(source, column, [path[:-1] for path in edit.removals])
        for path in edit.removals:
            text.remove(path)
        source = text.result()
    if edit.additions:
        text = Text(source, column, [addition.path for addition in edit.additions])
        for addition in edit.additions:
            if isinstance(addition, Insert):
                text.insert(addition.path, addition.place, addition.values)
            else:
                text.put(addition.path, addition.key, addition.value, addition.after)
        source = text.result()
    return source


def _without(value: Any, removals: Sequence[Path]) -> Any:  # noqa: ANN401 - a tree of any values
    gone = {path[0] for path in removals if len(path) == 1}

    def rest(step: str | int) -> list[Path]:
        return [path[1:] for path in removals if len(path) > 1 and path[0] == step]

    if isinstance(value, dict):
        return {key: _without(child, rest(key)) for key, child in value.items() if key not in gone}
    if isinstance(value, list):
        return [_without(child, rest(place)) for place, child in enumerate(value) if place not in gone]
    return value
