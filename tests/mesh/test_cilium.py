"""Cilium's own code: tables of the examples, more environments than a route holds, a user's routes, random lists."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from . import parts, table, topologies, worlds
from .gateway_api import excuse, from_manifests, rendered, spreads_without_routes
from .istiod import MeshRejected
from .test_gateway_api import (
    ANSWERED,
    EXAMPLES,
    GIVEN_WOVEN,
    REFUSED,
    WOVEN,
    answered,
    environments,
    hash_of,
    values,
)
from .translated import CiliumMesh

IN_MESH = [name for name in ANSWERED if name not in REFUSED]
_TIMES = 2
# A port with a route is HTTP to Cilium, also where its name says nothing: plain TCP there waits for an answer in vain.
NO_SNIFFING = {("ports", "feed", 0), ("ports", "hub", 8006)}


@pytest.fixture(autouse=True, scope="module")
def _part(demand):
    demand(lambda: parts.translator("cilium"))


@pytest.mark.parametrize("name", IN_MESH)
def test_an_example_answers(name, count_gateway_cells):
    """Every request from inside of the mesh lands by Cilium's routes as by Istio's own, or a finding says why."""
    found = rendered(EXAMPLES / name, base="selector")
    assert found.package, found.codes
    rows = table.rows(yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes()))
    rows = [replace(row, answers=("dev",)) if row.protocol == "tls" else row for row in rows if not row.gateway]
    kept = [row for row in rows if row.protocol != "tcp" or (name, *row.hops[0]) not in NO_SNIFFING]
    with CiliumMesh(found.package.manifests, label=found.package.label) as mesh:
        cells = table.ask(mesh, kept, found.package.header, times=_TIMES)
    excused = [cell for cell in cells if not cell.right and excuse(cell, found)]
    count_gateway_cells(len(cells) + len(rows) - len(kept), len(excused) + len(rows) - len(kept))
    assert [str(cell) for cell in cells if not cell.right and cell not in excused] == []


@pytest.mark.parametrize(
    ("count", "shape"),
    [(15, "siblings"), (16, "siblings"), (40, "flat"), (40, "tree"), (100, "flat"), (100, "siblings")],
)
def test_more_environments_than_a_route_holds(count, shape, count_gateway_cells):
    """In whatever order Cilium lists the routes, each value reaches its answer; or Envoy refuses, and that is told."""
    names = environments(count, shape)
    given = [worlds.service("app"), *(worlds.workload("app", name) for name in names)]
    found = from_manifests(given, None, {"output": "gatewayAPI", "envHeader.name": worlds.HEADER})
    assert found.package
    shuffled = sorted(found.package.manifests, key=lambda one: hash_of(one["kind"] + one["metadata"]["name"]))
    rows = table.rows([{"service": "app", "header": value, "answer": answer} for value, answer in values(names)])
    if "expression-large" in found.codes:
        with pytest.raises(MeshRejected, match="regex"), CiliumMesh(shuffled):
            pass
        return
    with CiliumMesh(shuffled) as mesh:
        cells = table.ask(mesh, rows, worlds.HEADER, times=1)
    count_gateway_cells(len(cells), 0)
    assert [str(cell) for cell in cells if not cell.right] == []


def test_a_route_of_the_users_is_woven_beside(count_gateway_cells):
    """Each rule of a user's holds for each environment; what was a 404 stays so.

    A parent without a port is none to Cilium, unless the Service says `appProtocol: http`.
    """
    given = [_with_port(one) if one["metadata"]["name"] == "mine" else one for one in GIVEN_WOVEN]
    found = from_manifests(given, None, {"output": "gatewayAPI", "base": "selector", "envHeader.name": worlds.HEADER})
    assert found.package, found.codes
    with CiliumMesh(found.package.manifests) as mesh:
        client = mesh.sidecar()
        for path, kind, environment, pod in WOVEN:
            headers = {**({"x-kind": kind} if kind else {}), **({worlds.HEADER: environment} if environment else {})}
            answer = client.ask("web", headers=headers, path=path)
            assert (answer.pod, answer.status) == (pod or "", 200 if pod else 404), (path, headers, answer)
    count_gateway_cells(len(WOVEN), 0)


def _with_port(route):
    return {**route, "spec": {**route["spec"], "parentRefs": [{**route["spec"]["parentRefs"][0], "port": 8080}]}}


@pytest.mark.parametrize("number", range(4))
def test_a_random_topology(number, count_gateway_cells):
    """Every HTTP request of a random topology lands where the contract says."""
    top = topologies.make(number)
    found = from_manifests(top.manifests, top.config, {"output": "gatewayAPI", "base": "selector"})
    assert found.package, found.codes
    asked = [{**row, "answer": answered(top, row, "selector")} for row in topologies.requests(top)]
    rows = [row for row in table.rows(asked) if row.protocol != "tcp"]
    with CiliumMesh(found.package.manifests, label=top.label) as mesh:
        cells = table.ask(mesh, rows, top.header, times=2)
    count_gateway_cells(len(cells), 0)
    assert [str(cell) for cell in cells if not cell.right] == [], f"seed {number}: {top.config['spec']}"


def test_a_broken_route_is_found():
    """The tests above can fail: without its routes a Service spreads."""
    assert spreads_without_routes(CiliumMesh, EXAMPLES / "quickstart")
