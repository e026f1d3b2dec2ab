"""The limits of krm_fn/sizes.py are those of a real API server: just below them it takes an object, just above not."""

from __future__ import annotations

import json

import pytest
import yaml

from krm_fn.sizes import ANNOTATIONS, STORED

from . import parts
from .api import Refused

SLACK = 4_000  # bytes that the server and kubectl add: names, versions, who manages what


def of_size(namespace, size):
    """Return a VirtualService that takes so many bytes as JSON."""
    route = {"name": "", "route": [{"destination": {"host": "shop"}}]}
    value = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "large", "namespace": namespace},
        "spec": {"hosts": ["shop"], "http": []},
    }
    left = size - measured(value)
    each = len(json.dumps(route, separators=(",", ":"))) + 1 + 200
    for number in range(left // each):
        value["spec"]["http"].append({**route, "name": f"r{number:0199d}"})
    value["spec"]["http"][-1]["name"] += "x" * (size - measured(value))
    assert measured(value) == size
    return value


def measured(value):
    return len(json.dumps(value, separators=(",", ":")))


def kubectl(cluster, tmp_path, value, *words):
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(value))
    return cluster.run("kubectl", "apply", *words, "-f", "large.yaml", cwd=tmp_path, code=None)


def test_client_side_apply(cluster, tmp_path, tell):
    """Below 262,144 bytes client-side apply works, above it is refused, and server-side apply works."""
    parts.program("kubectl")
    namespace = cluster.namespace("sizes")
    taken = kubectl(cluster, tmp_path, of_size(namespace, ANNOTATIONS - SLACK))
    assert taken.returncode == 0, taken.stderr[-2000:]
    refused = kubectl(cluster, tmp_path, of_size(namespace, ANNOTATIONS + 1))
    assert "Too long: may not be more than 262144 bytes" in refused.stderr
    by_server = kubectl(cluster, tmp_path, of_size(namespace, ANNOTATIONS + 1), "--server-side", "--force-conflicts")
    assert by_server.returncode == 0, by_server.stderr[-2000:]
    tell(f"sizes: client-side apply takes {ANNOTATIONS - SLACK:,} bytes and refuses {ANNOTATIONS + 1:,}")


def test_the_server(cluster, tell):
    """Below 1,572,864 bytes an object is created, above it is refused."""
    namespace = cluster.namespace("sizes")
    cluster.api.create(of_size(namespace, STORED - SLACK))
    cluster.api.delete(of_size(namespace, STORED))
    with pytest.raises(Refused, match="request is too large"):
        cluster.api.create(of_size(namespace, STORED + 1))
    tell(f"sizes: the API server takes {STORED - SLACK:,} bytes and refuses {STORED + 1:,}")
