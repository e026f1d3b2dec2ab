"""Tests of this folder need the mesh: where a part is missing they skip, and in CI they fail."""

import pytest

from .parts import may_skip, missing


@pytest.fixture(autouse=True, scope="session")
def _parts():
    lacking = missing()
    if lacking and may_skip():
        pytest.skip(lacking)
    if lacking:
        pytest.fail(lacking)
