"""The cluster that the tests of this folder share, and what they tell at the end of the run."""

from __future__ import annotations

import pytest

from . import servers

_rows: list[str] = []


@pytest.fixture(scope="session")
def cluster():
    return servers.shared()


@pytest.fixture(scope="session")
def tell():
    """Return what adds a line to the summary."""
    return _rows.append


def pytest_terminal_summary(terminalreporter):
    for row in _rows:
        terminalreporter.write_line(row)
