"""The definitions of the Gateway API's standard channel, oldest and newest that are supported, take every output."""

from __future__ import annotations

import pytest

from krm_fn.objects import OWNER

from . import parts, worlds
from .gateway_api import from_manifests, rendered
from .istiod import Istiod, MeshRejected
from .test_gateway_api import ANSWERED, EXAMPLES, GIVEN_WOVEN, REFUSED, environments

VERSIONS = ("v1.1.0", "v1.7.0")
ALIASES = {
    "envHeader.aliases.0.cookie": "env",
    "envHeader.aliases.1.baggage": "env",
    "envHeader.aliases.2.name": "x-team",
}
GRPC = worlds.service("rpc", {"name": "grpc", "port": 9090}, {"name": "http", "port": 80})


def outputs():
    """Yield the name of each list, and what the function makes of it."""
    for name in ANSWERED:
        if name not in REFUSED:
            yield name, rendered(EXAMPLES / name, base="selector", applyOrder="kpt")
    for count in (15, 16, 100):
        given = [worlds.service("app"), *(worlds.workload("app", one) for one in environments(count, "siblings"))]
        yield f"{count} environments", from_manifests(given, None, {"output": "gatewayAPI", **ALIASES})
    given = [GRPC, *(worlds.workload("rpc", one) for one in ("dev", "dev.proj1"))]
    yield "GRPCRoute", from_manifests(given, None, {"output": "gatewayAPI", "grpc": "GRPCRoute"})
    options = {"output": "gatewayAPI", "base": "selector", "previewHosts": "{env}.{host}"}
    yield "woven", from_manifests(GIVEN_WOVEN, None, options)
    paths = [{"path": {"type": "PathPrefix", "value": f"/{number}"}} for number in range(4)]
    mine, *rest = [one for one in GIVEN_WOVEN if one["kind"] == "HTTPRoute"]
    many = {**mine, "spec": {**mine["spec"], "rules": [{**mine["spec"]["rules"][0], "matches": paths}]}}
    listed = [*(one for one in GIVEN_WOVEN if one["kind"] != "HTTPRoute"), many, *rest]
    yield "many matches", from_manifests(listed, None, {**options, **ALIASES})


@pytest.fixture(scope="module", params=VERSIONS)
def validator(request):
    """An API server's checks: schema, unknown fields, CEL rules, by the definitions of one version."""
    schemas = parts.TOOLS / "crds" / f"standard-{request.param}.yaml"
    if not schemas.is_file():
        if not parts.may_skip("gateway-api"):
            pytest.fail(f"{schemas.name} is missing: run .ci/parts/gateway-api")
        pytest.skip(f"{schemas.name} is missing: run .ci/parts/gateway-api")
    istiod = Istiod(schemas=[schemas])
    yield istiod
    istiod.stop()


def refused(istiod, manifests, directory):
    """Return why the definitions do not take the generated objects of the Gateway API; empty where they do."""
    listed = [one for one in manifests if one["apiVersion"].startswith("gateway.networking.k8s.io")]
    ours = [one for one in listed if OWNER in one["metadata"].get("annotations", {})]
    named = [{**one, "metadata": {"namespace": "default", **one["metadata"]}} for one in ours]
    directory.mkdir()
    try:
        socket, _ = istiod.open(named, directory)
    except MeshRejected as rejected:
        return str(rejected)
    istiod.shut(socket)
    return ""


def test_every_output_is_taken(validator, tmp_path):
    """Each object of each output is valid by the definitions: of examples, of many environments, of woven routes."""
    seen = set()
    for place, (name, found) in enumerate(outputs()):
        assert found.package, (name, found.codes)
        assert refused(validator, found.package.manifests, tmp_path / str(place)) == "", name
        seen |= {one["kind"] for one in found.package.manifests}
    assert {"HTTPRoute", "GRPCRoute", "ReferenceGrant"} <= seen


@pytest.mark.parametrize("change", ["name", "rules", "parents"])
def test_what_the_definitions_do_not_take_is_seen(validator, tmp_path, change):
    """The checks above can fail: an unknown field, too many rules, two parents that a rule in CEL forbids."""
    found = rendered(EXAMPLES / "quickstart")
    assert found.package
    (route,) = [
        one for one in found.package.manifests if one["metadata"]["name"] == "app-js" and one["kind"] == "HTTPRoute"
    ]
    spec = route["spec"]
    changed = {
        "name": {**spec, "nmae": "x"},
        "rules": {**spec, "rules": spec["rules"] * 9},
        "parents": {**spec, "parentRefs": [*spec["parentRefs"], {**spec["parentRefs"][0], "port": 9}]},
    }[change]
    assert refused(validator, [{**route, "spec": changed}], tmp_path / "changed")
