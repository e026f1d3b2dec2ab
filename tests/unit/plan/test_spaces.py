"""Joined namespaces: what is one Service, what is generated where, and which lists cannot be served."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from istio_reading import Request, answer
from lists import LABEL, base, compute, config, named, of_kind, service, workload

from krm_fn import function
from krm_fn.results import in_order

JOINED = {"base": "dev", "members": ["p1", "p2"]}
NAMESPACES = ("dev", "p1", "p2")
HERE = [
    service(namespace="dev"),
    workload("a", "dev", namespace="dev"),
    service(namespace="p1"),
    workload("b", "dev.p1", namespace="p1"),
    service("other", namespace="p2"),
    workload("c", "dev.p2", app="other", namespace="p2"),
    workload("d", "dev", app="other", namespace="dev"),
    service("other", namespace="dev"),
]


def joined(**spec):
    return base(namespaces=JOINED, **spec)


def errors(values, function_config=None):
    found = in_order(compute(values, function_config or joined()).results)
    return [
        (one.code.slug, one.ref.namespace if one.ref else "", one.field) for one in found if one.severity == "error"
    ]


def asked(values, service_name, namespace, header=None, **request):
    """Who answers by the generated routes."""
    computed = compute(values, joined())
    headers = {"x-virtual-env": header} if header else {}
    made = [dict(one) for one in computed.made.manifests]
    return answer([*values, *made], Request(service_name, namespace, 80, headers=headers, **request), LABEL)


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize(
    ("name", "header", "environment"),
    [
        ("app", None, "dev"),
        ("app", "dev.p1", "dev.p1"),
        ("app", "dev.p1.x", "dev.p1"),
        ("app", "dev.p2", "dev"),
        ("other", "dev.p2", "dev.p2"),
        ("other", "dev.p1", "dev"),
    ],
)
def test_every_namespace_reaches_every_environment(namespace, name, header, environment):
    """A Service has the environments of all joined namespaces, whichever of them its caller is in."""
    assert asked(HERE, name, namespace, header) == environment


def test_the_plan_is_one_for_each_namespace():
    """Each namespace has a plan of the Service, with the same environments; the pods keep their namespace."""
    plans = [one for one in compute(HERE, joined()).plan.services if one.service.ref.name == "app"]
    assert [one.service.ref.namespace for one in plans] == ["dev", "p1", "p2"]
    places = {name: one.namespace for name, one in plans[0].own.items()}
    assert places == {"dev": "dev", "dev.p1": "p1"}
    assert all(one.own == plans[0].own and one.joined == NAMESPACES for one in plans)


def test_subsets_stand_where_their_pods_are():
    """Each namespace's DestinationRule has the subsets of its own pods, under the full host."""
    rules = of_kind(compute(HERE, joined()).made.manifests, "DestinationRule")
    found = {one["spec"]["host"]: [subset["name"] for subset in one["spec"]["subsets"]] for one in rules}
    assert found == {
        "app.dev.svc.cluster.local": ["dev"],
        "app.p1.svc.cluster.local": ["dev-p1"],
        "other.dev.svc.cluster.local": ["dev"],
        "other.p2.svc.cluster.local": ["dev-p2"],
    }


def test_a_member_gets_the_services_that_it_lacks():
    """A Service of the base that a member lacks is made there: same name and ports, no selector, our mark on it."""
    ports = ((80, "http"), (90, None, "grpc"))
    listed = [service(namespace="dev", ports=ports), workload("a", "dev", namespace="dev"), *elsewhere()]
    made = of_kind(compute(listed, joined()).made.manifests, "Service")
    assert [one["metadata"] for one in made] == [named("app", "p1"), named("app", "p2")]
    assert made[0]["spec"] == {"ports": [{"name": "http", "port": 80}, {"port": 90, "appProtocol": "grpc"}]}


