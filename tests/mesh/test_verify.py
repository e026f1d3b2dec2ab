"""verify, beside a mesh: clean where the list is what runs, and with the cause by name where somebody broke it."""

from __future__ import annotations

import copy
import random

import pytest
import yaml

from krm_fn import function
from krm_fn.command import verified, verify
from krm_fn.command.settings import Settings
from krm_fn.results import Code, FunctionError
from krm_fn.verify.causes import Cause
from krm_fn.verify.dump import read
from krm_fn.verify.verifying import Verifier

from . import Mesh, gateway_api, odd_routes, package, topologies
from .test_examples import ANSWERED, EXAMPLES, rendered
from .test_gateway_api import REFUSED
from .worlds import istio, service, workload

CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}


def compare(dumped, wanted):
    return Verifier(dumped, wanted).verify()


def dump(one):
    return read(one.envoy.admin("/config_dump?include_eds").encode())


def gateways(mesh):
    found = [one["metadata"] for one in mesh.cluster.documents if one["kind"] == "Gateway"]
    return [mesh.gateway(one["name"], one["namespace"]) for one in found]


def everywhere(mesh, label="virtual-env"):
    """Return a client's proxy of each namespace, one of a labelled pod, and each gateway's."""
    spaces = sorted({one.namespace for one in mesh.cluster.services.values()})
    labelled = [one for one in mesh.cluster.pods if label in one.labels][:1]
    found = [mesh.sidecar(space) for space in spaces]
    found += [mesh.sidecar(one.namespace, {label: one.labels[label]}) for one in labelled]
    return [*found, *gateways(mesh)]


def text(found):
    return verified.as_text([found], terminal=False)


@pytest.mark.parametrize("name", ANSWERED)
def test_every_example_is_clean(name):
    """Every cell of every example is in every proxy as the plan says; none is left untold."""
    wanted = verify.load([str(EXAMPLES / name)], Settings(None, {})).wanted
    found = rendered(name)
    with Mesh(found.manifests) as mesh:
        answers = [compare(dump(one), wanted) for one in everywhere(mesh, next(iter(found.label.values())))]
    assert [text(one) for one in answers if not one.clean] == []
    assert sum(one.asked for one in answers)


@pytest.mark.parametrize("name", [name for name in ANSWERED if name not in REFUSED])
@pytest.mark.parametrize("base", ["backend", "selector"])
def test_every_example_is_clean_with_routes_of_the_gateway_api(name, base):
    """So it is with `output: gatewayAPI`; what no route decides is there for everybody, or the base's alone."""
    options = {"output": "gatewayAPI", "base": base}
    wanted = verify.load([str(EXAMPLES / name)], Settings(None, options))
    found = gateway_api.rendered(EXAMPLES / name, base=base)
    if not found.package:  # the example's own route needs the other base
        assert (wanted.failed, found.codes) == (True, frozenset({"route-spreads"}))
        return
    with Mesh(found.package.manifests) as mesh:
        labels = next(iter(found.package.label.values()))
        answers = [compare(dump(one), wanted.wanted) for one in everywhere(mesh, labels)]
    assert [text(one) for one in answers if not one.clean] == []
    assert sum(one.asked for one in answers)


def test_routes_of_the_gateway_api_that_are_wrong_are_told():
    """A route that leads to another environment's Service is a difference, and the HTTPRoute is named."""
    options = {"output": "gatewayAPI"}
    wanted = verify.load([str(EXAMPLES / "quickstart")], Settings(None, options)).wanted
    found = gateway_api.rendered(EXAMPLES / "quickstart")
    assert found.package
    changed = [
        _leading_to_the_base(one) if (one["kind"], one["metadata"]["name"]) == ("HTTPRoute", "app-js") else one
        for one in found.package.manifests
    ]
    with Mesh(changed) as mesh:
        said = text(compare(dump(mesh.sidecar()), wanted))
    assert "HTTPRoute default/app-js" in said
    assert "dev.proj1 should answer; gets pods of dev, by route" in said


def _leading_to_the_base(route):
    rules = route["spec"]["rules"]
    return {
        **route,
        "spec": {**route["spec"], "rules": [{**one, "backendRefs": rules[-1]["backendRefs"]} for one in rules]},
    }


