"""Edits of a user's object, as data: which places go, which come. `edit.py` carries them out on the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Insert:
    """Put `values` before the entry `index` of the list at `path`."""

    path: Path
    index: int
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Put:
    """Put a key into the mapping at `path`, behind the key `after` or at its end."""

    path: Path
    key: str
    value: Any
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """The edits of the object at a position of the list: first what goes, then what comes."""

    position: int
    removals: tuple[Path, ...]
    additions: tuple[Insert | Put, ...]
