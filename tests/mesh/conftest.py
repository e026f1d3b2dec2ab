"""Tests of this folder need the mesh: where a part is missing they skip, and in CI they fail."""

from typing import Any

import pytest

from .parts import MeshMissing, check, may_skip


@pytest.fixture(autouse=True, scope="session")
def _parts():
    try:
        check()
    except MeshMissing as missing:
        if may_skip(missing.part):
            pytest.skip(str(missing))
        pytest.fail(str(missing))


def pytest_collection_modifyitems(items):
    """Have what looks at every output run after everything that makes one."""
    items.sort(key=lambda item: item.path.name == "test_valid.py")


_cells: list[int] = []  # asked by each random topology


def pytest_generate_tests(metafunc):
    """Number the random topologies: `--topologies N` asks the first N."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("--topologies")))


@pytest.fixture(scope="session")
def count_cells():
    """Return what counts the cells of a topology for the summary."""
    return _cells.append


_compared: list[Any] = []  # counts of tests/mesh/differential.py


@pytest.fixture(scope="session")
def count_compared():
    """Return what sums up the comparisons of the evaluator for the summary."""
    return _compared.append


def pytest_terminal_summary(terminalreporter):
    if _compared:
        total = sum(one.all for one in _compared)
        untold = sum(one.untold.total() for one in _compared)
        wrong = sum(len(one.wrong) for one in _compared)
        terminalreporter.write_line(
            f"{total} requests to the evaluator and to a real Envoy: {total - untold - wrong} equal, "
            f"{untold} that nobody can tell, {wrong} different"
        )
    if _cells:
        terminalreporter.write_line(f"{len(_cells)} random topologies, {sum(_cells)} cells asked")
