"""Members of Lists, as edits of the text of the List that they stand in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from krm_fn import live
from krm_fn.objects import HOST_IDS, Object, annotations_of
from krm_fn.results import Code, Result
from krm_fn.text.document import Item
from krm_fn.text.edits import Edit, Insert, Path, Put, outcome
from krm_fn.values import Value


class Within(NamedTuple):
    """What happens in Lists.

    Attributes:
        rewritten: the new texts of the Lists, by position.
        members: the members that were edited or replaced, as they will be, by position.
        results: what could not be edited.
    """

    rewritten: Mapping[int, str]
    members: Mapping[int, Value]
    results: tuple[Result, ...]


def within(
    objects: Sequence[Object],
    edits: Iterable[Edit],
    replaced: Mapping[int, Value],
    removed: Collection[int],
    grows: tuple[int, Sequence[Value]] = (-1, ()),
    *,
    anew: bool = False,
) -> Within:
    """Return what the edits, replacements and removals of members come to; `grows` is a List and what it gets.

    With `anew` what a cluster filled in goes, too.
    """
    edits_of = {edit.position: edit for edit in edits}
    if not any(one.inside for one in objects) and grows[0] < 0:
        return Within({}, {}, ())
    from krm_fn.text.rewrite import grown  # noqa: PLC0415 - most lists have nothing to edit

    members: dict[int, list[Object]] = defaultdict(list)
    changed = edits_of.keys() | replaced.keys() | set(removed)
    for one in objects:
        if one.inside and one.position in changed:
            members[id(one.item)].append(one)
    texts: dict[int, str] = {}
    new: dict[int, Value] = {}
    results: list[Result] = []
    for holder in objects:
        added = grows[1] if holder.position == grows[0] else ()
        here = members.get(id(holder.item), []) if not holder.inside else []
        if holder.item is None or not (here or added):
            continue
        edited = [(one, _dressed(one, edits_of[one.position], anew)) for one in here if one.position in edits_of]
        sizes = [(one, grown(holder.item.source, edit)) for one, edit in edited]
        if any(size for _, size in sizes):
            results += [_too_long(one, size) for one, size in sizes if size]
            continue
        exchanged = {one.inside: replaced.get(one.position) for one in here if one.position not in edits_of}
        text = _rewritten(holder, holder.item, edited, exchanged, added)
        if text is None:
            results += [not_editable(one) for one in here or [holder]]
        elif text != holder.item.source:
            texts[holder.position] = text
        new |= {one.position: outcome(one.value, edit) for one, edit in edited}
        new |= {one.position: replaced[one.position] for one in here if one.position in replaced}
    return Within(texts, new, tuple(results))


def _rewritten(
    holder: Object,
    item: Item,
    edited: Sequence[tuple[Object, Edit]],
    exchanged: Mapping[Path, Value | None],
    added: Sequence[Value],
) -> str | None:
    """Return the text of a List with its members edited, then exchanged; None where it cannot be edited so."""
    from krm_fn.text.rewrite import rewrite  # noqa: PLC0415 - as above

    edit = _together(holder, [(one.inside, edit) for one, edit in edited])
    first = rewrite(item.source, item.column, item.whole, edit)
    if first is None:
        return None
    second = rewrite(first.text, item.column, first.value, _exchange(holder, exchanged, first.value, added))
    return second.text if second else None


def _together(holder: Object, edits: Sequence[tuple[Path, Edit]]) -> Edit:
    """Return the edits of members as one of their List."""
    removals = [(*inside, *path) for inside, edit in edits for path in edit.removals]
    additions: list[Insert | Put] = [
        one._replace(path=(*inside, *one.path)) for inside, edit in edits for one in edit.additions
    ]
    emptied = [(*inside, *path) for inside, edit in edits for path in edit.emptied]
    return Edit(holder.position, tuple(removals), tuple(additions), tuple(emptied))


def _exchange(holder: Object, gone: Mapping[Path, Value | None], value: Value, added: Sequence[Value]) -> Edit:
    """Return the edit that takes members out, puts others in their place, and adds to the List."""
    inserts = []
    for inside, new in sorted(gone.items(), key=lambda one: [str(step).zfill(9) for step in one[0]]):
        if new is not None:
            before = sum(path[:-1] == inside[:-1] and path[-1] < inside[-1] for path in gone)  # type: ignore[operator]  # places of one list
            inserts.append(Insert(inside[:-1], int(inside[-1]) - before, [new]))
    if added:
        count = len(value["items"]) - sum(len(path) == len(("items", 0)) for path in gone)
        inserts.append(Insert(("items",), count, list(added)))
    return Edit(holder.position, tuple(gone), tuple(inserts))


def _dressed(one: Object, edit: Edit, anew: bool) -> Edit:
    edit = without_ids(one, edit)
    return live.cleaned(one, edit) if anew else edit


def without_ids(one: Object, edit: Edit) -> Edit:
    """Return the edit, and with it the ids go that a host gave the object: the text keeps its comments itself."""
    annotations = annotations_of(one.item.whole if one.item and not one.inside else one.value)
    ids = tuple(("metadata", "annotations", key) for key in HOST_IDS if key in annotations)
    return edit._replace(removals=(*edit.removals, *ids))


def not_editable(one: Object) -> Result:
    """Return the finding about an object whose text cannot be edited."""
    message = (
        "must be edited, and its text does not let those places be changed alone (an anchor &x, an alias *x, a merge "
        "key <<, a key given twice): write those parts out where they stand"
    )
    return Result(Code.NOT_EDITABLE, message, one.ref)


def rewritten(
    objects: Sequence[Object], edits: Iterable[Edit], *, anew: bool = False
) -> tuple[dict[int, str], list[Result]]:
    """Return the new text of each item that an edit changes, and findings about those that it cannot.

    With `anew` what a cluster filled in goes, too.
    """
    edits = list(edits)
    if not edits:
        return {}, []
    from krm_fn.text.pieces import Pieces  # noqa: PLC0415 - most lists have nothing to edit
    from krm_fn.text.rewrite import grown, rewrite  # noqa: PLC0415

    pieces = Pieces()
    items = {one.position: one for one in objects if not one.inside}
    texts: dict[int, str] = {}
    refused: list[Result] = []
    for edit in edits:
        one = items.get(edit.position)
        if one is None or one.item is None:
            continue
        source = one.item.source
        if size := grown(source, edit):
            refused.append(_too_long(one, size))
            continue
        made = rewrite(source, one.item.column, one.item.whole, _dressed(one, edit, anew), pieces)
        if made is None:
            refused.append(not_editable(one))
        elif made.text != source:
            texts[edit.position] = made.text
    return texts, refused


def _too_long(one: Object, size: int) -> Result:
    message = f"what its aliases (*x) hold would be copied, {size:,} characters in all; write out what is meant"
    return Result(Code.INPUT_LIMIT, message, one.ref)
