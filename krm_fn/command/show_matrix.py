"""matrix: Services by environments."""

from __future__ import annotations

import argparse

from krm_fn.command import show, stdio
from krm_fn.command.settings import Settings
from krm_fn.plan.answers import Plan
from krm_fn.results import FunctionError
from krm_fn.views import facts, matrix, paint
from krm_fn.views.table import tables


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print Services by environments."""
    shown = show.load(options.paths, settings)
    found = tables(shown.plan, options.service, options.env)
    if not found and shown.plan.services:
        _no_match(shown.plan, options)
    code = shown.say_errors()
    if options.format == "json":
        show.write_json(matrix.as_json(found, shown.plan, shown.results))
    elif options.format == "md":
        stdio.write_text(matrix.as_markdown(found, everything=options.all))
    else:
        lines = matrix.matrix(found, everything=options.all)
        nothing = facts.nothing(shown.plan)
        said = [paint.line(f"No Service takes part: {nothing}", paint.Style.LOUD)] if nothing else lines
        stdio.write_text(paint.text(said))
    return code


def _no_match(plan: Plan, options: argparse.Namespace) -> None:
    for option, wanted, names in (
        ("--service", options.service, facts.names_of(plan)),
        ("--env", options.env, facts.carried(plan)),
    ):
        if wanted:
            raise FunctionError(show.not_found(option, " ".join(wanted), names, "nothing matches"))
