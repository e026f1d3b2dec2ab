"""The shapes of a user's own VirtualServices and DestinationRules, as far as weaving reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from krm_fn.objects import Object
from krm_fn.results import Code, Result, shown

# A type; a list of one shape; or a mapping with the shapes of some of its keys.
_DESTINATION: dict[str, Any] = {"host": str, "subset": str, "port": dict}
_TARGETS = [{"destination": _DESTINATION, "weight": int}]
_MATCH = {"name": str, "headers": dict, "withoutHeaders": dict, "sourceLabels": dict, "port": int}
_HTTP = {
    "name": str,
    "match": [_MATCH],
    "route": _TARGETS,
    "mirror": _DESTINATION,
    "mirrors": [{"destination": _DESTINATION}],
}
_CONNECTIONS = {"match": [{"sourceLabels": dict, "port": int}], "route": _TARGETS}
_SHAPES: Mapping[str, Any] = {
    "VirtualService": {
        "hosts": [str],
        "gateways": [str],
        "exportTo": [str],
        "http": [_HTTP],
        "tls": [_CONNECTIONS],
        "tcp": [_CONNECTIONS],
    },
    "DestinationRule": {"host": str, "exportTo": [str], "subsets": [{"name": str, "labels": dict}]},
}
_NAMES = {str: "a string", int: "a number", dict: "a mapping"}


def problems(one: Object) -> Iterator[Result]:
    """Yield a finding for each place of an object of the user's that has a wrong type. Absent and null are fine."""
    for path, message in _wrong(one.value.get("spec"), _SHAPES[one.ref.kind], "spec"):
        yield Result(Code.OBJECT_INVALID, message, one.ref, path)


def _wrong(value: object, shape: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - a type, list or mapping
    if value is None:
        return
    wanted = shape if isinstance(shape, type) else type(shape)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        yield path, f"must be {_NAMES.get(wanted, 'a list')}, found {shown(value)}"
    elif isinstance(shape, list) and isinstance(value, list):
        for place, entry in enumerate(value):
            if entry is None:
                yield f"{path}[{place}]", "is empty: write it out, or take it away"
            yield from _wrong(entry, shape[0], f"{path}[{place}]")
    elif isinstance(shape, dict) and isinstance(value, dict):
        for key, part in shape.items():
            yield from _wrong(value.get(key), part, f"{path}.{key}")
