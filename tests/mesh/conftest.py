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
