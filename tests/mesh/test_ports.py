"""Every kind of port, in a mesh: what follows the header, what is pinned to the base, what no rule can steer."""

from __future__ import annotations

import pytest
import yaml

from . import Mesh, table
from .package import run
from .worlds import app, istio, service, to, workload

HEADER = "x-virtual-env"
LABEL = "virtual-env"
PAIR = ("dev", "dev.proj1")


def config(**spec):
    return {
        "apiVersion": "virtual-env-fn.dev/v1alpha1",
        "kind": "VirtualEnvironment",
        "metadata": {"name": "virtual-env"},
        "spec": {"envLabel": {"defaultSubset": "dev"}, **spec},
    }


def port(number, name="", app_protocol="", **more):
    named = {"name": name} if name else {}
    return {"port": number, **named, **({"appProtocol": app_protocol} if app_protocol else {}), **more}


def listed(*manifests, **spec):
    return list(yaml.safe_load_all(run(list(manifests), config(**spec))))


def wrong(manifests, rows):
    """Ask the rows, each `service port protocol [what: value] → answer`; return what is not as they say."""
    table_rows = table.rows(rows)
    with Mesh(manifests) as mesh:
        return [str(cell) for cell in table.ask(mesh, table_rows, HEADER) if not cell.right]


def row(service_port, answer, protocol="http", **more):
    name, _, number = service_port.partition(":")
    return {
        "service": name,
        **({"port": int(number)} if number else {}),
        "protocol": protocol,
        **more,
        "answer": answer,
    }


def test_tcp_is_pinned_to_the_base():
    """Plain TCP reaches the base's pods only, whatever the caller's own environment."""
    ports = [port(6379, "redis"), port(9000, "tcp-raw"), port(27017, "mongo"), port(3307, "mysql"), port(3306)]
    ports[-1]["name"] = "db"
    world = listed(service("cache", *ports), *(workload("cache", one) for one in PAIR))
    rows = [row(f"cache:{one['port']}", "dev", "tcp", **who) for one in ports for who in ({}, {"from": "dev.proj1"})]
    assert wrong(world, rows) == []


def test_tcp_without_base_pods_closes():
    """Where the base has no pods a plain connection closes: it reaches nobody's personal pods."""
    rest = [service("web"), workload("web", "dev")]
    world = listed(service("cache", port(6379, "redis")), workload("cache", "dev.proj1"), *rest)
    assert wrong(world, [row("cache", "closed", "tcp"), row("cache", "closed", "tcp", **{"from": "dev.proj1"})]) == []


@pytest.mark.parametrize("kind", [port(9000, "tcp"), port(9000)], ids=["tcp", "sniffed"])
def test_tcp_by_the_callers_label(kind):
    """`tcp: callerLabels`: a connection follows its pod's own environment, else that one's ancestors, else the base."""
    environments = ("dev", "dev.proj1", "dev.proj1.a", "dev.proj2")
    others = [service("web"), *(workload("web", one) for one in ("dev", "dev.proj1.a.b", "dev.proj1.c", "dev.proj3"))]
    world = listed(service("db", kind), *(workload("db", one) for one in environments), *others, tcp="callerLabels")
    answers = {
        "dev": "dev",
        "dev.proj1": "dev.proj1",
        "dev.proj1.a": "dev.proj1.a",
        "dev.proj1.a.b": "dev.proj1.a",
        "dev.proj1.c": "dev.proj1",
        "dev.proj2": "dev.proj2",
        "dev.proj3": "dev",
        "unknown": "dev",
    }
    rows = [row("db", "dev", "tcp"), *(row("db", answer, "tcp", **{"from": one}) for one, answer in answers.items())]
    if not kind.get("name"):  # and HTTP on the same port follows its header, not the caller
        rows += [row("db", "dev", **{"from": "dev.proj2"}), row("db", "dev.proj1", header="dev.proj1.z")]
    assert wrong(world, rows) == []


def test_the_callers_label_where_the_base_has_no_pods():
    """With `tcp: callerLabels` and no base pods, callers with an environment here reach it; all others are closed."""
    rest = [service("web"), workload("web", "dev"), workload("web", "dev.proj2")]
    world = listed(service("db", port(9000, "tcp")), workload("db", "dev.proj1"), *rest, tcp="callerLabels")
    rows = [row("db", "closed", "tcp"), row("db", "dev.proj1", "tcp", **{"from": "dev.proj1"})]
    assert wrong(world, [*rows, row("db", "closed", "tcp", **{"from": "dev.proj2"})]) == []


def test_a_sniffed_port_both_ways():
    """A port that declares nothing: HTTP in every version follows the header, plain TCP goes to the base."""
    world = listed(service("feed", port(7000)), *(workload("feed", one) for one in PAIR))
    rows = [row("feed", "dev.proj1", one, header="dev.proj1") for one in ("http", "http2", "grpc")]
    rows += [row("feed", "dev", one) for one in ("http", "http2", "grpc", "tcp")]
    assert wrong(world, [*rows, row("feed", "dev", "tcp", **{"from": "dev.proj1"})]) == []


