"""The command `fork`: a workload's manifest for a new environment, in the text of the one that answers it today."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from krm_fn import function, live
from krm_fn.command import files, stdio
from krm_fn.function import Computation
from krm_fn.objects import Object, objects_of
from krm_fn.plan import forks
from krm_fn.plan.forks import Fork, Wanted
from krm_fn.results import Code, FunctionError, Ref, Result, Severity
from krm_fn.text import document
from krm_fn.text.copying import copied
from krm_fn.values import Value
from krm_fn.views import diff, paint
from krm_fn.views.change import compare


def run(options: argparse.Namespace, given: Value | None, overrides: Mapping[str, str]) -> int:
    """Print or write the new manifest, or name what to delete, and show what that changes."""
    words = options.words
    paths = words if options.remove else words[1:]
    loaded = files.load(paths)
    config = given or loaded.function_config
    before = function.compute(loaded.objects, config, overrides)
    if before.failed:
        raise FunctionError(*before.results)
    if options.remove:
        return _remove(loaded.objects, before, options.environment, config, overrides)
    wanted = Wanted(options.environment, words[0], _images(options.image))
    found = forks.fork(loaded.objects, before.plan, wanted)
    text = _text(found)
    new = next(iter(objects_of(document.parse(text.encode()).items, options.output or "")))
    after = function.compute([*loaded.objects, new._replace(position=len(loaded.objects))], config, overrides)
    fresh = [one for one in after.results if one not in before.results]
    stdio.say([*found.results, *fresh], Severity.WARNING)
    if after.failed:
        return stdio.FAILED
    if options.output:
        _write(Path(options.output), text)
    else:
        stdio.write(text.encode())
    _show(before, after, to_stdout=bool(options.output))
    return 0


def _images(pairs: Sequence[str]) -> dict[str, str]:
    """Return images by container, an empty name for the only one: CONTAINER=IMAGE, or IMAGE alone."""
    images = {}
    for pair in pairs:
        name, equals, image = pair.partition("=")
        images[name if equals else ""] = image if equals else name
    return images


def _text(found: Fork) -> str:
    """Return the copy's text.

    Raises:
        FunctionError: where the source's text cannot be changed so, because one part of it stands for several places.
    """
    removals = (*found.removals, *live.filled_in(found.source.value))
    text = copied(found.source.item, found.put, removals) if found.source.item else None
    if text is None:
        message = "says one thing for several places (&x, *x, <<), so that its copy cannot differ in one: write it out"
        raise FunctionError(Result(Code.NOT_EDITABLE, message, found.source.ref))
    return text


def _remove(
    objects: Sequence[Object],
    before: Computation,
    environment: str,
    config: Value | None,
    overrides: Mapping[str, str],
) -> int:
    found = forks.of_environment(objects, before.plan, environment)
    gone = {id(one) for one, _ in found}
    lines = [f"{one.ref}{f' ({one.ref.file})' if one.ref.file else ''}: {why}" for one, why in found]
    stdio.write("".join(f"delete {line}\n" for line in lines).encode())
    after = function.compute([one for one in objects if id(one) not in gone], config, overrides)
    stdio.say([one for one in after.results if one not in before.results], Severity.WARNING)
    _show(before, after, to_stdout=True)
    return stdio.FAILED if after.failed else 0


def _show(before: Computation, after: Computation, *, to_stdout: bool) -> None:
    lines = diff.diff(compare(before.plan, after.plan))
    if to_stdout:
        stdio.write(paint.text(lines).encode())
    elif sys.stderr:
        sys.stderr.write(paint.plain(lines))


def _write(path: Path, text: str) -> None:
    """Write a new file; one that is there already stays as it is.

    Raises:
        FunctionError: if it is there, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        message = "is there already, and nothing of it is overwritten: give another file"
        raise FunctionError(Result(Code.PATH_UNREADABLE, message, Ref(file=str(path)))) from error
    except OSError as error:
        message = f"cannot be written: {error.strerror}"
        raise FunctionError(Result(Code.PATH_UNREADABLE, message, Ref(file=str(path)))) from error
