"""The command `explain`: by the plan alone, or with `--proxy` also by what proxies do."""

from __future__ import annotations

import argparse

from krm_fn.command import show
from krm_fn.command.settings import Settings


def show_explain(options: argparse.Namespace, settings: Settings) -> int:
    """Print who answers, and why."""
    if not options.proxy:
        return show.show_explain(options, settings)
    from krm_fn.command import hops  # noqa: PLC0415 - the plan alone needs no evaluator

    return hops.show_hops(options, settings)
