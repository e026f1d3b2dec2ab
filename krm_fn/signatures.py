"""Names that end with a digest: they tell whose an addition to a user's object is, and whether it was changed since."""

from __future__ import annotations

import hashlib
import json

from krm_fn.values import Manifest, Value

PREFIX = "virtual-env--"
_CANONICAL = json.JSONEncoder(sort_keys=True)


def digest(owner: str, content: Value) -> str:
    """Return eight digits that tell an entry of a config from any other, free of the order of its keys."""
    text = _CANONICAL.encode([owner, content])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def signed(entry: Value, stem: str, owner: str) -> Manifest:
    """Return a named entry, such as a route, with a name that tells whose it is, and whether it was changed since."""
    content = unnamed(entry)
    return {"name": f"{PREFIX}{stem}--{digest(owner, content)}", **content}


def is_signed(entry: Value) -> bool:
    """Tell whether an entry is the function's own, by its name."""
    return str(entry.get("name", "")).startswith(PREFIX)


def is_intact(entry: Value, owner: str) -> bool:
    """Tell whether an entry is as `owner` signed it."""
    return str(entry.get("name", "")).endswith(f"-{digest(owner, unnamed(entry))}")


def unnamed(entry: Value) -> Manifest:
    """Return an entry without its name."""
    return {key: part for key, part in entry.items() if key != "name"}
