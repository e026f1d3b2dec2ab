"""docs/layouts.md: each layout's pipeline, run as it stands there, leads the cluster to the plan."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from . import life, parts
from .argocd import Repository
from .life import Watched

TEXT = (parts.ROOT / "docs" / "layouts.md").read_text()


def pipeline(heading):
    section = re.search(rf"^## {heading}$\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
    return block


def of(environment, manifests):
    return [one for one in manifests if f"virtual-env: {environment}\n" in yaml.safe_dump(one)]


@pytest.fixture
def site(cluster):
    parts.program("kubectl")
    parts.program("kustomize")
    namespace = cluster.namespace("layout")
    return namespace, life.config(routes="all", applyOrder="list"), Watched(cluster.api, namespace)


def assert_as_planned(site, step):
    namespace, configuration, watched = site
    states = list(watched.states())
    assert states[-1].answers(namespace) == life.planned(step, namespace, configuration), step
    assert [one for state in states for one in state.dangling()] == [], step


def test_one_repository(cluster, site, tmp_path):
    """A fork into the one kustomization, rendered and applied: its pods answer."""
    namespace, configuration, watched = site
    (tmp_path / "manifests.yaml").write_text(life.text(life.manifests("base", namespace)))
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    (tmp_path / "kustomization.yaml").write_text("resources: [manifests.yaml]\n")
    cluster.run("sh", "-euc", pipeline("One repository"), cwd=tmp_path, NS=namespace)
    state = list(watched.states())[-1]
    answers = state.answers(namespace)
    assert answers["shop", "dev.proj1.x"] == "dev.proj1"
    assert answers["shop", None] == "dev"
    assert state.dangling() == []
    (pod,) = [one for one in state.of("Deployment") if one["metadata"]["name"] == "shop-dev-proj1"]
    assert pod["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/shop:pr-42"


def test_a_branch_for_each_environment(cluster, site, tmp_path):
    """Pods come by their own pipelines, routes by one that reads every branch: pods first in, routes first out."""
    namespace, configuration, _ = site
    repository = Repository(tmp_path / "repository")
    folder = repository.folder
    (folder / "base").mkdir()
    (folder / "virtual-env.yaml").write_text(life.text([configuration]))
    everything = life.manifests("base", namespace)
    base = [one for one in everything if one not in of("dev.stays", everything)]
    (folder / "base" / "all.yaml").write_text(life.text(base))
    repository.commit("base")

    def git(*words):
        return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

    def branch(environment, manifests):
        git("checkout", "--quiet", "--orphan", f"env/{environment}")
        git("rm", "-rfq", "--cached", ".")
        git("clean", "-fdq")
        (folder / "pods").mkdir(exist_ok=True)
        (folder / "pods" / "pods.yaml").write_text(life.text(manifests))
        git("add", "pods")
        repository.commit(environment)
        git("checkout", "--quiet", "--force", "main")

    def routes():
        cluster.run("sh", "-euc", pipeline("An environment in a source of its own"), cwd=folder, NS=namespace)

    for one in base:
        cluster.api.apply(one, namespace)
    for environment, step in (("dev.stays", "base"), ("dev.proj1", "add")):
        pods = of(environment, life.manifests(step, namespace))
        branch(environment, pods)
        for one in pods:
            cluster.api.apply(one, namespace)
        routes()
        assert_as_planned(site, step)
    git("branch", "-D", "env/dev.proj1")
    routes()
    for one in pods:
        cluster.api.delete(one, namespace)
    assert_as_planned(site, "remove")
    git("branch", "env/broken", "main")  # a branch without the folder
    commands = pipeline("An environment in a source of its own")
    failed = cluster.run("sh", "-euc", commands, cwd=folder, code=1, NS=namespace)
    assert "env/broken:pods: is not there" in failed.stderr
    assert failed.stdout == ""
    assert_as_planned(site, "remove")


def test_what_runs_in_the_cluster(cluster, site, tmp_path):
    """Whoever applies what: the routes are made of what the cluster holds, and applied to it."""
    namespace, configuration, _ = site
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    for step in ("base", "add", "add again"):
        for one in life.manifests(step, namespace):
            cluster.api.apply(one, namespace)
        cluster.run("sh", "-euc", pipeline("What runs in the cluster"), cwd=tmp_path, NS=namespace)
        assert_as_planned(site, step)
