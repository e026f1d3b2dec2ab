"""From nothing to an answered request: fork, render, apply, and ask through a mesh of what the cluster then holds."""

from __future__ import annotations

import shutil
import time

import pytest
import yaml
from mesh import Mesh
from mesh import parts as mesh_parts
from mesh.parts import MeshMissing, may_skip

from . import parts

DELIVER = """\
kustomize build --enable-alpha-plugins . | virtual-env-fn --config virtual-env.yaml |
  kubectl apply -n "$NS" --server-side -f -
"""
KINDS = (
    ("v1", "Service"),
    ("apps/v1", "Deployment"),
    ("networking.istio.io/v1", "VirtualService"),
    ("networking.istio.io/v1", "DestinationRule"),
)


@pytest.fixture(autouse=True)
def _mesh():
    try:
        mesh_parts.check()
    except MeshMissing as missing:
        (pytest.skip if may_skip(missing.part) else pytest.fail)(str(missing))


def held(cluster, namespace):
    """Return what the cluster holds in a namespace."""
    return [one for kind in KINDS for one in cluster.api.list(*kind, namespace)[0]]


def who(cluster, namespace, value):
    """Return the environment that answers a request to app-js, asked through the mesh."""
    with Mesh(held(cluster, namespace)) as mesh:
        return mesh.sidecar(namespace).ask("app-js", 8080, headers={"ali-env-mark": value}).environment


def test_a_fork_answers_requests(cluster, tmp_path, tell):
    """The forked manifest renders, applies and routes; taken away as `fork --remove` says, its parent answers again."""
    for name in ("kubectl", "kustomize"):
        parts.program(name)
    namespace = cluster.namespace("fork")
    package = shutil.copytree(parts.ROOT / "examples" / "quickstart", tmp_path / "package")

    def shell(commands):
        return cluster.run("sh", "-euc", commands, cwd=package, NS=namespace)

    shell(DELIVER)
    assert who(cluster, namespace, "dev.proj1.mine") == "dev.proj1"
    start = time.monotonic()
    shell("virtual-env-fn fork dev.proj1.mine app-js-dev --image app-js=example.com/app-js:pr-42 . -o mine.yaml")
    kustomization = yaml.safe_load((package / "kustomization.yaml").read_text())
    kustomization["resources"].append("mine.yaml")
    (package / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    shell(DELIVER)
    assert who(cluster, namespace, "dev.proj1.mine") == "dev.proj1.mine"
    tell(f"fork: from nothing to an answered request in {time.monotonic() - start:.1f} s")
    images = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in cluster.api.list("apps/v1", "Deployment", namespace)[0]
    }
    assert images["app-js-dev-proj1-mine"] == "example.com/app-js:pr-42"
    assert who(cluster, namespace, "dev.proj1") == "dev.proj1"
    said = shell("virtual-env-fn fork --remove dev.proj1.mine .").stdout
    assert "delete Deployment app-js-dev-proj1-mine (mine.yaml)" in said
    kustomization["resources"].remove("mine.yaml")
    (package / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    shell(DELIVER)
    shell('kubectl delete -n "$NS" -f mine.yaml')
    assert who(cluster, namespace, "dev.proj1.mine") == "dev.proj1"