def test_what_takes_no_part_gets_an_alias():
    """A Service of the base without environments is an ExternalName in the members: its name is all that it needs."""
    udp = service("dns", namespace="dev")
    udp["spec"]["ports"] = [{"port": 53, "name": "dns", "protocol": "UDP"}]
    listed = [udp, workload("dns", app="dns", namespace="dev"), *HERE]
    made = {
        one["metadata"]["name"]: one["spec"] for one in of_kind(compute(listed, joined()).made.manifests, "Service")
    }
    assert made["dns"] == {
        "type": "ExternalName",
        "externalName": "dns.dev.svc.cluster.local",
        "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}],
    }
    assert "type" not in made["other"]


@pytest.mark.parametrize(("ports", "spec"), [(((443, "https"),), {}), (((80, "http"),), {"clusterIP": "None"})])
def test_what_no_route_can_follow_gets_an_alias(ports, spec):
    """A Service of TLS ports alone, or a headless one, is reached by its name: no route leads on from a copy."""
    listed = [service(namespace="dev", ports=ports, **spec), workload("a", "dev", namespace="dev"), *elsewhere()]
    made = of_kind(compute(listed, joined()).made.manifests, "Service")
    assert {one["spec"].get("externalName") for one in made} == {"app.dev.svc.cluster.local"}


def test_only_the_base_s_services_are_copied():
    """What a member alone has is the member's: nothing of it appears elsewhere."""
    listed = [*HERE, service("mine", namespace="p1"), workload("m", "dev.p1", app="mine", namespace="p1")]
    made = of_kind(compute(listed, joined()).made.manifests, "Service")
    assert {(one["metadata"]["namespace"], one["metadata"]["name"]) for one in made} == {("p1", "other"), ("p2", "app")}


def test_a_service_of_one_environment_needs_routes_in_the_members_only():
    """With only the base's pods there is nothing to choose: the members' copies lead to the base, without subsets."""
    listed = [service(namespace="dev"), workload("a", "dev", namespace="dev"), *elsewhere()]
    manifests = compute(listed, joined()).made.manifests
    assert [(one["kind"], one["metadata"]["namespace"]) for one in manifests if one["kind"] != "Service"] == [
        ("VirtualService", "p1"),
        ("VirtualService", "p2"),
    ]
    (route,) = of_kind(manifests, "VirtualService")[0]["spec"]["http"]
    assert route["route"] == [{"destination": {"host": "app.dev.svc.cluster.local"}}]


def test_a_service_without_pods_in_its_own_namespace():
    """A Service that was copied to a member without its workload is served by the others' pods."""
    listed = [*HERE, service("other", namespace="p1")]
    assert asked(listed, "other", "p1", "dev.p2") == "dev.p2"
    assert asked(listed, "other", "p1") == "dev"


def test_plain_tcp_goes_to_the_base_s_namespace():
    """TCP is pinned to the base's pods from every namespace, and follows the caller's label on request."""
    listed = [one if one["kind"] != "Service" else {**one, "spec": {**one["spec"], "ports": TCP}} for one in HERE]
    for namespace in NAMESPACES:
        assert asked(listed, "app", namespace, protocol="tcp", caller={LABEL: "dev.p1"}) == "dev"
    made = [dict(one) for one in compute(listed, joined(tcp="callerLabels")).made.manifests]
    request = Request("app", "p2", 80, "tcp", caller={LABEL: "dev.p1"})
    assert answer([*listed, *made], request, LABEL) == "dev.p1"


TCP = [{"port": 80, "name": "tcp"}]


def elsewhere():
    return [workload("x", "dev", app="x", namespace="p1"), workload("y", "dev", app="y", namespace="p2")]


def test_without_base_pods():
    """Where no namespace has the base's pods, all of them answer with the 503, and pins lead to nobody."""
    listed = [*HERE, service("new", namespace="p1", ports=((80, None),))]
    listed.append(workload("n", "dev.p1", app="new", namespace="p1"))
    assert asked(listed, "new", "p1") == 503
    assert asked(listed, "new", "p1", "dev.p1") == "dev.p1"
    assert asked(listed, "new", "p1", protocol="tcp") == "closed"


def test_namespaces_that_are_not_joined_stand_alone():
    """A namespace that the option does not name keeps short hosts and its own environments."""
    listed = [*HERE, service(namespace="n"), workload("a", "dev", namespace="n"), workload("b", "dev.n", namespace="n")]
    computed = compute(listed, joined())
    (rule,) = [
        one for one in of_kind(computed.made.manifests, "DestinationRule") if one["metadata"]["namespace"] == "n"
    ]
    assert rule["spec"]["host"] == "app"
    assert all("dev.n" not in one.known for one in computed.plan.services if one.joined)


