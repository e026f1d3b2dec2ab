"""Shapes: the quick answer and the findings are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import base, codes, compute, named, service, workload

from krm_fn.istio.http_route import HTTP_ROUTE
from krm_fn.istio.shapes import DESTINATION_RULE, VIRTUAL_SERVICE, MapOf, is_sound, problems

leaf = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(-1, 1), st.sampled_from(["a", "1s"]))


def values(shape):
    """Values of a shape, with mistakes in them."""
    if isinstance(shape, str):
        return leaf
    if isinstance(shape, MapOf):
        return st.one_of(leaf, st.dictionaries(st.sampled_from(["x", "y"]), values(shape.value), max_size=2))
    if isinstance(shape, list):
        return st.one_of(leaf, st.lists(values(shape[0]), max_size=2))
    return st.one_of(leaf, st.fixed_dictionaries({}, optional={key: values(one) for key, one in shape.items()}))


@pytest.mark.parametrize("shape", [VIRTUAL_SERVICE, DESTINATION_RULE, HTTP_ROUTE], ids=["routes", "rule", "route"])
@given(data=st.data())
def test_sound_is_what_has_no_problem(shape, data):
    """A value is sound exactly where there is no problem to be told."""
    value = data.draw(values(shape))
    assert is_sound(value, shape) is (list(problems(value, shape, "spec")) == [])


LATER = {"destination": {"host": "other"}, "weight": "${WEIGHT}"}
SHOP = service("shop", namespace="prod")
SHOP["metadata"]["annotations"] = {
    "kt-virtual-environment/gateways": "edge",
    "kt-virtual-environment/hosts": "shop.example.com",
}


def told(kind, spec, *more):
    pods = [workload("a", "dev", namespace="prod"), workload("b", "dev.x", namespace="prod")]
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": named("mine", "prod"),
        "spec": spec,
    }
    computed = compute([service(namespace="prod"), *pods, theirs, *more], base())
    return "object-invalid" in codes(computed.results)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("VirtualService", {"hosts": ["other"], "http": [{"route": [LATER]}]}),
        ("VirtualService", {"hosts": ["a.example.com"], "gateways": ["edge"], "http": [{"route": [LATER]}]}),
        ("DestinationRule", {"host": "other", "subsets": "${SUBSETS}"}),
        ("DestinationRule", {"host": "app.test.svc.cluster.local", "subsets": [{"name": 1}]}),
    ],
)
def test_what_names_no_service_with_routes_is_nobodys_business(kind, spec):
    """A weight that is filled in later, in routes to elsewhere: no word."""
    assert not told(kind, spec)


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("VirtualService", "${SPEC}"),
        ("VirtualService", {"hosts": ["app"], "http": [{"route": [LATER]}]}),
        ("VirtualService", {"hosts": "${HOSTS}", "http": []}),
        ("VirtualService", {"hosts": ["${HOST}"], "http": [{"route": [LATER]}]}),
        ("VirtualService", {"hosts": ["other"], "tcp": [{"route": [LATER, {"destination": {"host": "App"}}]}]}),
        ("VirtualService", {"hosts": ["other"], "http": [{"route": [LATER]}, {"delegate": {"name": "any"}}]}),
        ("DestinationRule", {"host": "*.prod.svc.cluster.local", "subsets": {}}),
        ("DestinationRule", {"host": 1}),
    ],
)
def test_what_may_name_one_must_be_readable(kind, spec):
    """A host that is none as it stands may come to be any."""
    assert told(kind, spec)


def test_routes_of_a_gateway_must_be_readable_where_a_service_is_served_by_one():
    """They may be for the same host."""
    spec = {"hosts": ["shop.example.com"], "gateways": ["edge"], "http": [{"route": [LATER]}]}
    pods = [workload(env, env, namespace="prod", app="shop") for env in ("dev", "dev.y")]
    assert told("VirtualService", spec, SHOP, *pods)
    assert not told("VirtualService", spec)
