"""What Istio's webhook refuses in an HTTPRoute although each field has the right type.

Facts: istio/istio, pkg/config/validation/virtualservice.go and validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from krm_fn.expressions import re2_problem
from krm_fn.istio.shapes import Problem
from krm_fn.values import Value, mapping, mappings, strings

_TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"}
_RETRY_ON = {
    *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream"),
    *("retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure"),
    *("cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"),
}
_BESIDE_REPLY = ("fault", "rewrite")
_MATCHED = ("uri", "scheme", "method", "authority")
_LONGEST = 1024
_MAX_PORT = 65535


def problems(route: Value) -> Iterator[Problem]:
    """Yield each place of a route that Istio refuses, and why."""
    yield from _together(route)
    for place, match in enumerate(mappings(route.get("match"))):
        yield from _match(match, f"match[{place}]")
    for name, read in _READERS.items():
        if name in route:
            yield from read(mapping(route, name))
    for side in ("request", "response"):
        yield from _headers(mapping(mapping(route, "headers"), side), f"headers.{side}")
    yield from _percentages(route)


def _together(route: Value) -> Iterator[Problem]:
    """Yield fields that cannot stand beside others."""
    for reply in ("redirect", "directResponse"):
        for other in _BESIDE_REPLY if reply in route else ():
            if other in route:
                yield other, f"cannot stand beside {reply}: Istio refuses both together"
    if route.get("mirror") and route.get("mirrors"):
        yield "mirror", "cannot stand beside mirrors: Istio refuses both together"


def _direct_response(reply: Value) -> Iterator[Problem]:
    status = reply.get("status", 200)
    if not _is_status(status):
        yield "directResponse.status", f"must be a status from 200 to 599, found {status}"


def _cors(policy: Value) -> Iterator[Problem]:
    for name in strings(policy.get("allowMethods")):
        if name not in _METHODS:
            yield "corsPolicy.allowMethods", f"{name!r} is no method of HTTP"


def _match(match: Value, path: str) -> Iterator[Problem]:
    named = [(f"{path}.{key}", match[key]) for key in _MATCHED if isinstance(match.get(key), dict)]
    for field in ("headers", "withoutHeaders", "queryParams"):
        for name, text in mapping(match, field).items():
            if field != "queryParams" and not _TOKEN.fullmatch(str(name).removeprefix(":").removeprefix("@")):
                yield f"{path}.{field}.{name}", "is no name of a header"
            named += [(f"{path}.{field}.{name}", text)] if isinstance(text, dict) else []
    for place, text in named:
        if text.get("prefix") == "" and not place.endswith(".uri"):
            yield place, "has an empty prefix, which Istio refuses: leave it out"
        if "regex" in text and not (place.count("withoutHeaders") and text["regex"] == "*"):
            yield from _expression(str(text["regex"]), f"{place}.regex")
    if not 0 <= match.get("port", 0) <= _MAX_PORT:
        yield f"{path}.port", f"must be a port from 1 to {_MAX_PORT}"


def _expression(text: str, path: str) -> Iterator[Problem]:
    if not text or len(text) > _LONGEST:
        yield path, f"must have 1 to {_LONGEST} characters"
        return
    if problem := re2_problem(text):
        yield path, f"is no RE2 expression: {problem}"


def _redirect(redirect: Value) -> Iterator[Problem]:
    if redirect.get("uri") and redirect.get("prefixRewrite"):
        yield "redirect", "may have only one of uri and prefixRewrite"
    if not any(redirect.get(key) for key in ("uri", "prefixRewrite", "authority", "port", "derivePort", "scheme")):
        yield "redirect", "must say where to: uri, authority, scheme or port"
    code = redirect.get("redirectCode") or 301
    if not 300 <= code <= 399:  # noqa: PLR2004 - the class of redirections
        yield "redirect.redirectCode", f"must be a status from 300 to 399, found {code}"
    if redirect.get("scheme") not in (None, "", "http", "https"):
        yield "redirect.scheme", "must be http or https"


def _rewrite(rewrite: Value) -> Iterator[Problem]:
    if rewrite.get("uri") and rewrite.get("uriRegexRewrite"):
        yield "rewrite", "may have only one of uri and uriRegexRewrite"
    if not any(rewrite.get(key) for key in ("uri", "uriRegexRewrite", "authority")):
        yield "rewrite", "must have one of uri, uriRegexRewrite and authority"
    if regex := mapping(rewrite, "uriRegexRewrite"):
        yield from _expression(str(regex.get("match", "")), "rewrite.uriRegexRewrite.match")
        if not regex.get("rewrite"):
            yield "rewrite.uriRegexRewrite.rewrite", "must not be empty"


def _fault(fault: Value) -> Iterator[Problem]:
    if not fault.get("abort") and not fault.get("delay"):
        yield "fault", "must have an abort or a delay"
    abort, delay = mapping(fault, "abort"), mapping(fault, "delay")
    if "http2Error" in abort:
        yield "fault.abort.http2Error", "is not supported by Istio"
    if "exponentialDelay" in delay:
        yield "fault.delay.exponentialDelay", "is not supported by Istio"
    if not _is_status(abort.get("httpStatus", 200)):
        yield "fault.abort.httpStatus", f"must be a status from 200 to 599, found {abort['httpStatus']}"


def _retries(retries: Value) -> Iterator[Problem]:
    further = ("perTryTimeout", "retryOn", "retryRemoteLocalities")
    if not retries.get("attempts") and any(retries.get(key) for key in further):
        yield "retries.attempts", "must be given beside perTryTimeout, retryOn and retryRemoteLocalities"
    for name in str(retries.get("retryOn") or "").split(","):
        if name and name not in _RETRY_ON and not (name.isdecimal() and _is_status(int(name))):
            yield "retries.retryOn", f"{name!r} is no condition of Envoy's"


def _headers(changes: Value, path: str) -> Iterator[Problem]:
    names = [(f"{path}.{key}.{name}", name) for key in ("set", "add") for name in mapping(changes, key)]
    names += [(f"{path}.remove", name) for name in strings(changes.get("remove"))]
    for place, name in names:
        if not _TOKEN.fullmatch(str(name).removeprefix(":")):
            yield place, f"{name!r} is no name of a header"


def _percentages(value: object, path: str = "") -> Iterator[Problem]:
    """Yield percentages of faults and mirrors that are none."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from _percentages(one, f"{path}[{place}]")
    for key, part in value.items() if isinstance(value, Mapping) else ():
        field = f"{path}.{key}".lstrip(".")
        number: Any = part.get("value", 0) if key in ("percentage", "mirrorPercentage") else 0
        number = part if key in ("percent", "mirrorPercent") else number
        if not 0 <= number <= 100:  # noqa: PLR2004 - per cent
            yield field, f"must be from 0 to 100, found {number}"
        yield from _percentages(part, field)


def _is_status(code: object) -> bool:
    return isinstance(code, int) and 200 <= code <= 599  # noqa: PLR2004 - what Envoy takes for a reply


_READERS = {
    "redirect": _redirect,
    "directResponse": _direct_response,
    "rewrite": _rewrite,
    "fault": _fault,
    "retries": _retries,
    "corsPolicy": _cors,
}