def test_the_only_root_of_all_is_the_base():
    """Without a base the only root of the joined namespaces together is it."""
    computed = compute(HERE, config(namespaces=JOINED))
    assert {one.base for one in computed.plan.services} == {"dev"}
    (said,) = [one for one in computed.results if one.code.slug == "base-assumed"]
    assert "namespaces 'dev', 'p1' and 'p2'" in said.message


def test_an_environment_in_two_namespaces_is_an_error():
    """One environment of a Service in two namespaces would be two answers: an error that names both."""
    listed = [*HERE, workload("b2", "dev.p1", namespace="dev")]
    assert errors(listed) == [("environment-twice", "p1", f"spec.template.metadata.labels.{LABEL}")]


@pytest.mark.parametrize(
    ("ports", "spec", "where", "field"),
    [
        (((80, "http"), (90, "grpc")), {}, "dev", "spec.ports"),
        (((90, "http"),), {}, "dev", "spec.ports"),
        (((80, "tcp"),), {}, "p1", "spec.ports"),
        (((80, "http"),), {"clusterIP": "None"}, "p1", "spec.clusterIP"),
    ],
)
def test_services_of_one_name_must_be_alike(ports, spec, where, field):
    """Ports that differ in number or traffic, or a headless one among others: an error at the Service to change."""
    listed = [*HERE[:2], service(namespace="p1", ports=ports, **spec), *HERE[3:]]
    assert ("services-differ", where, field) in errors(listed)


def test_names_of_ports_may_differ():
    """What a port is called makes no difference as long as it carries the same."""
    assert errors([*HERE[:2], service(namespace="p1", ports=((80, "http-web"),)), *HERE[3:]]) == []


def test_a_namespace_that_the_list_lacks_is_an_error():
    """A misspelt namespace is an error with the nearest name; an empty one that the list defines is none."""
    wrong = base(namespaces={"base": "dve", "members": ["p1", "p2", "p3"]})
    found = [one for one in compute(HERE, wrong).results if one.code.slug == "namespace-unknown"]
    assert [(one.field, "did you mean" in one.message) for one in found] == [
        ("spec.namespaces.base", True),
        ("spec.namespaces.members", True),
    ]
    new = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "p3"}}
    assert errors([*HERE, new], base(namespaces={"base": "dev", "members": ["p1", "p2", "p3"]})) == []


@pytest.mark.parametrize(
    "namespaces",
    [
        {"base": "dev"},
        {"base": "dev", "members": []},
        {"base": "dev", "members": ["dev"]},
        {"base": "dev", "members": ["p1", "p1"]},
        {"base": "Dev", "members": ["p1"]},
        {"base": "dev", "members": [""]},
        {"members": ["p1"]},
    ],
)
def test_wrong_values(namespaces):
    """A base, at least one member, no namespace twice, and names of namespaces: anything else is an error."""
    with pytest.raises(Exception, match="namespaces"):
        compute(HERE, base(namespaces=namespaces))


def test_an_item_cannot_join_namespaces():
    """An item of the list configures its own namespace alone: `namespaces` in one is an error that says where to."""
    item = joined()
    item["metadata"]["namespace"] = "p1"
    with pytest.raises(Exception, match="functionConfig"):
        compute([*HERE, item])


def test_an_item_in_a_joined_namespace_must_say_the_same():
    """One configuration holds for joined namespaces: an item that says the same is fine, another is an error."""
    item = {**base(), "apiVersion": "env.alibaba.com/v1alpha2"}
    item["metadata"] = named("old", "p1")
    assert errors([*HERE, item]) == []
    item["spec"] = {"envLabel": {"defaultSubset": "prod"}}
    assert errors([*HERE, item]) == [("config-twice", "p1", "")]


