"""Tests of this folder need the mesh: where a part is missing they skip, and in CI they fail."""

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


_gateway_cells: list[tuple[int, int]] = []  # asked of Gateway API routes, and answered otherwise with a finding


@pytest.fixture(scope="session")
def count_gateway_cells():
    """Return what counts the cells of Gateway API routes for the summary."""
    return lambda asked, excused: _gateway_cells.append((asked, excused))


def pytest_terminal_summary(terminalreporter):
    if _cells:
        terminalreporter.write_line(f"{len(_cells)} random topologies, {sum(_cells)} cells asked")
    if _gateway_cells:
        asked, excused = map(sum, zip(*_gateway_cells, strict=True))
        terminalreporter.write_line(f"Gateway API routes: {asked} cells asked, {excused} of them a finding's")
