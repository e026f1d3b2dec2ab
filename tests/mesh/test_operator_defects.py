"""The operator's defects, by their numbers in docs/leaving-the-operator.md, each through a real mesh: ours, not theirs.

The configuration is always the operator's own resource. Defects that no request can show are in
tests/test_operator_defects.py.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from krm_fn import function
from krm_fn.text import document

from . import Mesh
from .package import run
from .worlds import istio, service, workload

HEADER = "ali-env-mark"
NOTE = "kt-virtual-environment/"


def resource(**header: Any) -> dict[str, Any]:
    """Return the operator's resource with the base dev; `header` has further fields of envHeader."""
    return {
        "apiVersion": "env.alibaba.com/v1alpha2",
        "kind": "VirtualEnvironment",
        "metadata": {"name": "demo"},
        "spec": {
            "envHeader": {"name": HEADER, **header},
            "envLabel": {"name": "virtual-env", "splitter": ".", "defaultSubset": "dev"},
        },
    }


def rendered(*manifests: dict[str, Any], **header: Any) -> list[dict[str, Any]]:
    """Run the function on a list in which the operator's resource is an item; leave that out of what comes back."""
    items = document.parse(run([resource(**header), *manifests])).items
    return [item.value for item in items if item.value["kind"] != "VirtualEnvironment"]


def noted(manifest: dict[str, Any], **annotations: str) -> dict[str, Any]:
    keys = {NOTE + key: text for key, text in annotations.items()}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": keys}}


def pods(mesh: Mesh, name: str, value: str | None = None, *, times: int = 12, **request: Any) -> set[str]:
    """Return the environments that answer a request which carries a value; `""` is nobody."""
    headers = {HEADER: value, **request.pop("headers", {})} if value else request.pop("headers", {})
    answers = [mesh.sidecar().ask(name, headers=headers, **request) for _ in range(times)]
    return {answer.environment or "" for answer in answers}


def codes(*manifests: dict[str, Any]) -> list[str]:
    text = yaml.safe_dump_all([resource(), *manifests], sort_keys=False).encode()
    return [result.code.slug for result in function.run(text).results]


def gateway(name: str, host: str, port: int) -> dict[str, Any]:
    server = {"port": {"number": port, "name": "http", "protocol": "HTTP"}, "hosts": [host]}
    return istio("Gateway", name, selector={"istio": name}, servers=[server])


def test_defect_01_the_default_names_a_subset_that_has_no_pods():
    """Without base pods the 503 is meant and says what is missing; environments that have pods answer.

    The operator's default route named the base's subset all the same: a 503 without a word.
    """
    listed = [service("app"), workload("app", "dev.a"), service("web"), workload("web", "dev")]
    with Mesh(rendered(*listed)) as mesh:
        nobody = mesh.sidecar().ask("app")
        assert nobody.status == 503
        assert "Service app has no pods of the base environment dev" in nobody.body
        assert pods(mesh, "app", "dev.a") == {"dev.a"}


def test_defect_02_two_workloads_of_an_environment():
    """Two workloads of one environment are one subset, and both answer; Istio refused the operator's twice."""
    second = workload("app", "dev.a")
    second["metadata"]["name"] = "app-second"
    with Mesh(rendered(service("app"), workload("app", "dev"), workload("app", "dev.a"), second)) as mesh:
        seen = mesh.sidecar().spread("app", headers={HEADER: "dev.a"}, times=40)
        assert set(seen) == {"app-dev-a", "app-second"}


def test_defect_03_names_that_become_the_same_subset():
    """dev.a-b, dev.a_b and dev.a.b stay three environments; the operator called each subset dev-a-b."""
    environments = ["dev", "dev.a-b", "dev.a_b", "dev.a.b"]
    with Mesh(rendered(service("app"), *_named("app", environments))) as mesh:
        for one in environments:
            assert pods(mesh, "app", one) == {one}