def loaded(manifests, tmp_path, config=CONFIG):
    path = tmp_path / "list.yaml"
    path.write_text(yaml.safe_dump_all(manifests, sort_keys=False))
    return verify.load([str(path)], Settings(config, {})).wanted


@pytest.mark.parametrize("world", range(8))
def test_random_routes_of_a_user_s_are_clean(world, tmp_path):
    """Whatever a user's routes are, their woven list and its proxies agree, but where the function says otherwise."""
    manifests = odd_routes.make(random.Random(world))  # noqa: S311 - the same for everybody
    said = function.run(yaml.safe_dump_all(manifests, sort_keys=False).encode(), CONFIG).results
    if any(one.code is Code.PORTS_OPEN for one in said):
        pytest.skip("the function leaves ports of this list open, and says so: no route of ours is there to agree")
    try:
        output = list(yaml.safe_load_all(package.run(manifests, CONFIG)))
    except FunctionError as error:
        pytest.skip(f"the function refuses this list: {error}")
    wanted = loaded(manifests, tmp_path)
    with Mesh(output) as mesh:
        assert [text(one) for one in (compare(dump(one), wanted) for one in everywhere(mesh)) if not one.clean] == []


@pytest.mark.parametrize("topology", range(8))
def test_random_topologies_are_clean(topology, tmp_path):
    """Whatever the tree, the ports and the options: plan and proxies agree."""
    top = topologies.make(topology)
    output = list(yaml.safe_load_all(package.run(top.manifests, top.config)))
    wanted = loaded(top.manifests, tmp_path, top.config)
    with Mesh(output, label=top.label) as mesh:
        answers = [compare(dump(one), wanted) for one in everywhere(mesh, top.label)]
    assert [text(one) for one in answers if not one.clean] == []


# What somebody does to the mesh; the list stays as it is.
APP = [
    service("app", {"name": "http", "port": 8080}, {"name": "tcp", "port": 6379}, namespace="shop"),
    *(workload("app", one, namespace="shop") for one in ("dev", "dev.a", "dev.a.b")),
    service("api", namespace="shop"),
    workload("api", "dev", namespace="shop"),
]
HOST = "app.shop.svc.cluster.local"
CLIENTS = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "clients"}}


def of(manifests, kind, name="app"):
    return next(one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name))


def without(kind, name="app"):
    return lambda manifests: manifests.remove(of(manifests, kind, name))


def route_missing(manifests):
    routes = of(manifests, "VirtualService")["spec"]["http"]
    routes[:] = [one for one in routes if one["name"] != "dev.a.b"]


def older_elsewhere(manifests):
    other = istio(
        "VirtualService", "theirs", "clients", hosts=[HOST], http=[{"route": [{"destination": {"host": HOST}}]}]
    )
    other["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    manifests.append(other)


def scaled_down(manifests):
    of(manifests, "Deployment", "app-dev-a")["spec"]["replicas"] = 0


def clients_rule(manifests):
    manifests.append(istio("DestinationRule", "mine", "clients", host=HOST))


def other_rule(manifests):
    manifests.remove(of(manifests, "DestinationRule"))
    manifests.append(istio("DestinationRule", "theirs", "shop", host=HOST))


def tls(manifests):
    rule = of(manifests, "DestinationRule")
    rule["spec"]["trafficPolicy"] = {"tls": {"mode": "SIMPLE", "insecureSkipVerify": True}}


def swapped(manifests):
    routes = of(manifests, "VirtualService")["spec"]["http"]
    targets = [one["route"] for one in routes[:2]]
    routes[0]["route"], routes[1]["route"] = targets[1], targets[0]


def no_splitter(manifests):
    for one in of(manifests, "VirtualService")["spec"]["http"][:2]:
        for match in one["match"]:
            for rule in match["headers"].values():
                rule |= {how: value.rstrip(".") for how, value in rule.items()}


def aborted(manifests):
    fault = {"abort": {"httpStatus": 418, "percentage": {"value": 50}}}
    of(manifests, "VirtualService")["spec"]["http"][-1]["fault"] = fault


def header_set(manifests):
    route = of(manifests, "VirtualService")["spec"]["http"][0]
    route["headers"] = {"request": {"set": {"x-virtual-env": "dev"}}}


def header_removed(manifests):
    route = of(manifests, "VirtualService")["spec"]["http"][1]
    route["route"][0]["headers"] = {"request": {"remove": ["x-virtual-env"]}}


def rule_edited(manifests):
    subsets = of(manifests, "DestinationRule")["spec"]["subsets"]
    subsets[:] = [one for one in subsets if one["name"] != "dev-a"]


def other_labels(manifests):
    subset = next(one for one in of(manifests, "DestinationRule")["spec"]["subsets"] if one["name"] == "dev-a-b")
    subset["labels"] = {"virtual-env": "dev"}


def hidden(manifests):
    manifests.append(istio("Sidecar", "default", "clients", egress=[{"hosts": ["./*"]}]))


def not_exported(manifests):
    of(manifests, "VirtualService")["spec"]["exportTo"] = ["."]


def port_renamed(manifests):
    of(manifests, "Service")["spec"]["ports"][0]["name"] = "tcp-web"


def unpinned(manifests):
    del of(manifests, "VirtualService")["spec"]["tcp"]


def http_route(manifests):
    backend = {"group": "", "kind": "Service", "name": "app", "port": 8080, "weight": 1}
    match = {"path": {"type": "PathPrefix", "value": "/"}}
    manifests.append(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": "theirs", "namespace": "shop"},
            "spec": {
                "parentRefs": [{"group": "", "kind": "Service", "name": "app"}],
                "rules": [{"matches": [match], "backendRefs": [backend]}],
            },
        }
    )


