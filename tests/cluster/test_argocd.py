"""Argo CD with the plugin of hosts/argocd: environments come and go by commits."""

from __future__ import annotations

import pytest
import yaml

from . import life
from .argocd import ArgoCd, Repository
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
