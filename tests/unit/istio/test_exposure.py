"""Annotations of Services: gateways, hosts and a custom rule, without the operator's defects."""

from pathlib import Path

import pytest
import yaml
from istio_reading import Request, answer
from lists import LABEL, base, codes, compute, named, of_kind, service, workload

from krm_fn.istio import http_route

KEY = "kt-virtual-environment/"
CRDS = Path(__file__).resolve().parents[3] / ".tools" / "crds" / "istio.yaml"
PAIR = (workload("a", "dev"), workload("b", "dev.proj1"))
PREFIX_RULE = '{"match": [{"uri": {"prefix": "/api"}}], "rewrite": {"uri": "/"}}'


def exposed(gateways="gw", hosts="a.example.com", rule=None, ports=((80, "http"),), **spec):
    """A Service with the annotations that are not None."""
    one = service(ports=ports, **spec)
    given = {"gateways": gateways, "hosts": hosts, "rule": rule}
    one["metadata"]["annotations"] = {KEY + key: text for key, text in given.items() if text is not None}
    return one


def gateway(name="gw", *hosts, namespace="", servers=None):
    servers = servers or [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": list(hosts)}]
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": named(name, namespace),
        "spec": {"selector": {"istio": "ingress"}, "servers": servers},
    }


def virtual_services(listed, function_config=None):
    made = of_kind(compute(listed, function_config or base()).made.manifests, "VirtualService")
    return {one["metadata"]["name"]: one["spec"] for one in made}


def said(listed, code, function_config=None):
    return [one for one in compute(listed, function_config or base()).results if one.code.slug == code]


def test_hosts_have_a_virtual_service_of_their_own():
    """Gateways and hosts stand in a VirtualService beside the mesh's, which is what it is without them."""
    made = virtual_services([exposed(), *PAIR])
    assert made["app"] == virtual_services([service(), *PAIR])["app"]
    assert list(made["app-gateway"].items())[:2] == [("hosts", ["a.example.com"]), ("gateways", ["gw"])]
    assert made["app-gateway"]["http"] == made["app"]["http"]


def test_lists_are_trimmed():
    """Defect 23: spaces around members, empty members and repetitions of the comma lists are nothing."""
    made = virtual_services([exposed(" gw , other/gw,, gw", " a.example.com ,b.example.com,"), *PAIR])["app-gateway"]
    assert (made["gateways"], made["hosts"]) == (["gw", "other/gw"], ["a.example.com", "b.example.com"])


def test_a_gateway_s_port_says_nothing_about_the_service_s():
    """Defect 6: the gateway's routes match no port, and name the Service's own as their destination."""
    spec = virtual_services([exposed(ports=((9000, "tcp"), (8080, "http"))), *PAIR])["app-gateway"]
    assert all("port" not in match for route in spec["http"] for match in route.get("match", []))
    assert {route["route"][0]["destination"]["port"]["number"] for route in spec["http"]} == {8080}
    assert "tcp" not in spec


def test_several_ports_for_a_gateway():
    """A gateway's requests go to the first port that shows headers, and an info names it."""
    listed = [exposed(ports=((9000, "tcp"), (8080, "http"), (9090, "grpc"))), *PAIR]
    (finding,) = said(listed, "gateway-port")
    assert "8080, 9090" in finding.message
    assert "the first, 8080" in finding.message


def test_a_service_that_has_only_the_base_is_served_by_its_host():
    """One environment needs no subset: the host leads to the Service, and the mesh gets nothing."""
    computed = compute([exposed(), workload("a", "dev")], base())
    assert [(one["kind"], one["metadata"]["name"]) for one in computed.made.manifests] == [
        ("VirtualService", "app-gateway")
    ]
    assert computed.made.manifests[0]["spec"]["http"] == [{"name": "dev", "route": [{"destination": {"host": "app"}}]}]


def test_hosts_without_gateways_are_the_mesh_s():
    """Hosts alone are served to the mesh's clients, as the operator did."""
    assert virtual_services([exposed(gateways=None), *PAIR])["app-gateway"]["gateways"] == ["mesh"]


def test_gateways_without_hosts_are_told():
    """Gateways alone serve nothing: a warning names the annotation that is missing."""
    listed = [exposed(hosts=None), *PAIR]
    assert list(virtual_services(listed)) == ["app"]
    (finding,) = said(listed, "gateway-without-host")
    assert (finding.severity, finding.field) == ("warning", f"metadata.annotations.{KEY}gateways")


def test_a_headless_service_is_split_at_the_gateway():
    """A gateway chooses pods of a headless Service itself, so it gets subsets and routes there only."""
    computed = compute([exposed(clusterIP="None"), *PAIR], base())
    assert [(one["kind"], one["metadata"]["name"]) for one in computed.made.manifests] == [
        ("DestinationRule", "app"),
        ("VirtualService", "app-gateway"),
    ]


