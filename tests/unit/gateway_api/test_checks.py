"""What keeps requests from Gateway API routes, and what single meshes do with them: each finding, and its absence."""

from __future__ import annotations

import pytest
from lists import codes, compute, config, service, workload

PODS = [workload("a", "dev"), workload("b", "dev.x")]
GATEWAYS, HOSTS = "kt-virtual-environment/gateways", "kt-virtual-environment/hosts"


def found(*values, **spec):
    listed = values if any(one["kind"] == "Service" for one in values) else [service(), *values]
    results = compute(
        [*listed, *PODS], config(**{"output": "gatewayAPI", "envLabel": {"defaultSubset": "dev"}, **spec})
    ).results
    return codes(results)


def istio(kind, **spec):
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": "mine"}, "spec": spec}


def exposed(gateways="edge", hosts="shop.example.com", **more):
    given = service()
    given["metadata"]["annotations"] = {GATEWAYS: gateways, HOSTS: hosts, **more}
    return given


def gateway(*listeners, name="edge", namespace=""):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    listed = [{"name": f"l{n}", "port": 80, "protocol": "HTTP", **one} for n, one in enumerate(listeners)]
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": metadata,
        "spec": {"listeners": listed},
    }


def test_nothing_to_say():
    """A Service with one HTTP port and no other resources is no finding at all."""
    assert found() == []


@pytest.mark.parametrize("given", ["parentRefs", "backendRefs"])
def test_a_route_of_which_only_the_service_names_its_namespace_or_the_reverse(given):
    """It is taken for another Service's, and told; with the option both are one."""
    reference = {"kind": "Service", "group": "", "name": "app", "port": 80}
    route = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "mine"}}
    route["spec"] = {given: [reference]} if given == "parentRefs" else {"rules": [{given: [reference]}]}
    assert "namespace-mixed" not in found(route)
    away = {**route, "metadata": {"name": "mine", "namespace": "team"}}
    assert found(away) == ["namespace-mixed"]
    assert "namespace-mixed" not in found(away, namespace="team")
    assert found(away, service("app", namespace="team"), service()) == []
    pods = [workload(env, env, namespace="team") for env in ("dev", "dev.x")]
    of_the_pods_too = ["namespace-mixed", "namespace-mixed"]
    assert found(route, service("app", namespace="team"), *pods) == of_the_pods_too


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("app", True),
        ("app.default.svc.cluster.local", False),  # the list's Service has no namespace yet
        ("*.svc.cluster.local", True),
        ("other", False),
        ("app.example.com", False),
    ],
)
def test_a_virtual_service_for_the_same_host(host, said):
    """A VirtualService of the mesh for a routed Service is an error; for another host, or on a gateway, it is none."""
    assert ("virtual-service" in found(istio("VirtualService", hosts=[host], http=[]))) == said
    assert found(istio("VirtualService", hosts=[host], gateways=["edge"], http=[])) == []


def test_a_virtual_service_on_a_gateway_goes_past_the_routes():
    """It spreads over everybody's pods, unless the Service has the base's alone."""
    theirs = istio(
        "VirtualService", hosts=["*"], gateways=["edge"], http=[{"route": [{"destination": {"host": "app"}}]}]
    )
    assert found(theirs) == ["outside-door"]
    assert found(theirs, base="selector") == []


def test_a_destination_rule_no_longer_holds():
    """A trafficPolicy for the Service itself is passed by; subsets alone, and a wildcard, are no loss."""
    assert found(istio("DestinationRule", host="app", trafficPolicy={"tls": {}})) == ["rule-passed-by"]
    assert found(istio("DestinationRule", host="app", subsets=[])) == []
    assert found(istio("DestinationRule", host="*.svc.cluster.local", trafficPolicy={"tls": {}})) == []


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_doors_from_outside(kind):
    """An open Service, an Ingress and a TCPRoute pass no route; with `base: selector` they reach the base."""
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"}}
    ingress["spec"] = {"defaultBackend": {"service": {"name": "app"}}}
    tcp = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "TCPRoute", "metadata": {"name": "t"}}
    tcp["spec"] = {"rules": [{"backendRefs": [{"name": "app", "port": 80}]}]}
    doors = [service(type=kind), ingress, tcp]
    assert found(*doors) == ["outside-door"] * 3
    assert found(*doors, base="selector") == []


def test_options_that_no_route_makes_true():
    """Header injection, and TCP by the caller where there is a port of it."""
    assert found(envHeader={"autoInject": True}) == ["option-unsupported"]
    assert found(tcp="callerLabels") == []
    both = found(service(ports=((80, "http"), (81, "tcp"))), tcp="callerLabels")
    assert both == ["connections-open", "option-unsupported"]


@pytest.mark.parametrize(
    ("port", "code"),
    [
        ((81, "tcp"), ["connections-open"]),
        ((81, "https"), ["connections-open"]),
        ((81, None), ["connections-open", "port-guessed", "ports-merged"]),
        ((81, "http-b"), ["ports-merged"]),
        ((81, "b", "grpc"), ["app-protocol", "ports-merged"]),
        ((81, "b", "kubernetes.io/ws"), ["app-protocol", "ports-merged"]),
        ((81, "b", "kubernetes.io/h2c"), ["ports-merged"]),
    ],
)
def test_ports(port, code):
    """Each kind of port beside an HTTP one; the Service's own selector closes what is open."""
    assert found(service(ports=((80, "http"), port))) == code
    assert found(service(ports=((80, "http"), port)), base="selector") == [
        one for one in code if one != "connections-open"
    ]


