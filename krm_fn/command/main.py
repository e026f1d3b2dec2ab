"""Arguments, stdin, stdout, exit code."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Sequence

from krm_fn.command.stdio import DEBUG, FAILED, defect, filter_stdin, say
from krm_fn.results import FUNCTION, FunctionError, in_order

_INTERRUPTED = 130


def process() -> int:
    """Be the process: run its command, and end it there and then.

    The system takes the memory back at once, which Python takes apart piece by piece, and nothing of ours waits for the
    interpreter's end. Returns the exit code where something cannot be flushed: the interpreter tells that in its way.
    """
    code = main()
    with contextlib.suppress(OSError, ValueError):
        for stream in (sys.stdout, sys.stderr):
            if stream:
                stream.flush()
        os._exit(code)
    return code


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
        return _end(defect(error), FAILED)
    return code


def _main(arguments: Sequence[str]) -> int:
    if not arguments and sys.stdin and not sys.stdin.isatty():
        return filter_stdin(None, {})
    from krm_fn.command import line  # noqa: PLC0415 - the function as the hosts start it needs no arguments

    try:
        return line.run(arguments)
    except SystemExit as end:  # argparse has shown help, the version or what is wrong with the arguments
        return int(end.code or 0)


def _end(message: str, code: int) -> int:
    """Say why it ends, and keep the interpreter from stumbling over stdout once more."""
    with contextlib.suppress(OSError):
        if sys.stderr:
            sys.stderr.write(f"{FUNCTION}: {message}\n")
            sys.stderr.flush()
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return code