def test_defect_04_ports_of_other_protocols():
    """gRPC follows the header and plain TCP goes to the base; the operator spread both over everybody's pods."""
    ports = [{"name": "grpc", "port": 9000}, {"name": "tcp", "port": 6379}]
    with Mesh(rendered(service("app", *ports), workload("app", "dev"), workload("app", "dev.a"))) as mesh:
        assert pods(mesh, "app", "dev.a", port=9000, protocol="grpc") == {"dev.a"}
        assert pods(mesh, "app", port=9000, protocol="grpc") == {"dev"}
        assert pods(mesh, "app", port=6379, protocol="tcp") == {"dev"}


def test_defect_05_what_a_port_speaks():
    """appProtocol, gRPC and unnamed ports are read as Istio reads them, and https ports get no HTTP routes.

    The operator looked at names alone: `http*`, and so also https.
    """
    ports = [
        {"name": "web", "port": 81, "appProtocol": "http"},
        {"name": "http-not", "port": 82, "appProtocol": "tcp"},
        {"name": "x", "port": 83},
        {"name": "https", "port": 443},
    ]
    made = rendered(service("app", *ports), workload("app", "dev"), workload("app", "dev.a"))
    with Mesh(made) as mesh:
        assert pods(mesh, "app", "dev.a", port=81) == {"dev.a"}
        assert pods(mesh, "app", port=82, protocol="tcp") == {"dev"}
        assert pods(mesh, "app", "dev.a", port=83) == {"dev.a"}
        assert pods(mesh, "app", port=83, protocol="tcp") == {"dev"}
    (routes,) = (one["spec"] for one in made if one["kind"] == "VirtualService")
    assert 443 not in {match["port"] for route in routes["http"] for match in route["match"]}


def test_defect_06_the_port_of_a_gateway():
    """A gateway that listens on another port than the Service's serves it; the operator matched the Service's there."""
    listed = [
        noted(service("app", {"name": "http", "port": 8080}), gateways="shop", hosts="shop.example.com"),
        workload("app", "dev"),
        workload("app", "dev.a"),
        gateway("shop", "shop.example.com", 80),
    ]
    with Mesh(rendered(*listed)) as mesh:
        outside = mesh.gateway("shop")
        assert outside.ask("shop.example.com", 80).environment == "dev"
        assert outside.ask("shop.example.com", 80, headers={HEADER: "dev.a"}).environment == "dev.a"


def test_defect_07_a_virtual_service_of_the_users_with_the_same_name():
    """A user's VirtualService and DestinationRule of the Service's name keep their routes, with environments added.

    The operator overwrote both, and deleted them when the last environment went.
    """
    rewrite = {"match": [{"uri": {"prefix": "/v1"}}], "rewrite": {"uri": "/v2"}, "route": [_to("app")]}
    theirs = [
        istio("VirtualService", "app", hosts=["app"], http=[rewrite, {"route": [_to("app")]}]),
        istio("DestinationRule", "app", host="app", trafficPolicy={"loadBalancer": {"simple": "RANDOM"}}),
    ]
    listed = [service("app"), workload("app", "dev"), workload("app", "dev.a"), *theirs]
    made = rendered(*listed)
    with Mesh(made) as mesh:
        answer = mesh.sidecar().ask("app", path="/v1", headers={HEADER: "dev.a"})
        assert (answer.environment, answer.path) == ("dev.a", "/v2")
        assert pods(mesh, "app") == {"dev"}
    (rule,) = (one["spec"] for one in made if one["kind"] == "DestinationRule")
    assert rule["trafficPolicy"] == {"loadBalancer": {"simple": "RANDOM"}}
    without = [one for one in made if one["metadata"]["name"] != "app-dev-a"]
    assert [one for one in rendered(*without) if one["kind"] in ("VirtualService", "DestinationRule")] == theirs


def test_defect_08_a_virtual_service_of_the_users_with_another_name():
    """A user's VirtualService for the same host is woven into, whatever its name; of two a sidecar uses one alone."""
    theirs = istio("VirtualService", "retries", hosts=["app"], http=[{"timeout": "3s", "route": [_to("app")]}])
    made = rendered(service("app"), workload("app", "dev"), workload("app", "dev.a"), theirs)
    assert [one["metadata"]["name"] for one in made if one["kind"] == "VirtualService"] == ["retries"]
    with Mesh(made) as mesh:
        assert pods(mesh, "app", "dev.a") == {"dev.a"}
        assert pods(mesh, "app") == {"dev"}


