"""What only the running proxy knows is said to be so: docs/verify.md lists it, and every entry is provoked here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dumps import HOST, TYPE, cluster_name, header, listener, manager, route

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "verify.md").read_text()


def http_filter(kind, name=None, **more):
    config = {"@type": f"{TYPE}.extensions.filters.http.{kind}", **more}
    return {"name": name or f"envoy.filters.http.{kind.split('.')[0]}", "typed_config": config}


def with_filter(one):
    def change(dump):
        dump.listeners = [listener(manager(one))]

    return change


def with_manager(**more):
    def change(dump):
        dump.listeners = [listener(manager(**more))]

    return change


def with_network_filter(dump):
    dump.listeners = [listener({"name": "envoy.filters.network.ext_authz", "typed_config": {}}, manager())]


def with_match(**more):
    def change(dump):
        dump.routes[0]["match"] |= more

    return change


def with_headers(*found):
    def change(dump):
        dump.routes[0]["match"]["headers"] = list(found)

    return change


def with_action(**action):
    def change(dump):
        dump.routes[2]["route"] = action

    return change


def with_cluster(**more):
    def change(dump):
        dump.clusters[cluster_name("dev")] = more

    return change


def with_chain_match(**more):
    def change(dump):
        dump.listeners[0]["filter_chains"][0]["filter_chain_match"] |= more

    return change


def with_listener(**more):
    def change(dump):
        dump.listeners[0] |= more

    return change


def with_table(**more):
    def change(dump):
        dump.table |= more

    return change


def with_scopes(dump):
    one = manager(scoped_routes={})
    del one["typed_config"]["rds"]
    dump.listeners = [listener(one)]


def with_filter_action(dump):
    del dump.routes[2]["route"]
    dump.routes[2]["non_forwarding_action"] = {}


def with_tree(dump):
    value = dump.value

    def changed():
        made = value()
        made["configs"][4]["dynamic_route_configs"][0]["route_config"]["virtual_hosts"][0]["matcher"] = {}
        return made

    dump.value = changed


MUTATION = {
    "name": "other",
    "typed_config": {
        "mutations": [{"append": {"header": {"key": "x-virtual-env", "value": "%REQ(x-user)%"}}}],
    },
}
FAULT = f"{TYPE}.extensions.filters.http.fault.v3.HTTPFault"
HALF = {"numerator": 50, "denominator": "HUNDRED"}
# By the words of docs/verify.md: what is changed, and what verify says of it.
UNTOLD = {
    "HTTP filters": [
        (with_filter(http_filter("lua.v3.Lua")), "the HTTP filter envoy.filters.http.lua"),
        (with_filter(http_filter("ext_authz.v3.ExtAuthz")), "the HTTP filter envoy.filters.http.ext_authz"),
        (with_filter(http_filter("ext_proc.v3.ExternalProcessor")), "the HTTP filter envoy.filters.http.ext_proc"),
        (with_filter(http_filter("wasm.v3.Wasm")), "the HTTP filter envoy.filters.http.wasm"),
        (with_filter(http_filter("rbac.v3.RBAC")), "the HTTP filter envoy.filters.http.rbac"),
        (with_filter(http_filter("jwt_authn.v3.JwtAuthentication")), "the HTTP filter envoy.filters.http.jwt_authn"),
        (with_filter(http_filter("header_mutation.v3.HeaderMutation")), "filter envoy.filters.http.header_mutation"),
        (with_filter(http_filter("local_ratelimit.v3.LocalRateLimit")), "filter envoy.filters.http.local_ratelimit"),
    ],
    "early header mutations": [
        (with_manager(early_header_mutation_extensions=[MUTATION]), "an early mutation of the header x-virtual-env"),
    ],
    "network filters": [(with_network_filter, "the network filter envoy.filters.network.ext_authz")],
    "faults": [
        (
            with_filter(http_filter("fault.v3.HTTPFault", abort={"percentage": HALF, "grpc_status": 14})),
            "a fault whose status is no HTTP status",
        ),
    ],
    "matches of routes": [
        (with_match(dynamic_metadata=[{}], headers=[]), "route dev.a matches by dynamic_metadata"),
        (with_match(tls_context={}, headers=[]), "route dev.a matches by tls_context"),
        (with_match(filter_state=[{}], headers=[]), "route dev.a matches by filter_state"),
        (
            with_match(headers=[], runtime_fraction={"default_value": HALF, "runtime_key": "canary"}),
            "a share that the runtime key canary may set",
        ),
        (
            with_headers({"name": "x", "range_match": {"start": "1", "end": "5"}}),
            "the header x is matched by range_match",
        ),
        (with_headers({"name": "x", "string_match": {"custom": {}}}), "a text is matched by custom"),
    ],
    "headers that the proxy writes itself": [
        (with_headers(header("abc", name="x-request-id")), "the header x-request-id, which the proxy itself may write"),
        (with_headers(header("1", name="X-Envoy-Attempt")), "the header x-envoy-attempt, which the proxy itself may"),
    ],
    "trees of matchers": [
        (with_tree, f"virtual host {HOST}:8080 chooses by a tree of matchers"),
        (with_listener(filter_chain_matcher={}), "chooses its filter chain by a tree of matchers"),
    ],
    "clusters by plugin, header or runtime": [
        (with_action(cluster_specifier_plugin="x"), "a plugin chooses the cluster"),
        (with_action(weighted_clusters={"header_name": "x", "clusters": []}), "weights are set by header_name"),
        (
            with_action(weighted_clusters={"runtime_key_prefix": "x", "clusters": []}),
            "weights are set by runtime_key_prefix",
        ),
        (with_filter_action, "route dev has an action that is not read here"),
    ],
    "clusters that choose by something else": [
        (
            with_cluster(cluster_type={"name": "envoy.clusters.aggregate"}),
            "endpoints are found by envoy.clusters.aggregate",
        ),
        (with_cluster(lb_subset_config={}), "it chooses among its endpoints by their metadata"),
    ],
    "listeners that look at the client": [
        (with_chain_match(source_prefix_ranges=[{"address_prefix": "10.0.0.0"}]), "chooses by the client's address"),
        (with_chain_match(other=1), "listener 0.0.0.0_8080 chooses by other"),
    ],
    "routes by scope, hosts on demand": [
        (with_scopes, "routes are chosen by scope"),
        (with_table(vhds={}, virtual_hosts=[]), "the table 8080 asks for hosts on demand"),
    ],
}
CASES = [(what, change, message) for what, cases in UNTOLD.items() for change, message in cases]


@pytest.mark.parametrize(("what", "change", "message"), CASES, ids=[message for _, _, message in CASES])
def test_it_is_said_and_not_guessed(what, change, message, run, made):
    """The cells that it decides are untold with its name, no difference is made up, and the exit code is 1."""
    assert what
    change(made)
    code, out, err = run(made.raw())
    assert (code, err) == (1, "")
    assert message in out.partition("cannot tell: ")[2]
    assert "should answer" not in out


def test_the_documentation_lists_all_of_it():
    """docs/verify.md has a row for each entry above, and no other."""
    table = DOCS.partition("## What cannot be told")[2].partition("\n## ")[0]
    assert re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)[1:] == list(UNTOLD)


def test_what_decides_nothing_is_no_matter(run, made):
    """A route that nobody can judge is passed over where another of its conditions says no anyway."""
    made.routes.insert(0, route("other", cluster_name("dev"), header("never", name="x-never")))
    made.routes[0]["match"]["dynamic_metadata"] = [{}]
    assert run(made.raw())[0] == 0
