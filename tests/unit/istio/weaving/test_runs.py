"""Neighbouring routes that do the same share their copies, and each request still goes where its own route says."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import base, service, workload

from krm_fn import function

HEADER = "x-virtual-env"
VALUES = [None, "dev", "dev.a", "dev.a.b", "dev.a.c", "dev.b", "dev.ab", "other"]
OWN = {"app": ("dev", "dev.a", "dev.a.b"), "api": ("dev", "dev.b")}
PATHS = ["/a", "/a/b", "/ab", "/c", "/"]


def pods():
    return [
        one
        for host, own in OWN.items()
        for one in (service(host), *(workload(f"{host}-{name}", name, labels={"app": host}) for name in own))
    ]


def woven(routes, hosts=("app",), **spec):
    """The HTTP routes of a woven VirtualService."""
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "app"},
        "spec": {**({"hosts": [*hosts]} if hosts else {}), "http": routes},
    }
    outcome = function.run(yaml.safe_dump_all([*pods(), theirs], sort_keys=False).encode(), base(**spec))
    assert not outcome.failed, [one.line() for one in outcome.results]
    values = list(yaml.safe_load_all(outcome.output))
    return next(one["spec"]["http"] for one in values if one["metadata"]["name"] == "app" and "http" in one["spec"])


def route(path, host="app", **more):
    return {"match": [{"uri": {"prefix": path}}], "route": [{"destination": {"host": host}}], **more}


def names(routes):
    return [one["name"].rpartition("--")[0] for one in routes if str(one.get("name")).startswith("virtual-env--")]


def taken(routes, path, value):
    """The first route that takes a request, and how Envoy calls it."""
    for one in routes:
        for match in one.get("match") or [{}]:
            header = match.get("headers", {}).get(HEADER, {})
            fits = {"exact": str.__eq__, "prefix": str.startswith}
            if path.startswith(match.get("uri", {}).get("prefix", "")) and all(
                value is not None and fits[how](value, text) for how, text in header.items()
            ):
                return one, match.get("name")
    return None, None


def answer(host, value):
    fits = [one for one in OWN[host] if value and (value == one or value.startswith(one + "."))]
    return max(fits, key=len, default="dev")


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda path, host, more: route(path, host, **more),
            st.sampled_from(PATHS),
            st.sampled_from(sorted(OWN)),
            st.sampled_from([{}, {}, {"timeout": "5s"}]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_each_request_goes_where_its_own_route_says(routes):
    """Whichever routes are alike: a request gets the deed of the first route that takes it, in its environment."""
    routes = [{**one, "name": f"r{number}"} for number, one in enumerate(routes)]
    made = woven(routes)
    for path in PATHS:
        own, _ = taken(routes, path, None)
        for value in VALUES:
            one, name = taken(made, path, value)
            if own is None:
                assert one is None or one["name"].partition("--")[2] == ""
                continue
            (target,) = one["route"]
            host = own["route"][0]["destination"]["host"]
            environment = answer(host, value)
            assert target["destination"]["host"] == host
            assert environment.replace(".", "-") == _environment(target["destination"]["subset"])
            assert one.get("timeout") == own.get("timeout")
            assert name in (None, own["name"])


def _environment(subset):
    return subset.removeprefix("virtual-env--").rpartition("-")[0]


def test_neighbours_that_do_the_same_share_their_copies():
    """Ten routes that differ in name and match get the copies of one; each match says whose it is."""
    made = woven([route(f"/{number}", name=f"r{number}", timeout="3s") for number in range(10)])
    assert names(made) == ["virtual-env--dev.a.b--r0", "virtual-env--dev.a--r0", "virtual-env--dev--r0"]
    assert [one["name"] for one in made[0]["match"]] == [f"r{number // 2}" for number in range(20)]
    assert [one["uri"]["prefix"] for one in made[2]["match"]] == [f"/{number}" for number in range(10)]


def test_routes_that_are_not_alike_have_copies_of_their_own():
    """Another deed, a route between them, a match of a carrier, a route that catches all: none of them joins."""
    for other in (
        [route("/b", timeout="5s")],
        [route("/b", "api")],
        [{"match": [{"uri": {"prefix": "/x"}}], "redirect": {"uri": "/y"}}, route("/b")],
        [{"route": [{"destination": {"host": "app"}}]}],
        [route("/")],
    ):
        copies = names(woven([route("/a"), *other]))
        assert copies.count("virtual-env--dev") == 2, other
    cookie = {"match": [{"headers": {"cookie": {"exact": "x"}}}], "route": [{"destination": {"host": "app"}}]}
    header = {"aliases": [{"cookie": "env"}]}
    assert names(woven([route("/a"), cookie], envHeader=header)).count("virtual-env--dev") == 2


def test_a_delegate_s_routes_have_copies_of_their_own():
    """Istio drops a delegate's route of which no match fits one of the root's; a shared copy would bring it back."""
    assert names(woven([route("/a"), route("/b")], hosts=())).count("virtual-env--dev") == 2
    assert names(woven([route("/a"), route("/b")])).count("virtual-env--dev") == 1


def test_values_that_are_answered_alike_share_a_copy():
    """Where only known values match, those that one environment answers need one copy, not one each."""
    OWN["api"] = ("dev", "dev.a.c", "dev.a.d")
    try:
        made = woven([route("/a")], matching="exact")
    finally:
        OWN["api"] = ("dev", "dev.b")
    assert names(made) == ["virtual-env--dev.a.b", "virtual-env--dev.a.c", "virtual-env--dev"]
    assert [one["headers"][HEADER] for one in made[1]["match"]] == [
        {"exact": "dev.a.c"},
        {"exact": "dev.a.d"},
        {"exact": "dev.a"},
    ]
