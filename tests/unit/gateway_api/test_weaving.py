"""The user's own HTTPRoutes and GRPCRoutes: what stands beside them, and what cannot."""

from __future__ import annotations

import pytest
import yaml
from lists import codes, compute, config, of_kind, service, workload

from krm_fn import function

SELECTOR = {"output": "gatewayAPI", "base": "selector"}
LISTED = [
    service("web"),
    service("cart"),
    service("other"),
    *(workload(f"w{n}", name, app="web") for n, name in enumerate(["dev", "dev.a"])),
    *(workload(f"c{n}", name, app="cart") for n, name in enumerate(["dev", "dev.a.b"])),
    workload("o", app="other"),
]
MESH = [{"group": "", "kind": "Service", "name": "web"}]


def theirs(*rules, kind="HTTPRoute", name="mine", parents=MESH, namespace="", **spec):
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    spec = {"parentRefs": parents, **spec, "rules": list(rules)}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": spec}


def to(*names, **more):
    return {"backendRefs": [{"name": name, "port": 80} for name in names], **more}


def computed(*routes, **spec):
    return compute([*LISTED, *routes], config(**{**SELECTOR, **spec}))


def made(*routes, **spec):
    result = computed(*routes, **spec)
    return {
        one["metadata"]["name"]: one
        for kind in ("HTTPRoute", "GRPCRoute")
        for one in of_kind(result.made.manifests, kind)
    }


def test_each_rule_for_each_environment():
    """Beside theirs stands a route with its parents and hosts: every rule once per environment."""
    rules = [
        to("cart", matches=[{"path": {"value": "/cart"}}], timeouts={"request": "3s"}, name="cart"),
        to("other", matches=[{"path": {"value": "/"}, "headers": [{"name": "x", "value": "1"}]}]),
        to("web"),
    ]
    route = made(theirs(*rules, hostnames=["shop.example.com"]))["mine-virtual-env"]
    assert route["spec"]["parentRefs"] == MESH
    assert route["spec"]["hostnames"] == ["shop.example.com"]
    found = [
        (
            [match.get("path", {}).get("value") for match in one["matches"]],
            one["matches"][0]["headers"][-1]["value"],
            one["backendRefs"][0]["name"],
        )
        for one in route["spec"]["rules"]
    ]
    deep, shallow = r"^dev\.a\.b(\..*)?$", r"^dev\.a(\..*)?$"
    assert found == [
        (["/cart"], deep, "cart-dev-a-b"),
        (["/"], deep, "other"),
        ([None], deep, "web-dev-a"),
        (["/cart"], shallow, "cart-dev"),
        (["/"], shallow, "other"),
        ([None], shallow, "web-dev-a"),
    ]
    assert route["spec"]["rules"][1]["matches"][0]["headers"][0] == {"name": "x", "value": "1"}
    assert route["spec"]["rules"][0]["timeouts"] == {"request": "3s"}
    assert not any("name" in one for one in route["spec"]["rules"])


def test_their_file_keeps_every_byte_and_unweaving_leaves_nothing():
    """Their text is the same before and after, and without their route ours is gone as well."""
    text = yaml.safe_dump(theirs(to("web"))) + "# theirs  \n"
    listed = "---\n".join(yaml.safe_dump(one) for one in LISTED)
    options = {"output": "gatewayAPI", "base": "selector"}
    after = function.run(f"{listed}---\n{text}".encode(), None, options).output.decode()
    assert text in after
    assert "name: mine-virtual-env" in after
    assert function.run(after.encode(), None, options).output.decode() == after
    without = "---".join(one for one in after.split("---") if "name: mine\n" not in one)
    assert "mine-virtual-env" not in function.run(without.encode(), None, options).output.decode()


