"""Envoy's matchers of strings, headers, query parameters and paths.

Fields: envoy/type/matcher/v3/string.proto and envoy/config/route/v3/route_components.proto of
https://github.com/envoyproxy/envoy. What is not read here is CannotTell, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from krm_fn.verify.asked import CannotTell

Config = Mapping[str, Any]
Test = Callable[[str], bool]
Headers = Mapping[str, list[str]]

# What Envoy itself adds, removes or changes before it looks for a route.
_ENVOYS_OWN = {
    *("host", "connection", "upgrade", "transfer-encoding", "content-length", "te", "via", "forwarded", "expect"),
    *("x-request-id", "x-client-trace-id", "x-real-ip", "proxy-connection", "keep-alive"),
}
_ENVOYS_OWN_PREFIXES = ("x-envoy-", "x-forwarded-")
_HOW = ("exact", "prefix", "suffix", "contains", "safe_regex")
_OLDER = {f"{how}_match": how for how in _HOW}  # of header matchers, before string_match
_HEADER_FIELDS = {"name", "invert_match", "treat_missing_header_as_empty", "present_match", "string_match", *_OLDER}


def string(config: Config) -> Test:
    """Return the test that a StringMatcher makes.

    Raises:
        CannotTell: for a matcher that is an extension.
    """
    for how in _HOW:
        if how in config:
            return _test(how, config[how], ignore_case=bool(config.get("ignore_case")))
    raise CannotTell(f"a text is matched by {_unknown(config)}")


def _test(how: str, wanted: Any, *, ignore_case: bool = False) -> Test:  # noqa: ANN401 - a text, or a regex's config
    if how == "safe_regex":
        return regex(wanted.get("regex", ""))
    if ignore_case:
        inner = _test(how, _lower(wanted))
        return lambda value: inner(_lower(value))
    tests: Mapping[str, Test] = {
        "exact": lambda value: value == wanted,
        "prefix": lambda value: value.startswith(wanted),
        "suffix": lambda value: value.endswith(wanted),
        "contains": lambda value: wanted in value,
    }
    return tests[how]


@lru_cache(maxsize=4096)  # the routes of many ports have the same ones
def regex(pattern: str) -> Test:
    """Return whether an RE2 expression matches the whole of a text."""
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raise CannotTell(f"an expression that this RE2 does not read ({pattern!r})") from error
    return lambda value: compiled.fullmatch(value) is not None


def _lower(text: str) -> str:
    """Lower the ASCII letters, as Envoy does; no others."""
    return "".join(chr(ord(one) + 32) if "A" <= one <= "Z" else one for one in text)


def header(config: Config) -> Callable[[Headers], bool]:
    """Return whether a request's headers pass a HeaderMatcher.

    The test raises CannotTell where Envoys differ: a header that is said twice was one joined text before 1.39, and
    each of its values counts since.
    """
    name = config["name"].lower()
    invert = bool(config.get("invert_match"))
    as_empty = bool(config.get("treat_missing_header_as_empty"))
    if extra := config.keys() - _HEADER_FIELDS:
        raise CannotTell(f"the header {name} is matched by {', '.join(sorted(extra))}")
    if name in _ENVOYS_OWN or name.startswith(_ENVOYS_OWN_PREFIXES):
        raise CannotTell(f"the header {name}, which the proxy itself may write")
    test = _header_test(config)
    if test is None:
        wanted = config.get("present_match", True)
        return lambda headers: ((name in headers or as_empty) == wanted) != invert

    def passes(headers: Headers) -> bool:
        values = headers.get(name) or ([""] if as_empty else None)
        if values is None:
            return False
        if len(values) == 1:
            return test(values[0]) != invert
        each = any(map(test, values))
        if each != test(",".join(values)):
            raise CannotTell(f"the header {name} is there twice, and Envoys before 1.39 read that as one text")
        return each != invert

    return passes


def _header_test(config: Config) -> Test | None:
    """Return the test of a value; None where only the header's presence counts."""
    if "string_match" in config:
        return string(config["string_match"])
    for key, how in _OLDER.items():
        if key in config:
            return _test(how, config[key])
    return None


def query(config: Config) -> Callable[[Mapping[str, str]], bool]:
    """Return whether the parameters of a query pass a QueryParameterMatcher."""
    name = config["name"]
    if extra := config.keys() - {"name", "string_match", "present_match"}:
        raise CannotTell(f"the query parameter {name} is matched by {', '.join(sorted(extra))}")
    if "string_match" in config:
        test = string(config["string_match"])
        return lambda parameters: name in parameters and test(parameters[name])
    wanted = config.get("present_match", True)
    return lambda parameters: (name in parameters) == wanted


def parameters(path: str) -> dict[str, str]:
    """Return the first value of each parameter of a path, as it is written."""
    found: dict[str, str] = {}
    for pair in path.partition("?")[2].split("&"):
        name, _, value = pair.partition("=")
        found.setdefault(name, value)
    return found


_PATHS = ("prefix", "path", "safe_regex", "path_separated_prefix")


def path(config: Config) -> Test:
    """Return whether a path without its query passes a RouteMatch."""
    fold: Callable[[str], str] = str if config.get("case_sensitive", True) else _lower
    if "prefix" in config:
        start = fold(config["prefix"])
        return (lambda value: fold(value).startswith(start)) if start != "/" else (lambda value: value[:1] == "/")
    if "path" in config:
        whole = fold(config["path"])
        return lambda value: fold(value) == whole
    if "safe_regex" in config:
        return regex(config["safe_regex"].get("regex", ""))
    if "path_separated_prefix" in config:
        part = fold(config["path_separated_prefix"])
        return lambda value: fold(value) == part or fold(value).startswith(f"{part}/")
    raise CannotTell(f"a path is matched by {_unknown(config)}")


def _unknown(config: Config) -> str:
    return ", ".join(sorted(config.keys() - {"ignore_case", "case_sensitive"})) or "nothing that is known here"


def all_of(tests: Iterable[Callable[[], bool]]) -> bool:
    """Return whether all hold; one that cannot be told matters only where no other says no.

    Raises:
        CannotTell: the first one met, where it decides.
    """
    untold: CannotTell | None = None
    for test in tests:
        try:
            if not test():
                return False
        except CannotTell as reason:
            untold = untold or reason
    if untold:
        raise untold
    return True
