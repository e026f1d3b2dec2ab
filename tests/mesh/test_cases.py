"""Lists that once came out wrong: each says who has to answer, and what has to be said (case.py, cases/)."""

from __future__ import annotations

import pytest
import yaml

from . import case, parts

FOLDER = parts.ROOT / "tests" / "mesh" / "cases"
NAMES = sorted(str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.yaml"))


def _param(name):
    why = next(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_bytes())).get("xfail")
    return pytest.param(name, marks=pytest.mark.xfail(reason=why, strict=True) if why else ())


@pytest.mark.parametrize("name", [_param(name) for name in NAMES])
def test_a_case(name):
    """Each finding that a case names is there, and what it asks under a controller is answered as it says.

    What it asks besides, test_before_after.py asks in the mesh that it has of the same list anyway.
    """
    read = case.read(FOLDER / f"{name}.yaml")
    assert case.wrong(read, case.run(read)) == []


def test_there_are_cases():
    """The suite is not empty: a wrong path cannot pass as success."""
    assert len(NAMES) >= 18
