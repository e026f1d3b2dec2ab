"""page: one file to look at."""

from __future__ import annotations

import argparse

from krm_fn.command import overlay, show
from krm_fn.command.settings import Settings
from krm_fn.views import page


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Write the page."""
    verified = [one for path in options.verify for one in overlay.read(path)]
    shown = show.load(options.paths, settings)
    code = shown.say_errors()
    title = f"Virtual environments of {', '.join(show.titles(options.paths))}"
    show.write(page.page(title, side(shown), verified=verified), options.output)
    return code


def side(shown: show.Shown) -> page.Side:
    """Return what a page shows of a list."""
    return page.Side(shown.plan, shown.results, shown.label)
