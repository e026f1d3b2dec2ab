"""Argo CD with the plugin of hosts/argocd: environments come and go by commits."""

from __future__ import annotations

import time

import pytest
import yaml

from . import life
from .argocd import HOSTS, NAMESPACE, ArgoCd, Repository
from .life import STEPS, Watched
from .pods import Pods, is_available
from .ways import without


@pytest.fixture(scope="session")
def argocd(cluster, tmp_path_factory):
    found = ArgoCd(cluster, tmp_path_factory.mktemp("argocd"))
    yield found
    found.stop()


def write(repository, step, namespace, configuration):
    folder = repository.folder
    (folder / "manifests.yaml").write_text(life.text(life.manifests(step, namespace)))
    (folder / "virtual-env.yaml").write_text(life.text([configuration]))
    (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["manifests.yaml"]}))
    return repository.commit(step)


def source(repository, **more):
    return {"repoURL": repository.url, "targetRevision": "main", "path": ".", "plugin": {}, **more}


def test_the_life_of_an_environment(argocd, tmp_path, tell):
    """With `routes: all` and waves, each commit leads to the plan; no route is ever without subset or pods."""
    cluster = argocd.cluster
    namespace = cluster.namespace("argo")
    repository = Repository(tmp_path / "repository")
    configuration = life.config(routes="all", applyOrder="argocd")
    revision = write(repository, "base", namespace, configuration)
    watched = Watched(cluster.api, namespace)
    where = {"server": "https://kubernetes.default.svc", "namespace": namespace}
    with Pods(cluster.api, namespace):
        argocd.application(namespace, source=source(repository), destination=where)
        for step in STEPS:
            if step != "base":
                revision = write(repository, step, namespace, configuration)
            argocd.synced(namespace, revision)
            states = list(watched.states())
            wanted = life.through(life.manifests(step, namespace), configuration)
            assert states[-1].answers(namespace) == life.planned(step, namespace, configuration), step
            assert [one for state in states for one in state.dangling()] == [], step
            assert [one for state in states for one in deserted(state)] == [], step
            assert without(wanted, list(states[-1].objects.values())) == [], step
    tell(f"Argo CD: {len(STEPS)} steps as planned, no route without subset or available pods; left behind: nothing")


def deserted(state):
    """Return each route to an environment of which no Deployment is available: the wave went too early, or late."""
    there = {
        (labels["app"], labels["virtual-env"])
        for one in state.of("Deployment")
        if is_available(one)
        for labels in [one["spec"]["template"]["metadata"]["labels"]]
    }
    wanted = {
        (route["spec"]["hosts"][0], entry["name"])
        for route in state.of("VirtualService")
        for entry in route["spec"]["http"]
    }
    return sorted(wanted - there)


def test_an_error_is_told_and_nothing_is_applied(argocd, tmp_path):
    """An error of the function stands word for word in the Application's condition."""
    cluster = argocd.cluster
    namespace = cluster.namespace("argo")
    repository = Repository(tmp_path / "repository")
    broken = life.config()
    broken["spec"]["envLabel"]["defaultSubset"] = "deev"
    write(repository, "base", namespace, broken)
    where = {"server": "https://kubernetes.default.svc", "namespace": namespace}
    argocd.application(namespace, source=source(repository), destination=where)
    assert "no workload carries the base 'deev'; did you mean 'dev'?" in argocd.refused(namespace)
    assert cluster.api.list("apps/v1", "Deployment", namespace)[0] == []


def test_an_application_for_each_environment(argocd, tmp_path):
    """By hosts/argocd/applicationset.yaml: pods come before routes, and by a file `leaving` routes go before pods."""
    cluster = argocd.cluster
    namespace = cluster.namespace("argo-set")
    repository = Repository(tmp_path / "repository")
    folder = repository.folder
    configuration = life.config(routes="all", applyOrder="argocd")
    base = life.manifests("base", namespace)
    pods = [one for one in life.manifests("add", namespace) if one not in base]
    (folder / "virtual-env.yaml").write_text(life.text([configuration]))
    (folder / "base").mkdir()
    (folder / "base" / "all.yaml").write_text(life.text(base))
    revision = repository.commit("base")
    text = (HOSTS / "applicationset.yaml").read_text().replace("https://git.example.com/demo.git", repository.url)
    text = text.replace("namespace: demo", f"namespace: {namespace}").replace("name: demo", f"name: {namespace}")
    text = text.replace('name: "demo-', f'name: "{namespace}-')
    watched = Watched(cluster.api, namespace)
    environments = folder / "envs" / "proj1"

    def assert_as_planned(step):
        states = list(watched.states())
        assert states[-1].answers(namespace) == life.planned(step, namespace, configuration), step
        assert [one for state in states for one in (*state.dangling(), *deserted(state))] == [], step

    with Pods(cluster.api, namespace):
        for one in yaml.safe_load_all(text):
            cluster.api.apply(one)
        argocd.generated(namespace, {f"{namespace}-base"})
        argocd.synced(f"{namespace}-base", revision)
        argocd.synced(f"{namespace}-routes", revision)
        assert_as_planned("base")
        environments.mkdir(parents=True)
        (environments / "pods.yaml").write_text(life.text(pods))
        (environments / "leaving").write_text("coming, in fact: pods first\n")
        revision = repository.commit("proj1 comes")
        argocd.generated(namespace, {f"{namespace}-base", f"{namespace}-proj1"})
        argocd.synced(f"{namespace}-proj1", revision)
        until_available(cluster, namespace)
        (environments / "leaving").unlink()
        argocd.synced(f"{namespace}-routes", repository.commit("proj1 is there"))
        assert_as_planned("add")
        (environments / "leaving").write_text("routes first\n")
        argocd.synced(f"{namespace}-routes", repository.commit("proj1 leaves"))
        (environments / "pods.yaml").unlink()
        (environments / "leaving").unlink()
        repository.commit("proj1 has left")
        argocd.generated(namespace, {f"{namespace}-base"})
        until_gone(cluster, namespace, pods)
        assert_as_planned("remove")
    assert cluster.api.list("argoproj.io/v1alpha1", "ApplicationSet", NAMESPACE)[0]


def until_available(cluster, namespace):
    wait(lambda: all(map(is_available, cluster.api.list("apps/v1", "Deployment", namespace)[0])))


def until_gone(cluster, namespace, pods):
    names = {one["metadata"]["name"] for one in pods}

    def left():
        return names & {one["metadata"]["name"] for one in cluster.api.list("apps/v1", "Deployment", namespace)[0]}

    wait(lambda: not left())


def wait(done):
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        time.sleep(0.2)
