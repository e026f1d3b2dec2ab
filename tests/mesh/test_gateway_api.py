"""Gateway API routes in the mesh: the tables of the examples, more environments than one route holds, woven routes."""

from __future__ import annotations

import pytest
import yaml

from . import Mesh, parts, table
from .gateway_api import excuse, rendered

EXAMPLES = parts.ROOT / "examples"
ANSWERED = sorted(path.parent.name for path in EXAMPLES.glob("*/requests.yaml"))
_TIMES = 3
# Examples that are about Istio's own kinds, and the findings that say so.
REFUSED = {
    "gateway-hosts": {"rule-invalid"},
    "leaving-the-operator": {"rule-invalid"},
    "weaving": {"virtual-service"},
}


@pytest.mark.parametrize("base", ["backend", "selector"])
@pytest.mark.parametrize("name", ANSWERED)
def test_an_example_answers_as_with_istios_kinds(name, base, count_gateway_cells):
    """Every request of an example's table lands as with Istio's own routes, or a finding says why it does not."""
    folder = EXAMPLES / name
    found = rendered(folder, base=base)
    if name in REFUSED:
        assert found.package is None
        assert found.codes >= REFUSED[name]
        return
    assert found.package, found.codes
    rows = table.rows(yaml.safe_load((folder / "requests.yaml").read_bytes()))
    with Mesh(found.package.manifests, label=found.package.label) as mesh:
        cells = table.ask(mesh, rows, found.package.header, times=_TIMES)
    excused = [cell for cell in cells if not cell.right and excuse(cell, found, narrowed=base == "selector")]
    count_gateway_cells(len(cells), len(excused))
    assert [str(cell) for cell in cells if not cell.right and cell not in excused] == []
