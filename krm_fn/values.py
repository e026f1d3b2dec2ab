"""Objects as values of unknown shape, and a look into them: what is not there, or of another type, counts as empty."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Value = Mapping[str, Any]  # an object, or a part of one, as it was read
Manifest = dict[str, Any]  # one that is being made
NOTHING: Mapping[Any, Any] = MappingProxyType({})  # for defaults: nobody can fill it


def whole(value: object) -> int | None:
    """Return a whole number, as Kubernetes' readers have it: `80`, `80.0`, `1e3`; None for anything else."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: Value, key: str) -> Value:
    """Return the mapping at a key, or an empty one."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def mappings(value: object) -> list[Value]:
    """Return the mappings of a list; nothing where there is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def strings(value: object) -> list[str]:
    """Return the strings of a list; nothing where there is no list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
