"""`output: gatewayAPI`: which objects there are, their names, what is imported, pruned and ordered."""

from __future__ import annotations

import subprocess
import sys

import pytest
from lists import codes, compute, config, of_kind, service, step, workload

from krm_fn.objects import OWNER
from krm_fn.results import FunctionError

LISTED = [service(), workload("a", "dev"), workload("b", "dev.proj1")]


def gateway_api(**spec):
    return config(output="gatewayAPI", **{"envLabel": {"defaultSubset": "dev"}, **spec})


def made(listed, **spec):
    return compute(listed, gateway_api(**spec)).made.manifests


def names(manifests, kind):
    return [one["metadata"]["name"] for one in of_kind(manifests, kind)]


def test_what_is_written():
    """A Service of each environment, the base's among them, and one route, deepest first, the base last."""
    manifests = made([*LISTED, workload("c", "dev.proj1.x")])
    assert names(manifests, "Service") == ["app-dev", "app-dev-proj1", "app-dev-proj1-x"]
    (route,) = of_kind(manifests, "HTTPRoute")
    assert route == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "app"},
        "spec": {
            "parentRefs": [{"group": "", "kind": "Service", "name": "app", "port": 80}],
            "rules": [
                rule(r"^dev\.proj1\.x(\..*)?$", "app-dev-proj1-x"),
                rule(r"^dev\.proj1(\..*)?$", "app-dev-proj1"),
                {"backendRefs": [{"name": "app-dev", "port": 80}]},
            ],
        },
    }
    assert {one["kind"] for one in manifests} == {"Service", "HTTPRoute"}


def rule(expression, backend):
    header = {"name": "x-virtual-env", "type": "RegularExpression", "value": expression}
    return {"matches": [{"headers": [header]}], "backendRefs": [{"name": backend, "port": 80}]}


def test_a_service_of_an_environment_is_the_users_but_for_its_pods():
    """Ports, target ports and affinity are copied; type, addresses, labels and node ports are not."""
    given = service(
        type="LoadBalancer", clusterIP="10.0.0.1", sessionAffinity="ClientIP", trafficDistribution="PreferClose"
    )
    given["metadata"]["labels"] = {"team": "a"}
    given["spec"]["ports"][0] |= {"targetPort": "web", "nodePort": 30000, "appProtocol": "http"}
    one = of_kind(made([given, *LISTED[1:]]), "Service")[1]
    assert one["metadata"] == {"name": "app-dev-proj1"}
    assert one["spec"] == {
        "selector": {"app": "app", "virtual-env": "dev.proj1"},
        "ports": [{"name": "http", "port": 80, "appProtocol": "http", "targetPort": "web"}],
        "sessionAffinity": "ClientIP",
        "trafficDistribution": "PreferClose",
    }


def test_the_base_has_a_service_without_pods():
    """Where the base has no pods its Service is there all the same, empty, and takes what nobody answers."""
    listed = [service(), workload("b", "dev.proj1"), workload("o", "dev", app="other")]
    manifests = made(listed)
    assert names(manifests, "Service") == ["app-dev", "app-dev-proj1"]
    assert of_kind(manifests, "HTTPRoute")[0]["spec"]["rules"][-1]["backendRefs"][0]["name"] == "app-dev"
    anybody = of_kind(made(listed, unmatched="anyPod"), "HTTPRoute")[0]["spec"]["rules"][-1]
    assert anybody["backendRefs"] == [{"name": "app", "port": 80}]


def test_a_route_for_each_port():
    """A Service of several ports has a route for each that shows headers, with its port on both ends."""
    listed = [service(ports=((80, "http"), (9090, "grpc"), (6379, "tcp"))), *LISTED[1:]]
    routes = of_kind(made(listed), "HTTPRoute")
    assert [one["metadata"]["name"] for one in routes] == ["app-80", "app-9090"]
    for one, port in zip(routes, (80, 9090), strict=True):
        assert one["spec"]["parentRefs"][0]["port"] == port
        assert {ref["port"] for each in one["spec"]["rules"] for ref in each["backendRefs"]} == {port}
    by_kind = made(listed, grpc="GRPCRoute")
    assert (names(by_kind, "HTTPRoute"), names(by_kind, "GRPCRoute")) == (["app-80"], ["app-9090"])