def test_no_route_of_ours_where_theirs_is():
    """A port that their route takes gets no other route: what they answer with 404 stays so. Other ports do."""
    two = [service("web", ports=((80, "http"), (81, "http-b"))), *LISTED[1:]]
    result = compute([*two, theirs(to("web"), parents=[{**MESH[0], "port": 80}])], config(**SELECTOR))
    assert [one["metadata"]["name"] for one in of_kind(result.made.manifests, "HTTPRoute")] == [
        "cart",
        "mine-virtual-env",
        "web-81",
    ]
    assert "web" not in made(theirs(to("web")))


def test_a_route_of_another_namespace_is_for_its_clients_alone():
    """A consumer's route is woven into in its namespace, and the Service keeps the route for all other clients."""
    parents = [{**MESH[0], "namespace": "shop"}]
    listed = [{**one, "metadata": {**one["metadata"], "namespace": "shop"}} for one in LISTED]
    rule = {"backendRefs": [{"name": "web", "namespace": "shop", "port": 80}]}
    result = compute([*listed, theirs(rule, namespace="client", parents=parents)], config(**SELECTOR))
    routes = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one
        for one in of_kind(result.made.manifests, "HTTPRoute")
    }
    assert routes.keys() == {("client", "mine-virtual-env"), ("shop", "cart"), ("shop", "web")}
    (first, *_) = routes["client", "mine-virtual-env"]["spec"]["rules"]
    assert first["backendRefs"] == [{"name": "web-dev-a", "namespace": "shop", "port": 80}]
    grants = of_kind(result.made.manifests, "ReferenceGrant")
    assert {one["spec"]["to"][0]["name"] for one in grants} == {"web-dev-a"}


def test_weights_mirrors_and_filters():
    """Weights of backends that become one add up, mirrors are narrowed, other filters stay."""
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "cart", "port": 80}}}
    change = {"type": "URLRewrite", "urlRewrite": {"hostname": "x"}}
    backends = [
        {"name": "web", "port": 80, "weight": 3},
        {"name": "web", "port": 80},
        {"name": "other", "port": 80, "weight": 5},
    ]
    route = made(theirs({"backendRefs": backends, "filters": [mirror, change]}))["mine-virtual-env"]
    deep, _ = route["spec"]["rules"]
    assert deep["backendRefs"] == [
        {"name": "web-dev-a", "port": 80, "weight": 4},
        {"name": "other", "port": 80, "weight": 5},
    ]
    assert deep["filters"][0]["requestMirror"]["backendRef"] == {"name": "cart-dev-a-b", "port": 80}
    assert deep["filters"][1] == change


def test_a_grpc_route_gets_one_of_its_kind():
    """Beside a GRPCRoute stands a GRPCRoute; the two kinds on one port are an error."""
    grpc = theirs(to("web", matches=[{"method": {"service": "a.B"}}]), kind="GRPCRoute")
    route = made(grpc)["mine-virtual-env"]
    assert route["kind"] == "GRPCRoute"
    assert route["spec"]["rules"][0]["matches"][0]["method"] == {"service": "a.B"}
    assert "route-unwoven" in codes(computed(grpc, theirs(to("web"), name="too")).results)


def test_more_environments_than_fit_have_a_route_each():
    """Above 16 rules each environment has a route of its own beside theirs, and no value meets two of them."""
    many = [*LISTED, *(workload(f"m{n}", f"dev.m{n}", app="web") for n in range(20))]
    result = compute([*many, theirs(to("web"), to("cart", matches=[{"path": {"value": "/c"}}]))], config(**SELECTOR))
    routes = [one for one in of_kind(result.made.manifests, "HTTPRoute") if one["metadata"]["name"].startswith("mine-")]
    assert len(routes) == 22
    assert {len(one["spec"]["rules"]) for one in routes} == {2}


