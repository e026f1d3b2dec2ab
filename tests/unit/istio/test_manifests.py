"""The manifests say what the plan says. Where requests land is the mesh tests' matter; here stands the shape."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import base, compute, of_kind, service, workload

from krm_fn.istio.subsets import subset_names
from krm_fn.plan.services import Traffic, traffic_of

PAIR = (workload("a", "dev"), workload("b", "dev.proj1"))


def virtual_service(listed, function_config=None):
    (one,) = of_kind(compute(listed, function_config or base()).made.manifests, "VirtualService")
    return one["spec"]


def test_one_http_port():
    """A Service with one port: routes without ports, exact or prefix of each environment, then the base."""
    assert virtual_service([service(), *PAIR]) == {
        "hosts": ["app"],
        "http": [
            {
                "name": "dev.proj1",
                "match": [
                    {"headers": {"x-virtual-env": {"exact": "dev.proj1"}}},
                    {"headers": {"x-virtual-env": {"prefix": "dev.proj1."}}},
                ],
                "route": [{"destination": {"host": "app", "subset": "dev-proj1"}}],
            },
            {"name": "dev", "route": [{"destination": {"host": "app", "subset": "dev"}}]},
        ],
    }


def test_several_ports_name_theirs():
    """A Service with several ports: each route names its port in match and destination; TCP goes to the base."""
    spec = virtual_service([service(ports=((80, "http"), (9000, "tcp-x"))), *PAIR])
    assert spec["http"][0]["match"][0] == {"headers": {"x-virtual-env": {"exact": "dev.proj1"}}, "port": 80}
    assert spec["http"][1]["match"] == [{"port": 80}]
    assert spec["http"][1]["route"][0]["destination"] == {"host": "app", "subset": "dev", "port": {"number": 80}}
    destination = {"host": "app", "subset": "dev", "port": {"number": 9000}}
    assert spec["tcp"] == [{"match": [{"port": 9000}], "route": [{"destination": destination}]}]


def test_a_sniffed_port_has_both():
    """A port that declares nothing gets routes by header for its HTTP, and a pin to the base for its plain TCP."""
    spec = virtual_service([service(ports=((80, None),)), *PAIR])
    assert [route["name"] for route in spec["http"]] == ["dev.proj1", "dev"]
    assert spec["tcp"] == [{"route": [{"destination": {"host": "app", "subset": "dev"}}]}]


def test_nothing_for_one_environment():
    """A Service that has only the base gets nothing."""
    assert compute([service(), workload("a", "dev"), workload("a2", "dev")]).made.manifests == ()


def test_tls_alone_gets_nothing():
    """No rule pins every client of a TLS port, so none is written."""
    assert compute([service(ports=((443, "https"),)), *PAIR]).made.manifests == ()


def test_without_base_pods_a_503_explains_itself():
    """Where nothing answers, the response names the Service and the missing base."""
    listed = [service(), workload("b", "dev.proj1"), workload("x", "dev", app="other")]
    default = virtual_service(listed)["http"][-1]
    assert default["directResponse"]["status"] == 503
    assert "Service app" in default["directResponse"]["body"]["string"]
    assert "base environment dev" in default["directResponse"]["body"]["string"]


def test_any_pod_on_request():
    """`unmatched: anyPod` sends what nobody answers to any pod, as the operator did."""
    listed = [service(), workload("b", "dev.proj1"), workload("x", "dev", app="other")]
    default = virtual_service(listed, base(unmatched="anyPod"))["http"][-1]
    assert default["route"] == [{"destination": {"host": "app"}}]


def test_tcp_without_base_pods_stays_pinned():
    """Plain TCP is pinned to the base also where it has no pods: its subset exists, and is empty."""
    listed = [service(ports=((80, None),)), workload("b", "dev.proj1"), workload("x", "dev", app="other")]
    manifests = compute(listed, base()).made.manifests
    assert of_kind(manifests, "VirtualService")[0]["spec"]["tcp"][0]["route"][0]["destination"]["subset"] == "dev"
    names = [one["name"] for one in of_kind(manifests, "DestinationRule")[0]["spec"]["subsets"]]
    assert names == ["dev", "dev-proj1"]


def test_the_order_of_the_list_does_not_matter():
    """The same objects in any order give the same manifests in the same order."""
    listed = [service(), service("b"), *PAIR, workload("c", "dev", app="b"), workload("d", "dev.a", app="b")]
    assert compute(listed).made.manifests == compute(listed[::-1]).made.manifests


def test_api_version_and_header_by_option():
    """`istio.apiVersion` and `envHeader.name` reach the manifests; header names are written in lower case."""
    config = base(istio={"apiVersion": "networking.istio.io/v1beta1"}, envHeader={"name": "Ali-Env-Mark"})
    computed = compute([service(), *PAIR], config)
    assert {one["apiVersion"] for one in computed.made.manifests} == {"networking.istio.io/v1beta1"}
    assert list(of_kind(computed.made.manifests, "VirtualService")[0]["spec"]["http"][0]["match"][0]["headers"]) == [
        "ali-env-mark"
    ]


@pytest.mark.parametrize(
    ("number", "name", "protocol", "app_protocol", "traffic"),
    [
        (80, "http", "TCP", None, Traffic.HTTP),
        (80, "HTTP-web", "TCP", None, Traffic.HTTP),
        (80, "http2", "TCP", None, Traffic.HTTP),
        (80, "grpc-api", "TCP", None, Traffic.HTTP),
        (80, "grpc-web", "TCP", None, Traffic.HTTP),
        (80, "grpc-webx", "TCP", None, Traffic.HTTP),
        (80, "httpx", "TCP", None, Traffic.SNIFFED),
        (80, "web", "TCP", None, Traffic.SNIFFED),
        (80, "", "TCP", None, Traffic.SNIFFED),
        (3306, "", "TCP", None, Traffic.TCP),
        (3306, "http", "TCP", None, Traffic.HTTP),
        (27017, "db", "TCP", None, Traffic.TCP),
        (80, "tcp-service", "TCP", None, Traffic.TCP),
        (80, "redis", "TCP", None, Traffic.TCP),
        (443, "https", "TCP", None, Traffic.TLS),
        (443, "tls-x", "TCP", None, Traffic.TLS),
        (80, "http", "TCP", "TCP", Traffic.TCP),
        (80, "tcp", "TCP", "http", Traffic.HTTP),
        (80, "http", "TCP", "kubernetes.io/wss", Traffic.TLS),
        (80, "tcp", "TCP", "kubernetes.io/h2c", Traffic.HTTP),
        (80, "http", "TCP", "example.com/mine", Traffic.SNIFFED),
        (53, "http", "UDP", None, Traffic.UDP),
    ],
)
def test_what_a_port_carries(number, name, protocol, app_protocol, traffic):
    """A port's traffic is read as Istio reads it: appProtocol above the name up to its first dash."""
    assert traffic_of(number, name, protocol, app_protocol)[0] is traffic


@given(st.sets(st.from_regex(r"[a-zA-Z0-9][-a-zA-Z0-9_.]{0,61}[a-zA-Z0-9]", fullmatch=True), max_size=8))
def test_subset_names_are_valid_and_distinct(environments):
    """Any label values give as many subset names, each one that Istio accepts."""
    names = subset_names(environments)
    assert len(set(names.values())) == len(environments)
    for name in names.values():
        assert len(name) <= 63
        assert name.replace("-", "").isalnum()
        assert name[0] != "-" != name[-1]


def test_colliding_subset_names_get_a_hash():
    """`dev.a`, `dev-a` and `dev_a` would be one subset: each gets its own name, free of the others' order."""
    names = subset_names(["dev.a", "dev-a", "dev_a", "dev"])
    assert names["dev"] == "dev"
    assert len(set(names.values())) == 4
    assert names == subset_names(["dev_a", "dev-a", "dev", "dev.a"])
    assert names["dev.a"] == subset_names(["dev.a", "dev-a"])["dev.a"]