def test_names_never_clash():
    """`app` of `dev.a` and `app-dev` of `a`, a Service of the user's, names too long: each gets a name of its own."""
    listed = [
        service(),
        service("app-dev"),
        service("app-dev-b"),
        service("y" * 60),
        *(workload(f"a{n}", name) for n, name in enumerate(["dev", "dev.a", "dev.b"])),
        *(workload(f"b{n}", name, app="app-dev") for n, name in enumerate(["dev", "a"])),
        *(workload(f"c{n}", name, app="y" * 60) for n, name in enumerate(["dev", "dev.a"])),
        workload("d", "dev", app="app-dev-b"),
    ]
    services = names(made(listed), "Service")
    assert len(set(services)) == len(services)
    assert not {"app-dev", "app-dev-b", "app-dev-a"} & set(services)
    assert all(len(one) <= 63 for one in services)
    led_to = {
        ref["name"]
        for one in of_kind(made(listed), "HTTPRoute")
        for each in one["spec"]["rules"]
        for ref in each["backendRefs"]
    }
    assert led_to == set(services)
    assert services == names(made(listed[::-1]), "Service")


def test_routes_of_services_that_are_named_like_ports():
    """`app` with port 80 beside others, and a Service `app-80`: neither route takes the other's name."""
    listed = [
        service(ports=((80, "http"), (81, "http-b"))),
        service("app-80"),
        *LISTED[1:],
        *(workload(f"b{n}", name, app="app-80") for n, name in enumerate(["dev", "dev.a"])),
    ]
    routes = names(made(listed), "HTTPRoute")
    assert len(routes) == 3
    assert len(set(routes)) == 3


def test_above_fifteen_environments_each_has_a_route():
    """16 rules are one route; with one more, each environment has its own and the base's has no match."""
    fifteen = [service(), workload("a", "dev"), *(workload(f"e{n}", f"dev.p{n}") for n in range(15))]
    assert names(made(fifteen), "HTTPRoute") == ["app"]
    routes = of_kind(made([*fifteen, workload("e15", "dev.p15")]), "HTTPRoute")
    assert len(routes) == 17
    assert routes[0]["metadata"]["name"] == "app"
    assert routes[0]["spec"]["rules"] == [{"backendRefs": [{"name": "app-dev", "port": 80}]}]
    assert {len(one["spec"]["rules"]) for one in routes} == {1}
    assert codes(compute([*fifteen, workload("e15", "dev.p15")], gateway_api()).results) == []


def test_many_carriers_divide_a_rule():
    """No rule has more than 8 matches and no route more than 128, however many carriers and pieces there are."""
    rng = [f"dev.{chr(97 + n % 26) * 9}{n}{chr(97 + n // 26) * 9}" for n in range(150)]
    listed = [service(), workload("a", "main"), *(workload(f"e{n}", one) for n, one in enumerate(["dev", *rng]))]
    aliases = [{"cookie": f"c{n}"} for n in range(12)]
    computed = compute(listed, gateway_api(envLabel={"defaultSubset": "main"}, envHeader={"aliases": aliases}))
    for one in of_kind(computed.made.manifests, "HTTPRoute"):
        counts = [len(each.get("matches", ())) for each in one["spec"]["rules"]]
        assert max(counts) <= 8
        assert sum(counts) <= 128
        assert len(counts) <= 16
    assert "carriers-disagree" in codes(computed.results)