def test_names_that_another_service_has():
    """The VirtualService of a Service named app-gateway and that of app's hosts do not share a name."""
    other = [service("app-gateway"), workload("c", "dev", app="app-gateway"), workload("d", "dev.x", app="app-gateway")]
    made = compute([exposed(), *PAIR, *other], base()).made.manifests
    names = [one["metadata"]["name"] for one in of_kind(made, "VirtualService")]
    assert sorted(names) == ["app", "app-gateway", "app-gateway-virtual-env"]


@pytest.mark.parametrize(
    "annotations", [{"gateways": "a b"}, {"hosts": "a_b.com"}, {"hosts": "x.*.com"}, {"hosts": "-a"}]
)
def test_what_is_no_name_is_an_error(annotations):
    """A gateway or host that Istio would refuse is an error at its annotation."""
    found = said([exposed(**annotations), *PAIR], "exposure-invalid")
    assert [one.field for one in found] == [f"metadata.annotations.{KEY}{next(iter(annotations))}"]


def test_an_annotation_that_is_no_string_is_an_error():
    """A value that YAML reads as something else is an error."""
    assert said([exposed(hosts=17), *PAIR], "exposure-invalid")


def test_a_star_is_no_host_of_the_mesh():
    """Istio refuses `*` on the mesh, and takes it on gateways."""
    assert said([exposed("gw,mesh", "*"), *PAIR], "exposure-invalid")
    assert said([exposed(None, "*"), *PAIR], "exposure-invalid")
    assert not said([exposed("gw", "*"), *PAIR], "exposure-invalid")


@pytest.mark.parametrize(
    "listed",
    [
        [exposed(ports=((80, "tcp"),)), *PAIR],
        [exposed(), workload("a")],
        [exposed(selector={}), *PAIR],
    ],
)
def test_annotations_without_effect_are_told(listed):
    """Annotations of a Service without an HTTP port, or that takes no part, are a warning."""
    assert [one.severity for one in said(listed, "not-exposed")] == ["warning"]


# Rules.


def routed(rule, path, header=None, *, listed=PAIR, gateway_name="", ports=((80, "http"),)):
    """Who answers by the generated routes, and the path that it sees."""
    values = [exposed(rule=rule, ports=ports), *listed]
    made = [dict(one) for one in compute(values, base()).made.manifests]
    headers = {"x-virtual-env": header} if header else {}
    host = "a.example.com" if gateway_name else "app"
    asked = Request(host, "", ports[-1][0], headers=headers, gateway=gateway_name, path=path)
    return answer([*values, *made], asked, LABEL)


@pytest.mark.parametrize("entry", ["", "gw"])
@pytest.mark.parametrize("ports", [((80, "http"),), ((9000, "tcp"), (80, "http"))])
@pytest.mark.parametrize("path", ["/api/x", "/else"])
def test_a_rule_leaves_every_path_its_environments(path, entry, ports):
    """Defect 11: what a rule matches and what it does not match both follow the header; nothing ends in a 404."""
    for header, expected in ((None, "dev"), ("dev.proj1", "dev.proj1"), ("dev.proj1.x", "dev.proj1")):
        assert routed(PREFIX_RULE, path, header, gateway_name=entry, ports=ports) == expected


def test_a_rule_in_the_routes():
    """What a rule says is in each route of what it matches, all its matches times all carriers, and nowhere else."""
    rule = '{"match": [{"uri": {"prefix": "/a"}}, {"uri": {"exact": "/b"}}], "timeout": "5s"}'
    http = virtual_services([exposed(rule=rule), *PAIR])["app"]["http"]
    assert [(one["name"], one.get("timeout"), len(one.get("match", []))) for one in http] == [
        ("dev.proj1--rule", "5s", 4),
        ("dev--rule", "5s", 2),
        ("dev.proj1", None, 2),
        ("dev", None, 0),
    ]
    assert http[0]["match"][0] == {"uri": {"prefix": "/a"}, "headers": {"x-virtual-env": {"exact": "dev.proj1"}}}


def test_a_rule_without_a_match_holds_for_all():
    """A rule that matches nothing in particular is in every route."""
    http = virtual_services([exposed(rule='{"retries": {"attempts": 3}}'), *PAIR])["app"]["http"]
    assert [(one["name"], one["retries"]) for one in http] == [("dev.proj1", {"attempts": 3}), ("dev", {"attempts": 3})]


def test_a_rule_holds_with_one_environment():
    """Defect 12: a Service that has only the base gets routes for its rule."""
    listed = [exposed(None, None, PREFIX_RULE), workload("a", "dev")]
    http = virtual_services(listed)["app"]["http"]
    assert [(one["name"], one.get("rewrite")) for one in http] == [("dev--rule", {"uri": "/"}), ("dev", None)]


