"""Istio's HTTPRoute as JSON: its fields, and a reader that takes their names in any case, as Go's encoding/json does.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRoute.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from krm_fn.istio.shapes import DESTINATION, STRING_MATCH, MapOf, Problem, Shape, problems
from krm_fn.results import shown
from krm_fn.values import NOTHING

_PERCENT: Shape = {"value": "number"}
_CHANGES: Shape = {"set": MapOf("text"), "add": MapOf("text"), "remove": ["text"]}
_HEADERS: Shape = {"request": _CHANGES, "response": _CHANGES}

HTTP_ROUTE: Shape = {
    "name": "text",
    "match": [
        {
            "name": "text",
            "uri": STRING_MATCH,
            "scheme": STRING_MATCH,
            "method": STRING_MATCH,
            "authority": STRING_MATCH,
            "headers": MapOf(STRING_MATCH),
            "withoutHeaders": MapOf(STRING_MATCH),
            "queryParams": MapOf(STRING_MATCH),
            "port": "count",
            "sourceLabels": MapOf("text"),
            "sourceNamespace": "text",
            "gateways": ["text"],
            "ignoreUriCase": "flag",
            "statPrefix": "text",
        }
    ],
    "route": [{"destination": DESTINATION, "weight": "count", "headers": _HEADERS}],
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
    "mirror": DESTINATION,
    "mirrors": [{"destination": DESTINATION, "percentage": _PERCENT}],
    "mirrorPercentage": _PERCENT,
    "mirrorPercent": "count",
    "corsPolicy": {
        "allowOrigins": [STRING_MATCH],
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


class Reading(NamedTuple):
    """What the reader found: the route with its proper field names, and what is wrong with it, by path."""

    route: Mapping[str, Any] = NOTHING
    problems: tuple[Problem, ...] = ()


def read(text: str) -> Reading:
    """Read the JSON of one HTTPRoute; a name given twice counts as it stands last, null as not given."""
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Reading(problems=(("", f"is no JSON: {error}"),))
    if not isinstance(value, dict):
        return Reading(problems=(("", f"must be a JSON object, an HTTPRoute of Istio; found {shown(value)}"),))
    route = _proper(value, HTTP_ROUTE)
    found = [*_unknown(value, HTTP_ROUTE, ""), *problems(route, HTTP_ROUTE, "")]
    return Reading(route, tuple((path.lstrip("."), message) for path, message in found))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _proper(value: Any, shape: Shape) -> Any:  # noqa: ANN401 - as JSON is
    """Return a value with the proper names of its fields, without those that are unknown or null."""
    if isinstance(shape, dict) and isinstance(value, dict):
        names = {_plain(name): name for name in shape}
        known = ((names.get(_plain(key)), one) for key, one in value.items() if one is not None)
        return {name: _proper(one, shape[name]) for name, one in known if name}
    if isinstance(shape, list) and isinstance(value, list):
        return [_proper(one, shape[0]) for one in value]
    if isinstance(shape, MapOf) and isinstance(value, dict):
        return {key: _proper(one, shape.value) for key, one in value.items()}
    return value


def _unknown(value: Any, shape: Shape, path: str) -> Iterator[Problem]:  # noqa: ANN401 - as above
    if isinstance(shape, dict) and isinstance(value, dict):
        names = {_plain(name): name for name in shape}
        for key, one in value.items():
            name = names.get(_plain(key))
            if name is None:
                yield f"{path}.{key}", f"there is no field {key!r}; allowed: {', '.join(sorted(shape))}"
            else:
                yield from _unknown(one, shape[name], f"{path}.{key}")
    elif isinstance(shape, list) and isinstance(value, list):
        for place, one in enumerate(value):
            yield from _unknown(one, shape[0], f"{path}[{place}]")
    elif isinstance(shape, MapOf) and isinstance(value, dict):
        for key, one in value.items():
            yield from _unknown(one, shape.value, f"{path}.{key}")


def _plain(name: str) -> str:
    # Go takes a field's name in any case; protobuf's JSON takes it as the .proto file has it, with underscores, too.
    return name.replace("_", "").casefold()
