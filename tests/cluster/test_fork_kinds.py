"""What `fork` copies of any kind of Kubernetes, as a file has it or as the server keeps it, the server takes."""

from __future__ import annotations

import subprocess

import pytest
import yaml

POD = {"containers": [{"name": "shop", "image": "shop:1"}]}
LABELS = {"app": "shop", "virtual-env": "dev"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD}
CHOSEN = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
JOB = {"template": {**TEMPLATE, "spec": {**POD, "restartPolicy": "Never"}}}
KINDS = {
    "Deployment": ("apps/v1", CHOSEN),
    "StatefulSet": ("apps/v1", {**CHOSEN, "serviceName": "shop"}),
    "DaemonSet": ("apps/v1", CHOSEN),
    "ReplicaSet": ("apps/v1", CHOSEN),
    "ReplicationController": ("v1", {"selector": LABELS, "template": TEMPLATE}),
    "ReplicationController without selector": ("v1", {"template": TEMPLATE}),
    "Job": ("batch/v1", JOB),
    "CronJob": ("batch/v1", {"schedule": "0 0 * * *", "jobTemplate": {"spec": JOB}}),
    "Pod": ("v1", POD),
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop"},
    "spec": {"selector": {"app": "shop"}, "ports": [{"name": "http", "port": 80}]},
}


@pytest.mark.parametrize("live", [False, True], ids=["file", "live"])
@pytest.mark.parametrize("name", KINDS)
def test_a_copy_is_taken(cluster, tmp_path, name, live):
    """Strictly, and its pods carry the new environment; what a controller wrote into the source is not in it."""
    namespace = cluster.namespace("fork")
    kind = name.partition(" ")[0]
    api, spec = KINDS[name]
    labels = {"labels": LABELS} if kind == "Pod" else {}
    made = {"apiVersion": api, "kind": kind, "metadata": {"name": "shop-dev", "namespace": namespace, **labels}}
    values = [{**made, "spec": spec}, {**SERVICE, "metadata": {"name": "shop", "namespace": namespace}}]
    if live:
        for value in values:
            cluster.api.apply(value, namespace)
        found = [cluster.api.list(one["apiVersion"], one["kind"], namespace)[0] for one in values]
        values = [
            {"apiVersion": one["apiVersion"], "kind": one["kind"], **item}
            for one, items in zip(values, found, strict=True)
            for item in items
        ]
    (tmp_path / "all.yaml").write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": values}))
    copy = subprocess.run(
        ["virtual-env-fn", "fork", "dev.new", f"{namespace}/{kind}/shop-dev", "all.yaml", "-o", "new.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert copy.returncode == 0, copy.stderr
    new = yaml.safe_load((tmp_path / "new.yaml").read_text())
    assert cluster.api.apply(new, namespace) == []
    held = next(one for one in cluster.api.list(api, kind, namespace)[0] if one["metadata"]["name"] == "shop-dev-new")
    assert "dev.new" in str(held)
    assert "'virtual-env': 'dev'}" not in str(held["spec"])
