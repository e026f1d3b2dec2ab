"""explain: who answers, and why."""

from __future__ import annotations

import argparse

from krm_fn.command import show, stdio
from krm_fn.command.settings import Settings
from krm_fn.views import explain, paint
from krm_fn.views.request import Request


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print who answers, and why; with `--proxy` also what proxies do."""
    if options.proxy:
        from krm_fn.command import hops  # noqa: PLC0415 - the plan alone needs no evaluator

        return hops.show_hops(options, settings)
    shown = show.load(options.paths, settings)
    asked = options.env is not None or options.caller is not None
    request = Request(options.env, options.caller) if asked else None
    show.check_service(options.service, shown.plan)
    code = shown.say_errors()
    if options.format == "json":
        show.write_json(explain.as_json(shown.plan, shown.results, options.service, request))
    else:
        stdio.write_text(paint.text(explain.explain(shown.plan, options.service, request, shown.results)))
    return code
