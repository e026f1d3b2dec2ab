"""docs/a-day.md is what the day of a user prints."""

from __future__ import annotations

import shutil

import pytest
from the_day import PAGE, Day, live, page


def test_the_page_is_what_the_day_prints(tmp_path, request):
    """Each word that the page says the command prints, it prints; after a wanted change, --update writes the page."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    day = Day(tmp_path)
    live(day)
    if request.config.getoption("--update"):
        PAGE.write_text(page(day), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page(day)
