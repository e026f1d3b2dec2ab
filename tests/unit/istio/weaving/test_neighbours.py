"""VirtualServices that share a host on a gateway: an environment's requests stay in the application that they had."""

import itertools

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from istio_reading import Request, answer
from lists import LABEL, base, codes, compute, named, service, workload

from krm_fn import function
from krm_fn.text import document

APPS = {"app": ("dev", "dev.x"), "other": ("dev",), "third": ("dev", "dev.x", "dev.y")}
PODS = [
    *(service(name, namespace="n") for name in APPS),
    *(workload(f"{name}-{env}", env, app=name, namespace="n") for name, envs in APPS.items() for env in envs),
]
HOSTS = ("a.example.com", "b.example.com", "*")
PATHS = ("/", "/x", "/x/y", "/z")


def virtual_service(name, routes, *, hosts=("a.example.com",), gateways=("g",), namespace="n"):
    http = [{**({"match": [{"uri": {"prefix": path}}]} if path else {}), "route": [to(app)]} for path, app in routes]
    spec = {"hosts": list(hosts), "gateways": list(gateways), "http": http}
    metadata = named(name, namespace)
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


def to(app):
    return {"destination": {"host": f"{app}.n.svc.cluster.local"}}


def woven(values):
    outcome = function.run(yaml.safe_dump_all(values, sort_keys=False).encode(), base())
    assert not outcome.failed, [one.line() for one in outcome.results]
    again = function.run(outcome.output, base())
    assert again.output == outcome.output
    return [one.value for one in document.parse(outcome.output).items]


def in_order(values, names):
    """The list with its VirtualServices of these names first, in this order: that of their age."""
    by_name = {one["metadata"]["name"]: one for one in values if one["kind"] == "VirtualService"}
    rest = [one for one in values if one["metadata"]["name"] not in names or one["kind"] != "VirtualService"]
    return [*(by_name[name] for name in names), *rest]


routes = st.lists(
    st.tuples(st.sampled_from(["", "/", "/x", "/x/y", "/z"]), st.sampled_from(sorted(APPS))), min_size=1, max_size=3
)
one = st.fixed_dictionaries(
    {
        "routes": routes,
        "hosts": st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2, unique=True),
        "gateways": st.sampled_from([("n/g",), ("n/g", "n/h"), ("n/h",)]),
        "namespace": st.sampled_from(["n", "m"]),
    }
)


@settings(max_examples=40, deadline=None)
@given(st.lists(one, min_size=2, max_size=3))
def test_whoever_is_older_each_request_stays_in_its_application(given_):
    """For every age of the VirtualServices, each request reaches the application that it reached before."""
    theirs = [virtual_service(f"v{place}", **fields) for place, fields in enumerate(given_)]
    names = [one["metadata"]["name"] for one in theirs]
    catching = [one for one in given_ if {"", "/"} & {path for path, _ in one["routes"]}]
    after = woven([*PODS, *theirs])
    for order in itertools.permutations(names) if len(catching) < 2 else ():
        old, new = in_order([*PODS, *theirs], order), in_order(after, order)
        for gateway, host, path, header in itertools.product(
            "gh", ("a.example.com", "b.example.com", "c.example.com"), PATHS, (None, "dev.x", "dev.y", "dev.x.z")
        ):
            headers = {"x-virtual-env": header} if header else {}
            request = Request(host, "n", 80, headers=headers, gateway=gateway, path=path)
            app = answer(old, request, "app")
            where = (order, request)
            assert answer(new, request, "app") == app, where
            if isinstance(app, str):
                own = [env for env in APPS[app] if header and (env == header or header.startswith(f"{env}."))]
                assert answer(new, request, LABEL) == max(own, key=len, default="dev"), where


@pytest.mark.parametrize("first", ["a", "z"])
def test_two_catch_alls_of_one_host_are_told(first):
    """Istio uses the older one's alone, and the list does not show which: the first by name gets the environments."""
    theirs = [virtual_service(first, [("", "app")]), virtual_service("m", [("/", "third")])]
    computed = compute([*PODS, *theirs], base())
    assert codes(computed.results) == ["host-shared"]
    after = woven([*PODS, *theirs])
    copies = {
        one["metadata"]["name"]: any(
            route.get("name", "").startswith("virtual-env--dev.x") for route in one["spec"]["http"]
        )
        for one in after
        if one["kind"] == "VirtualService" and "gateways" in one["spec"]
    }
    assert copies == {min(first, "m"): True, max(first, "m"): False}


def test_a_delegate_that_all_requests_are_handed_to():
    """The routes of another VirtualService stay theirs before a delegate's copies, too."""
    root = virtual_service("root", [])
    root["spec"]["http"] = [{"delegate": {"name": "inner"}}]
    inner = virtual_service("inner", [("", "app")])
    del inner["spec"]["hosts"], inner["spec"]["gateways"]
    after = woven([*PODS, root, inner, virtual_service("beside", [("/z", "other")])])
    (found,) = [one for one in after if one["metadata"]["name"] == "inner"]
    led = [
        (one.get("match", [{}])[0].get("uri"), one["route"][0]["destination"]["host"].partition(".")[0])
        for one in found["spec"]["http"]
    ]
    assert led == [({"prefix": "/z"}, "other"), (None, "app"), (None, "app"), (None, "app")]


def test_a_gateway_of_the_list_says_which_hosts_meet():
    """A server's host is one for the wildcard of one VirtualService and the name of another."""
    server = {"hosts": ["a.example.com"], "port": {"number": 80, "protocol": "HTTP", "name": "http"}}
    gateway = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": named("g", "n"),
        "spec": {
            "selector": {"istio": "g"},
            "servers": [server],
        },
    }
    theirs = [virtual_service("v", [("", "app")], hosts=["*"]), virtual_service("w", [("/z", "other")])]
    for listed, count in (([*PODS, *theirs], 0), ([*PODS, *theirs, gateway], 1)):
        (found,) = [one for one in woven(listed) if one["metadata"]["name"] == "v"]
        guards = [one for one in found["spec"]["http"] if one["route"][0]["destination"]["host"].startswith("other")]
        assert len(guards) == count