def test_defect_09_a_value_that_no_pod_carries():
    """A value that no pod carries reaches its nearest ancestor; the operator sent it to the default."""
    with Mesh(rendered(service("app"), workload("app", "dev"), workload("app", "dev.a"))) as mesh:
        assert pods(mesh, "app", "dev.a.new.user") == {"dev.a"}
        assert pods(mesh, "app", "dev.ab") == {"dev"}


def test_defect_10_a_changed_header_and_rule():
    """A second run over its own output follows a changed header name and rule; the operator compared neither."""
    app = noted(service("app"), rule='{"headers": {"request": {"set": {"x-rule": "old"}}}}')
    before = rendered(app, workload("app", "dev"), workload("app", "dev.a"))
    (at,) = (place for place, one in enumerate(before) if one["kind"] == "Service")
    before[at] = noted(service("app"), rule='{"headers": {"request": {"set": {"x-rule": "new"}}}}')
    with Mesh(rendered(*before, name="x-other")) as mesh:
        answer = mesh.sidecar().ask("app", headers={"x-other": "dev.a"})
        assert (answer.environment, answer.saw("x-rule")) == ("dev.a", ["new"])
        assert mesh.sidecar().ask("app", headers={HEADER: "dev.a"}).environment == "dev"


def test_defect_11_all_matches_of_a_rule_and_nothing_but_them():
    """Each of a rule's matches counts, other paths keep their routes, and JSON that cannot be read is an error.

    The operator kept the first match, narrowed every route to it (404 elsewhere), and ignored bad JSON.
    """
    matches = [{"Uri": {"Prefix": "/a/"}}, {"URI": {"Exact": "/b"}}]
    rule = json.dumps({"Match": matches, "Rewrite": {"Uri": "/new"}})
    listed = [workload("app", "dev"), workload("app", "dev.a")]
    with Mesh(rendered(noted(service("app"), rule=rule), *listed)) as mesh:
        for value, environment in (("dev.a", "dev.a"), ("dev", "dev")):
            for path, seen in (("/a/", "/new"), ("/b", "/new"), ("/c", "/c")):
                answer = mesh.sidecar().ask("app", path=path, headers={HEADER: value})
                assert (answer.environment, answer.path) == (environment, seen)
    assert "rule-invalid" in codes(noted(service("app"), rule="{'Match'"), *listed)


def test_defect_12_a_rule_for_one_environment():
    """A Service that has only the base gets its rule; the operator wrote nothing for one environment."""
    app = noted(service("app"), rule='{"match": [{"uri": {"prefix": "/v1"}}], "rewrite": {"uri": "/v2"}}')
    with Mesh(rendered(app, workload("app", "dev"))) as mesh:
        assert mesh.sidecar().ask("app", path="/v1").path == "/v2"
        assert mesh.sidecar().ask("app", path="/x").path == "/x"


def test_defect_13_an_alias_takes_the_environment_literally():
    """In an alias' pattern dev.p1 is neither dev.p10 nor devxp1; the operator put it in unescaped and unbounded."""
    alias = {"name": "x-trace", "pattern": "(?:.*;)?env=(@)(?:;.*)?", "placeholder": "(@)"}
    listed = [service("app"), workload("app", "dev"), workload("app", "dev.p1")]
    with Mesh(rendered(*listed, aliases=[alias])) as mesh:
        for value, environment in (
            ("dev.p1", "dev.p1"),
            ("dev.p1.user", "dev.p1"),
            ("dev.p10", "dev"),
            ("devxp1", "dev"),
        ):
            assert pods(mesh, "app", headers={"x-trace": f"a=1;env={value};b=2"}, times=4) == {environment}


def test_defect_14_an_alias_without_a_placeholder():
    """An alias' pattern has the placeholder (@) where it names none; the operator lost that default."""
    alias = {"name": "x-trace", "pattern": "env=(@)"}
    listed = [service("app"), workload("app", "dev"), workload("app", "dev.a")]
    with Mesh(rendered(*listed, aliases=[alias])) as mesh:
        assert pods(mesh, "app", headers={"x-trace": "env=dev.a"}) == {"dev.a"}


