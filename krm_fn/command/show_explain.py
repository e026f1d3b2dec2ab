"""explain: who answers, and why."""

from __future__ import annotations

import argparse

from krm_fn.command import show, stdio
from krm_fn.command.settings import Settings
from krm_fn.results import FunctionError
from krm_fn.views import explain, facts, paint


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print who answers, and why."""
    shown = show.load(options.paths, settings)
    asked = options.env is not None or options.caller is not None
    request = explain.Request(options.env, options.caller) if asked else None
    if options.service and not any(explain.is_named(one, options.service) for one in facts.services(shown.plan)):
        raise FunctionError(
            show.not_found("--service", options.service, facts.names_of(shown.plan), "no Service is named")
        )
    code = shown.say_errors()
    if options.format == "json":
        show.write_json(explain.as_json(shown.plan, shown.results, options.service, request))
    else:
        stdio.write(paint.text(explain.explain(shown.plan, options.service, request, shown.results)).encode())
    return code