def test_preview_hosts_of_their_gateway():
    """A route of theirs on a gateway gets preview hosts; its own header filter keeps what it sets."""
    header = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "1"}]}}
    redirect = {
        "matches": [{"path": {"value": "/old"}}],
        "filters": [{"type": "RequestRedirect", "requestRedirect": {}}],
    }
    gateway = theirs(to("web", filters=[header]), redirect, parents=[{"name": "edge"}], hostnames=["a.b", "*.c"])
    routes = made(gateway, previewHosts="{env}.{host}")
    assert {name for name in routes if "preview" in name} == {
        "mine-preview-dev",
        "mine-preview-dev-a",
        "mine-preview-dev-a-b",
    }
    spec = routes["mine-preview-dev-a"]["spec"]
    assert (spec["hostnames"], spec["parentRefs"]) == (["dev-a.a.b"], [{"name": "edge"}])
    assert spec["rules"][0]["filters"][0]["requestHeaderModifier"]["set"] == [
        {"name": "x", "value": "1"},
        {"name": "x-virtual-env", "value": "dev.a"},
    ]
    assert spec["rules"][0]["backendRefs"] == [{"name": "web-dev-a", "port": 80}]
    assert spec["rules"][1] == redirect


def test_without_the_selector_it_is_an_error_that_names_the_ways_out():
    """With `base: backend` a route to the Service would spread; to the base's own Service it does not."""
    result = computed(theirs(to("web")), base="backend")
    (found,) = [one for one in result.results if one.code.slug == "route-spreads"]
    assert "base: selector" in found.message
    assert "web-dev " in found.message
    assert found.field == "spec.rules[0].backendRefs[0].name"
    named = computed(theirs(to("web-dev")), base="backend")
    assert codes(named.results) == ["base-assumed"]
    routes = {one["metadata"]["name"]: one for one in of_kind(named.made.manifests, "HTTPRoute")}
    assert routes["mine-virtual-env"]["spec"]["rules"][0]["backendRefs"] == [{"name": "web-dev-a", "port": 80}]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (to("web", matches=[{"headers": [{"name": "X-Virtual-Env", "value": "dev.a"}]}]), "route-unwoven"),
        (to("web", matches=[{"headers": [{"name": "Cookie", "value": "a"}]}]), "route-reads-environment"),
        (
            to(
                "web",
                filters=[
                    {
                        "type": "RequestHeaderModifier",
                        "requestHeaderModifier": {"set": [{"name": "x-virtual-env", "value": "dev.a"}]},
                    }
                ],
            ),
            "route-unwoven",
        ),
    ],
)
def test_a_route_that_reads_or_sets_the_header(rule, code):
    """What could not be told from ours is an error; a carrier that others read, too, is a warning."""
    assert code in codes(computed(theirs(rule), envHeader={"aliases": [{"cookie": "env"}]}).results)


def test_a_route_of_one_environments_service_is_left_alone():
    """A route that names the generated Service of an environment speaks for that one: nothing is said or added."""
    result = computed(theirs(to("web-dev-a"), parents=[{"name": "edge"}]))
    assert codes(result.results) == ["base-assumed"]
    assert not [one for one in result.made.manifests if one["metadata"]["name"].startswith("mine")]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"rules": None},
        {"rules": [None, "x", {"backendRefs": "web"}]},
        {"parentRefs": "x"},
        {"rules": [{"matches": 7}]},
    ],
)
def test_a_route_of_odd_shape_stops_nothing(spec):
    """What no API server would take is nobody's business here: it is read as empty."""
    odd = {**theirs(), "spec": spec}
    assert "internal" not in codes(compute([*LISTED, odd], config(**SELECTOR)).results)


def test_rules_have_eight_matches_at_most():
    """Gateway API 1.1 takes no more: what a rule of four matches becomes with four carriers is two rules in a row."""
    paths = [{"path": {"value": f"/{n}"}} for n in range(4)]
    header = {"aliases": [{"cookie": "env"}, {"baggage": "env"}, {"name": "x-team"}]}
    rules = made(theirs(to("web", matches=paths)), envHeader=header)["mine-virtual-env"]["spec"]["rules"]
    assert [len(one["matches"]) for one in rules] == [8, 8]
    assert rules[0]["backendRefs"] == rules[1]["backendRefs"] == [{"name": "web-dev-a", "port": 80}]


