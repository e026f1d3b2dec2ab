"""Random topologies: whatever the tree, the ports and the options, each request is answered as the contract says."""

from __future__ import annotations

import pytest
import yaml

from . import Mesh, table, topologies
from .package import run

_TIMES = 3  # what is wrong with a route shows in many cells


def ask(top, manifests):
    """Return every cell of a topology's table, asked in a mesh of these manifests."""
    rows = table.rows(topologies.requests(top))
    with Mesh(manifests, label=top.label) as mesh:
        return table.ask(mesh, rows, top.header, times=_TIMES)


def woven(top):
    return list(yaml.safe_load_all(run(top.manifests, top.config)))


def test_a_topology(seed, count_cells):
    """Every request of a random topology lands where the contract says."""
    top = topologies.make(seed)
    cells = ask(top, woven(top))
    count_cells(len(cells))
    assert [str(cell) for cell in cells if not cell.right] == [], f"seed {seed}: {top.config['spec']}"


def reversed_routes(route_lists):
    return [[*routes[-2::-1], routes[-1]] for routes in route_lists]


def without_splitter(route_lists):
    def shorter(match):
        rules = {
            name: {how: rule[how].rstrip(".-_9") for how in rule} for name, rule in match.get("headers", {}).items()
        }
        return {**match, **({"headers": rules} if rules else {})}

    return [
        [{**one, **({"match": list(map(shorter, one["match"]))} if "match" in one else {})} for one in routes]
        for routes in route_lists
    ]


def without_the_first(route_lists):
    return [routes[1:] or routes for routes in route_lists]


@pytest.mark.parametrize("change", [reversed_routes, without_splitter, without_the_first])
def test_a_broken_route_is_found(change):
    """Routes in the wrong order, prefixes without their splitter, a route left out: each makes some table wrong."""
    for seed in range(30):
        top = topologies.make(seed)
        manifests = woven(top)
        broken = [_changed(one, change) for one in manifests]
        if broken != manifests and any(not cell.right for cell in ask(top, broken)):
            return
    pytest.fail("30 topologies did not notice")


@pytest.mark.parametrize("section", ["http", "tcp"])
def test_a_missing_section_is_found(section):
    """Without the routes of one kind the table is wrong wherever a Service has pods of several environments."""
    for seed in range(30):
        top = topologies.make(seed)
        manifests = woven(top)
        broken = [_without(one, section) for one in manifests]
        if broken != manifests and any(not cell.right for cell in ask(top, broken)):
            return
    pytest.fail("30 topologies did not notice")


def _changed(manifest, change):
    spec = manifest.get("spec") or {}
    if manifest["kind"] != "VirtualService" or "http" not in spec:
        return manifest
    by_port = {}
    for route in spec["http"]:
        port = next((one.get("port") for one in route.get("match", ())), None)
        by_port.setdefault(port, []).append(route)
    return {**manifest, "spec": {**spec, "http": [one for routes in change(list(by_port.values())) for one in routes]}}


def _without(manifest, section):
    if manifest["kind"] != "VirtualService" or len(manifest["spec"].keys() & {"http", "tcp"}) < 2:
        return manifest
    return {**manifest, "spec": {key: part for key, part in manifest["spec"].items() if key != section}}
