from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from host_tools import ROOT, environment, routes

if TYPE_CHECKING:
    from pathlib import Path

QUICKSTART = ROOT / "examples" / "quickstart"


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    """A copy of the example that a host may write into."""
    copy = tmp_path / "quickstart"
    shutil.copytree(QUICKSTART, copy)
    return copy


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    home = tmp_path / "home"
    home.mkdir()
    return environment(home)


@pytest.fixture(scope="session")
def expected() -> dict[tuple[str, str], Any]:
    """The routes of the quickstart, as its golden file has them."""
    found = routes((QUICKSTART / "expected.yaml").read_text())
    assert found, "examples/quickstart/expected.yaml holds no routes"
    return found
