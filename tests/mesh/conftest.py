"""Tests of this folder need the mesh: where a part is missing they skip, and in CI they fail."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from .parts import MeshMissing, check, may_skip

if TYPE_CHECKING:
    from .differential import Outcome


@pytest.fixture(scope="session")
def demand():
    """Return what finds a part by a call: where it is missing the test skips, and in CI it fails."""

    def found(find):
        try:
            find()
        except MeshMissing as missing:
            if may_skip(missing.part):
                pytest.skip(str(missing))
            pytest.fail(str(missing))

    return found


@pytest.fixture(autouse=True, scope="session")
def _parts(demand):
    demand(check)


def pytest_collection_modifyitems(items):
    """Have what looks at every output run after everything that makes one."""
    items.sort(key=lambda item: item.path.name == "test_valid.py")


_cells: list[int] = []  # asked by each random topology


def pytest_generate_tests(metafunc):
    """Number what is random: `--topologies N`, `--before-after N` ask the first N."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--topologies")))
    if "number" in metafunc.fixturenames and metafunc.module.__name__.endswith("test_before_after"):
        numbers = range(metafunc.config.getoption("--before-after"))
        metafunc.parametrize("number", [metafunc.module.marked(number) for number in numbers])


_compared: list[tuple[int, Outcome]] = []  # each list of a user's, by its number


@pytest.fixture(scope="session")
def count_compared():
    """Return what counts a list that was compared before and after the function, for the summary."""
    return lambda number, outcome: _compared.append((number, outcome))


@pytest.fixture(scope="session")
def count_cells():
    """Return what counts the cells of a topology for the summary."""
    return _cells.append


_evaluated: list[Any] = []  # counts of tests/mesh/evaluating.py


@pytest.fixture(scope="session")
def count_evaluated():
    """Return what sums up the comparisons of the evaluator for the summary."""
    return _evaluated.append


_gateway_cells: list[tuple[int, int]] = []  # asked of Gateway API routes, and answered otherwise with a finding


@pytest.fixture(scope="session")
def count_gateway_cells():
    """Return what counts the cells of Gateway API routes for the summary."""
    return lambda asked, excused: _gateway_cells.append((asked, excused))


def pytest_terminal_summary(terminalreporter):
    if _evaluated:
        total = sum(one.all for one in _evaluated)
        untold = sum(one.untold.total() for one in _evaluated)
        wrong = sum(len(one.wrong) for one in _evaluated)
        terminalreporter.write_line(
            f"{total} requests to the evaluator and to a real Envoy: {total - untold - wrong} equal, "
            f"{untold} that nobody can tell, {wrong} different"
        )
    if _cells:
        terminalreporter.write_line(f"{len(_cells)} random topologies, {sum(_cells)} cells asked")
    if _gateway_cells:
        asked, excused = map(sum, zip(*_gateway_cells, strict=True))
        terminalreporter.write_line(f"Gateway API routes: {asked} cells asked, {excused} of them a finding's")
    if _compared:
        terminalreporter.write_line(_table([outcome for _, outcome in _compared]))


def _table(outcomes):
    """Return what the comparisons counted, a line each."""
    whats = Counter(outcome.what for outcome in outcomes)
    refused = Counter(code for outcome in outcomes if outcome.what == "refused" for code in outcome.said)
    lines = [
        ("lists of a user's, before and after", len(outcomes)),
        *((f"  {what}", whats[what]) for what in sorted(whats)),
        *((f"    finding of a refused one: {code}", refused[code]) for code in sorted(refused)),
        ("questions without the header", sum(outcome.compared.questions for outcome in outcomes)),
        ("questions of an environment and its view", sum(outcome.views for outcome in outcomes)),
        ("requests", sum(outcome.compared.asked for outcome in outcomes)),
        ("hosts whose clusters' policies were compared", sum(outcome.compared.clusters for outcome in outcomes)),
        ("lists with differences", sum(bool(outcome.lines) for outcome in outcomes)),
    ]
    return "\n".join(f"{name:60}{count:>9}" for name, count in lines)