@pytest.mark.parametrize(
    ("labels", "said"), [({}, True), ({"istio.io/use-waypoint": "w"}, False), ({"istio.io/use-waypoint": "none"}, True)]
)
def test_a_service_without_a_waypoint(labels, said):
    """In an ambient namespace a Service needs a waypoint, its own or the namespace's."""
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "n", "labels": {"istio.io/dataplane-mode": "ambient"}},
    }
    pods = [workload("a2", "dev", namespace="n"), workload("b2", "dev.x", namespace="n")]
    given = service(namespace="n")
    given["metadata"]["labels"] = labels
    assert ("waypoint-missing" in found(given, *pods, namespace)) == said
    namespace["metadata"]["labels"]["istio.io/use-waypoint"] = "w"
    assert ("waypoint-missing" in found(given, *pods, namespace)) == (labels.get("istio.io/use-waypoint") == "none")
    assert "waypoint-missing" not in found(given, *pods)


@pytest.mark.parametrize(
    ("gateways", "listed", "code"),
    [
        ("edge", [], []),  # it may be elsewhere
        ("edge", [gateway({})], []),
        ("edge", [gateway({"hostname": "*.example.com"})], []),
        ("edge", [gateway({"hostname": "other.com"})], ["gateway-host"]),
        ("edge", [gateway({"protocol": "TLS"})], ["gateway-host"]),
        ("egde", [gateway({})], ["gateway-unknown"]),
        ("n/edge", [gateway({}, namespace="n")], ["gateway-host"]),  # its listeners take routes of its namespace only
        ("n/edge", [gateway({"allowedRoutes": {"namespaces": {"from": "All"}}}, namespace="n")], []),
        ("edge", [{**istio("Gateway", servers=[]), "metadata": {"name": "edge"}}], ["gateway-kind"]),
        ("mesh", [], ["not-exposed"]),
    ],
)
def test_gateways(gateways, listed, code):
    """A gateway of the list must be of the right kind, and have a listener for the host and the namespace."""
    assert found(exposed(gateways), *listed) == code


def test_a_rule_of_istios():
    """The annotation `rule` is a route of Istio's: an error that says what to write instead."""
    assert found(exposed(**{"kt-virtual-environment/rule": '{"timeout": "5s"}'})) == ["rule-invalid"]


@pytest.mark.parametrize(("environment", "said"), [("dev.y", False), ("dev.team-one.feature-two.step-three", True)])
def test_expressions_that_a_stock_envoy_refuses(environment, said):
    """An expression of more than 100 steps is a warning: RE2 itself counts them."""
    results = found(workload("c", environment), envHeader={"aliases": [{"cookie": "e"}]})
    assert ("expression-large" in results) == said


ROUTED = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "mine"},
    "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "app", "port": 80}]}]},
}


@pytest.mark.parametrize(
    ("group", "targets", "said"),
    [
        ("gateway.envoyproxy.io", [("HTTPRoute", "mine")], ["mine-virtual-env"]),
        ("gateway.envoyproxy.io", [("HTTPRoute", "mine"), ("HTTPRoute", "mine-virtual-env")], []),
        ("gateway.envoyproxy.io", [("Gateway", "edge"), ("HTTPRoute", "other"), ("Service", "other")], []),
        ("gateway.networking.k8s.io", [("Service", "app")], ["app-dev", "app-dev-a"]),
        ("gateway.networking.k8s.io", [("Service", "app"), ("Service", "app-dev"), ("Service", "app-dev-a")], []),
        ("security.istio.io", [("Service", "app")], []),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_a_policy_that_requests_pass_by(group, targets, said, single):
    """A policy holds for what it names: not for the routes and Services beside that; nothing is said of one for all."""
    refs = [{"group": "", "kind": kind, "name": name} for kind, name in targets]
    specs = [{"targetRef": one} for one in refs] if single else [{"targetRefs": refs}]
    policies = [
        {"apiVersion": f"{group}/v1", "kind": "SomePolicy", "metadata": {"name": f"p{place}"}, "spec": spec}
        for place, spec in enumerate(specs)
    ]
    listed = [service(), workload("a", "dev"), workload("b", "dev.a"), ROUTED, *policies]
    results = compute(listed, config(output="gatewayAPI", base="selector")).results
    told = [one for one in results if one.code.slug == "rule-passed-by"]
    assert len(told) == bool(said)
    assert all(name in one.message for one in told for name in said)


def on_the_host(rule, hosts=("Shop.example.com",), kind="HTTPRoute", name="edge"):
    spec = {"parentRefs": [{"name": name}], "hostnames": list(hosts), "rules": [rule]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": "mine"}, "spec": spec}


OTHER = {"backendRefs": [{"name": "other", "port": 80}]}


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (on_the_host(OTHER), True),
        (on_the_host({**OTHER, "matches": [{"headers": [{"name": "a", "value": "b"}]}]}), True),
        (on_the_host({**OTHER, "matches": [{"path": {"value": "/other"}}]}), False),
        (on_the_host({**OTHER, "matches": [{"path": {"value": "/other"}}]}, kind="GRPCRoute"), True),
        (on_the_host(OTHER, hosts=["other.example.com"]), False),
        (on_the_host(OTHER, hosts=[]), False),  # the route for the very host comes first
        (on_the_host(OTHER, name="inner"), False),
    ],
)
def test_a_route_of_a_host_that_annotations_claim(route, said):
    """A route of the user's that takes all of a host ties with the one that annotations ask for."""
    assert found(exposed(), route) == ["host-shared"] * said


def test_two_services_claim_a_host():
    """Each of two Services would have all of a host: told at the second one; not where their gateways differ."""
    second = exposed(hosts="SHOP.example.com")
    second["metadata"]["name"] = "second"
    assert found(exposed(), second) == ["host-shared"]
    second["metadata"]["annotations"][GATEWAYS] = "inner"
    assert found(exposed(), second) == []
