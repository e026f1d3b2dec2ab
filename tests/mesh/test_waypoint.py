"""Istio's ambient mode: the tables of the examples, asked through a waypoint."""

from __future__ import annotations

import pytest
import yaml

from . import table
from .gateway_api import excuse, rendered, spreads_without_routes
from .test_gateway_api import ANSWERED, EXAMPLES, REFUSED
from .waypoint import AmbientMesh

_TIMES = 2


@pytest.mark.parametrize("name", [name for name in ANSWERED if name not in REFUSED])
def test_an_example_answers_through_a_waypoint(name, count_gateway_cells):
    """Every request of an example lands through a waypoint as by Istio's own routes, or a finding says why not."""
    folder = EXAMPLES / name
    base = "backend" if name == "ports" else "selector"  # asked so by test_gateway_api.py
    found = rendered(folder, base=base)
    assert found.package, found.codes
    rows = table.rows(yaml.safe_load((folder / "requests.yaml").read_bytes()))
    with AmbientMesh(found.package.manifests, label=found.package.label) as mesh:
        cells = table.ask(mesh, rows, found.package.header, times=_TIMES)
    excused = [cell for cell in cells if not cell.right and excuse(cell, found)]
    count_gateway_cells(len(cells), len(excused))
    assert [str(cell) for cell in cells if not cell.right and cell not in excused] == []


def test_without_its_routes_a_waypoint_spreads():
    """What is asked goes through the waypoint: without the routes it reaches pods of every environment."""
    assert spreads_without_routes(AmbientMesh, EXAMPLES / "quickstart")
