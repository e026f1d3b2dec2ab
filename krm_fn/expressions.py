"""Expressions, judged by the library that Envoy uses: RE2."""

from __future__ import annotations


def re2_problem(pattern: str) -> str:
    """Say why Envoy would not take an expression; empty if it would."""
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415 - few lists have an expression

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ""
