"""The text of a config dump → its top-level pieces, one after the other; and what to say of a text that is none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Config = Mapping[str, Any]

FETCH = "take what `istioctl proxy-config all POD -o json` prints, or Envoy's /config_dump?include_eds"
_START = re.compile(r'\s*\{\s*"configs"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,?\s*")


class DumpUnreadable(Exception):  # noqa: N818 - what happened, as in FileNotFound
    """It is no config dump of an Istio proxy, or not a whole one; the message says what to do."""


def pieces(text: str) -> Iterator[Config]:
    start = _START.match(text)
    if not start:
        raise DumpUnreadable(_what_else(text))
    decoder, place = json.JSONDecoder(), start.end()
    while text[place : place + 1] != "]":
        try:
            piece, place = decoder.raw_decode(text, place)
        except json.JSONDecodeError as error:
            if error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated"):
                message = f"ends in the middle, after {len(text)} characters: fetch it again, whole"
                raise DumpUnreadable(message) from None
            raise DumpUnreadable(f"is no JSON at line {error.lineno}, column {error.colno}") from None
        if not isinstance(piece, dict):
            raise DumpUnreadable("has something in `configs` that is no part of a config dump")
        yield piece
        gap = _NEXT.match(text, place)
        place = gap.end() if gap else place
        if place >= len(text):
            raise DumpUnreadable(f"ends in the middle, after {len(text)} characters: fetch it again, whole")


def _what_else(text: str) -> str:
    start = text[:200].lstrip()
    if not start:
        return f"is empty: {FETCH}"
    if start.startswith("["):
        return f"is a list (one kind of configuration alone?): {FETCH}"
    if start.startswith("{"):
        return f"is JSON without `configs` at its start: {FETCH}"
    return f"is no JSON: {FETCH}"