FAULTS = {
    "a route is missing": (route_missing, Cause.ROUTE_MISSING, "VirtualService shop/app"),
    "no VirtualService": (without("VirtualService"), Cause.NO_ROUTES, ""),
    "an older VirtualService elsewhere": (older_elsewhere, Cause.OTHER_ROUTES, "VirtualService clients/theirs"),
    "a subset without endpoints": (scaled_down, Cause.NO_ENDPOINTS, "DestinationRule shop/app"),
    "a rule of the client's namespace": (clients_rule, Cause.CLIENT_RULE, "DestinationRule clients/mine"),
    "another rule": (other_rule, Cause.OTHER_RULE, "DestinationRule shop/theirs"),
    "no rule": (without("DestinationRule"), Cause.NO_RULE, ""),
    "TLS": (tls, Cause.TLS, "DestinationRule shop/app"),
    "an edit: two targets swapped": (swapped, Cause.EDITED, "VirtualService shop/app"),
    "an edit: prefixes without the splitter": (no_splitter, Cause.EDITED, "VirtualService shop/app"),
    "an edit: a fault for half of the requests": (aborted, Cause.EDITED, "VirtualService shop/app"),
    "an edit: the header set on the way": (header_set, Cause.HEADER, "VirtualService shop/app"),
    "an edit: the header taken away": (header_removed, Cause.HEADER, "VirtualService shop/app"),
    "an edit: a subset gone": (rule_edited, Cause.EDITED, "DestinationRule shop/app"),
    "an edit: a subset with other labels": (other_labels, Cause.OTHER_PODS, "DestinationRule shop/app"),
    "an edit: no pin for plain TCP": (unpinned, Cause.NO_ROUTES, ""),
    "a Sidecar that hides the Service": (hidden, Cause.SERVICE_UNKNOWN, ""),
    "a VirtualService not exported": (not_exported, Cause.NO_ROUTES, ""),
    "a port that is no longer HTTP": (port_renamed, Cause.PROTOCOL, ""),
    "an HTTPRoute": (http_route, Cause.HTTP_ROUTE, "HTTPRoute shop/theirs"),
}


def run(manifests):
    return list(yaml.safe_load_all(package.run(manifests, CONFIG)))


@pytest.mark.parametrize("what", FAULTS)
def test_a_seeded_fault_is_named(what, tmp_path, record_property):
    """Each cause is made on purpose in the mesh; verify finds cells that differ, and names cause and object."""
    change, cause, blame = FAULTS[what]
    wanted = loaded(APP, tmp_path)
    broken = copy.deepcopy([*run(APP), CLIENTS])
    change(broken)
    with Mesh(broken) as mesh:
        found = compare(dump(mesh.sidecar("clients")), wanted)
    record_property("says", text(found))
    assert (cause, blame) in {(one.cause, one.blame) for one in found.differences}, text(found)
    assert not found.clean


