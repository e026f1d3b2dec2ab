"""page: one file to look at."""

from __future__ import annotations

import argparse

from krm_fn.command import show
from krm_fn.command.settings import Settings
from krm_fn.views import page


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write the page."""
    shown = show.load(options.paths, settings)
    code = shown.say_errors()
    show.write(
        page.page(f"Virtual environments of {', '.join(show.titles(options.paths))}", side(shown)), options.output
    )
    return code


def side(shown: show.Shown) -> page.Side:
    """Return what a page shows of a list."""
    return page.Side(shown.plan, shown.results, shown.label)