def test_pods_without_a_service_in_their_namespace():
    """Pods of a member that only the base's Service would select are reported, with what to add."""
    listed = [*HERE, workload("lost", "dev.p2", namespace="p2")]
    (finding,) = [one for one in compute(listed, joined()).results if one.code.slug == "unselected-pods"]
    assert "add a Service of that name" in finding.message


def test_some_labelled_and_some_not_counts_over_all_namespaces():
    """Unlabelled pods of a Service are an error also where the labelled ones are in another namespace."""
    listed = [*HERE, workload("u", namespace="p1")]
    assert ("unlabelled-workload", "p1", "spec.template.metadata.labels") in errors(listed)


def test_ports_of_copies_that_cannot_lead_on_are_told():
    """A TLS or UDP port of a generated Service leads nowhere: a warning names the host that does."""
    listed = [service(namespace="dev", ports=((80, "http"), (443, "https"))), workload("a", "dev", namespace="dev")]
    found = [one for one in compute([*listed, *elsewhere()], joined()).results if one.code.slug == "tls-port"]
    assert [one.ref.namespace for one in found] == ["p1", "p2"]
    assert "app.dev" in found[0].message


def own(kind, namespace, **spec):
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": named("own", namespace), "spec": spec}


def woven(*values):
    """The list after a run over it, which must not fail and must change nothing when it is run again."""
    outcome = function.run(yaml.safe_dump_all(values, sort_keys=False).encode(), joined())
    assert not outcome.failed, [one.line() for one in outcome.results]
    assert function.run(outcome.output, joined()).output == outcome.output
    return list(yaml.safe_load_all(outcome.output))


@pytest.mark.parametrize("place", NAMESPACES)
@pytest.mark.parametrize(
    "rule", [{}, {"host": "app"}, {"host": "app", "subsets": [{"name": "s", "labels": {LABEL: "dev.p1"}}]}]
)
def test_a_user_s_own_routes_of_a_joined_service_are_woven(place, rule):
    """Copies name the full host of the namespace that has the pods; every client reaches every environment still."""
    routes = own(
        "VirtualService", place, hosts=["app"], http=[{"timeout": "3s", "route": [{"destination": {"host": "app"}}]}]
    )
    after = woven(*HERE, routes, *([own("DestinationRule", place, **rule)] if rule else []))
    assert len(of_kind(after, "VirtualService")) == len(NAMESPACES) * 2  # app and other, once in each namespace
    for namespace in NAMESPACES:
        for header, environment in ((None, "dev"), ("dev.p1.x", "dev.p1"), ("dev.p2", "dev")):
            request = Request("app", namespace, 80, headers={"x-virtual-env": header} if header else {})
            assert answer(after, request, LABEL) == environment, (namespace, header)


def test_a_gateway_s_own_route_to_a_joined_service_is_woven():
    """So is a route for a gateway, a mirror among its destinations."""
    route = {"route": [{"destination": {"host": "app.dev.svc.cluster.local"}}], "mirror": {"host": "other"}}
    (routes,) = [
        one
        for one in woven(*HERE, own("VirtualService", "p1", hosts=["x.example.com"], gateways=["g"], http=[route]))
        if one["metadata"]["name"] == "own"
    ]
    led = {
        one["name"].split("--")[1]: (one["route"][0]["destination"], one["mirror"])
        for one in routes["spec"]["http"]
        if "name" in one
    }
    assert led.keys() == {"dev", "dev.p1", "dev.p2"}
    assert led["dev.p1"][0]["host"] == "app.p1.svc.cluster.local"
    assert led["dev.p2"][0]["host"] == "app.dev.svc.cluster.local"
    assert led["dev.p2"][1]["host"] == "other.p2.svc.cluster.local" or led["dev.p2"][1]["host"] == "other"
    assert led["dev"][1]["host"] == "other.dev.svc.cluster.local"


def test_connections_to_a_base_elsewhere_are_told():
    """A TCP route of theirs can be pinned by an added line only where the base is: else an error names the host."""
    tcp = [{"route": [{"destination": {"host": "app"}}]}]
    (found,) = errors([*HERE, own("VirtualService", "p1", hosts=["app"], tcp=tcp)])
    assert found == ("host-taken", "p1", "spec.tcp[0].route[0].destination.host")
    outside = own("VirtualService", "p1", hosts=["x.example.com"], gateways=["g"], tcp=tcp)
    assert [code for code, *_ in errors([*HERE, outside])] == ["routed-by-user"]
    assert errors([*HERE, own("VirtualService", "dev", hosts=["app"], tcp=tcp)]) == []


