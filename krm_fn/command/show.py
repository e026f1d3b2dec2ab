"""The commands that show the plan: explain, matrix, diff, page."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from krm_fn.command import revisions, running, stdio
from krm_fn.command.reading import Place, problem
from krm_fn.command.settings import Settings
from krm_fn.names import nearest
from krm_fn.plan.answers import Plan
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result, Severity
from krm_fn.views import diff, explain, facts, matrix, page, paint
from krm_fn.views.change import Comparison, compare
from krm_fn.views.table import tables


class Shown(NamedTuple):
    """A plan to show, and all there is to say about its list, most severe first."""

    plan: Plan
    results: tuple[Result, ...]
    objects: int = 0  # how many the list has

    @property
    def failed(self) -> bool:
        return any(result.severity is Severity.ERROR for result in self.results)

    def say_errors(self) -> int:
        """Write the errors to stderr, before what is known in spite of them; return the exit code."""
        stdio.say(self.results, Severity.ERROR)
        return stdio.FAILED if self.failed else 0


def show_explain(options: argparse.Namespace, settings: Settings) -> int:
    """Print who answers, and why."""
    shown = _load(options.paths, settings)
    asked = options.env is not None or options.caller is not None
    request = explain.Request(options.env, options.caller) if asked else None
    if options.service and not any(explain.is_named(one, options.service) for one in _services(shown.plan)):
        raise FunctionError(_not_found("--service", options.service, facts.names_of(shown.plan), "no Service is named"))
    code = shown.say_errors()
    if options.format == "json":
        _write_json(explain.as_json(shown.plan, shown.results, options.service, request))
    else:
        stdio.write(paint.text(explain.explain(shown.plan, options.service, request, shown.results)).encode())
    return code


def show_matrix(options: argparse.Namespace, settings: Settings) -> int:
    """Print Services by environments."""
    shown = _load(options.paths, settings)
    found = tables(shown.plan, options.service, options.env)
    if not found and shown.plan.services:
        _no_match(shown.plan, options)
    code = shown.say_errors()
    if options.format == "json":
        _write_json(matrix.as_json(found, shown.plan, shown.results))
    elif options.format == "md":
        stdio.write(matrix.as_markdown(found, everything=options.all).encode())
    else:
        stdio.write(paint.text(matrix.matrix(found, everything=options.all)).encode())
    return code


def show_diff(options: argparse.Namespace, settings: Settings) -> int:
    """Print whose answers change between two lists."""
    before, after = _pair(options, settings)
    found = compare(before.plan, after.plan)
    stdio.say(before.results, Severity.ERROR)
    code = after.say_errors()
    if options.format == "html":
        title = f"What changes from {options.git} in {' '.join(options.paths) or '.'}" if options.git else ""
        title = title or f"What changes from {options.paths[0]} to {options.paths[1]}"
        text = page.page(title, _side(after), _side(before), found)
    elif options.format == "json":
        text = _json(diff.as_json(found, before.results, after.results))
    elif options.format == "md":
        text = diff.as_markdown(found)
    else:
        text = (paint.text if options.output == "-" else paint.plain)(diff.diff(found))
    _write(text, options.output)
    stopped = _stops(found, options.fail_on)
    if stopped:
        sys.stderr.write(f"{FUNCTION}: --fail-on {options.fail_on}: {stopped}\n")
    return stdio.FAILED if stopped else code


def show_page(options: argparse.Namespace, settings: Settings) -> int:
    """Write the page."""
    shown = _load(options.paths, settings)
    code = shown.say_errors()
    _write(page.page(f"Virtual environments of {' '.join(options.paths)}", _side(shown)), options.output)
    return code


def _load(paths: Sequence[str | Place], settings: Settings, *, may_be_empty: bool = False) -> Shown:
    ran = running.run(paths, settings, may_be_empty=may_be_empty)
    stdio.say(one for one in ran.loaded.results if one.severity is Severity.WARNING)
    return Shown(ran.computed.plan, ran.results, len(ran.loaded.objects))


def _services(plan: Plan) -> list[Any]:
    return [*(one.service for one in plan.services), *(one.service for one in plan.apart)]


def _side(shown: Shown) -> page.Side:
    return page.Side(shown.plan, shown.results)


def _pair(options: argparse.Namespace, settings: Settings) -> tuple[Shown, Shown]:
    """Return what to compare; a mistake in the older list is told as one.

    Raises:
        FunctionError: also for a path that neither of two commits has.
    """
    if options.git is None:
        return _old(lambda: _load(options.paths[:1], settings), options.paths[0]), _load(options.paths[1:], settings)
    paths = options.paths or ["."]
    old, new = revisions.split(options.git)
    with revisions.checked_out(old, paths) as before, revisions.checked_out(new, paths) as after:
        there = {one.shown for one in (*before, *after)}
        message = f"is neither in {old} nor in {new or 'the work tree'}"
        missing = [problem(path, message) for path in paths if path not in there]
        if missing:
            raise FunctionError(*missing)
        shown = (
            _old(lambda: _load(before, settings, may_be_empty=True), old),
            _load(after, settings, may_be_empty=True),
        )
    if not any(one.objects for one in shown):
        message = f"holds no Kubernetes objects, neither in {old} nor in {new or 'the work tree'}"
        raise FunctionError(*(problem(path, message) for path in paths))
    return shown


def _old(load: Callable[[], Shown], name: str) -> Shown:
    try:
        shown = load()
    except FunctionError as error:
        raise FunctionError(*(_before(result, name) for result in error.results)) from error
    return shown._replace(results=tuple(_before(result, name) for result in shown.results))


def _before(result: Result, name: str) -> Result:
    return result._replace(message=f"(in {name}) {result.message}")


def _stops(found: Comparison, gate: str | None) -> str:
    """Say why the gate stops, empty if it does not."""
    if gate and not found.cells:
        return "there was nothing to compare"
    stopping = [change for change in found.changes if change.stops(gate)]
    differing = [one.name for one in found.settings if gate == "any" or (gate == "base" and one.name == "base")]
    reasons = [f"{len(stopping)} change{'s' * (len(stopping) != 1)}"] if stopping else []
    return ", ".join([*reasons, *(f"another {name}" for name in differing)])


def _no_match(plan: Plan, options: argparse.Namespace) -> None:
    for option, wanted, names in (
        ("--service", options.service, facts.names_of(plan)),
        ("--env", options.env, facts.carried(plan)),
    ):
        if wanted:
            raise FunctionError(_not_found(option, " ".join(wanted), names, "nothing matches"))


def _not_found(option: str, wanted: str, names: Sequence[str], what: str) -> Result:
    close = nearest(names, wanted)
    message = f"{what} {wanted!r}" + (f"; did you mean {close!r}?" if close else "")
    return Result(Code.NOT_FOUND, message, Ref(kind=option))


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _write_json(value: object) -> None:
    stdio.write(_json(value).encode())


def _write(text: str, output: str) -> None:
    """Write to a file or, for `-`, to stdout. A file is there whole, or as it was before.

    Raises:
        OSError: if it cannot be written; its text names the file.
    """
    if output == "-":
        stdio.write(text.encode())
        return
    target = Path(output).resolve()  # through a link, which stays one
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")  # a device or a pipe
            return
        with part.open("x", encoding="utf-8") as file:
            file.write(text)
        part.replace(target)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OSError(error.errno, f"{output}: {error.strerror}") from error
