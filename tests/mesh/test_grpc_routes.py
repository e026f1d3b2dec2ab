"""GRPCRoutes in the mesh: ours by option, and those beside a user's own, whose matches are of methods and headers."""

from __future__ import annotations

import pytest
import yaml

from . import Mesh, worlds
from .gateway_api import from_manifests
from .waypoint import AmbientMesh

_GRPC = {"name": "grpc", "port": 9090}
_OPTIONS = {"output": "gatewayAPI", "base": "selector", "grpc": "GRPCRoute", "envHeader.name": worlds.HEADER}
THEIRS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: mine}
spec:
  parentRefs: [{group: "", kind: Service, name: rpc, port: 9090}]
  rules:
  - matches: [{method: {service: shop.Cart, method: Add}}]
    backendRefs: [{name: cart, port: 9090}]
  - matches: [{method: {service: shop.Cart}}, {method: {method: Check}}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-rule, value: service}]}}]
    backendRefs: [{name: rpc, port: 9090}]
  - matches: [{method: {service: shop.Cart}, headers: [{name: x-kind, value: canary}]}]
    backendRefs: [{name: other, port: 9090}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: rival}
spec:
  parentRefs: [{group: "", kind: Service, name: rpc, port: 9090}]
  rules:
  - matches: [{method: {service: shop.Cart, method: Add}, headers: [{name: x-kind, value: canary}]}]
    backendRefs: [{name: other, port: 9090}]
"""
GIVEN = [
    *(worlds.service(name, _GRPC) for name in ("rpc", "cart", "other")),
    *(worlds.workload("rpc", name) for name in ("dev", "dev.proj1")),
    *(worlds.workload("cart", name) for name in ("dev", "dev.proj1.ann")),
    worlds.workload("other"),
]
# method, x-kind, environment → who answers; None: no route takes it
ASKED = [
    ("/shop.Cart/Add", None, None, "cart-dev"),
    ("/shop.Cart/Add", None, "dev.proj1", "cart-dev"),
    ("/shop.Cart/Add", None, "dev.proj1.ann.x", "cart-dev-proj1-ann"),
    ("/shop.Cart/Add", "canary", None, "other"),
    ("/shop.Cart/Add", "canary", "dev.proj1.ann", "other"),
    ("/shop.Cart/List", None, None, "rpc-dev"),
    ("/shop.Cart/List", None, "dev.proj1", "rpc-dev-proj1"),
    ("/shop.Cart/List", None, "dev.proj1.ann", "rpc-dev-proj1"),
    ("/shop.Cart/List", None, "dev.proj10", "rpc-dev"),
    ("/shop.Cart/List", "canary", "dev.proj1", "other"),
    ("/any.Thing/Check", None, "dev.proj1", "rpc-dev-proj1"),
    ("/any.Thing/Other", None, "dev.proj1", None),
    ("/any.Thing/Other", None, None, None),
]
_UNIMPLEMENTED = 12


@pytest.mark.parametrize("kind", [Mesh, AmbientMesh])
def test_a_grpc_route_of_the_users_is_woven_beside(kind, count_gateway_cells):
    """Each rule for a method holds for each environment, by sidecars and by waypoints; what no rule took stays so."""
    found = from_manifests([*GIVEN, *yaml.safe_load_all(THEIRS)], None, _OPTIONS)
    assert found.package, found.codes
    with kind(found.package.manifests) as mesh:
        client = mesh.sidecar()
        wrong = []
        for method, canary, environment, pod in ASKED:
            headers = {"x-kind": canary, worlds.HEADER: environment}
            sent = {name: value for name, value in headers.items() if value}
            answer = client.ask("rpc", headers=sent, path=method, protocol="grpc", method="POST")
            is_right = answer.pod == (pod or "") and (pod or answer.grpc_status == _UNIMPLEMENTED)
            seen = dict(answer.headers).get("x-rule") == "service"
            wrong += [] if is_right and seen == bool(pod and pod.startswith("rpc")) else [(method, sent, answer)]
    count_gateway_cells(len(ASKED), 0)
    assert wrong == []


@pytest.mark.parametrize("kind", [Mesh, AmbientMesh])
def test_ours_by_option(kind, count_gateway_cells):
    """A gRPC port of each Service follows its GRPCRoute, beside an HTTP port with an HTTPRoute."""
    given = [worlds.service("rpc", _GRPC, {"name": "http", "port": 80}), *GIVEN[1:]]
    found = from_manifests(given, None, _OPTIONS)
    assert found.package, found.codes
    kinds = {one["kind"] for one in found.package.manifests if one["kind"].endswith("Route")}
    assert kinds == {"HTTPRoute", "GRPCRoute"}
    cells = [(None, "rpc-dev"), ("dev.proj1", "rpc-dev-proj1"), ("dev.proj1.x", "rpc-dev-proj1"), ("dev.x", "rpc-dev")]
    with kind(found.package.manifests) as mesh:
        client = mesh.sidecar()
        for value, pod in cells:
            headers = {worlds.HEADER: value} if value else {}
            assert client.ask("rpc", 9090, headers=headers, protocol="grpc").pod == pod, value
            assert client.ask("rpc", 80, headers=headers).pod == pod, value
    count_gateway_cells(2 * len(cells), 0)
