"""Edits as data → the object's new text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from yaml import YAMLError

from krm_fn.text.edits import Edit, Insert, Path, Put, outcome, size_of, with_left
from krm_fn.text.patch import GONE, Text
from krm_fn.text.pieces import Pieces
from krm_fn.text.readback import reads_as
from krm_fn.text.splice import block_list
from krm_fn.values import Value

MAX_ADDED = 10_000_000  # characters that may be added to a text with aliases, whose copies are as long as they like


class Rewritten(NamedTuple):
    """An object's new text, and what it says."""

    text: str
    value: Value


def rewrite(source: str, column: int, value: Value, edit: Edit, pieces: Pieces | None = None) -> Rewritten | None:
    """Return an object's text with the edits made; `source` and `column` as `document.Item` gives them.

    What an earlier run added is taken out first, so that the additions find the text as the user wrote it.

    None where the text cannot be edited so. Whatever was edited is read again, and must be `value` with the edits and
    nothing else: a text may say one thing for several places (`&x`, `*x`, `<<`), or in a way that nobody foresaw.
    `pieces` are of the run: what is added to many objects is written, and read again, once.
    """
    if not (edit.removals or edit.emptied or edit.additions):
        return Rewritten(source, value)
    if "&" in source or "*" in source:
        pieces = None  # one edit may change several places
    for masks in (True, False):
        made = _attempt(source, column, value, edit, pieces, masks=masks)
        if made:
            return made
    return None


def _attempt(
    source: str, column: int, value: Value, edit: Edit, pieces: Pieces | None, *, masks: bool
) -> Rewritten | None:
    try:
        text, left, blocks = _edited(source, column, edit, pieces, masks=masks)
    except (YAMLError, LookupError):
        return None
    if pieces and not pieces.are_sound():
        return None
    margin, whole = " " * column, (text, edit)
    lists = {one.path for one in edit.additions if isinstance(one, Insert)}
    for read, thin in (_thinned(*whole, blocks), whole) if blocks else (whole,):
        wanted = _wanted(value, thin, left)
        if (pieces and pieces.read_as(margin + read, column, lists, wanted)) or reads_as(
            margin + read, wanted, margin + source
        ):
            return Rewritten(text, _wanted(value, edit, left))
    return None


def _wanted(value: Value, edit: Edit, left: Mapping[Path, Any]) -> Value:
    wanted: Value = outcome(value, edit)
    for path, what in left.items():
        wanted = with_left(wanted, path, what)
    return wanted


def _thinned(text: str, edit: Edit, blocks: Sequence[tuple[str, int]]) -> tuple[str, Edit]:
    """Return a text with one short entry in the place of each block that was inserted, and the edit that makes this.

    Where it says what that edit makes, a list goes on at each of these places, at that column, and `text` says there
    what the block says. Both are returned as they are where a block does not stand there as it was written.
    """
    inserts = [one for one in edit.additions if isinstance(one, Insert)]
    stubs = [{"stub": number} for number in range(len(blocks))]
    parts: list[str] = []
    at = 0
    for (lines, column), stub in zip(blocks, stubs, strict=True):
        found = text.find(lines, at)  # blocks mostly come in the order of the text
        if found < 0 or len(inserts) != len(blocks):
            return text, edit
        parts += [text[at:found], block_list([stub], column)]
        at = found + len(lines)
    rest = iter(stubs)
    additions = [one._replace(values=[next(rest)]) if isinstance(one, Insert) else one for one in edit.additions]
    return "".join([*parts, text[at:]]), edit._replace(additions=tuple(additions))


def grown(source: str, edit: Edit) -> int:
    """Return how many characters an edit copies of what aliases hold, where that is too much; else 0."""
    if "*" not in source:
        return 0
    size = sum(size_of(one.values if isinstance(one, Insert) else one.value) for one in edit.additions)
    return size if size > MAX_ADDED else 0


def _edited(
    source: str, column: int, edit: Edit, pieces: Pieces | None, *, masks: bool
) -> tuple[str, dict[Path, Any], Sequence[tuple[str, int]]]:
    """Return the text, what is left of emptied lists, and the blocks that `pieces` wrote, each with its column."""
    blocks: Sequence[tuple[str, int]] = ()
    left: dict[Path, Any] = {}
    if edit.removals or edit.emptied:
        text = Text(source, column, [*(path[:-1] for path in edit.removals), *edit.emptied], masks=masks)
        for path in edit.removals:
            text.remove(path)
        for path in edit.emptied:
            if (what := text.empty(path)) is not GONE:
                left[path] = what
        source = text.result()
    if edit.additions:
        paths = ((*one.path, one.key) if isinstance(one, Put) else one.path for one in edit.additions)
        text = Text(source, column, paths, pieces, masks=masks)
        for addition in edit.additions:
            if isinstance(addition, Insert):
                text.insert(addition.path, addition.place, addition.values)
            else:
                text.put(addition.path, addition.key, addition.value, addition.after)
        source, blocks = text.result(), text.blocks
    return source, left, blocks
