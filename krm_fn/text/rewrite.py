"""Edits as data → the object's new text."""

from __future__ import annotations

from typing import Any, NamedTuple

from yaml import YAMLError

from krm_fn.text.edits import Edit, Insert, Path, Put, outcome, size_of, with_left
from krm_fn.text.patch import GONE, Text
from krm_fn.text.readback import reads_as
from krm_fn.values import Value

MAX_ADDED = 10_000_000  # characters that may be added to a text with aliases, whose copies are as long as they like


class Rewritten(NamedTuple):
    """An object's new text, and what it says."""

    text: str
    value: Value


def rewrite(source: str, column: int, value: Value, edit: Edit) -> Rewritten | None:
    """Return an object's text with the edits made; `source` and `column` as `document.Item` gives them.

    What an earlier run added is taken out first, so that the additions find the text as the user wrote it.

    None where the text cannot be edited so. Whatever was edited is read again, and must be `value` with the edits and
    nothing else: a text may say one thing for several places (`&x`, `*x`, `<<`), or in a way that nobody foresaw.
    """
    if not (edit.removals or edit.emptied or edit.additions):
        return Rewritten(source, value)
    try:
        text, left = _edited(source, column, edit)
    except (YAMLError, LookupError):
        return None
    wanted = outcome(value, edit)
    for path, what in left.items():
        wanted = with_left(wanted, path, what)
    margin = " " * column
    return Rewritten(text, wanted) if reads_as(margin + text, wanted, margin + source) else None


def grown(source: str, edit: Edit) -> int:
    """Return how many characters an edit copies of what aliases hold, where that is too much; else 0."""
    size = sum(size_of(one.values if isinstance(one, Insert) else one.value) for one in edit.additions)
    return size if "*" in source and size > MAX_ADDED else 0


def _edited(source: str, column: int, edit: Edit) -> tuple[str, dict[Path, Any]]:
    """Return the text, and what is left of emptied lists."""
    if (at_once := _at_once(source, column, edit)) is not None:
        return at_once, {}
    left: dict[Path, Any] = {}
    if edit.removals or edit.emptied:
        text = Text(source, column, [*(path[:-1] for path in edit.removals), *edit.emptied])
        for path in edit.removals:
            text.remove(path)
        for path in edit.emptied:
            if (what := text.empty(path)) is not GONE:
                left[path] = what
        source = text.result()
    if edit.additions:
        paths = ((*one.path, one.key) if isinstance(one, Put) else one.path for one in edit.additions)
        text = Text(source, column, paths)
        for addition in edit.additions:
            if isinstance(addition, Insert):
                text.insert(addition.path, addition.place, addition.values)
            else:
                text.put(addition.path, addition.key, addition.value, addition.after)
        source = text.result()
    return source, left


def _at_once(source: str, column: int, edit: Edit) -> str | None:
    """Return the text where one reading of it is enough: what goes and what comes do not meet; None elsewhere."""
    puts = [one for one in edit.additions if isinstance(one, Put)]
    targets = [(*one.path, one.key) for one in puts]
    meet = any(path == target[: len(path)] for path in edit.removals for target in targets)
    if not edit.removals or edit.emptied or not puts or len(puts) < len(edit.additions) or meet:
        return None
    text = Text(source, column, [*(path[:-1] for path in edit.removals), *targets])
    for path in edit.removals:
        text.remove(path)
    if not text.keeps_lines:
        return None
    for one in puts:
        text.put(one.path, one.key, one.value, one.after)
    return text.result()