@pytest.mark.parametrize(
    ("rule", "previews", "said"),
    [
        ({"matches": [{"headers": [{"name": f"x{n}", "value": "1"} for n in range(16)]}]}, False, True),
        ({"matches": [{"headers": [{"name": f"x{n}", "value": "1"} for n in range(15)]}]}, False, False),
        ({"filters": [{"type": "ExtensionRef"}] * 16}, True, True),
        ({"filters": [{"type": "ExtensionRef"}] * 16}, False, False),
    ],
)
def test_no_room_for_one_more(rule, previews, said):
    """A match with as many headers as the API takes, and a rule with as many filters, are errors where one is added."""
    route = theirs(to("web", **rule), parents=[{"name": "edge"}], hostnames=["shop.example.com"])
    results = computed(route, previewHosts="{env}.{host}" if previews else "").results
    assert ("route-limit" in codes(results)) == said


def test_preview_hosts_have_all_routes_of_their_host():
    """A route of the same host that leads elsewhere is on the preview hosts, too, and says the environment there."""
    edge = [{"name": "edge"}]
    other = theirs(
        to("other", matches=[{"path": {"value": "/static"}}]), name="static", parents=edge, hostnames=["a.example.com"]
    )
    far = theirs(to("other"), name="far", parents=edge, hostnames=["b.example.com"])
    found = made(theirs(to("web"), parents=edge, hostnames=["a.example.com"]), other, far, previewHosts="{env}.{host}")
    assert {"mine-preview-dev-a", "static-preview-dev-a"} <= found.keys()
    assert not [name for name in found if name.startswith("far")]
    assert "static-virtual-env" not in found  # its path says where its requests go, whatever the headers
    spec = found["static-preview-dev-a"]["spec"]
    assert spec["hostnames"] == ["dev-a.a.example.com"]
    assert spec["rules"][0]["backendRefs"] == [{"name": "other", "port": 80}]
    assert spec["rules"][0]["filters"][0]["requestHeaderModifier"]["set"] == [
        {"name": "x-virtual-env", "value": "dev.a"}
    ]


def test_a_rival_of_a_copy_is_copied():
    """A route that one header told from the user's other one would lose to a copy of that: it is copied, too."""
    rival = theirs(to("other", matches=[{"headers": [{"name": "x-kind", "value": "canary"}]}]), name="rival")
    stranger = theirs(to("other", matches=[{"path": {"value": "/other"}}]), name="stranger")
    found = made(theirs(to("web")), rival, stranger)
    (rule,) = found["rival-virtual-env"]["spec"]["rules"]
    assert [one["name"] for one in rule["matches"][0]["headers"]] == ["x-kind", "x-virtual-env"]
    assert rule["backendRefs"] == [{"name": "other", "port": 80}]
    assert "stranger-virtual-env" not in found


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (to("web"), to("cart"), True),
        (to("web"), to("web"), False),  # whichever answers
        (to("web"), to("cart", matches=[{"path": {"value": "/cart"}}]), False),
        (
            to("web", matches=[{"headers": [{"name": "a", "value": "1"}]}]),
            to("cart", matches=[{"headers": [{"name": "b", "value": "1"}]}]),
            True,
        ),
        (
            to("web", matches=[{"headers": [{"name": "a", "value": "1"}]}]),
            to("cart", matches=[{"headers": [{"name": "A", "value": "2"}]}]),
            False,
        ),
    ],
)
def test_two_routes_that_only_age_tells_apart(first, second, said):
    """Their copies have other ages: that is told, unless no request meets both or both answer it alike."""
    found = codes(computed(theirs(first), theirs(second, name="later")).results)
    assert ("rule-passed-by" in found) == said


def test_routes_of_different_ports_do_not_meet():
    """Two routes of two ports of a Service have no request in common."""
    ported = [[{**MESH[0], "port": port}] for port in (80, 81)]
    routes = [theirs(to("web"), parents=ported[0]), theirs(to("cart"), name="later", parents=ported[1])]
    assert "rule-passed-by" not in codes(computed(*routes).results)
