"""Arguments, stdin, stdout, exit code."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from krm_fn import function
from krm_fn.function import Outcome
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result, Severity, in_order

FAILED = 1
_INTERRUPTED = 130
DEBUG = "VIRTUAL_ENV_FN_DEBUG"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 only when the output is safe to apply."""
    arguments = sys.argv[1:] if arguments is None else arguments
    gc.disable()  # one list and the process ends: all that the collector could find is still in use
    try:
        code = _main(arguments)
        if sys.stdout:
            sys.stdout.flush()
    except FunctionError as error:
        say(in_order(error.results))
        return FAILED
    except KeyboardInterrupt:
        return _end("interrupted", _INTERRUPTED)
    except OSError as error:  # a closed pipe, a full disk
        return _end(f"cannot write the output: {error.strerror or error}", FAILED)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        return _end(_internal(error), FAILED)
    return code


def _main(arguments: Sequence[str]) -> int:
    if not arguments and sys.stdin and not sys.stdin.isatty():
        return filter_stdin(None, {})
    from krm_fn import desk  # noqa: PLC0415 - the function as the hosts start it needs no arguments

    try:
        return desk.run(arguments)
    except SystemExit as end:  # argparse has shown help, the version or what is wrong with the arguments
        return int(end.code or 0)


def filter_stdin(function_config: Mapping[str, Any] | None, overrides: Mapping[str, str]) -> int:
    """Be the function: a ResourceList or a stream of documents on stdin, the same on stdout."""
    raw = _stdin()
    try:
        outcome = function.run(raw, function_config, overrides)
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        outcome = Outcome(raw, (Result(Code.INTERNAL, _internal(error)),))
    write(outcome.output)
    say(outcome.results, Severity.WARNING)
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


def say(results: Iterable[Result], least: Severity = Severity.INFO) -> None:
    """Write findings to stderr, a line each, down to a severity."""
    lines = [result.line() + "\n" for result in results if result.severity.rank <= least.rank]
    with contextlib.suppress(OSError):  # nobody reads them: the exit code still tells
        if sys.stderr:
            sys.stderr.write("".join(lines))
            sys.stderr.flush()


def _internal(error: Exception) -> str:
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return f"this is a defect of {FUNCTION}, please report it with the input ({what}; {DEBUG}=1 shows where)"


def _end(message: str, code: int) -> int:
    """Say why it ends, and keep the interpreter from stumbling over stdout once more."""
    with contextlib.suppress(OSError):
        if sys.stderr:
            sys.stderr.write(f"{FUNCTION}: {message}\n")
            sys.stderr.flush()
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code
