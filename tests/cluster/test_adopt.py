"""`unlabelled: adopt` on a cluster: the base's pods restart once, and never because an environment comes or goes."""

from __future__ import annotations

import yaml

from . import life, parts
from .life import STEPS

LABELLED_FIRST = 'kubectl apply -n "$NS" -f all.yaml -l app.kubernetes.io/managed-by!=virtual-env-fn'


def bare(manifests):
    """Return manifests whose base has no label, as from a chart that knows nothing of environments."""
    for one in manifests:
        labels = one["spec"].get("template", {}).get("metadata", {}).get("labels", {})
        if labels.get("virtual-env") == "dev":
            one = yaml.safe_load(yaml.safe_dump(one).replace("virtual-env: dev\n", "owner: base\n"))  # noqa: PLW2901 - the same object
        yield one


def test_the_base_restarts_once(cluster, tmp_path):
    """The pod templates of the base are the same in every step, the base alone too: one generation after the first."""
    parts.program("kubectl")
    namespace = cluster.namespace("adopt")
    configuration = life.config(routes="all", applyOrder="list", unlabelled="adopt")
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    generations = {}
    for step in STEPS:
        (tmp_path / "in.yaml").write_text(life.text(bare(life.manifests(step, namespace))))
        commands = "virtual-env-fn --config virtual-env.yaml < in.yaml > all.yaml"
        cluster.run(
            "sh", "-euc", f"{commands}\n{LABELLED_FIRST}\nkubectl apply -n $NS -f all.yaml", cwd=tmp_path, NS=namespace
        )
        found = cluster.api.list("apps/v1", "Deployment", namespace)[0]
        base = [one for one in found if one["metadata"]["name"] in ("shop-dev", "cart-dev")]
        assert [one["spec"]["template"]["metadata"]["labels"]["virtual-env"] for one in base] == ["dev", "dev"]
        generations[step] = [one["metadata"]["generation"] for one in base]
    assert set(map(tuple, generations.values())) == {(1, 1)}


def test_the_first_roll_comes_before_the_routes(cluster, tmp_path):
    """Where the base runs without the label, the recipe applies it, and no route, first; then the routes."""
    parts.program("kubectl")
    namespace = cluster.namespace("adopt")
    configuration = life.config(routes="all", applyOrder="list", unlabelled="adopt")
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    (tmp_path / "in.yaml").write_text(life.text(bare(life.manifests("base", namespace))))
    cluster.run("sh", "-euc", "kubectl apply -n $NS -f in.yaml", cwd=tmp_path, NS=namespace)
    commands = "virtual-env-fn --config virtual-env.yaml < in.yaml > all.yaml"
    cluster.run("sh", "-euc", f"{commands}\n{LABELLED_FIRST}", cwd=tmp_path, NS=namespace)
    found = {one["metadata"]["name"]: one for one in cluster.api.list("apps/v1", "Deployment", namespace)[0]}
    assert found["shop-dev"]["metadata"]["generation"] == 2
    assert cluster.api.list("networking.istio.io/v1", "VirtualService", namespace)[0] == []
    cluster.run("sh", "-euc", "kubectl apply -n $NS -f all.yaml", cwd=tmp_path, NS=namespace)
    assert len(cluster.api.list("networking.istio.io/v1", "VirtualService", namespace)[0]) == 2
    found = {one["metadata"]["name"]: one for one in cluster.api.list("apps/v1", "Deployment", namespace)[0]}
    assert found["shop-dev"]["metadata"]["generation"] == 2


JOB_AND_POD = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: shop-dev, labels: {app: shop, virtual-env: dev}}
spec: {containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Pod
metadata: {name: bare, labels: {app: shop}}
spec: {containers: [{name: app, image: app}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: load}
spec:
  template:
    metadata: {labels: {app: shop}}
    spec: {restartPolicy: Never, containers: [{name: app, image: app}]}
"""


def test_a_job_is_refused_and_a_pod_is_changed_in_place(cluster, tmp_path):
    """The API server takes the label of a Pod that is there, and not that of a Job's template, as is told before."""
    parts.program("kubectl")
    namespace = cluster.namespace("adopt")
    configuration = life.config(unlabelled="adopt")
    (tmp_path / "virtual-env.yaml").write_text(life.text([configuration]))
    (tmp_path / "in.yaml").write_text(JOB_AND_POD)
    cluster.run("sh", "-euc", "kubectl apply -n $NS -f in.yaml", cwd=tmp_path, NS=namespace)
    before = {one["metadata"]["name"]: one for one in cluster.api.list("v1", "Pod", namespace)[0]}
    command = "virtual-env-fn --config virtual-env.yaml < in.yaml > all.yaml"
    told = cluster.run("sh", "-euc", command, cwd=tmp_path).stderr
    assert "Job load" in told
    assert "delete the Job" in told
    applied = cluster.run(
        "sh",
        "-euc",
        LABELLED_FIRST,
        cwd=tmp_path,
        code=1,
        NS=namespace,
    )
    assert "field is immutable" in applied.stderr
    after = {one["metadata"]["name"]: one for one in cluster.api.list("v1", "Pod", namespace)[0]}
    assert after["bare"]["metadata"]["labels"]["virtual-env"] == "dev"
    assert after["bare"]["metadata"]["uid"] == before["bare"]["metadata"]["uid"]
    cluster.run("sh", "-euc", "kubectl delete -n $NS job load", cwd=tmp_path, NS=namespace)
    cluster.run("sh", "-euc", LABELLED_FIRST, cwd=tmp_path, NS=namespace)
