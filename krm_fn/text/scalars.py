"""What a YAML scalar means, as Kubernetes reads it: the YAML 1.2 core schema, and leading-zero octals.

https://yaml.org/spec/1.2.2/#103-core-schema. `on`, `y`, `1_000`, `12:30:45` and `2020-01-01` are strings;
`0644` is the file mode that Go's YAML reads (420), as Kubernetes' manifests have always written it.
"""

from __future__ import annotations

import math
import re

Scalar = None | bool | int | float | str

_WORDS: dict[str, Scalar] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
    ".inf": math.inf,
    ".Inf": math.inf,
    ".INF": math.inf,
    "+.inf": math.inf,
    "+.Inf": math.inf,
    "+.INF": math.inf,
    "-.inf": -math.inf,
    "-.Inf": -math.inf,
    "-.INF": -math.inf,
    ".nan": math.nan,
    ".NaN": math.nan,
    ".NAN": math.nan,
}
_INTEGER = re.compile(r"[-+]?(?:(0o?[0-7]+)|(0x[0-9a-fA-F]+)|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_INTEGER = 4000  # digits; Python's own conversion stops at 4,300
_TAG = "tag:yaml.org,2002:"

# A plain scalar that begins with none of these (nor is empty) is a string.
SUSPECT = frozenset(["", *"0123456789+-.~nNtTfF<"])


def plain(text: str) -> Scalar:
    """Return the value of an untagged plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    match = _INTEGER.fullmatch(text)
    if match and len(text) < _LONGEST_INTEGER:
        return _integer(text, match)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str, match: re.Match[str]) -> int:
    sign = -1 if text[0] == "-" else 1
    if match[1]:
        return sign * int(match[1].replace("o", ""), 8)
    if match[2]:
        return sign * int(match[2], 16)
    return int(text)


def tagged(text: str, tag: str) -> Scalar:
    """Return the value of a scalar with an explicit tag; of a tag that is not YAML's own, the text.

    Raises ValueError when the text is no value of that tag.
    """
    if not tag.startswith(_TAG):
        return text
    name = tag.removeprefix(_TAG)
    value = plain(text)
    fits = {
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, (int, float)) and not isinstance(value, bool),
        "bool": isinstance(value, bool),
        "null": value is None,
    }
    if name not in fits:
        return text
    if not fits[name]:
        raise ValueError(name)
    return float(value) if name == "float" and isinstance(value, int) else value


def key_text(value: Scalar) -> str:
    """Return a mapping's key as Kubernetes' JSON has it: `8080` is "8080", `true` is "true"."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