def test_a_rule_that_changes_reaches_the_routes():
    """Defect 10: the routes are those of the rule as it is now; nothing of an earlier run is kept."""
    first, second = (virtual_services([exposed(rule=f'{{"timeout": "{one}s"}}'), *PAIR])["app"] for one in (1, 2))
    assert first["http"][0]["timeout"] == "1s"
    assert second["http"][0]["timeout"] == "2s"


def test_a_redirect_is_nobody_s_pods():
    """A rule that redirects does so for what it matches, whatever the environment; other paths go to the pods."""
    rule = '{"match": [{"uri": {"exact": "/"}}], "redirect": {"uri": "/home"}}'
    assert [routed(rule, path, "dev.proj1") for path in ("/", "/home")] == [301, "dev.proj1"]


@pytest.mark.parametrize("path", ["/api", "/else"])
def test_a_rule_and_a_missing_base(path):
    """The 503 of a missing base stays one, below a rule, too."""
    listed = [workload("b", "dev.proj1"), workload("x", "dev", app="x")]
    assert routed(PREFIX_RULE, path, listed=listed) == 503
    assert routed('{"timeout": "1s"}', path, listed=listed) == 503


def test_a_rule_of_one_port_or_of_a_gateway():
    """A match on a port changes that port's routes alone, one on gateways the routes there alone."""
    ports = ((80, "http"), (90, "http-b"))
    rule = '{"match": [{"port": 90, "uri": {"prefix": "/"}}], "timeout": "1s"}'
    http = virtual_services([exposed(rule=rule, ports=ports), *PAIR])["app"]["http"]
    assert {match["port"] for route in http if "timeout" in route for match in route["match"]} == {90}
    rule = '{"match": [{"gateways": ["gw"], "uri": {"prefix": "/"}}], "timeout": "1s"}'
    made = virtual_services([exposed(rule=rule), *PAIR])
    assert ["timeout" in one for one in made["app"]["http"]] == [False, False]
    assert ["timeout" in one for one in made["app-gateway"]["http"]] == [True, True, False, False]


@pytest.mark.parametrize(
    ("text", "route"),
    [
        ('{"Rewrite":{"Uri":"/p"},"Match":[{"URI":{"Prefix":"/p"}}]}', {"rewrite": {"uri": "/p"}}),
        ('{"TIMEOUT":"1s"}', {"timeout": "1s"}),
        ('{"cors_policy":{"allow_credentials":true}}', {"corsPolicy": {"allowCredentials": True}}),
        ('{"timeout":"1s","Timeout":"2s","retries":null}', {"timeout": "2s"}),
        ('{"headers":{"Request":{"set":{"X-Kept":"a"}}}}', {"headers": {"request": {"set": {"X-Kept": "a"}}}}),
        (' {"mirrorPercentage":{"value":0.5}}', {"mirrorPercentage": {"value": 0.5}}),
    ],
)
def test_names_of_fields_in_any_case(text, route):
    """JSON is read as Go's encoding/json reads it: names of fields in any case, the last one of two holds."""
    reading = http_route.read(text)
    assert reading.problems == ()
    assert {key: part for key, part in reading.route.items() if key != "match"} == route


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("{", "is no JSON"),
        ("[]", "must be a JSON object"),
        ('{"timeout": NaN}', "NaN"),
        ("[" * 100_000, "is no JSON"),
        ('{"timeout": "1s"} x', "is no JSON"),
        ('{"rewrit": {}}', "rewrit: there is no field"),
        ('{"match": {"uri": {}}}', "match: must be a list"),
        ('{"match": [{"uri": "/a"}], "timeout": "1s"}', "match[0].uri: must be a mapping"),
        ('{"match": [{"uri": {"start": "/a"}}], "timeout": "1s"}', "match[0].uri.start: there is no field"),
        ('{"timeout": 5}', "timeout: must be a duration"),
        ('{"timeout": "5"}', "timeout: must be a duration"),
        ('{"retries": {"attempts": -1}}', "retries.attempts: must be a whole number"),
        ('{"retries": {"attempts": true}}', "retries.attempts: must be a whole number"),
        ('{"corsPolicy": {"allowCredentials": "yes"}}', "corsPolicy.allowCredentials: must be true or false"),
        ('{"route": [{"destination": {"host": "b"}}]}', "route: names pods of its own"),
        ('{"delegate": {"name": "b"}}', "delegate: hands the routes"),
        ('{"match": [{"uri": {"prefix": "/"}}]}', "says nothing but what it matches"),
        (
            '{"match": [{"headers": {"X-Virtual-Env": {"exact": "dev"}}}], "timeout": "1s"}',
            "match[0].headers.X-Virtual-Env: carries the environment",
        ),
    ],
)
def test_a_rule_that_cannot_be_served_is_an_error(rule, reason):
    """Bad JSON, an unknown field, a wrong type, or what the environments decide: an error with field and reason."""
    (finding,) = said([exposed(rule=rule), *PAIR], "rule-invalid")
    assert (finding.severity, finding.field) == ("error", f"metadata.annotations.{KEY}rule")
    assert reason in finding.message


