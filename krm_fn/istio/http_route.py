"""Istio's HTTPRoute as JSON: its fields, and a reader that takes their names in any case, as Go's encoding/json does.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from krm_fn.results import shown

Shape = Any  # a field's: _Leaf, a dict (message), a list of one shape (repeated), or _MapOf
_Leaf = Literal["text", "count", "number", "flag", "duration"]


@dataclass(frozen=True, slots=True)
class _MapOf:
    """A mapping whose keys are the user's, such as header names."""

    value: Shape


_STRING_MATCH: Shape = {"exact": "text", "prefix": "text", "regex": "text"}
_PERCENT: Shape = {"value": "number"}
_CHANGES: Shape = {"set": _MapOf("text"), "add": _MapOf("text"), "remove": ["text"]}
_HEADERS: Shape = {"request": _CHANGES, "response": _CHANGES}
_DESTINATION: Shape = {"host": "text", "subset": "text", "port": {"number": "count"}}

HTTP_ROUTE: Shape = {
    "name": "text",
    "match": [
        {
            "name": "text",
            "uri": _STRING_MATCH,
            "scheme": _STRING_MATCH,
            "method": _STRING_MATCH,
            "authority": _STRING_MATCH,
            "headers": _MapOf(_STRING_MATCH),
            "withoutHeaders": _MapOf(_STRING_MATCH),
            "queryParams": _MapOf(_STRING_MATCH),
            "port": "count",
            "sourceLabels": _MapOf("text"),
            "sourceNamespace": "text",
            "gateways": ["text"],
            "ignoreUriCase": "flag",
            "statPrefix": "text",
        }
    ],
    "route": [{"destination": _DESTINATION, "weight": "count", "headers": _HEADERS}],
    "redirect": {
        "uri": "text",
        "authority": "text",
        "port": "count",
        "derivePort": "text",
        "scheme": "text",
        "redirectCode": "count",
        "prefixRewrite": "text",
    },
    "directResponse": {"status": "count", "body": {"string": "text", "bytes": "text"}},
    "delegate": {"name": "text", "namespace": "text"},
    "rewrite": {"uri": "text", "authority": "text", "uriRegexRewrite": {"match": "text", "rewrite": "text"}},
    "timeout": "duration",
    "retries": {
        "attempts": "count",
        "perTryTimeout": "duration",
        "retryOn": "text",
        "retryRemoteLocalities": "flag",
        "retryIgnorePreviousHosts": "flag",
        "backoff": "duration",
    },
    "fault": {
        "delay": {
            "percentage": _PERCENT,
            "percent": "count",
            "fixedDelay": "duration",
            "exponentialDelay": "duration",
        },
        "abort": {"percentage": _PERCENT, "httpStatus": "count", "grpcStatus": "text", "http2Error": "text"},
    },
    "mirror": _DESTINATION,
    "mirrors": [{"destination": _DESTINATION, "percentage": _PERCENT}],
    "mirrorPercentage": _PERCENT,
    "mirrorPercent": "count",
    "corsPolicy": {
        "allowOrigins": [_STRING_MATCH],
        "allowOrigin": ["text"],
        "allowMethods": ["text"],
        "allowHeaders": ["text"],
        "exposeHeaders": ["text"],
        "maxAge": "duration",
        "allowCredentials": "flag",
        "unmatchedPreflights": "text",
    },
    "headers": _HEADERS,
}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+")
_MAX_COUNT = 2**32 - 1


@dataclass(slots=True)
class Reading:
    """What the reader found: the route with its proper field names, and a (path, message) for each mistake."""

    route: Mapping[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)


def read(text: str) -> Reading:
    """Read the JSON of one HTTPRoute; a name given twice counts as it stands last, null as not given."""
    reading = Reading()
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reading.problems.append(("", f"is no JSON: {error}"))
        return reading
    if isinstance(value, dict):
        reading.route = _read(value, HTTP_ROUTE, "", reading.problems)
    else:
        reading.problems.append(("", f"must be a JSON object, an HTTPRoute of Istio; found {shown(value)}"))
    return reading


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _read(value: object, shape: Shape, path: str, problems: list[tuple[str, str]]) -> Any:  # noqa: ANN401 - as JSON is
    if isinstance(shape, dict) and isinstance(value, dict):
        return _message(value, shape, path, problems)
    if isinstance(shape, list) and isinstance(value, list):
        return [_read(one, shape[0], f"{path}[{place}]", problems) for place, one in enumerate(value)]
    if isinstance(shape, _MapOf) and isinstance(value, dict):
        return {key: _read(one, shape.value, f"{path}.{key}", problems) for key, one in value.items()}
    wanted = _wanted(shape)
    if isinstance(shape, str) and _fits(value, shape):
        return value
    problems.append((path, f"must be {wanted}, found {shown(value)}"))
    return value


def _message(
    value: Mapping[str, Any], shape: Mapping[str, Shape], path: str, problems: list[tuple[str, str]]
) -> dict[str, Any]:
    names = {_plain(name): name for name in shape}
    read: dict[str, Any] = {}
    for key, one in value.items():
        at = f"{path}.{key}".lstrip(".")
        name = names.get(_plain(key))
        if name is None:
            problems.append((at, f"there is no field {key!r}; allowed: {', '.join(sorted(shape))}"))
        elif one is not None:
            read[name] = _read(one, shape[name], at, problems)
    return read


def _plain(name: str) -> str:
    # Go takes a field's name in any case; protobuf's JSON takes it as the .proto file has it, with underscores, too.
    return name.replace("_", "").casefold()


def _wanted(shape: Shape) -> str:
    if not isinstance(shape, str):
        return "a list" if isinstance(shape, list) else "an object"
    return {
        "text": "a string",
        "count": "a whole number from 0 on",
        "number": "a number",
        "flag": "true or false",
        "duration": "a duration such as '1.5s'",
    }[shape]


def _fits(value: object, leaf: str) -> bool:
    if leaf == "flag":
        return isinstance(value, bool)
    if leaf in ("count", "number"):
        whole = leaf == "number" or (isinstance(value, int) and 0 <= value <= _MAX_COUNT)
        return isinstance(value, (int, float)) and not isinstance(value, bool) and whole
    return isinstance(value, str) and (leaf == "text" or bool(_DURATION.fullmatch(value)))
