"""diff: whose answers change between two lists."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from krm_fn.command import revisions, show, stdio
from krm_fn.command.reading import problem
from krm_fn.command.settings import Settings
from krm_fn.results import FunctionError, Result, Severity
from krm_fn.views import diff, paint
from krm_fn.views.broken import broken
from krm_fn.views.change import Comparison
from krm_fn.views.compare import compare


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print whose answers change between two lists."""
    before, after = _pair(options, settings)
    found = compare(before.plan, after.plan, broken(before.results, after.results))
    stdio.say(before.results, Severity.ERROR)
    code = after.say_errors()
    if options.format == "html":
        names = show.titles(options.paths or ["."])
        title = f"What changes from {options.git} in {', '.join(names)}" if options.git else ""
        title = title or f"What changes from {names[0]} to {names[1]}"
        from krm_fn.command.show_page import side  # noqa: PLC0415 - only a page needs its script and style
        from krm_fn.views import page  # noqa: PLC0415 - as above

        text = page.page(title, side(after), side(before), found)
    elif options.format == "json":
        text = show.as_text(diff.as_json(found, before.results, after.results))
    elif options.format == "md":
        text = diff.as_markdown(found)
    else:
        text = (paint.text if options.output == "-" else paint.plain)(diff.diff(found))
    show.write(text, options.output)
    stopped = _stops(found, options.fail_on)
    if stopped:
        stdio.note(f"--fail-on {options.fail_on}: {stopped}")
    return stdio.FAILED if stopped else code


def _pair(options: argparse.Namespace, settings: Settings) -> tuple[show.Shown, show.Shown]:
    """Return what to compare; a mistake in the older list is told as one.

    Raises:
        FunctionError: also for a path that neither of two commits has.
    """
    if options.git is None:
        return _old(lambda: show.load(options.paths[:1], settings), options.paths[0]), show.load(
            options.paths[1:], settings
        )
    paths = options.paths or ["."]
    old, new = revisions.split(options.git)
    with revisions.checked_out(old, paths) as before, revisions.checked_out(new, paths) as after:
        there = {one.shown for one in (*before, *after)}
        message = f"is neither in {old} nor in {new or 'the work tree'}"
        missing = [problem(path, message) for path in paths if path not in there]
        if missing:
            raise FunctionError(*missing)
        shown = (
            _old(lambda: show.load(before, settings, may_be_empty=True), old),
            show.load(after, settings, may_be_empty=True),
        )
    if not any(one.objects for one in shown):
        message = f"holds no Kubernetes objects, neither in {old} nor in {new or 'the work tree'}"
        raise FunctionError(*(problem(path, message) for path in paths))
    return shown


def _old(load: Callable[[], show.Shown], name: str) -> show.Shown:
    try:
        shown = load()
    except FunctionError as error:
        raise FunctionError(*(_before(result, name) for result in error.results)) from error
    return shown._replace(results=tuple(_before(result, name) for result in shown.results))


def _before(result: Result, name: str) -> Result:
    return result._replace(message=f"(in {name}) {result.message}")


# Settings that decide who answers a request which names no environment.
_OF_BASE = ("base", "injection")


def _stops(found: Comparison, gate: str | None) -> str:
    """Say why the gate stops, empty if it does not."""
    if gate and not found.cells:
        return "there was nothing to compare"
    stopping = [change for change in found.changes if change.stops(gate)]
    differing = [one.name for one in found.settings if gate == "any" or (gate == "base" and one.name in _OF_BASE)]
    reasons = [f"{len(stopping)} change{'s' * (len(stopping) != 1)}"] if stopping else []
    return ", ".join([*reasons, *(f"other {name}" if name == "aliases" else f"another {name}" for name in differing)])