def test_every_field_of_istio_s_routes_is_known():
    """The table of an HTTPRoute's fields is the one of Istio's CustomResourceDefinition, but for one old spelling."""
    if not CRDS.exists():
        pytest.skip("the CustomResourceDefinitions are missing: run .ci/parts/mesh")
    kinds = {one["spec"]["names"]["kind"]: one for one in yaml.safe_load_all(CRDS.read_text(encoding="utf-8")) if one}
    version = next(one for one in kinds["VirtualService"]["spec"]["versions"] if one["name"] == "v1")
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["http"]["items"]
    assert _names(http_route.HTTP_ROUTE) | {"mirror_percent"} == _schema_names(schema)


def _names(shape, path=""):
    if isinstance(shape, dict):
        return {name for key, one in shape.items() for name in {f"{path}{key}", *_names(one, f"{path}{key}.")}}
    inner = shape[0] if isinstance(shape, list) else getattr(shape, "value", None)
    return _names(inner, path) if inner else set()


def _schema_names(schema, path=""):
    found = set()
    for key, one in schema.get("properties", {}).items():
        found |= {f"{path}{key}", *_schema_names(one, f"{path}{key}.")}
    for inner in (schema.get("items"), schema.get("additionalProperties")):
        found |= _schema_names(inner, path) if isinstance(inner, dict) else set()
    return found


# Gateways of the list.


def test_a_gateway_that_the_list_should_have():
    """Where the list has Gateways of the namespace, a name that is none of them is a warning with the nearest."""
    (finding,) = said([exposed("gwx"), *PAIR, gateway("gw", "*")], "gateway-unknown")
    assert "'gw'?" in finding.message
    assert not said([exposed("other/gw"), *PAIR, gateway("gw", "*")], "gateway-unknown")
    assert not said([exposed("gw"), *PAIR], "gateway-unknown")


@pytest.mark.parametrize(
    ("hosts", "admitted"),
    [
        (["*"], True),
        (["*.example.com"], True),
        (["A.example.com"], True),
        (["b.example.com"], False),
        (["*.a.example.com"], False),
        (["n/*.example.com"], True),
        (["./*.example.com"], True),
        (["*/a.example.com"], True),
        (["other/*"], False),
        ([], False),
    ],
)
def test_hosts_that_a_gateway_does_not_admit(hosts, admitted):
    """A host that no server of the gateway has for this namespace is a warning that names both."""
    listed = [
        exposed(namespace="n"),
        *(workload(one, env, namespace="n") for one, env in (("a", "dev"), ("b", "dev.b"))),
    ]
    found = said([*listed, gateway("gw", *hosts, namespace="n")], "gateway-host")
    assert [one.severity for one in found] == ([] if admitted else ["warning"])


@pytest.mark.parametrize(
    "server",
    [
        {"port": {"number": 443, "protocol": "TLS"}, "hosts": ["*"]},
        {"port": {"number": 443, "protocol": "HTTPS"}, "hosts": ["*"], "tls": {"mode": "PASSTHROUGH"}},
        "nonsense",
    ],
)
def test_a_server_that_sees_no_requests_admits_no_host(server):
    """TLS that the gateway passes on shows no requests."""
    assert said([exposed(), *PAIR, gateway(servers=[server])], "gateway-host")


def test_a_host_of_two_services():
    """Two Services with one host on one gateway would take each other's requests: a warning at the second."""
    other = exposed()
    other["metadata"]["name"] = "other"
    listed = [exposed(), *PAIR, other]
    (finding,) = said(listed, "host-shared")
    assert (finding.severity, finding.ref.name) == ("warning", "other")
    other["metadata"]["annotations"][f"{KEY}gateways"] = "another"
    assert said(listed, "host-shared") == []


def test_a_host_of_a_joined_service_is_one():
    """The Services of one name in joined namespaces may have the same annotations: they are one."""
    listed = [exposed("dev/gw", namespace=one) for one in ("dev", "p1")]
    listed += [workload("a", "dev", namespace="dev"), workload("b", "dev.p1", namespace="p1")]
    assert said(listed, "host-shared", base(namespaces={"base": "dev", "members": ["p1"]})) == []


def test_all_is_well_says_nothing():
    """A Service with gateway, host and rule that fit has no finding."""
    assert codes(compute([exposed(rule=PREFIX_RULE), *PAIR, gateway("gw", "*")], base()).results) == []
