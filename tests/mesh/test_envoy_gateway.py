"""Envoy Gateway's own code, which reads routes of Gateways: Services behind one, by annotations or a user's routes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from . import parts, table, worlds
from .gateway_api import from_manifests, rendered
from .test_gateway_api import ANSWERED, EXAMPLES, GIVEN_WOVEN, REFUSED, environments, hash_of, values
from .translated import EnvoyGatewayMesh

_TIMES = 2
_OPTIONS = {"output": "gatewayAPI", "base": "selector", "envHeader.name": worlds.HEADER}
GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "edge"},
    "spec": {"gatewayClassName": "eg", "listeners": [{"name": "http", "port": 80, "protocol": "HTTP"}]},
}
BEHIND_GATEWAYS = ("any-mesh", "preview-hosts")
CARRIED = ("quickstart", "unknown-values", "carriers", "matching-exact", "no-base", "odd-names", "configmap")


@pytest.fixture(autouse=True, scope="module")
def _part(demand):
    demand(lambda: parts.translator("envoygateway"))


def of_envoy_gateway(manifests):
    """Return manifests whose Gateways are of Envoy Gateway's class."""
    return [
        {**one, "spec": {**one["spec"], "gatewayClassName": "eg"}} if one["kind"] == "Gateway" else one
        for one in manifests
    ]


def test_the_names_are_examples():
    """No example is left out by a slip."""
    assert {*BEHIND_GATEWAYS, *CARRIED} <= {*ANSWERED} - {*REFUSED}


@pytest.mark.parametrize("name", BEHIND_GATEWAYS)
def test_an_example_behind_a_gateway(name, count_gateway_cells):
    """Requests from outside land as by Istio's gateway: hosts, preview hosts, and a user's own route."""
    found = rendered(EXAMPLES / name, base="selector")
    assert found.package, found.codes
    rows = table.rows(yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes()))
    first = [replace(row, hops=row.hops[:1], answers=row.answers[:1]) for row in rows if row.gateway]
    with EnvoyGatewayMesh(of_envoy_gateway(found.package.manifests), label=found.package.label) as mesh:
        cells = table.ask(mesh, first, found.package.header, times=_TIMES)
    count_gateway_cells(len(cells), 0)
    assert cells
    assert [str(cell) for cell in cells if not cell.right] == []


@pytest.mark.parametrize("by", ["annotations", "routes"])
@pytest.mark.parametrize("name", CARRIED)
def test_an_example_put_behind_a_gateway(name, by, count_gateway_cells):
    """Each Service of an example on a host of its own: every HTTP request lands there as it does inside of a mesh."""
    before = rendered(EXAMPLES / name, base="selector")
    assert before.package
    made = "virtual-env-fn.dev/owner"
    given = [one for one in before.package.manifests if made not in (one["metadata"].get("annotations") or {})]
    rows = table.rows(yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes()))
    asked = [outside(row) for row in rows if not row.gateway and row.protocol == "http1" and not row.caller]
    config = next(one for one in configs(name))
    found = from_manifests([*exposed(given, by), GATEWAY], config, {"output": "gatewayAPI", "base": "selector"})
    assert found.package, found.codes
    with EnvoyGatewayMesh(found.package.manifests, label=found.package.label) as mesh:
        cells = table.ask(mesh, asked, found.package.header, times=_TIMES)
    count_gateway_cells(len(cells), 0)
    assert cells
    assert [str(cell) for cell in cells if not cell.right] == []


def configs(name):
    yield from yaml.safe_load_all((EXAMPLES / name / "virtual-env.yaml").read_bytes())


def outside(row):
    """The first hop of a row as a request to the gateway."""
    service = row.hops[0][0].partition(".")[0]
    return replace(row, gateway="edge", hops=((f"{service}.example.com", 80),), answers=row.answers[:1])


def exposed(given, by):
    """Yield the objects of a list with each Service behind the gateway: by annotations, or by a route of the user's."""
    for one in given:
        if one["kind"] != "Service" or one["apiVersion"] != "v1":
            yield one
            continue
        name, host = one["metadata"]["name"], f"{one['metadata']['name']}.example.com"
        notes = {"kt-virtual-environment/gateways": "edge", "kt-virtual-environment/hosts": host}
        kept = one["metadata"].get("annotations") or {}
        yield {**one, "metadata": {**one["metadata"], "annotations": {**kept, **notes}}} if by == "annotations" else one
        if by == "routes":
            rules = [{"backendRefs": [{"name": name, "port": one["spec"]["ports"][0]["port"]}]}]
            yield {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "metadata": {"name": f"{name}-edge"},
                "spec": {"parentRefs": [{"name": "edge"}], "hostnames": [host], "rules": rules},
            }


@pytest.mark.parametrize(("count", "shape"), [(15, "siblings"), (16, "siblings"), (40, "tree"), (64, "flat")])
def test_more_environments_than_a_route_holds(count, shape, count_gateway_cells):
    """Whatever the age of routes, each value reaches its answer through a gateway."""
    names = environments(count, shape)
    service = worlds.service("app")
    given = [*exposed([service], "annotations"), *(worlds.workload("app", name) for name in names), GATEWAY]
    found = from_manifests(given, None, _OPTIONS)
    assert found.package
    routes = [one for one in found.package.manifests if one["kind"] == "HTTPRoute"]
    for age, one in enumerate(sorted(routes, key=lambda each: hash_of(each["metadata"]["name"]))):
        one["metadata"]["creationTimestamp"] = f"2026-01-01T00:{age % 60:02}:00Z"
    asked = [{"service": "app", "header": value, "answer": answer} for value, answer in values(names)]
    with EnvoyGatewayMesh(found.package.manifests) as mesh:
        cells = table.ask(mesh, [outside(row) for row in table.rows(asked)], worlds.HEADER, times=1)
    count_gateway_cells(len(cells), 0)
    assert [str(cell) for cell in cells if not cell.right] == []


def test_a_route_of_the_users_is_woven_beside(count_gateway_cells):
    """Each rule of a user's on a Gateway holds for each environment, and for the host of each."""
    found = from_manifests(GIVEN_WOVEN, None, {**_OPTIONS, "previewHosts": "{env}.{host}"})
    assert found.package, found.codes
    cells = [
        ("/", "shop.example.com", None, "web-dev"),
        ("/", "shop.example.com", "dev.proj1", "web-dev-proj1"),
        ("/cart", "shop.example.com", None, "cart-dev"),
        ("/cart", "shop.example.com", "dev.proj1", "cart-dev"),
        ("/cart/1", "shop.example.com", "dev.proj1.ann.x", "cart-dev-proj1-ann"),
        ("/cart", "dev-proj1-ann.shop.example.com", "dev", "cart-dev-proj1-ann"),
        ("/", "dev-proj1.shop.example.com", None, "web-dev-proj1"),
    ]
    with EnvoyGatewayMesh(of_envoy_gateway(found.package.manifests)) as mesh:
        gateway = mesh.gateway("shop")
        for path, host, environment, pod in cells:
            headers = {worlds.HEADER: environment} if environment else {}
            assert gateway.ask(host, headers=headers, path=path).pod == pod, (path, host, environment)
    count_gateway_cells(len(cells), 0)
