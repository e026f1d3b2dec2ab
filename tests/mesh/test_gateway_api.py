"""Gateway API routes in the mesh: the tables of the examples, more environments than one route holds, woven routes."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import replace

import pytest
import yaml

from . import Mesh, parts, table, topologies, worlds
from .gateway_api import excuse, from_manifests, rendered

EXAMPLES = parts.ROOT / "examples"
ANSWERED = sorted(path.parent.name for path in EXAMPLES.glob("*/requests.yaml"))
_TIMES = 3
# Examples that are about Istio's own kinds, and the findings that say so.
REFUSED = {
    "gateway-hosts": {"rule-invalid"},
    "leaving-the-operator": {"rule-invalid"},
    "weaving": {"virtual-service"},
}


# Where the Service itself may be asked: `base: selector` there, too. All others are asked so in test_waypoint.py.
OWN_BASE = {"any-mesh": "selector"}  # a route of its own leads to a Service itself
BOTH = ("ports", "no-base", "namespaces-base-and-members", "preview-hosts")


@pytest.mark.parametrize(
    ("name", "base"),
    [*((name, OWN_BASE.get(name, "backend")) for name in ANSWERED), *((name, "selector") for name in BOTH)],
)
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
    if base == "selector":  # no rule of Istio's own pins TLS, and the Service itself does
        rows = [replace(row, answers=("dev",)) if row.protocol == "tls" else row for row in rows]
    with Mesh(found.package.manifests, label=found.package.label) as mesh:
        cells = table.ask(mesh, rows, found.package.header, times=_TIMES)
    excused = [cell for cell in cells if not cell.right and excuse(cell, found)]
    count_gateway_cells(len(cells), len(excused))
    assert [str(cell) for cell in cells if not cell.right and cell not in excused] == []


def environments(count, shape):
    """A tree of environments: `flat` below the base, siblings of one that answers itself, or by chance."""
    rng = random.Random(count)  # noqa: S311 - the same for everybody
    names = ["dev", "dev.proj1"]
    while len(names) <= count:
        above = {"flat": "dev", "siblings": "dev.proj1", "tree": rng.choice(names)}[shape]
        name = f"{above}.{rng.choice(['a', 'b', 'user', 'proj', 'x-1', 'p_'])}{rng.randint(0, 99)}"
        names += [name] if name not in names and len(name) < 60 else []
    return names


def values(names):
    """Values that are names, below one, and alike; each with who answers."""
    rng = random.Random(len(names))  # noqa: S311 - the same for everybody
    for name in rng.sample(names, min(len(names), 25)):
        for value in (name, f"{name}.zz", f"{name}0", f"{name}.", name[:-1], name.upper()):
            fitting = [one for one in names if value == one or value.startswith(f"{one}.")]
            yield value, max(fitting, key=len, default="dev")


@pytest.mark.parametrize(
    ("count", "shape"),
    [(14, "tree"), (15, "siblings"), (16, "siblings"), (40, "tree"), (100, "flat"), (100, "siblings")],
)
def test_more_environments_than_a_route_holds(count, shape, count_gateway_cells):
    """On both sides of 15 environments, whatever their tree and the age of routes, each value reaches its answer."""
    names = environments(count, shape)
    given = [worlds.service("app"), *(worlds.workload("app", name) for name in names)]
    found = from_manifests(given, None, {"output": "gatewayAPI", "envHeader.name": worlds.HEADER})
    assert found.package
    routes = [one for one in found.package.manifests if one["kind"] == "HTTPRoute"]
    assert (len(routes) > 1) == (count > 15)
    for age, one in enumerate(sorted(routes, key=lambda each: hash_of(each["metadata"]["name"]))):
        one["metadata"]["creationTimestamp"] = f"2026-01-01T00:{age % 60:02}:00Z"
    rows = table.rows([{"service": "app", "header": value, "answer": answer} for value, answer in values(names)])
    with Mesh(found.package.manifests) as mesh:
        cells = table.ask(mesh, rows, worlds.HEADER, times=1)
    count_gateway_cells(len(cells), 0)
    assert [str(cell) for cell in cells if not cell.right] == []


def hash_of(name):
    return hashlib.sha256(name.encode()).hexdigest()


def test_overlapping_expressions_would_be_found():
    """The test above notices expressions that overlap: with those of one route in many, some values go astray."""
    names = environments(40, "tree")
    given = [worlds.service("app"), *(worlds.workload("app", name) for name in names)]
    found = from_manifests(given, None, {"output": "gatewayAPI", "envHeader.name": worlds.HEADER})
    assert found.package
    for age, one in enumerate(one for one in found.package.manifests if one["kind"] == "HTTPRoute"):
        one["metadata"]["creationTimestamp"] = f"2026-01-01T00:{age % 60:02}:00Z"
        for rule in one["spec"]["rules"]:
            for match in rule.get("matches", ()):
                header = match["headers"][0]
                header["value"] = re.sub(r"\(\\\.\(\?:.*$", r"(\\..*)?$", header["value"])
    rows = table.rows([{"service": "app", "header": value, "answer": answer} for value, answer in values(names)])
    with Mesh(found.package.manifests) as mesh:
        assert not all(cell.right for cell in table.ask(mesh, rows, worlds.HEADER, times=1))


THEIRS = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: mine, creationTimestamp: "2025-01-01T00:00:00Z"}
spec:
  parentRefs: [{group: "", kind: Service, name: web}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs: [{name: cart, port: 8080}]
  - matches: [{path: {type: PathPrefix, value: /}, headers: [{name: x-kind, value: canary}]}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-seen, value: canary}]}}]
    backendRefs: [{name: web, port: 8080}]
  - matches: [{path: {type: PathPrefix, value: /app}}]
    backendRefs: [{name: web, port: 8080, weight: 1}, {name: other, port: 8080, weight: 1}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: edge}
spec:
  parentRefs: [{name: shop}]
  hostnames: [shop.example.com]
  rules:
  - matches: [{path: {type: PathPrefix, value: /cart}}]
    backendRefs: [{name: cart, port: 8080}]
  - backendRefs: [{name: web, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""
GIVEN_WOVEN = [
    *(worlds.service(name) for name in ("web", "cart", "other")),
    *(worlds.workload("web", name) for name in ("dev", "dev.proj1")),
    *(worlds.workload("cart", name) for name in ("dev", "dev.proj1.ann")),
    worlds.workload("other"),
    *yaml.safe_load_all(THEIRS),
]
# path, x-kind, environment → who answers, and whether the canary's filter was there; None: 404
WOVEN = [
    ("/cart", None, None, "cart-dev"),
    ("/cart", None, "dev.proj1", "cart-dev"),
    ("/cart/1", None, "dev.proj1.ann.x", "cart-dev-proj1-ann"),
    ("/", "canary", None, "web-dev"),
    ("/", "canary", "dev.proj1", "web-dev-proj1"),
    ("/", "canary", "dev.proj1.ann", "web-dev-proj1"),
    ("/cart", "canary", "dev.proj1.ann", "cart-dev-proj1-ann"),
    ("/", None, None, None),
    ("/", None, "dev.proj1", None),
]


@pytest.mark.parametrize("age", ["2024-01-01T00:00:00Z", "2026-06-01T00:00:00Z"])
def test_a_route_of_the_users_is_woven_beside(age, count_gateway_cells):
    """Whatever its age, each of their rules holds for each environment; what was open, weighted or a 404 stays so."""
    options = {"output": "gatewayAPI", "base": "selector", "envHeader.name": worlds.HEADER}
    found = from_manifests(GIVEN_WOVEN, None, {**options, "previewHosts": "{env}.{host}"})
    assert found.package, found.codes
    routes = {one["metadata"]["name"]: one for one in found.package.manifests if one["kind"] == "HTTPRoute"}
    for name, one in routes.items():
        if name not in ("mine", "edge"):
            one["metadata"]["creationTimestamp"] = age
    with Mesh(found.package.manifests) as mesh:
        client, gateway = mesh.sidecar(), mesh.gateway("shop")
        for path, kind, environment, pod in WOVEN:
            headers = {**({"x-kind": kind} if kind else {}), **({worlds.HEADER: environment} if environment else {})}
            answer = client.ask("web", headers=headers, path=path)
            assert answer.pod == (pod or ""), (path, headers, answer)
            assert answer.status == (200 if pod else 404)
            assert ("x-seen", "canary") in answer.headers if kind and path == "/" else True
        some = client.spread("web", times=30, path="/app", headers={worlds.HEADER: "dev.proj1.new"})
        assert some.keys() == {"web-dev-proj1", "other"}
        for path, host, environment, pod in [
            ("/", "shop.example.com", None, "web-dev"),
            ("/", "shop.example.com", "dev.proj1", "web-dev-proj1"),
            ("/cart", "shop.example.com", "dev.proj1", "cart-dev"),
            ("/cart", "shop.example.com", "dev.proj1.ann", "cart-dev-proj1-ann"),
            ("/cart", "dev-proj1-ann.shop.example.com", "dev", "cart-dev-proj1-ann"),
            ("/", "dev-proj1.shop.example.com", None, "web-dev-proj1"),
        ]:
            headers = {worlds.HEADER: environment} if environment else {}
            assert gateway.ask(host, headers=headers, path=path).pod == pod, (path, host, environment)
        assert client.spread("cart", times=10) == {"cart-dev": 10}
        assert client.ask("cart", headers={worlds.HEADER: "dev.proj1.ann"}).pod == "cart-dev-proj1-ann"
    count_gateway_cells(len(WOVEN) + 9, 0)


def answered(top, row, base):
    """Say who answers a request, as the contract does; what no header decides reaches the base, or anybody's pods."""
    app = next(one for one in top.apps if one.name == row["service"])
    kind, protocol = app.ports[row["port"]], row["protocol"]
    if not (kind in ("tcp", "tls") or protocol in ("tcp", "tls")):
        return row["answer"]
    fitting = [one for one in app.own if top.base == one or top.base.startswith(one + top.splitter)]
    of_base = max(fitting, key=len, default=None)
    anybody = "closed" if not app.own else "spread" if len(app.own) > 1 else next(iter(app.own))
    narrowed = base == "selector" and bool(app.own - {of_base}) and (of_base or top.unmatched == "reject")
    return (of_base or "closed") if narrowed else anybody


@pytest.mark.parametrize("number", range(5))
def test_a_random_topology(number, count_gateway_cells):
    """Every request of a random topology lands where the contract says, by Gateway API routes."""
    top = topologies.make(number)
    base = ("backend", "selector")[number % 2]
    found = from_manifests(top.manifests, top.config, {"output": "gatewayAPI", "base": base})
    assert found.package, found.codes
    asked = [{**row, "answer": answered(top, row, base)} for row in topologies.requests(top)]
    with Mesh(found.package.manifests, label=top.label) as mesh:
        cells = table.ask(mesh, table.rows(asked), top.header, times=2)
    count_gateway_cells(len(cells), 0)
    assert [str(cell) for cell in cells if not cell.right] == [], f"seed {number}: {top.config['spec']}"
