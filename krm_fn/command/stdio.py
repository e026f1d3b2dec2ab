"""The function between stdin and stdout: what every form of the command reads, writes and says."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from krm_fn import function
from krm_fn.function import Outcome
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result, Severity

FAILED = 1
DEBUG = "VIRTUAL_ENV_FN_DEBUG"


def filter_stdin(
    function_config: Mapping[str, Any] | None,
    overrides: Mapping[str, str],
    *,
    allow_empty: bool = False,
    least: Severity = Severity.WARNING,
) -> int:
    """Be the function: a ResourceList or a stream of documents on stdin, the same on stdout.

    `allow_empty`: an input without any object is no error, and the output is that input. Findings go to stderr down to
    the severity `least`; a ResourceList's `results` have them all.
    """
    raw = _stdin()
    try:
        outcome = function.run(raw, function_config, overrides)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        outcome = Outcome(raw, (Result(Code.INTERNAL, defect(error)),))
    if allow_empty and [result.code for result in outcome.results] == [Code.INPUT_EMPTY]:
        outcome = Outcome(raw, ())
    write(outcome.output)
    say(outcome.results, least)
    return FAILED if outcome.failed else 0


def _stdin() -> bytes:
    try:
        return sys.stdin.buffer.read() if sys.stdin else b""
    except OSError as error:
        raise FunctionError(Result(Code.PATH_UNREADABLE, f"cannot be read: {error}", Ref(file="stdin"))) from error


def write(output: bytes) -> None:
    """Write to stdout, all of it or an OSError."""
    if sys.stdout is None:
        raise OSError(errno.EBADF, "stdout is closed")
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()


def write_text(text: str) -> None:
    """Write text to stdout; what is no text of UTF-8, such as the bytes of a file's name, is spelled out."""
    write(text.encode(errors="backslashreplace"))


def say(results: Iterable[Result], least: Severity = Severity.INFO) -> None:
    """Write findings to stderr, a line each, down to a severity."""
    _tell("".join(result.line() + "\n" for result in results if result.severity.rank <= least.rank))


def note(text: str) -> None:
    """Write what is no finding to stderr."""
    _tell(f"{FUNCTION}: {text}\n")


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody reads it: the exit code still tells
        if sys.stderr:
            sys.stderr.write(text)
            sys.stderr.flush()


def defect(error: Exception) -> str:
    """Return what to tell a user of an error that nobody foresaw."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"this is a defect of {FUNCTION}, please report it with the input ({what}; {DEBUG}=1 shows where)"
