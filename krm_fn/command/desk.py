"""The commands that say what the function does, without its views: generate, check, schema."""

from __future__ import annotations

import argparse

from krm_fn import function
from krm_fn.command import files, stdio
from krm_fn.command.settings import Settings
from krm_fn.config.schema import definition
from krm_fn.results import Severity
from krm_fn.text import document
from krm_fn.views import report


def schema(_: argparse.Namespace, __: Settings) -> int:
    """Print the KRMFunctionDefinition."""
    stdio.write(document.dump(definition()).encode())
    return 0


def generate(options: argparse.Namespace, settings: Settings) -> int:
    """Print what the function generates or changes; what this config made before is printed again with the rest."""
    loaded = files.load(options.paths)
    config = settings.config or loaded.function_config
    computed = function.compute(loaded.objects, config, settings.overrides, anew=True)
    changes = computed.safe_changes
    items = {one.position: one.item for one in loaded.objects}
    rewritten = ((items[position], text) for position, text in sorted(changes.rewritten.items()))
    documents = [
        *(_document(item.column, text) for item, text in rewritten if item),
        *(document.dump(one) for one in changes.added),
    ]
    if not computed.failed:
        stdio.write("---\n".join(documents).encode())
    stdio.say(computed.results, Severity.WARNING)
    return stdio.FAILED if computed.failed else 0


def _document(column: int, text: str) -> str:
    """Return the new text of an item that stands at a column of a list as a document of its own."""
    margin = " " * column
    return text.replace(f"\n{margin}", "\n").rstrip("\n") + "\n"


def check(options: argparse.Namespace, settings: Settings) -> int:
    """Print the findings."""
    loaded = files.load(options.paths)
    computed = function.compute(loaded.objects, settings.config or loaded.function_config, settings.overrides)
    results = computed.results
    found = report.environments(computed.plan)
    if options.format == "json":
        import json  # noqa: PLC0415 - wanted here only

        said = {"results": [result.as_item() for result in results], "environments": report.as_json(found)}
        text = json.dumps(said, indent=2) + "\n"
    else:
        counts = {severity: sum(result.severity is severity for result in results) for severity in Severity}
        total = ", ".join(f"{count} {severity}{'s' * (count != 1)}" for severity, count in counts.items())
        services = len(computed.plan.services)
        total = f"{services} Service{'s' * (services != 1)}, {total}"
        text = "".join(f"{result.line()}\n" for result in results) + report.as_text(found) + f"{total}\n"
    stdio.write(text.encode())
    return stdio.FAILED if computed.failed else 0
