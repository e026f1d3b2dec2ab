"""Names that end with a digest: they tell whose an addition to a user's object is, and whether it was changed since."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii

from krm_fn.values import Manifest, Value

PREFIX = "virtual-env--"
_CANONICAL = json.JSONEncoder(sort_keys=True)


def digest(owner: str, content: Value) -> str:
    """Return eight digits that tell an entry of a config from any other, free of the order of its keys."""
    return _digits(_CANONICAL.encode([owner, content]))


def _digits(text: str) -> str:
    from hashlib import sha256  # noqa: PLC0415 - most lists have nothing to sign

    return sha256(text.encode()).hexdigest()[:8]


class Digests:
    """Digests of many entries that have parts in common: each part is written out once.

    What was asked for is kept, and must not change.
    """

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}  # by the identity of a part
        self._kept: list[object] = []  # an identity is that of one value while it is kept

    def of(self, owner: str, content: Value) -> str:
        """Return what `digest` returns."""
        parts = ", ".join([f"{encode_basestring_ascii(key)}: {self._text(content[key])}" for key in sorted(content)])
        return _digits(f"[{encode_basestring_ascii(owner)}, {{{parts}}}]")

    def _text(self, part: object) -> str:
        if not isinstance(part, (dict, list)):
            return _CANONICAL.encode(part)
        text = self._texts.get(id(part))
        if text is None:
            self._kept.append(part)
            text = self._texts[id(part)] = _CANONICAL.encode(part)
        return text


def signed(entry: Value, stem: str, owner: str, digests: Digests | None = None) -> Manifest:
    """Return a named entry, such as a route, with a name that tells whose it is, and whether it was changed since."""
    content = unnamed(entry)
    mark = digests.of(owner, content) if digests else digest(owner, content)
    return {"name": f"{PREFIX}{stem}--{mark}", **content}


def is_signed(entry: Value) -> bool:
    """Tell whether an entry is the function's own, by its name."""
    return str(entry.get("name", "")).startswith(PREFIX)


def is_intact(entry: Value, owner: str) -> bool:
    """Tell whether an entry is as `owner` signed it."""
    return str(entry.get("name", "")).endswith(f"-{digest(owner, unnamed(entry))}")


def unnamed(entry: Value) -> Manifest:
    """Return an entry without its name."""
    return {key: part for key, part in entry.items() if key != "name"}
