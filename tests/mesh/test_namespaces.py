"""Environments in namespaces of their own: whoever calls, from wherever, whichever name, the same pods answer."""

from __future__ import annotations

import pytest
import yaml

from krm_fn import function

from . import Mesh, outputs
from .worlds import LABEL, service, workload

HEADER = "x-virtual-env"
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {
        "envLabel": {"defaultSubset": "dev"},
        "namespaces": {"base": "dev", "members": ["proj1", "proj2"]},
        "tcp": "callerLabels",
    },
}
HTTP, SECOND, TCP = {"name": "http", "port": 8080}, {"name": "grpc", "port": 9090}, {"name": "tcp", "port": 6379}
# proj1 has web and no api; proj2 has api and no web; only the base has store, and cache, which has no environments.
WORLD = [
    service("web", namespace="dev"),
    workload("web", "dev", namespace="dev"),
    service("web", namespace="proj1"),
    workload("web", "dev.proj1", namespace="proj1"),
    service("api", HTTP, SECOND, TCP, namespace="dev"),
    workload("api", "dev", namespace="dev"),
    workload("api", "dev.local", namespace="dev"),
    service("api", HTTP, SECOND, TCP, namespace="proj2"),
    workload("api", "dev.proj2", namespace="proj2"),
    service("store", HTTP, TCP, namespace="dev"),
    workload("store", "dev", namespace="dev"),
    service("cache", namespace="dev"),
    workload("cache", namespace="dev"),
    service("late", namespace="proj1"),
    workload("late", "dev.proj1", namespace="proj1"),
    service("late", namespace="proj2"),
]
OWN = {
    "web": {"dev": "dev", "dev.proj1": "proj1"},
    "api": {"dev": "dev", "dev.local": "dev", "dev.proj2": "proj2"},
    "store": {"dev": "dev"},
}
NAMESPACES = ("dev", "proj1", "proj2")
VALUES = (None, "dev", "dev.proj1", "dev.proj1.x", "dev.proj10", "dev.proj2", "dev.local.y", "other")


def answers(app, value):
    """Return the environment that answers by the contract, in a few lines."""
    fits = [one for one in OWN[app] if value and f"{value}.".startswith(f"{one}.")]
    return max(fits, key=len, default="dev")


@pytest.fixture(scope="module")
def mesh():
    outcome = function.run(yaml.safe_dump_all(WORLD, sort_keys=False).encode(), CONFIG)
    assert not outcome.failed, [result.line() for result in outcome.results]
    with Mesh(outputs.read(outcome.output)) as running:
        yield running


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("app", sorted(OWN))
def test_callers_of_every_namespace_reach_the_same_pods(mesh, namespace, app):
    """By the short name and by the full names, with any value, HTTP reaches the pods of the contract's answer."""
    client = mesh.sidecar(namespace)
    hosts = [app, *(f"{app}.{one}.svc.cluster.local" for one in NAMESPACES)]
    for host in hosts:
        for value in VALUES:
            headers = {HEADER: value} if value else {}
            found = {client.ask(host, 8080, headers=headers).environment for _ in range(4)}
            assert found == {answers(app, value)}, (host, value)


def test_the_chain_goes_both_ways(mesh):
    """web of proj1 calls api of proj2 or of the base, and api of proj2 calls web of proj1 or of the base."""
    for hops, value, expected in (
        (["web:8080", "api:8080", "store:8080"], "dev.proj1", ["dev.proj1", "dev", "dev"]),
        (["web:8080", "api:8080", "store:8080"], "dev.proj2", ["dev", "dev.proj2", "dev"]),
        (["api:8080", "web:8080"], "dev.proj2", ["dev.proj2", "dev"]),
        (["web:8080", "api:8080", "web:8080"], "dev.proj1.x", ["dev.proj1", "dev", "dev.proj1"]),
    ):
        answered = mesh.chain(hops, namespace="dev", headers={HEADER: value}, copy=[HEADER])
        assert [one.environment for one in answered] == expected, (hops, value)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_plain_connections(mesh, namespace):
    """TCP goes by the caller's label to the namespace that has the pods, and else to the base."""
    for label, api in (("dev", "dev"), ("dev.proj1", "dev"), ("dev.proj2", "dev.proj2")):
        client = mesh.sidecar(namespace, {LABEL: label})
        assert {client.ask("api", 6379, protocol="tcp").environment for _ in range(6)} == {api}
        assert {client.ask("store", 6379, protocol="tcp").environment for _ in range(6)} == {"dev"}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_grpc(mesh, namespace):
    """gRPC on a second port follows the header across namespaces."""
    client = mesh.sidecar(namespace)
    for value in ("dev.proj2", "dev.proj1"):
        answer = client.ask("api", 9090, headers={HEADER: value}, protocol="grpc")
        assert answer.environment == answers("api", value)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_service_without_environments_is_found_everywhere(mesh, namespace):
    """What takes no part is reached from the members by its short name."""
    assert mesh.sidecar(namespace).ask("cache", headers={HEADER: "dev.proj1"}).pod == "cache"


@pytest.mark.parametrize("namespace", NAMESPACES[1:])
def test_without_base_pods_a_503_explains_itself(mesh, namespace):
    """A Service without base pods answers 503 from each namespace that has it, and its environment is reached."""
    client = mesh.sidecar(namespace)
    rejected = client.ask("late")
    assert (rejected.status, "Service late" in rejected.body) == (503, True)
    assert client.ask("late", headers={HEADER: "dev.proj1"}).environment == "dev.proj1"