def test_without_a_fault_it_is_clean(tmp_path):
    """The world of the seeded faults is clean before anybody touches it."""
    wanted = loaded(APP, tmp_path)
    with Mesh([*run(APP), CLIENTS]) as mesh:
        found = compare(dump(mesh.sidecar("clients")), wanted)
    assert found.clean, text(found)
    assert found.asked == 20


LUA = {
    "apiVersion": "networking.istio.io/v1alpha3",
    "kind": "EnvoyFilter",
    "metadata": {"name": "lua", "namespace": "clients"},
    "spec": {
        "configPatches": [
            {
                "applyTo": "HTTP_FILTER",
                "match": {
                    "context": "SIDECAR_OUTBOUND",
                    "listener": {"filterChain": {"filter": {"name": "envoy.filters.network.http_connection_manager"}}},
                },
                "patch": {
                    "operation": "INSERT_BEFORE",
                    "value": {
                        "name": "anything.lua",
                        "typed_config": {
                            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                            "default_source_code": {"inline_string": "function envoy_on_request(handle) end"},
                        },
                    },
                },
            }
        ]
    },
}


def test_what_nobody_can_tell_is_said(tmp_path):
    """A Lua filter before the routes makes every HTTP cell untold, by the filter's name, and never clean."""
    wanted = loaded(APP, tmp_path)
    with Mesh([*run(APP), CLIENTS, LUA]) as mesh:
        found = compare(dump(mesh.sidecar("clients")), wanted)
    assert {one.reason for one in found.untold} == {"the HTTP filter anything.lua"}
    assert not found.differences
    assert not found.clean
    assert "cannot tell: the HTTP filter anything.lua: api:8080, app:8080" in text(found)


def test_pods_that_the_list_does_not_have_are_not_guessed(tmp_path):
    """A Deployment that somebody added to the mesh is untold, by its name."""
    wanted = loaded(APP, tmp_path)
    more = workload("app", "dev.a", namespace="shop")
    more["metadata"]["name"] = "mine"
    with Mesh([*run(APP), CLIENTS, more]) as mesh:
        found = compare(dump(mesh.sidecar("clients")), wanted)
    assert {one.reason for one in found.untold} == {"pods of shop/mine answer, and the list has no such workload"}


@pytest.mark.parametrize("injector", ["early", "lua"])
def test_the_header_that_the_mesh_adds_is_known(injector, tmp_path):
    """A labelled pod whose requests get their header from the mesh is judged by it, with either injector."""
    config = {**CONFIG, "spec": {**CONFIG["spec"], "envHeader": {"autoInject": True}, "istio": {"injector": injector}}}
    wanted = loaded(APP, tmp_path, config)
    output = list(yaml.safe_load_all(package.run(APP, config)))
    with Mesh(output) as mesh:
        found = [compare(dump(mesh.sidecar("shop", labels)), wanted) for labels in ({}, {"virtual-env": "dev.a"})]
    assert [text(one) for one in found if not one.clean] == []


def test_without_endpoints_names_are_judged(tmp_path):
    """A dump without endpoints is judged by the subsets' labels in the list, and says so."""
    wanted = loaded(APP, tmp_path)
    with Mesh([*run(APP), CLIENTS]) as mesh:
        found = compare(read(mesh.sidecar("clients").envoy.admin("/config_dump").encode()), wanted)
    assert found.clean
    assert verified.BY_NAME in text(found)


def test_a_gateway_that_lacks_a_host(tmp_path):
    """A gateway whose VirtualService is gone is told by host."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    gateway = istio("Gateway", "edge", "shop", selector={"istio": "edge"}, servers=[server])
    exposed = copy.deepcopy(APP)
    keys = {"kt-virtual-environment/gateways": "edge", "kt-virtual-environment/hosts": "app.example.com"}
    exposed[0]["metadata"]["annotations"] = keys
    wanted = loaded([*exposed, gateway], tmp_path)
    output = run([*exposed, gateway])
    with Mesh(output) as mesh:
        assert compare(dump(mesh.gateway("edge", "shop")), wanted).clean
    broken = [one for one in output if one["metadata"]["name"] != "app-gateway"]
    with Mesh(broken) as mesh:
        found = compare(dump(mesh.gateway("edge", "shop")), wanted)
    assert {one.cause for one in found.differences} == {Cause.HOST_UNKNOWN}
    assert "app.example.com at port 80" in text(found)
