"""The command at a desk: what each subcommand does; krm_fn/command/show.py has those that show the plan."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from krm_fn import function
from krm_fn.command import arguments, files, stdio
from krm_fn.command.files import Loaded
from krm_fn.config.schema import definition
from krm_fn.function import Computation
from krm_fn.results import Severity
from krm_fn.text import document
from krm_fn.views import report

_USAGE = 2


def run(words: Sequence[str]) -> int:
    """Carry out a command line and return the exit code."""
    top = arguments.parser()
    options = arguments.parse(top, words)
    overrides = _overrides(top, getattr(options, "set", []))
    config = getattr(options, "config", None)
    given = files.read_config(config) if config else None
    if options.command == "schema":
        stdio.write(document.dump(definition()).encode())
        return 0
    if options.command is None:
        if sys.stdin and sys.stdin.isatty():
            sys.stderr.write(top.format_help())
            return _USAGE
        return stdio.filter_stdin(given, overrides, _least(options))
    if options.command in arguments.VIEWS:
        from krm_fn.command import show  # noqa: PLC0415 - generate and check need none of the views

        return show.COMMANDS[options.command](options, show.Settings(given, overrides))
    loaded = files.load(options.paths)
    # What this config made before is printed again with the rest.
    computed = function.compute(
        loaded.objects, given or loaded.function_config, overrides, anew=options.command == "generate"
    )
    return {"generate": _generate, "check": _check}[options.command](options, loaded, computed)


def _overrides(top: argparse.ArgumentParser, pairs: Sequence[str]) -> dict[str, str]:
    overrides = {}
    for pair in pairs:
        path, equals, value = pair.partition("=")
        if not equals or not path:
            top.error(f"--set takes PATH=VALUE, found {pair!r}")
        overrides[path] = value
    return overrides


def _least(options: argparse.Namespace) -> Severity:
    """Return the least severity that stderr is told of."""
    return Severity.ERROR if getattr(options, "quiet", False) else Severity.WARNING


def _generate(options: argparse.Namespace, loaded: Loaded, computed: Computation) -> int:
    changes = computed.safe_changes
    items = {one.position: one.item for one in loaded.objects}
    rewritten = ((items[position], text) for position, text in sorted(changes.rewritten.items()))
    documents = [
        *(_document(item.column, text) for item, text in rewritten if item),
        *(document.dump(one) for one in changes.added),
    ]
    if not computed.failed:
        stdio.write("---\n".join(documents).encode())
    stdio.say(computed.results, _least(options))
    return stdio.FAILED if computed.failed else 0


def _document(column: int, text: str) -> str:
    """Return the new text of an item that stands at a column of a list as a document of its own."""
    margin = " " * column
    return text.replace(f"\n{margin}", "\n").rstrip("\n") + "\n"


def _check(options: argparse.Namespace, _: Loaded, computed: Computation) -> int:
    results = computed.results
    found = report.environments(computed.plan)
    if options.format == "json":
        import json  # noqa: PLC0415 - wanted here only

        said = {"results": [result.as_item() for result in results], "environments": report.as_json(found)}
        text = json.dumps(said, indent=2) + "\n"
    elif getattr(options, "quiet", False):
        text = "".join(f"{result.line()}\n" for result in results if result.severity is Severity.ERROR)
    else:
        counts = {severity: sum(result.severity is severity for result in results) for severity in Severity}
        total = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items())
        services = len(computed.plan.services)
        total = f"{services} Service{'s' * (services != 1)}, {total}"
        text = "".join(f"{result.line()}\n" for result in results) + report.as_text(found) + f"{total}\n"
    stdio.write(text.encode())
    return stdio.FAILED if computed.failed else 0
