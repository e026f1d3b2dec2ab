"""Shared by all tests: their folder on the path for its modules, where commands are found, and options."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))

# In CI a property draws the same examples every time, so that no change turns red by a draw that another one would have
# met as well; whoever runs the tests at a desk draws anew. No example is timed there: what else runs is not its fault.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI") or os.environ.get("VENV_FN_DERANDOMIZE"):
    hypothesis.settings.load_profile("ci")

# The command of the environment that runs the tests comes first, then the parts that .ci/parts installed.
SEARCHED = [Path(sys.executable).parent, Path(__file__).resolve().parents[1] / ".tools" / "bin"]

# What `--unit` leaves out: all that is about real hosts, a real mesh, a browser, the image, OpenTelemetry, or what only
# the whole repository has.
NOT_UNIT = (
    "cluster",
    "go_readers",
    "hosts",
    "mesh",
    "views/test_view_page.py",
    "test_commands.py",
    "test_distribution.py",
    "test_generated.py",
    "test_kustomizations.py",
    "test_propagation.py",
    "test_readme.py",
    "test_schema_files.py",
)


def pytest_addoption(parser):
    parser.addoption("--unit", action="store_true", help="only the tests that need no part of .ci/parts")
    parser.addoption("--update", action="store_true", help="rewrite the examples' expected output instead of comparing")
    parser.addoption(
        "--fuzz", type=float, default=5, metavar="SECONDS", help="how long tests/fuzz tries random lists (5)"
    )
    parser.addoption(
        "--topologies", type=int, default=25, metavar="N", help="how many random topologies tests/mesh asks (25)"
    )
    parser.addoption(
        "--before-after", type=int, default=12, metavar="N", help="how many lists of a user's tests/mesh compares (12)"
    )
    parser.addoption(
        "--compared",
        type=int,
        default=100,
        metavar="N",
        help="how many requests tests/mesh asks of the evaluator and of a real Envoy in each world (100)",
    )


def pytest_configure(config):
    os.environ["PATH"] = os.pathsep.join([*map(str, SEARCHED), os.environ.get("PATH", "")])
    if config.getoption("--update") and os.environ.get("CI"):
        raise pytest.UsageError("--update rewrites what the tests compare with: never in CI")


def pytest_ignore_collect(collection_path, config):
    relative = collection_path.relative_to(Path(__file__).parent)
    return True if config.getoption("--unit") and relative.as_posix() in NOT_UNIT else None


def pytest_terminal_summary(terminalreporter):
    """Tell what was skipped in one line per missing part, however many tests want it."""
    parts, reasons = Counter(), {}
    for report in terminalreporter.stats.get("skipped", ()):
        reason = report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "?"
        part = next(iter(re.findall(r"\.ci/parts/([\w-]+)", reason)), reason)
        parts[part] += 1
        reasons.setdefault(part, reason)
    for part, count in sorted(parts.items()):
        terminalreporter.write_line(f"SKIPPED {count} test{'s' * (count != 1)}: {reasons[part]}")