def test_several_namespaces_get_grants():
    """A route leads to the namespace that has the pods, and a grant there permits it."""
    listed = [
        service(namespace="dev"),
        workload("a", "dev", namespace="dev"),
        service(namespace="p"),
        workload("b", "dev.p", namespace="p"),
    ]
    manifests = made(listed, namespaces={"base": "dev", "members": ["p"]})
    routes = {one["metadata"]["namespace"]: one for one in of_kind(manifests, "HTTPRoute")}
    to_p, to_dev = routes["dev"]["spec"]["rules"]
    assert to_p["backendRefs"] == [{"name": "app-dev-p", "namespace": "p", "port": 80}]
    assert to_dev["backendRefs"] == [{"name": "app-dev", "port": 80}]
    grants = {one["metadata"]["namespace"]: one["spec"] for one in of_kind(manifests, "ReferenceGrant")}
    group = "gateway.networking.k8s.io"
    assert grants["p"] == {
        "from": [{"group": group, "kind": "HTTPRoute", "namespace": "dev"}],
        "to": [{"group": "", "kind": "Service", "name": "app-dev-p"}],
    }
    assert grants.keys() == {"dev", "p"}


def test_twice_is_once_and_what_is_not_wanted_goes():
    """A second run changes nothing; without the environment, and with the other output, its objects go."""
    after, _ = step(LISTED, gateway_api())
    again, changes = step(after, gateway_api())
    assert (again, changes.replaced, changes.added, changes.removed) == (after, {}, (), frozenset())
    gone, _ = step([one for one in after if one["metadata"]["name"] != "b"], gateway_api())
    assert [one["kind"] for one in gone] == ["Service", "Deployment"]
    other, _ = step(after, config(envLabel={"defaultSubset": "dev"}))
    assert sorted(one["kind"] for one in other if OWNER in one["metadata"].get("annotations", {})) == [
        "DestinationRule",
        "VirtualService",
    ]


def test_namespaces_may_have_different_outputs():
    """A configuration of a namespace of its own chooses that namespace's output."""
    listed = [
        *(one for name in ("m", "n") for one in (service(namespace=name), workload("a", "dev", namespace=name))),
        *(workload("b", "dev.x", namespace=name) for name in ("m", "n")),
        {**gateway_api(), "metadata": {"name": "virtual-env", "namespace": "n"}},
    ]
    manifests = compute(listed, config(envLabel={"defaultSubset": "dev"})).made.manifests
    found = {(one["kind"], one["metadata"]["namespace"]) for one in manifests}
    assert found == {("VirtualService", "m"), ("DestinationRule", "m"), ("Service", "n"), ("HTTPRoute", "n")}


def test_both_is_refused_with_the_reason():
    """`output: both` is refused: a VirtualService beside an HTTPRoute is dead."""
    with pytest.raises(FunctionError, match="VirtualService is dead"):
        compute(LISTED, config(output="both"))
    with pytest.raises(FunctionError, match="leave it out"):
        compute(LISTED, config(base="selector"))


