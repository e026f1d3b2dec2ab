"""Shapes of Istio's resources, and values held against them: one language for a rule's JSON and for a user's objects.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/ and …/destination-rule/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from krm_fn.results import shown

# A field's shape: the name of a leaf, a dict (message), a list of one shape (repeated), or a MapOf.
Shape = Any
Problem = tuple[str, str]  # the path of a field, and what is wrong there


class MapOf(NamedTuple):
    """A mapping whose keys are the user's, such as header names."""

    value: Shape


STRING_MATCH: Shape = {"exact": "text", "prefix": "text", "regex": "text"}
DESTINATION: Shape = {"host": "text", "subset": "text", "port": {"number": "count"}}

# What weaving reads of a user's own objects: the rest is passed on as it is.
_TARGETS = [{"destination": DESTINATION, "weight": "count"}]
_CONNECTIONS = {"match": [{"sourceLabels": MapOf("any"), "port": "count"}], "route": _TARGETS}
_MATCH = {
    "name": "text",
    "headers": MapOf("any"),
    "withoutHeaders": MapOf("any"),
    "sourceLabels": MapOf("any"),
    "port": "count",
}
VIRTUAL_SERVICE: Shape = {
    "hosts": ["text"],
    "gateways": ["text"],
    "exportTo": ["text"],
    "http": [
        {
            "name": "text",
            "match": [_MATCH],
            "route": _TARGETS,
            "mirror": DESTINATION,
            "mirrors": [{"destination": DESTINATION}],
        }
    ],
    "tls": [_CONNECTIONS],
    "tcp": [_CONNECTIONS],
}
DESTINATION_RULE: Shape = {
    "host": "text",
    "exportTo": ["text"],
    "subsets": [{"name": "text", "labels": MapOf("any")}],
}

_WANTED = {
    "text": "a string",
    "count": "a whole number from 0 on",
    "number": "a number",
    "flag": "true or false",
    "duration": "a duration such as '1.5s'",
}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")
_MAX_COUNT = 2**32 - 1


def wanted(shape: Shape) -> str:
    """Say what a shape takes."""
    if not isinstance(shape, str):
        return "a list" if isinstance(shape, list) else "a mapping"
    return _WANTED[shape]


def fits(value: object, leaf: str) -> bool:
    """Tell whether a value is what a leaf takes."""
    if leaf == "any":
        return True
    if leaf == "flag":
        return isinstance(value, bool)
    if leaf in ("count", "number"):
        whole = leaf == "number" or (isinstance(value, int) and 0 <= value <= _MAX_COUNT)
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    return isinstance(value, str) and (leaf == "text" or bool(_DURATION.fullmatch(value)))


def is_sound(value: object, shape: Shape, known: dict[int, Shape] | None = None) -> bool:
    """Tell whether `problems` has nothing to say: most objects have none, and this tells it in a fifth of the time.

    `known` takes the identities of parts that are sound, by which equal ones that are one are looked at once; all of
    them must live as long as it is used.
    """
    if value is None:
        return True
    known = {} if known is None else known
    if isinstance(shape, str):
        return isinstance(value, str) if shape == "text" else fits(value, shape)
    if isinstance(shape, list):
        of = shape[0]
        return isinstance(value, list) and all(part is not None and is_sound(part, of, known) for part in value)
    if isinstance(shape, MapOf):
        of = shape.value
        return isinstance(value, dict) and (
            of == "any" or all(part is not None and is_sound(part, of, known) for part in value.values())
        )
    return isinstance(value, dict) and _are_sound(value, shape, known)


def _are_sound(value: dict[str, object], shape: Mapping[str, Shape], known: dict[int, Shape]) -> bool:
    for key, part in value.items():
        of = shape.get(key)
        if of is None or known.get(id(part)) is of:
            continue
        if not is_sound(part, of, known):
            return False
        if isinstance(part, (dict, list)):
            known[id(part)] = of
    return True


def problems(value: object, shape: Shape, path: str) -> Iterator[Problem]:
    """Yield each place of a value that has another type than the shape; absent and null fields are fine."""
    if value is None:
        return
    parts = _parts(value, shape, path)
    if parts is None:
        if not (isinstance(shape, str) and fits(value, shape)):
            yield path, f"must be {wanted(shape)}, found {shown(value)}"
        return
    for place, part, of, is_needed in parts:
        if part is None and is_needed:
            yield place, "is empty: write it out, or take it away"
        yield from problems(part, of, place)


def _parts(value: object, shape: Shape, path: str) -> list[tuple[str, object, Shape, bool]] | None:
    """Return path, value and shape of each part, and whether it must not be null; None where there are none to be."""
    if isinstance(shape, MapOf) and isinstance(value, dict):
        return [(f"{path}.{key}", part, shape.value, shape.value != "any") for key, part in value.items()]
    if isinstance(shape, Mapping) and isinstance(value, dict):
        return [(f"{path}.{key}", value.get(key), part, False) for key, part in shape.items()]
    if isinstance(shape, list) and isinstance(value, list):
        return [(f"{path}[{place}]", part, shape[0], True) for place, part in enumerate(value)]
    return None
