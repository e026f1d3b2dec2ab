"""Ways around the routes that a list shows are reported, and none where there is none."""

import copy

import pytest
from lists import base, codes, compute, named, service, workload

NAMESPACE = "dev"
PAIR = [workload("a", "dev", namespace="dev"), workload("b", "dev.proj1", namespace="dev")]
APP = service(namespace="dev")


def thing(kind, api, spec, namespace="dev", **metadata):
    return {"apiVersion": api, "kind": kind, "metadata": {**named("x", namespace), **metadata}, "spec": spec}


def ingress(name):
    backend = {"service": {"name": name, "port": {"number": 80}}}
    return thing(
        "Ingress", "networking.k8s.io/v1", {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}
    )


def http_route(name, parent="Gateway"):
    spec = {"parentRefs": [{"kind": parent, "name": "app"}], "rules": [{"backendRefs": [{"name": name, "port": 80}]}]}
    return thing("HTTPRoute", "gateway.networking.k8s.io/v1", spec)


def sidecar(*hosts, namespace="dev"):
    return thing("Sidecar", "networking.istio.io/v1", {"egress": [{"hosts": list(hosts)}]}, namespace)


def virtual_service(**spec):
    return thing("VirtualService", "networking.istio.io/v1", {"hosts": ["app"], **spec})


TO_APP = [{"route": [{"destination": {"host": "app"}}]}]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        (ingress("app"), ["outside-door"]),
        (ingress("other"), []),
        (thing("Ingress", "networking.k8s.io/v1", {"defaultBackend": {"service": {"name": "app"}}}), ["outside-door"]),
        (http_route("app"), ["outside-door"]),
        (http_route("other"), []),
        (sidecar("./*"), []),
        (sidecar("*/app.dev.svc.cluster.local"), []),
        (sidecar("istio-system/*"), ["hidden-routes"]),
        (sidecar("./other.dev.svc.cluster.local"), ["hidden-routes"]),
        (sidecar("*/other.dev.svc.cluster.local", namespace="n"), ["hidden-routes"]),
        (sidecar("./*", namespace="n"), []),
        (virtual_service(http=TO_APP, exportTo=["."]), ["exported-partly"]),
        (virtual_service(http=TO_APP, exportTo=["*"]), []),
    ],
)
def test_a_way_around_the_routes(more, found):
    """An object that leads requests past the routes, or hides them, is a warning; a harmless one of its kind is not."""
    assert codes(compute([APP, *PAIR, copy.deepcopy(more)], base()).results) == found


def test_a_route_for_some_clients_is_told_by_its_full_host():
    """A VirtualService that holds in its namespace only is told however it writes the Service's host."""
    full = virtual_service(http=TO_APP, exportTo=["."]) | {}
    full["spec"] = {**full["spec"], "hosts": ["app.dev.svc.cluster.local"]}
    assert codes(compute([APP, *PAIR, full], base()).results) == ["exported-partly"]


@pytest.mark.parametrize("kind", ["LoadBalancer", "NodePort"])
def test_a_service_s_own_door(kind):
    """A Service of several environments that is open to the outside by its own port is a warning; of one, it is not."""
    one = service(namespace="dev", type=kind)
    assert codes(compute([one, *PAIR], base()).results) == ["outside-door"]
    assert codes(compute([one, PAIR[0]], base()).results) == []


def test_a_service_that_is_exported_to_its_namespace_only():
    """The routes of a Service are seen where the Service is: exportTo is a warning."""
    one = copy.deepcopy(APP)
    one["metadata"]["annotations"] = {"networking.istio.io/exportTo": "."}
    assert codes(compute([one, *PAIR], base()).results) == ["hidden-routes"]


def test_a_sidecar_that_hides_a_service_of_its_own_namespace():
    """Among Services of several namespaces, one of the Sidecar's own that its hosts leave out is a warning."""
    far = [service("far", namespace="n"), workload("c", "dev", app="far", namespace="n")]
    far.append(workload("d", "dev.x", app="far", namespace="n"))
    listed = [APP, *PAIR, *far, sidecar("dev/*", namespace="n")]
    (finding,) = [one for one in compute(listed, base()).results if one.code.slug == "hidden-routes"]
    assert "hides Service n/far from" in finding.message