@pytest.mark.parametrize(("output", "absent"), [("istio", "krm_fn.gateway_api"), ("gatewayAPI", "krm_fn.istio")])
def test_an_output_that_is_not_chosen_is_not_imported(output, absent):
    """A run pays for the chosen output alone."""
    code = f"""
import sys
from krm_fn import function
function.run(b"apiVersion: v1\\nkind: Service\\nmetadata: {{name: a}}\\n", None, {{"output": "{output}"}})
sys.exit(any(name == "{absent}" or name.startswith("{absent}.") for name in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_argo_cd_takes_services_first_and_out_last():
    """Services stand in a wave before the routes, and the route of all environments comes behind those of one."""
    many = [service(), workload("a", "dev"), *(workload(f"e{n}", f"dev.p{n}") for n in range(16))]
    waves = {
        (one["kind"], "matches" in one["spec"].get("rules", [{}])[0]): one["metadata"]["annotations"]
        for one in made(many, applyOrder="argocd")
    }
    wave = "argocd.argoproj.io/sync-wave"
    assert waves["Service", False][wave] == "-1"
    assert waves["HTTPRoute", True][wave] == "1"
    assert waves["HTTPRoute", False][wave] == "2"
    assert all(one["argocd.argoproj.io/sync-options"] == "PruneLast=true" for one in waves.values())


def test_kpt_waits_for_the_services():
    """A route depends on the Services that it leads to."""
    listed = [service(namespace="n"), workload("a", "dev", namespace="n"), workload("b", "dev.x", namespace="n")]
    (route,) = of_kind(made(listed, applyOrder="kpt"), "HTTPRoute")
    assert route["metadata"]["annotations"]["config.kubernetes.io/depends-on"].split(",") == [
        "/namespaces/n/Service/app-dev",
        "/namespaces/n/Service/app-dev-x",
    ]


def test_gateways_and_preview_hosts():
    """Hosts have a route on the gateways; a preview host sets the header and leads to who answers it."""
    annotations = {"kt-virtual-environment/gateways": "edge/shop", "kt-virtual-environment/hosts": "shop.example.com"}
    given = service()
    given["metadata"]["annotations"] = annotations
    routes = {
        one["metadata"]["name"]: one["spec"]
        for one in of_kind(made([given, *LISTED[1:]], previewHosts="{env}.{host}"), "HTTPRoute")
    }
    assert routes.keys() == {"app", "app-gateway", "app-preview-dev", "app-preview-dev-proj1"}
    assert routes["app-gateway"]["parentRefs"] == [{"name": "shop", "namespace": "edge"}]
    assert routes["app-gateway"]["hostnames"] == ["shop.example.com"]
    assert routes["app-gateway"]["rules"] == routes["app"]["rules"]
    assert routes["app-preview-dev-proj1"]["hostnames"] == ["dev-proj1.shop.example.com"]
    assert routes["app-preview-dev-proj1"]["rules"] == [
        {
            "filters": [
                {
                    "type": "RequestHeaderModifier",
                    "requestHeaderModifier": {"set": [{"name": "x-virtual-env", "value": "dev.proj1"}]},
                }
            ],
            "backendRefs": [{"name": "app-dev-proj1", "port": 80}],
        }
    ]


def test_routes_all_has_objects_without_environments():
    """With `routes: all` a Service of the base alone has its route and its base's Service, and its selector stays."""
    alone = [service(), workload("a", "dev")]
    assert names(made(alone), "HTTPRoute") == []
    manifests = made(alone, routes="all")
    assert (names(manifests, "Service"), names(manifests, "HTTPRoute")) == (["app-dev"], ["app"])
    narrowed = [edit.position for edit in compute(alone, gateway_api(routes="all", base="selector")).made.edits]
    assert narrowed == [0]


def test_hosts_by_sixteen_and_in_lower_case():
    """A route has 16 hosts at most, in lower case: more have routes of their own, with the same rules."""
    hosts = [f"H{number}.example.com" for number in range(20)]
    given = service()
    given["metadata"]["annotations"] = {
        "kt-virtual-environment/gateways": "shop",
        "kt-virtual-environment/hosts": ",".join([*hosts, "h0.example.com"]),
    }
    listed = of_kind(made([given, *LISTED[1:]], previewHosts="{env}.{host}"), "HTTPRoute")
    routes = {one["metadata"]["name"]: one["spec"] for one in listed}
    first, second = routes["app-gateway"], routes["app-gateway-hosts-2"]
    assert [*first["hostnames"], *second["hostnames"]] == [host.lower() for host in hosts]
    assert first["rules"] == second["rules"] == routes["app"]["rules"]
    assert max(len(one.get("hostnames", ())) for one in routes.values()) == 16
    previews = [*routes["app-preview-dev"]["hostnames"], *routes["app-preview-dev-hosts-2"]["hostnames"]]
    assert previews == [f"dev.{host}".lower() for host in hosts]
