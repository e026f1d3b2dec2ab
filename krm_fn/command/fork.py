"""The command `fork`: a workload's manifest for a new environment, in the text of the one that answers it today."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from krm_fn import function, live
from krm_fn.command import copies, running, stdio
from krm_fn.command.running import Ran
from krm_fn.command.settings import Settings
from krm_fn.function import Computation
from krm_fn.objects import Object, objects_of
from krm_fn.plan import forks, owners
from krm_fn.plan.forks import Fork, Wanted
from krm_fn.results import Code, FunctionError, Ref, Result, Severity
from krm_fn.text import document
from krm_fn.text.copying import changed, copied
from krm_fn.views import diff, paint
from krm_fn.views.compare import compare


def fork(options: argparse.Namespace, settings: Settings) -> int:
    """Print or write the new manifest, or name what to delete, and show what that changes."""
    environment, *rest = options.paths
    workload, paths = ("", rest) if options.remove else (rest[0], rest[1:])
    ran = running.run(paths, settings)
    if ran.failed:
        raise FunctionError(*ran.results)
    if options.remove:
        return _remove(ran, settings, environment)
    found = forks.fork(ran.loaded.objects, ran.computed.plan, Wanted(environment, workload, _images(options.image)))
    text = _text(found)
    new = next(iter(objects_of(document.parse(text.encode()).items, options.output or "")))
    objects = [*ran.loaded.objects, new._replace(position=len(ran.loaded.objects))]
    after = _computed(ran, settings, objects)
    stdio.say([*found.results, *copies.findings(paths), *_fresh(ran, after)], Severity.WARNING)
    if after.failed:
        return stdio.FAILED
    if options.output:
        _write(Path(options.output), text)
    else:
        stdio.write_text(text)
    _show(ran.computed, after, to_stdout=bool(options.output))
    if options.output:
        stdio.write_text(copies.unread(options.output, paths))
    return 0


def _computed(ran: Ran, settings: Settings, objects: Sequence[Object]) -> Computation:
    return function.compute(objects, settings.config or ran.loaded.function_config, settings.overrides)


def _fresh(ran: Ran, after: Computation) -> list[Result]:
    """Return what there is to say that was not said before."""
    return [one for one in after.results if one not in ran.computed.results]


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
    source, removals = found.source, (*found.removals, *live.left_over(found.source.whole))
    if source.inside:  # of a List: a document of its own, in the style of what is generated
        return document.dump(changed(source.whole, found.put, removals))
    text = copied(source.item, found.put, removals) if source.item else None
    if text is None:
        message = "says one thing for several places (&x, *x, <<), so that its copy cannot differ in one: write it out"
        raise FunctionError(Result(Code.NOT_EDITABLE, message, found.source.ref))
    return text


def _remove(ran: Ran, settings: Settings, environment: str) -> int:
    found = forks.of_environment(ran.loaded.objects, ran.computed.plan, environment)
    gone = {one.position for one, _ in found} | owners.made(ran.loaded.objects, (one for one, _ in found))
    lines = [f"{one.ref}{f' ({one.ref.file})' if one.ref.file else ''}: {why}" for one, why in found]
    stdio.write_text("".join(f"delete {line}\n" for line in lines))
    after = _computed(ran, settings, [one for one in ran.loaded.objects if one.position not in gone])
    stdio.say(_fresh(ran, after), Severity.WARNING)
    _show(ran.computed, after, to_stdout=True)
    return stdio.FAILED if after.failed else 0


def _show(before: Computation, after: Computation, *, to_stdout: bool) -> None:
    lines = diff.diff(compare(before.plan, after.plan))
    if to_stdout:
        stdio.write_text(paint.text(lines))
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
