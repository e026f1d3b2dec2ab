"""What a YAML scalar means, as Go's readers of Kubernetes' manifests have it (go.yaml.in/yaml/v3, resolve.go).

That is the YAML 1.2 core schema, and numbers as they were before: `0644` is the file mode 420, `1_000` is 1000 and
`0b11` is 3. `on`, `y`, `12:30:45` and `2020-01-01` are strings; so is a number that no float holds (`1e999`).
"""

from __future__ import annotations

import base64
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
_INTEGER = re.compile(r"[-+]?(?:(0[bB][01]+)|(0[oO]?[0-7]+)|(0[xX][0-9a-fA-F]+)|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LOWEST, _HIGHEST = -(2**63), 2**64 - 1  # beyond them Go reads a float
_LONGEST_INTEGER = 100  # digits, of whatever base: far beyond those
_DIGITS = frozenset("0123456789+-")
_TAG = "tag:yaml.org,2002:"

# A plain scalar that begins with none of these (nor is empty) is a string.
SUSPECT = frozenset(["", *"0123456789+-.~nNtTfF<"])


def plain(text: str) -> Scalar:
    """Return the value of an untagged plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    digits = text.replace("_", "") if "_" in text and text[0] in _DIGITS else text
    match = _INTEGER.fullmatch(digits)
    if match and len(digits) < _LONGEST_INTEGER and _LOWEST <= (number := _integer(digits, match)) <= _HIGHEST:
        return number
    if _FLOAT.fullmatch(digits) and math.isfinite(value := float(digits)):
        return value
    return text


def _integer(text: str, match: re.Match[str]) -> int:
    sign = -1 if text[0] == "-" else 1
    binary, octal, hexadecimal = match.groups()
    if binary:
        return sign * int(binary, 2)
    if octal:
        return sign * int(octal.lower().replace("o", ""), 8)
    if hexadecimal:
        return sign * int(hexadecimal, 16)
    return int(text)


def tagged(text: str, tag: str) -> Scalar:
    """Return the value of a scalar with an explicit tag; of a tag that is not YAML's own, the text.

    Raises ValueError when the text is no value of that tag.
    """
    if not tag.startswith(_TAG):
        return text
    name = tag.removeprefix(_TAG)
    if name == "binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode(errors="replace")
        except ValueError as error:
            raise ValueError(name) from error
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