def test_app_protocol_stands_above_the_name():
    """`appProtocol` decides, in any case and also where Istio does not know it; then the port is sniffed."""
    ports = [
        port(8001, "http", "TCP"),
        port(8002, "tcp-x", "http"),
        port(8003, "tcp-y", "kubernetes.io/h2c"),
        port(8004, "redis", "example.com/own"),
        port(8005, "http-x", "redis"),
        port(8006, "tcp-z", "kubernetes.io/ws"),
        port(8007, "tcp-w", "GRPC-Web"),
    ]
    world = listed(service("hub", *ports), *(workload("hub", one) for one in PAIR))
    rows = [
        row("hub:8001", "dev", "tcp"),
        row("hub:8001", "dev", header="dev.proj1"),
        row("hub:8002", "dev.proj1", header="dev.proj1"),
        row("hub:8003", "dev.proj1", "grpc", header="dev.proj1"),
        row("hub:8004", "dev.proj1", header="dev.proj1"),
        row("hub:8004", "dev", "tcp"),
        row("hub:8005", "dev", header="dev.proj1"),
        row("hub:8006", "dev.proj1", header="dev.proj1"),
        row("hub:8007", "dev.proj1", header="dev.proj1"),
    ]
    assert wrong(world, rows) == []


def test_a_name_that_lies():
    """HTTP on a port named tcp-… is pinned like any TCP; on one named http-… plain TCP gets nowhere."""
    world = listed(service("odd", port(8001, "tcp-service"), port(8002, "http-x")), *(workload("odd", o) for o in PAIR))
    rows = [
        row("odd:8001", "dev", header="dev.proj1"),
        row("odd:8001", "dev"),
        row("odd:8002", "dev.proj1", header="dev.proj1"),
    ]
    assert wrong(world, rows) == []
    with Mesh(world) as mesh:
        answer = mesh.sidecar().ask("odd", 8002, protocol="tcp")
    assert not answer.pod


def test_services_that_share_pods():
    """Two Services of the same pods, each with its own ports: each is steered by its own kind of port."""
    world = listed(
        service("web", port(80, "http", targetPort=8080), selector={"app": "both"}),
        service("raw", port(9000, "tcp", targetPort=9000), port(80, targetPort=8080), selector={"app": "both"}),
        *(workload("both", one) for one in PAIR),
    )
    rows = [row("web", "dev.proj1", header="dev.proj1"), row("web", "dev"), row("raw:9000", "dev", "tcp")]
    rows += [row("raw:80", "dev.proj1", header="dev.proj1"), row("raw:80", "dev", "tcp")]
    assert wrong(world, rows) == []


def test_udp_and_headless_are_left_alone():
    """Nothing is made for UDP alone and for a headless Service: requests to the latter reach the pod they name."""
    world = listed(
        service("dns", port(5353, "dns", protocol="UDP")),
        service("peers", clusterIP="None"),
        *(workload(name, one) for name in ("dns", "peers") for one in PAIR),
    )
    assert {one["kind"] for one in world} == {"Service", "Deployment"}
    assert wrong(world, [row("peers", "spread", header="dev.proj1")]) == []


# What a TLS port does to a client by the server name (SNI) that it says, if any. `listed` is one of the names of the
# Service that the tls route lists. docs/ports.md shows this table.
TLS = {
    "nothing": {"none": "spread", "listed": "spread", "another": "spread"},
    "a tcp route to the base": {"none": "spread", "listed": "spread", "another": "spread"},
    "a tls route to the base": {"none": "closed", "listed": "dev", "another": "closed"},
    "a tls route and a tcp route": {"none": "closed", "listed": "dev", "another": "closed"},
    "the port named tcp-…": {"none": "dev", "listed": "dev", "another": "dev"},
}
NAMES = ["vault", "vault.default", "vault.default.svc", "vault.default.svc.cluster.local"]


@pytest.mark.parametrize("name", ["https", "tls"])
@pytest.mark.parametrize("rule", TLS)
def test_tls_by_server_name(rule, name):
    """What becomes of each client of a TLS port, by the name that it says and the rule that there is."""
    base = to("vault", "dev")
    match = [{"port": 8443, "sniHosts": NAMES}]
    rules = {
        "a tcp route to the base": {"tcp": [{"route": base}]},
        "a tls route to the base": {"tls": [{"match": match, "route": base}]},
        "a tls route and a tcp route": {"tls": [{"match": match, "route": base}], "tcp": [{"route": base}]},
    }
    if rule == "the port named tcp-…":
        world = listed(service("vault", port(8443, f"tcp-{name}")), *(workload("vault", one) for one in PAIR))
    else:
        world = app("vault", *PAIR, ports=[port(8443, name)])
        world += [istio("VirtualService", "vault", hosts=NAMES, **rules[rule])] if rule in rules else []
    said = {"none": [None], "listed": NAMES, "another": ["vault.example.com"]}
    rows = [
        row("vault", TLS[rule][which], "tls", **({"sni": sni} if sni else {})) for which in said for sni in said[which]
    ]
    assert wrong(world, rows) == []


@pytest.mark.parametrize("name", ["https", "tls"])
def test_nothing_is_made_for_tls(name):
    """A port of TLS alone gets no routes, so its connections are spread, as the finding says."""
    world = listed(service("vault", port(8443, name)), *(workload("vault", one) for one in PAIR))
    assert {one["kind"] for one in world} == {"Service", "Deployment"}


def test_tls_that_the_mesh_does_itself():
    """The other way out: the application speaks plain HTTP, the port says so, and the mesh encrypts underneath."""
    world = listed(service("vault", port(8443, "http")), *(workload("vault", one) for one in PAIR))
    assert wrong(world, [row("vault", "dev.proj1", header="dev.proj1"), row("vault", "dev")]) == []
