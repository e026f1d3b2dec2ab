"""The commands that say what the function does, without its views: generate and schema."""

from __future__ import annotations

import argparse
import json

from krm_fn import live
from krm_fn.command import arguments, running, stdio
from krm_fn.command.settings import Settings
from krm_fn.objects import is_list
from krm_fn.results import Severity
from krm_fn.text import document
from krm_fn.views import facts


def schema(options: argparse.Namespace, _: Settings) -> int:
    """Print the schema of the configuration, for hosts or for editors."""
    from krm_fn.config.schema import definition, json_schema  # noqa: PLC0415 - needs the library of configurations

    if options.format == "json-schema":
        text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    else:
        text = document.dump(definition())
    stdio.write_text(text)
    return 0


def generate(options: argparse.Namespace, settings: Settings) -> int:
    """Print what the function generates or changes; what this config made before is printed again with the rest."""
    ran = running.run(options.paths, settings, anew=True)
    changes = ran.computed.safe_changes
    items = {one.position: one.item for one in ran.loaded.objects}
    rewritten = ((items[position], text) for position, text in sorted(changes.rewritten.items()))
    documents = [
        *(_document(item.column, text) for item, text in rewritten if item and not is_list(item.value)),
        *(document.dump(live.without(value)) for _, value in sorted(changes.members.items())),
        *(document.dump(one) for one in changes.added),
    ]
    # By a first `{` kubectl takes the whole stream for JSON.
    start = "---\n" if documents and documents[0].startswith("{") else ""
    if not ran.failed:
        stdio.write_text(start + "---\n".join(documents))
    least = arguments.least(options)
    stdio.say(ran.results, least)
    if not (documents or ran.failed or least is Severity.ERROR):
        why = facts.nothing(ran.computed.plan) or "no Service needs a route"
        stdio.note(f"nothing is generated or changed: {why}")
    return stdio.FAILED if ran.failed else 0


def _document(column: int, text: str) -> str:
    """Return the new text of an item that stands at a column of a list as a document of its own."""
    margin = " " * column
    return text.replace(f"\n{margin}", "\n").rstrip("\n") + "\n"
