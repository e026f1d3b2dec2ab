"""What runs in a cluster as the source: `kubectl get | virtual-env-fn generate -`, applied to where it is from."""

from __future__ import annotations

import json

import yaml

from . import life, parts
from .life import STEPS, Watched

GET = "kubectl get -n $NS services,deployments,virtualservices.networking.istio.io,destinationrules.networking.istio.io"
GENERATE = "virtual-env-fn generate --config virtual-env.yaml -"
OWN_ROUTES = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "mine"},
    "spec": {
        "hosts": ["cart"],
        "http": [{"name": "slow", "timeout": "7s", "route": [{"destination": {"host": "cart"}}]}],
    },
}


def site(cluster, tmp_path, **spec):
    parts.program("kubectl")
    namespace = cluster.namespace("live")
    configuration = life.config(**spec)
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    return namespace, configuration


def apply(cluster, namespace, manifests):
    for one in manifests:
        cluster.api.apply(one, namespace, manager="somebody")


def shell(cluster, tmp_path, namespace, commands):
    return cluster.run("sh", "-euc", commands, cwd=tmp_path, NS=namespace)


def test_the_cluster_is_its_own_source(cluster, tmp_path):
    """Step by step, the routes that are made of what runs answer as planned; what is left over is named."""
    namespace, configuration = site(cluster, tmp_path, routes="all", applyOrder="list")
    watched = Watched(cluster.api, namespace)
    before: list = []
    for step in STEPS:
        manifests = life.manifests(step, namespace)
        apply(cluster, namespace, manifests)
        for gone in [one for one in before if one not in manifests]:
            cluster.api.delete(gone)
        before = manifests
        done = shell(
            cluster, tmp_path, namespace, f"{GET} -o yaml | {GENERATE} > r.yaml; kubectl apply -n $NS -f r.yaml"
        )
        assert "Warning" not in done.stderr
        state = list(watched.states())[-1]
        assert state.answers(namespace) == life.planned(step, namespace, configuration), step
        assert state.dangling() == []
        if step == "rename":
            done = shell(cluster, tmp_path, namespace, f"{GET} -o yaml | {GENERATE} > r.yaml")
            message = f"delete it (kubectl delete destinationrule cart.dev-proj1 -n {namespace})"
            assert message in done.stderr
            assert "[left-behind]" in done.stderr


def test_woven_objects_apply_after_others_changed_them(cluster, tmp_path):
    """The user's own VirtualService, read, woven and applied although somebody changed it in between: no conflict."""
    namespace, _ = site(cluster, tmp_path, routes="all", applyOrder="list")
    apply(cluster, namespace, [*life.manifests("change", namespace), OWN_ROUTES])
    for mode, form, fields in (("", "yaml", ""), ("--server-side --force-conflicts", "json", "--show-managed-fields")):
        shell(cluster, tmp_path, namespace, f"{GET} -o {form} {fields} | {GENERATE} > r.yaml")
        changed = {**OWN_ROUTES, "metadata": {"name": "mine", "labels": {"touched": f"a{len(mode)}"}}}
        cluster.api.apply(changed, namespace, manager="somebody")
        done = shell(cluster, tmp_path, namespace, f"kubectl apply {mode} -n $NS -f r.yaml")
        assert "virtualservice.networking.istio.io/mine" in done.stdout
        routes = cluster.api.list("networking.istio.io/v1", "VirtualService", namespace)[0]
        (mine,) = [one for one in routes if one["metadata"]["name"] == "mine"]
        assert [one.get("timeout") for one in mine["spec"]["http"]] == ["7s"] * len(mine["spec"]["http"])
        assert len(mine["spec"]["http"]) > 1
        cluster.api.delete(OWN_ROUTES, namespace)
        apply(cluster, namespace, [OWN_ROUTES])


def test_nothing_that_the_cluster_filled_in_is_printed(cluster, tmp_path):
    """What is printed has no version, no status and no note of who manages it."""
    namespace, _ = site(cluster, tmp_path)
    apply(cluster, namespace, [*life.manifests("change", namespace), OWN_ROUTES])
    (tmp_path / "mine.yaml").write_text(life.text([OWN_ROUTES]))
    command = f"kubectl apply -n $NS -f mine.yaml >&2; {GET} -o yaml --show-managed-fields | {GENERATE}"
    printed = list(yaml.safe_load_all(shell(cluster, tmp_path, namespace, command).stdout))
    assert ("VirtualService", "mine") in [(one["kind"], one["metadata"]["name"]) for one in printed]
    assert [one for one in printed if "last-applied-configuration" in str(one["metadata"])] == []
    filled = {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}
    assert [one for one in printed if filled & one["metadata"].keys() or "status" in one] == []


def test_json_goes_through_to_where_it_is_from(cluster, tmp_path):
    """`kubectl get -o json | virtual-env-fn | kubectl apply -f -`: the list is whole and woven; twice is once."""
    namespace, _ = site(cluster, tmp_path)
    apply(cluster, namespace, [*life.manifests("add again", namespace), OWN_ROUTES])
    through = "tee in.json | virtual-env-fn --config virtual-env.yaml | tee out.json"
    pipe = f"{GET} -o json | {through} | kubectl apply -n $NS -f -"
    done = shell(cluster, tmp_path, namespace, pipe)
    before, after = (listed(tmp_path / name) for name in ("in.json", "out.json"))
    assert list(after)[: len(before)] == list(before)
    assert len(after) > len(before)
    assert "virtualservice.networking.istio.io/mine configured" in done.stdout
    again = shell(cluster, tmp_path, namespace, pipe)
    assert "created" not in again.stdout
    assert listed(tmp_path / "out.json").keys() == after.keys()
    assert listed(tmp_path / "out.json") == listed(tmp_path / "in.json")


def listed(path):
    """Return the specs of a JSON List's objects by kind and name."""
    value = json.loads(path.read_text())
    assert value["kind"] == "List"
    return {(one["kind"], one["metadata"]["name"]): one["spec"] for one in value["items"]}
