"""Every example, applied to the API server by the server itself, strictly: nothing is refused or warned of."""

from __future__ import annotations

import pytest
from mesh import package

from krm_fn.objects import LOCAL_CONFIG, annotations_of

from . import parts
from .api import Refused

EXAMPLES = parts.ROOT / "examples"
ANSWERED = sorted(path.parent.name for path in EXAMPLES.glob("*/expected.yaml"))


def test_there_are_examples():
    """The suite is not empty: a wrong path cannot pass as success."""
    assert len(ANSWERED) > 20


@pytest.mark.parametrize("name", ANSWERED)
def test_the_output_is_taken(name, cluster):
    """What leaves the function, the user's objects too, is applied object by object as it is."""
    if not (EXAMPLES / name / "Kptfile").exists():
        parts.program("kustomize")
    objects = list(applied(package.rendered(EXAMPLES / name).manifests))
    assert any(one["kind"] in ("VirtualService", "DestinationRule", "HTTPRoute") for one in objects)
    place = cluster.namespace("example")
    for namespace in sorted({one["metadata"].get("namespace", place) for one in objects}):
        cluster.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    for one in objects:
        serve(cluster, one)
    try:
        said = {f"{one['kind']} {one['metadata']['name']}": cluster.api.apply(one, place) for one in objects}
    finally:
        for one in objects:
            cluster.api.delete(one, place)
    assert {name: warnings for name, warnings in said.items() if warnings} == {}


def test_what_is_wrong_is_refused(cluster):
    """What the test above relies on: an unknown field, and a value against Istio's own rules, are refused."""
    place = cluster.namespace("wrong")
    rule = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": "shop"},
        "spec": {"host": "shop", "subset": []},
    }
    with pytest.raises(Refused, match=r"\.spec\.subset: field not declared in schema"):
        cluster.api.apply(rule, place)
    with pytest.raises(Refused, match="Required value"):
        cluster.api.apply({**rule, "spec": {"host": "shop", "subsets": [{"labels": {"a": "b"}}]}}, place)


def applied(manifests):
    """Yield what a cluster gets of manifests: members of Lists one by one, and nothing that is for tools only."""
    for one in manifests:
        if one["kind"].endswith("List") and "items" in one:
            yield from applied(one["items"])
        elif str(annotations_of(one).get(LOCAL_CONFIG, "false")).lower() != "true" and "metadata" in one:
            yield one


def serve(cluster, value):
    """Have the cluster serve the kind of an object: other projects' kinds take anything, as their own would not."""
    group, slash, version = value["apiVersion"].rpartition("/")
    try:
        cluster.api.path(value["apiVersion"], value["kind"])
    except Refused:
        assert slash, value["apiVersion"]
        assert group not in ("apps", "batch", "networking.istio.io"), value["apiVersion"]
    else:
        return
    kind, plural = value["kind"], f"{value['kind'].lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": kind, "plural": plural}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [served]}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": spec,
    }
    cluster.define([definition])
