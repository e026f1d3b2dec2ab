"""What a reader (YAML or JSON) hands to `document`: values, and where in the text they stand.

Every position is an index into the decoded text (characters, without a BOM); ends are exclusive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

from krm_fn.results import Code, FunctionError, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

# Kubernetes' own types nest about 50 deep (a CRD's schema); what reads the values may recurse.
MAX_DEPTH = 256

Node = Any  # a value as read: None, bool, int, float, str, list or dict; checked where it is used

LISTINGS = ("items", "results")  # the lists of a ResourceList that are edited entry by entry
NULLS = ("", "~", "null", "Null", "NULL")  # how a text says that there is no value


class Style(Enum):
    """How a list of the top level is written."""

    BLOCK = "block"
    FLOW = "flow"
    NULL = "null"  # `items:`, `items: null`


@dataclass(slots=True)
class Entry:
    """One entry of a list: its value, where it stands, the column of its first key.

    `partial`: the value holds what was asked for, and no more.
    """

    value: Node
    start: int
    end: int
    column: int
    duplicates: tuple[str, ...] = ()
    partial: bool = False


@dataclass(slots=True)
class Listing:
    """`items` or `results` of a ResourceList: where the list is and how it is written."""

    style: Style
    key_end: int  # the end of the key `items`
    start: int
    end: int
    column: int  # of the dashes, or where they would stand
    in_flow: bool  # the mapping around it is written `{…}`
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """One document of the text. `end` is the next marker's place or the end of the text."""

    value: Node
    begin: int  # with its `---` and directives
    start: int  # of its value
    end: int
    column: int
    flow: bool = False  # the top level is written `{…}`
    last: int = 0  # the end of the last value, where `flow`
    duplicates: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()  # keys of the top level that are given twice
    shared_alias: str | None = None  # what to say if items are to leave this document for files of their own
    listings: dict[str, Listing] = field(default_factory=dict)
    partial: bool = False  # the value holds what was asked for, and no more


def fail(code: Code, message: str) -> NoReturn:
    """Raise the one finding."""
    raise FunctionError(Result(code, message))


def too_deep(line: int) -> NoReturn:
    """Fail because of the nesting in the line of that number, counted from 0."""
    fail(
        Code.INPUT_LIMIT,
        f"line {line + 1}: nested more than {MAX_DEPTH} deep; "
        "no Kubernetes object is, so look for brackets or indentation gone wrong",
    )


def line_of(text: str, index: int) -> int:
    """Return the line that `index` is in, the first being 1."""
    before = text[:index]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")


def repeated_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the keys that come more than once, in their order."""
    return tuple(key for key, count in Counter(keys).items() if count > 1)


def duplicate_paths(value: Node, repeats: list[tuple[Any, list[str]]]) -> tuple[str, ...]:
    """Return the dotted paths, within `value`, of the keys that its mappings were given twice.

    `repeats` holds the mappings concerned (found by identity) and their repeated keys.
    """
    wanted = {id(mapping): keys for mapping, keys in repeats}
    found: list[str] = []

    def walk(node: Node, path: str) -> None:
        if isinstance(node, dict):
            found.extend(f"{path}.{key}".lstrip(".") for key in wanted.get(id(node), ()))
            for key, child in node.items():
                walk(child, f"{path}.{key}")
        elif isinstance(node, list):
            for index, child in enumerate(node):
                walk(child, f"{path}[{index}]")

    walk(value, "")
    return tuple(found)