@pytest.mark.parametrize("backwards", [False, True])
def test_defect_15_carriers_that_disagree(backwards):
    """Of two carriers the deeper environment wins, in any order of the list; the operator's order was a map's."""
    listed = [service("app"), *_named("app", ["dev", "dev.a", "dev.b", "dev.b.c"])]
    with Mesh(rendered(*(listed[::-1] if backwards else listed), aliases=[{"name": "x-alias"}])) as mesh:
        assert pods(mesh, "app", "dev.a", headers={"x-alias": "dev.b.c"}) == {"dev.b.c"}
        assert pods(mesh, "app", "dev.b", headers={"x-alias": "dev.a"}) == {"dev.a"}
        assert pods(mesh, "app", "dev.a", headers={"x-alias": "dev.b"}) == {"dev.a"}


def test_defect_18_a_workload_scaled_to_zero():
    """A workload of 0 replicas is not there, so its parent answers; the operator's subset for it was a 503."""
    listed = [service("app"), workload("app", "dev"), workload("app", "dev.a"), workload("app", "dev.a.b", replicas=0)]
    with Mesh(rendered(*listed)) as mesh:
        assert pods(mesh, "app", "dev.a.b") == {"dev.a"}


def test_defect_20_the_header_needs_no_webhook():
    """The proxy takes the environment from its pod's label, wherever the proxy runs, and no pod template changes.

    The operator's webhook looked for the proxy in `containers`; as a native sidecar it is among `initContainers`.
    """
    native = workload("web", "dev.a")
    native["spec"]["template"]["spec"]["initContainers"] = [{"name": "istio-proxy", "restartPolicy": "Always"}]
    listed = [service("web"), workload("web", "dev"), native, service("app"), *_named("app", ["dev", "dev.a"])]
    made = rendered(*listed, autoInject=True)
    assert [one for one in made if one["kind"] == "Deployment"] == [
        one for one in listed if one["kind"] == "Deployment"
    ]
    with Mesh(made) as mesh:
        answer = mesh.sidecar(pod="web-dev-a").ask("app")
        assert (answer.environment, answer.saw(HEADER)) == ("dev.a", ["dev.a"])


def test_defect_21_the_filter_is_in_force():
    """The EnvoyFilter reaches the proxy: a missing header is added, one that is there stays, and nobody's adds none.

    The operator's names a filter that Istio dropped in 1.20, so nothing is inserted, and nobody is told.
    """
    made = rendered(service("app"), *_named("app", ["dev", "dev.a"]), autoInject=True)
    with Mesh(made) as mesh:
        labelled, plain = mesh.sidecar(labels={"virtual-env": "dev.a"}), mesh.sidecar()
        assert labelled.ask("app").saw(HEADER) == ["dev.a"]
        assert labelled.ask("app", headers={HEADER: "dev"}).saw(HEADER) == ["dev"]
        assert plain.ask("app").saw(HEADER) == []


def test_defect_23_spaces_between_hosts():
    """Hosts and gateways are read without the spaces around commas; Istio refused the operator's " b.example.com"."""
    listed = [
        noted(service("app"), gateways="shop, other", hosts="a.example.com, b.example.com"),
        *_named("app", ["dev", "dev.a"]),
        gateway("shop", "*.example.com", 80),
        gateway("other", "*.example.com", 81),
    ]
    with Mesh(rendered(*listed)) as mesh:
        for name, port in (("shop", 80), ("other", 81)):
            for host in ("a.example.com", "b.example.com"):
                answer = mesh.gateway(name).ask(host, port, headers={HEADER: "dev.a"})
                assert answer.environment == "dev.a"


def _named(app: str, environments: list[str]) -> list[dict[str, Any]]:
    """Return a workload for each environment, their names numbered: two environments may differ in a dot alone."""
    made = [workload(app, one) for one in environments]
    for number, one in enumerate(made):
        one["metadata"]["name"] = f"{app}-{number}"
    return made


def _to(host: str) -> dict[str, Any]:
    return {"destination": {"host": host}}
