"""A host means the Service that Istio takes it for, and a finding says where one may think otherwise."""

import pytest
from lists import base, codes, compute, named, of_kind, service, workload

from krm_fn.istio.hosts import service_of

PAIR = [workload("a", "dev", namespace="prod"), workload("b", "dev.x", namespace="prod")]
APP = service(namespace="prod")


def virtual_service(host, to, **spec):
    spec = {"hosts": [host], "http": [{"route": [{"destination": {"host": to}}]}], **spec}
    return thing("VirtualService", spec)


def thing(kind, spec, namespace="prod"):
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": named("mine", namespace), "spec": spec}


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("app", ("here", "app")),
        ("app.prod.svc.cluster.local", ("prod", "app")),
        ("app.prod", None),
        ("app.prod.svc", None),
        ("app.prod.svc.clusterset.local", None),
        ("app.prod.other.svc.cluster.local", None),
        (".prod.svc.cluster.local", None),
        ("app..svc.cluster.local", None),
        ("httpbin.org", None),
    ],
)
def test_a_host_is_a_services_in_short_or_in_full(host, key):
    """Istio expands a name without a dot, and takes a full one; nothing between."""
    assert service_of(host, "here", "cluster.local") == key


def test_another_domain_is_an_option():
    """The full name is the one of the cluster's own domain."""
    assert service_of("app.prod.svc.corp.example", "here", "corp.example") == ("prod", "app")
    assert service_of("app.prod.svc.cluster.local", "here", "corp.example") is None
    rule = thing("DestinationRule", {"host": "app.prod.svc.corp.example"})
    computed = compute([APP, *PAIR, rule], base(clusterDomain="corp.example"))
    assert len(computed.made.edits) == 1
    assert of_kind(computed.made.manifests, "DestinationRule") == []


@pytest.mark.parametrize(
    ("one", "of_the_service", "host"),
    [
        ("", "team", "app"),
        ("team", "", "app"),
        ("team", "", "app.team.svc.cluster.local"),
    ],
)
def test_a_host_of_an_object_whose_namespace_only_one_of_both_names_is_told(one, of_the_service, host):
    """A chart that names the release's namespace in some templates only: told, and woven into with the option."""
    objects = [service("app", namespace=of_the_service)]
    objects += [workload(env, env, namespace=of_the_service) for env in ("dev", "dev.x")]
    for theirs in (virtual_service(host, host), thing("DestinationRule", {"host": host})):
        theirs["metadata"] = named("mine", one)
        computed = compute([*objects, theirs], base())
        assert codes(computed.results) == ["namespace-mixed"]
        assert not computed.made.edits
        computed = compute([*objects, theirs], base(namespace="team"))
        assert codes(computed.results) == []
        assert len(computed.made.edits) == 1


def test_a_host_of_a_service_of_its_own_is_not_told():
    """Two Services of one name, in a namespace and without one, are two."""
    theirs = {**virtual_service("app", "app"), "metadata": named("mine")}
    objects = [service("app", namespace="prod"), service("app"), theirs]
    assert codes(compute([*objects, *PAIR], base()).results) == []


@pytest.mark.parametrize("host", ["app.prod", "app.prod.svc", "app.prod.svc.clusterset.local"])
def test_a_host_that_only_looks_like_a_services_is_told(host):
    """A rule for it is no rule for the Service: it stays, the Service gets its own, and a warning says why."""
    computed = compute([APP, *PAIR, thing("DestinationRule", {"host": host})], base())
    assert codes(computed.results) == ["host-of-no-service"]
    assert not computed.made.edits
    (made,) = of_kind(computed.made.manifests, "DestinationRule")
    assert made["spec"]["host"] == "app"
    computed = compute([APP, *PAIR, virtual_service("app", host)], base())
    assert "host-of-no-service" in codes(computed.results)


@pytest.mark.parametrize(
    "more",
    [
        [virtual_service("httpbin.org", "httpbin.org")],
        [
            virtual_service("app.prod", "app.prod"),
            thing("ServiceEntry", {"hosts": ["app.prod"], "ports": [{"number": 80, "name": "http"}]}),
        ],
    ],
)
def test_a_host_of_the_world_outside_is_left_alone(more):
    """A host of two labels, or one that a ServiceEntry names, is not the Service of its first label."""
    listed = [service("httpbin"), workload("c", "dev", app="httpbin"), workload("d", "dev.x", app="httpbin")]
    computed = compute([APP, *PAIR, *listed, *more], base())
    assert codes(computed.results) == []
    assert not computed.made.edits
    assert {one["metadata"]["name"] for one in of_kind(computed.made.manifests, "VirtualService")} == {"app", "httpbin"}
