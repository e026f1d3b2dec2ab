"""Flux with hosts/flux and the recipe of docs/apply-order.md: environments come and go by artifacts."""

from __future__ import annotations

import pytest

from . import life, parts
from .flux import Flux
from .life import STEPS, Watched
from .pods import Pods
from .ways import recipe, without


@pytest.fixture(scope="session")
def flux(cluster, tmp_path_factory):
    parts.program("kustomize")
    found = Flux(cluster, tmp_path_factory.mktemp("flux"))
    yield found
    found.stop()


def test_the_life_of_an_environment(flux, tmp_path, tell):
    """With `routes: all`, each artifact leads to the plan; no route is ever without subset; what goes is pruned."""
    cluster = flux.cluster
    namespace = cluster.namespace("flux")
    configuration = life.config(routes="all", applyOrder="list")
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    (tmp_path / "kustomization.yaml").write_text("resources: [manifests.yaml]\n")
    _, push = recipe("Flux")
    watched = Watched(cluster.api, namespace)
    with Pods(cluster.api, namespace):
        for number, step in enumerate(STEPS):
            manifests = life.manifests(step, namespace)
            (tmp_path / "manifests.yaml").write_text(life.text(manifests))
            cluster.run(
                "sh", "-euc", push, cwd=tmp_path, REGISTRY=flux.registry(namespace), REVISION=f"main@sha1:{number:040}"
            )
            if step == "base":
                flux.follow(namespace)
            flux.reconcile(namespace)
            states = list(watched.states())
            wanted = life.through(manifests, configuration)
            assert states[-1].answers(namespace) == life.planned(step, namespace, configuration), step
            assert [one for state in states for one in state.dangling()] == [], step
            assert without(wanted, list(states[-1].objects.values())) == [], step
            kept = {(one["kind"], one["metadata"]["name"]) for one in wanted}
            there = {key for key in states[-1].objects if key[0] in ("Deployment", "Service")}
            assert there <= kept, step
    tell(f"Flux: {len(STEPS)} steps as planned, no route without subset; left behind: nothing")


def test_a_kustomization_with_the_function_is_refused(flux, tmp_path):
    """Flux runs no functions: one under `transformers` is an error of its build, and nothing is applied."""
    cluster = flux.cluster
    namespace = cluster.namespace("flux")
    configuration = life.config()
    function = {"config.kubernetes.io/function": "exec: {path: virtual-env-fn}\n"}
    configuration["metadata"]["annotations"] = function
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    (tmp_path / "manifests.yaml").write_text(life.text(life.manifests("base", namespace)))
    (tmp_path / "kustomization.yaml").write_text("resources: [manifests.yaml]\ntransformers: [virtual-env.yaml]\n")
    place = f"oci://{flux.registry(namespace)}/demo:latest"
    cluster.run("flux", "push", "artifact", place, "--path=.", "--source=.", "--revision=main@sha1:0", cwd=tmp_path)
    flux.follow(namespace)
    assert "external plugins disabled" in flux.refused(namespace)
    assert cluster.api.list("apps/v1", "Deployment", namespace)[0] == []