@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_connections_to_a_subset_whose_base_is_elsewhere_are_told(protocol):
    """So is a route to a subset: the base's pods of it are in the other namespace, where no added line leads."""
    match = {"match": [{"port": 80, "sniHosts": ["app"]}]} if protocol == "tls" else {}
    routes = own("VirtualService", "p1", hosts=["app"], **{protocol: [{**match, "route": [to("app", subset="all")]}]})
    rule = own("DestinationRule", "p1", host="app", subsets=[{"name": "all", "labels": {"app": "app"}}])
    assert errors([*HERE, routes, rule]) == [("host-taken", "p1", f"spec.{protocol}[0].route[0].destination.host")]
    assert errors([*HERE, {**routes, "metadata": named("own", "dev")}, {**rule, "metadata": named("own", "dev")}]) == []


def to(host, **destination):
    return {"destination": {"host": host, **destination}}


def test_a_wildcard_rule_s_policy_is_kept():
    """The trafficPolicy of a namespace's wildcard rule is copied to the generated rules of joined Services, too."""
    policy = {"tls": {"mode": "ISTIO_MUTUAL"}}
    own = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": named("all", "p1")}
    own["spec"] = {"host": "*.p1.svc.cluster.local", "trafficPolicy": policy}
    rules = of_kind(compute([*HERE, own], joined()).made.manifests, "DestinationRule")
    found = {one["metadata"]["namespace"]: one["spec"].get("trafficPolicy") for one in rules}
    assert found == {"dev": None, "p1": policy, "p2": None}


def test_twice_is_once():
    """The generated Services are no sources: a second run over the first one's output computes the same."""
    first = compute(HERE, joined()).made.manifests
    marked = [
        {**one, "metadata": {**one["metadata"], "annotations": {"virtual-env-fn.dev/owner": "virtual-env"}}}
        for one in first
    ]
    assert compute([*HERE, *marked], joined()).made.manifests == first


TREE = ("dev", "dev.p1", "dev.p1.a", "dev.p2", "dev.p2.b.c")
PLACES = st.fixed_dictionaries({one: st.sampled_from([None, *NAMESPACES]) for one in TREE})


@settings(max_examples=60, deadline=None)
@given(PLACES, st.sets(st.sampled_from(NAMESPACES)), st.sampled_from([None, *TREE, "dev.p1.a.x", "dev.p10", "x"]))
def test_any_distribution_over_namespaces(places, services, value):
    """Wherever pods and Services are, each namespace that has the Service reaches the contract's answer."""
    own = {env for env, place in places.items() if place}
    services |= {places[env] for env in own}
    listed = [service(namespace=one) for one in sorted(services)]
    listed += [workload(env, env, namespace=place) for env, place in places.items() if place]
    listed += [workload("x", "dev", app="x", namespace=one) for one in NAMESPACES]
    fits = [one for one in own if value and f"{value}.".startswith(f"{one}.")]
    expected = max(fits, key=len, default="dev" if "dev" in own else 503)
    callers = NAMESPACES if "dev" in services else services
    for namespace in callers if own else ():
        assert asked(listed, "app", namespace, value) == expected


def test_what_is_no_longer_wanted_is_taken_out():
    """A run over its own output changes no byte, and without the option the copies and full hosts are gone again."""
    raw = yaml.safe_dump_all(HERE, sort_keys=False).encode()
    once = function.run(raw, joined()).output
    assert once.count(b"kind: Service") > raw.count(b"kind: Service")
    assert function.run(once, joined()).output == once
    alone = base(unmatched="anyPod")
    assert function.run(once, alone).output == function.run(raw, alone).output


def test_the_order_of_the_list_does_not_matter():
    """The same objects in any order give the same manifests and findings in the same order."""
    one, other = compute(HERE, joined()), compute(HERE[::-1], joined())
    assert one.made.manifests == other.made.manifests
