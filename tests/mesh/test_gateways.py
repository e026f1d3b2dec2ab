"""Hosts, rules and preview hosts through a real gateway: annotations of Services, as the operator's users wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from krm_fn import function

from . import Mesh, outputs
from .worlds import istio, service, workload

HEADER = "x-virtual-env"
KEY = "kt-virtual-environment/"
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}, "previewHosts": "{env}.{host}"},
}
RULE = {"Match": [{"Uri": {"Prefix": "/api/"}}, {"URI": {"exact": "/api"}}], "Rewrite": {"Uri": "/v1"}}
ADMIN, HTTP = {"name": "tcp-admin", "port": 7000}, {"name": "http", "port": 8080}


def gateway(name, *hosts, port=80, **spec):
    server = {"port": {"number": port, "name": f"http-{port}", "protocol": "HTTP"}, "hosts": list(hosts)}
    return istio("Gateway", name, selector={"istio": name}, servers=[server], **spec)


def exposed(manifest: dict[str, Any], **annotations: str) -> dict[str, Any]:
    keys = {KEY + key: text for key, text in annotations.items()}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": keys}}


WORLD = [
    # The gateway's port is none of the Service's, and the Service has several: the operator's match.port fails here.
    exposed(service("shop", ADMIN, HTTP), gateways=" shop , ,other", hosts="shop.example.com, b.example.com,"),
    workload("shop", "dev"),
    workload("shop", "dev.proj1"),
    workload("shop", "dev.proj1.a_b"),
    exposed(service("cart"), gateways="shop", hosts="*.cart.example.com", rule=json.dumps(RULE)),
    workload("cart", "dev"),
    workload("cart", "dev.proj1"),
    exposed(service("solo"), gateways="shop", hosts="solo.example.com", rule=json.dumps(RULE)),
    workload("solo", "dev"),
    exposed(service("pay"), gateways="shop", hosts="pay.example.com"),
    workload("pay", "dev.proj1"),
    exposed(service("feed", clusterIP="None"), gateways="shop", hosts="feed.example.com"),
    workload("feed", "dev"),
    workload("feed", "dev.proj1"),
    gateway("shop", "*.example.com"),
    gateway("other", "./b.example.com", "*/*.b.example.com", "shop.example.com", "*.shop.example.com", port=8088),
]


@pytest.fixture(scope="module")
def mesh():
    outcome = function.run(yaml.safe_dump_all(WORLD, sort_keys=False).encode(), CONFIG)
    assert not outcome.failed, [result.line() for result in outcome.results]
    with Mesh(outputs.read(outcome.output)) as running:
        yield running


def asked(mesh, host, value=None, *, path="/", entry=("shop", 80), **request):
    headers = {HEADER: value} if value else {}
    client = mesh.gateway(entry[0])
    seen = [client.ask(host, entry[1], headers=headers, path=path, **request) for _ in range(4)]
    assert len({(one.environment, one.status) for one in seen}) == 1, seen
    return seen[0]


@pytest.mark.parametrize("entry", [("shop", 80), ("other", 8088)])
@pytest.mark.parametrize("host", ["shop.example.com", "b.example.com", "shop.example.com:8443"])
def test_a_gateway_follows_the_header(mesh, host, entry):
    """Each host on each gateway of the annotations follows the header, whatever the gateway's port is."""
    for value, answer in ((None, "dev"), ("dev.proj1", "dev.proj1"), ("dev.proj1.a_b.x", "dev.proj1.a_b")):
        assert asked(mesh, host, value, entry=entry).environment == answer


def test_http2_through_the_gateway(mesh):
    """HTTP/2 goes by the same routes."""
    assert asked(mesh, "shop.example.com", "dev.proj1", protocol="http2").environment == "dev.proj1"


def test_a_wildcard_host(mesh):
    """A host with a wildcard serves every name below it."""
    assert asked(mesh, "any.cart.example.com", "dev.proj1").environment == "dev.proj1"


@pytest.mark.parametrize(("value", "answer"), [(None, "dev"), ("dev.proj1", "dev.proj1")])
def test_a_rule_holds_for_what_it_matches_and_nothing_else(mesh, value, answer):
    """All matches of a rule count for each environment, and other paths keep theirs, on gateway and mesh."""
    for path, seen in (("/api/x", "/v1x"), ("/api", "/v1"), ("/else", "/else")):
        outside = asked(mesh, "x.cart.example.com", value, path=path)
        inside = mesh.sidecar().ask("cart", headers={HEADER: value} if value else {}, path=path)
        assert [(one.environment, one.path) for one in (outside, inside)] == [(answer, seen)] * 2


def test_a_rule_holds_with_one_environment(mesh):
    """A Service that has only the base is served by its host, and its rule holds."""
    assert [asked(mesh, "solo.example.com", path=path).path for path in ("/api", "/else")] == ["/v1", "/else"]
    assert mesh.sidecar().ask("solo", path="/api").path == "/v1"


def test_a_headless_service_behind_a_gateway(mesh):
    """A gateway chooses the pods of a headless Service itself, so its requests follow the header."""
    for value, answer in ((None, "dev"), ("dev.proj1", "dev.proj1")):
        assert asked(mesh, "feed.example.com", value).environment == answer


@pytest.mark.parametrize(
    ("label", "environment"),
    [("dev", "dev"), ("dev-proj1", "dev.proj1"), ("dev-proj1-a-b", "dev.proj1.a_b"), ("DEV-PROJ1", "dev.proj1")],
)
@pytest.mark.parametrize("port", ["", ":8443"])
def test_a_preview_host_is_its_environment(mesh, label, environment, port):
    """A preview host reaches its environment without any header, and the pod sees the header for its own calls."""
    answer = asked(mesh, f"{label}.shop.example.com{port}")
    assert (answer.environment, answer.saw(HEADER)) == (environment, [environment])


def test_a_preview_host_wins_over_the_header(mesh):
    """Who opens a preview host is in that environment, whatever header came along."""
    answer = asked(mesh, "dev-proj1.shop.example.com", "dev")
    assert (answer.environment, answer.saw(HEADER)) == ("dev.proj1", ["dev.proj1"])


def test_a_preview_host_of_an_environment_that_the_service_lacks(mesh):
    """Every environment of the namespace has a preview host at each Service: the header reaches the next hop."""
    answer = asked(mesh, "dev-proj1.solo.example.com", path="/api")
    assert (answer.environment, answer.saw(HEADER), answer.path) == ("dev", ["dev.proj1"], "/v1")
    chain = mesh.sidecar(pod=answer.pod).ask("shop", 8080, headers={HEADER: answer.saw(HEADER)[0]})
    assert chain.environment == "dev.proj1"


def test_without_base_pods(mesh):
    """Where the base has no pods, the gateway answers with the 503 that explains itself; previews do their best."""
    assert (asked(mesh, "pay.example.com").status, asked(mesh, "dev.pay.example.com").status) == (503, 503)
    assert "Service pay" in asked(mesh, "pay.example.com").body
    assert asked(mesh, "dev-proj1-a-b.pay.example.com").environment == "dev.proj1"


def test_hosts_and_their_previews_are_not_each_other(mesh):
    """A host that is none of them is answered by nobody."""
    assert asked(mesh, "dev-proj2.shop.example.com").status == 404
