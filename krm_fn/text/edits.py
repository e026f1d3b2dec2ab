"""Edits of a user's object, as data: which places go, which come. `edit.py` carries them out on the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from krm_fn.values import Value

Path = tuple[str | int, ...]


class Insert(NamedTuple):
    """Put `values` before the entry `place` of the list at `path`."""

    path: Path
    place: int
    values: Sequence[Value]


class Put(NamedTuple):
    """Put a key into the mapping at `path`, behind the key `after` or at its end."""

    path: Path
    key: str
    value: Any
    after: str | None = None


class Edit(NamedTuple):
    """The edits of the object at a position of the list: first what goes, then what comes.

    `emptied`: lists and mappings that go as a whole; a key that was there before it was filled stays, as it was.
    """

    position: int
    removals: tuple[Path, ...]
    additions: tuple[Insert | Put, ...]
    emptied: tuple[Path, ...] = ()


def made(value: Any, additions: Sequence[Insert | Put]) -> Any:  # noqa: ANN401 - a tree of any values
    """Return an object with the additions made; what they do not touch is shared with the given one."""
    for put in additions:
        if isinstance(put, Put):
            value = _with(value, put.path, put)
    for insert in reversed(additions):  # last and from the end: they move what is behind them
        if isinstance(insert, Insert):
            value = _with(value, insert.path, insert)
    return value


def _with(node: Any, path: Path, addition: Insert | Put) -> Any:  # noqa: ANN401 - as above
    if path:
        step = path[0]
        if isinstance(node, list):
            return [_with(one, path[1:], addition) if place == step else one for place, one in enumerate(node)]
        node = node or {}
        return {**node, step: _with(node.get(step), path[1:], addition)}
    if isinstance(addition, Put):
        return {**(node or {}), addition.key: addition.value}
    return [*node[: addition.place], *addition.values, *node[addition.place :]]


def size_of(value: Any) -> int:  # noqa: ANN401 - a tree of any values
    """Return about how many characters a value takes when it is written out; what is shared counts each time."""
    known: dict[int, int] = {}

    def size(node: object) -> int:
        if not isinstance(node, (dict, list)):
            return len(node) + 1 if isinstance(node, str) else 1
        if id(node) not in known:
            children = node.values() if isinstance(node, dict) else node
            known[id(node)] = 1 + sum(map(size, children)) + sum(len(key) for key in node if isinstance(node, dict))
        return known[id(node)]

    return size(value)


def outcome(value: Value, edit: Edit) -> Any:  # noqa: ANN401 - a tree of any values
    """Return a value with the edit made; the key of an emptied list goes, what is not touched is shared."""
    return made(_without(value, (*edit.removals, *edit.emptied)), edit.additions)


def with_left(value: Any, path: Path, left: Any) -> Any:  # noqa: ANN401 - a tree of any values
    """Return a value that has what is left of an emptied list, unless something else stands there by now."""
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    return value if path[-1] in holder else _with(value, path[:-1], Put(path[:-1], str(path[-1]), left))


def _without(value: Any, removals: Sequence[Path]) -> Any:  # noqa: ANN401 - a tree of any values
    if not removals:
        return value
    gone = {path[0] for path in removals if len(path) == 1}

    def rest(step: str | int) -> list[Path]:
        return [path[1:] for path in removals if len(path) > 1 and path[0] == step]

    if isinstance(value, dict):
        return {key: _without(child, rest(key)) for key, child in value.items() if key not in gone}
    if isinstance(value, list):
        return [_without(child, rest(place)) for place, child in enumerate(value) if place not in gone]
    return value
