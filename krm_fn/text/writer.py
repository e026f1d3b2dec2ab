"""Values -> text: YAML in block style, or JSON where a list is written in flow style.

No string may be read as another type by any YAML that Kubernetes' tools use (YAML 1.1 and 1.2, Go's yaml.v2
and yaml.v3), so a string stays plain only when it is made of harmless words; else it goes between double
quotes, with JSON's escapes, which YAML shares.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

from krm_fn.text.pages import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_/(][A-Za-z0-9_./()-]*)*")
# Words that some YAML takes for a boolean or null.
_RESERVED = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf"])
# What YAML's readers refuse, or take for a line end, unless it is escaped.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
# What a literal block gives back exactly: no tab, no blank at a line's end or the text's start, one `\n` at most
# at the end.
_LITERAL = re.compile(r"[!-~](?:[ -~]*[!-~])?(?:\n+[ -~]*[!-~])*\n?")
_LONGEST_KEY = 1000  # YAML allows 1,024 characters before the colon


def dump(value: Mapping[str, Any], indent: int = 0) -> str:
    """Return one mapping in block style, keys in their order, each line behind `indent` blanks.

    Ends with a line end. Lists stand compact, at their key's column, as kustomize and kpt write them.
    """
    if not value:
        return " " * indent + "{}\n"
    out: list[str] = []
    _mapping(value, " " * indent, out, " " * indent)
    return "".join(out)


def flow(value: Node) -> str:
    """Return a value as one line of JSON, which is YAML as well; YAML alone where JSON has no word (`.inf`, `.nan`)."""
    try:
        return _escape(json.dumps(value, ensure_ascii=False, allow_nan=False))
    except ValueError:
        return _flow(value)


def _flow(value: Node) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{flow(key)}: {_flow(child)}' for key, child in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    return scalar(value) if isinstance(value, float) else flow(value)


def _escape(text: str) -> str:
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _mapping(value: Mapping[str, Any], indent: str, out: list[str], lead: str) -> None:
    """Write the lines of a mapping; `lead` stands before its first key (blanks, or a list's dash)."""
    below = indent + "  "
    for key, child in value.items():
        name = _text(key) if isinstance(key, str) else scalar(key)
        if len(name) > _LONGEST_KEY:
            name = f"? {name}\n{indent}"
        if isinstance(child, str):
            out.append(f"{lead}{name}: {_leaf(child, indent)}\n")
        elif isinstance(child, dict) and child:
            out.append(f"{lead}{name}:\n")
            _mapping(child, below, out, below)
        elif isinstance(child, list) and child:
            out.append(f"{lead}{name}:\n")
            _sequence(child, indent, out, indent)
        else:
            out.append(f"{lead}{name}: {scalar(child)}\n")
        lead = indent


def _sequence(value: list[Any], indent: str, out: list[str], lead: str) -> None:
    below = indent + "  "
    for child in value:
        if isinstance(child, dict) and child:
            _mapping(child, below, out, lead + "- ")
        elif isinstance(child, list) and child:
            _sequence(child, below, out, lead + "- ")
        else:
            out.append(f"{lead}- {_leaf(child, indent) if isinstance(child, str) else scalar(child)}\n")
        lead = indent


@cache  # a list says few texts, and each of them many times
def _leaf(value: str, indent: str) -> str:
    if "\n" in value[:-1] and _LITERAL.fullmatch(value):
        return _literal(value, indent + "  ")
    return _text(value)


def _literal(value: str, indent: str) -> str:
    sign = "" if value.endswith("\n") else "-"
    lines = value.removesuffix("\n").split("\n")
    return f"|{sign}\n" + "\n".join(indent + line if line else "" for line in lines)


def scalar(value: Node) -> str:
    """Return a scalar, or an empty collection, on one line."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None or value in (True, False, {}, []):
        return json.dumps(value)
    raise TypeError(type(value))


@cache
def _text(value: str) -> str:
    if _WORDS.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return _escape(encode_basestring(value))


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    if "e" in text and "." not in text:  # YAML 1.1 knows `1.0e+16`, not `1e+16`
        text = text.replace("e", ".0e")
    return text
