"""The views know only the plan: they say the same of both outputs, but where what answers differs."""

from __future__ import annotations

import json

import pytest
import yaml
from lists import service, workload

from krm_fn import function
from krm_fn.command import main

LISTED = [
    service("web", ports=((80, "http"), (6379, "tcp-cache"))),
    service("cache", ports=((6379, "redis"),)),
    *(workload(f"w{n}", name, app="web") for n, name in enumerate(["dev", "dev.a", "dev.a.b"])),
    *(workload(f"c{n}", name, app="cache") for n, name in enumerate(["dev", "dev.a"])),
]
OUTPUTS = {
    "istio": ["--set", "output=istio"],
    "backend": ["--set", "output=gatewayAPI"],
    "selector": ["--set", "output=gatewayAPI", "--set", "base=selector"],
}


@pytest.fixture
def listed(tmp_path):
    (tmp_path / "all.yaml").write_text("---\n".join(yaml.safe_dump(one) for one in LISTED))
    return tmp_path


def shown(capsys, *arguments):
    """What a view prints."""
    assert main.main(list(arguments)) == 0
    return capsys.readouterr().out


def cells(capsys, listed, output):
    """Who answers each Service for each environment, by the matrix."""
    found = json.loads(shown(capsys, "matrix", str(listed), "--format", "json", *OUTPUTS[output]))
    return {key: part for key, part in found.items() if key != "findings"}


def test_the_matrix_is_the_same_where_headers_decide(capsys, listed):
    """Of a Service that follows the header, every cell is the same with both outputs."""
    tables = [json.dumps(cells(capsys, listed, output), sort_keys=True) for output in ("istio", "selector")]
    assert tables[0] == tables[1]


def test_plain_connections_are_not_said_to_be_pinned(capsys, listed):
    """Where no route pins plain TCP, explain says that any pod may answer, and with the selector that the base does."""
    said = {name: shown(capsys, "explain", str(listed), "--env", "dev.a", *more) for name, more in OUTPUTS.items()}
    assert "to any pod" in said["backend"]
    for name in ("istio", "selector"):
        assert "to any pod" not in said[name]
        assert "to the base" in said[name]
    assert "any pod" in json.dumps(cells(capsys, listed, "backend"))


@pytest.mark.parametrize("output", OUTPUTS)
def test_every_view_takes_either_output(capsys, listed, tmp_path, output):
    """Page and diff run as well, and a change of the output alone moves no cell where headers decide."""
    page = tmp_path / "page.html"
    shown(capsys, "page", str(listed / "all.yaml"), "-o", str(page), *OUTPUTS[output])
    assert "dev.a.b" in page.read_text()
    assert "dev.a.b" not in shown(capsys, "diff", str(listed / "all.yaml"), str(listed / "all.yaml"), *OUTPUTS[output])


def test_changing_the_output_takes_out_what_the_other_one_wove():
    """Routes of Istio's leave a user's VirtualService with every byte as it was, and come back when they are wanted."""
    spec = {"hosts": ["a.b"], "gateways": ["edge"], "http": [{"route": [{"destination": {"host": "web"}}]}]}
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "edge"},
        "spec": spec,
    }
    own = yaml.safe_dump(theirs, sort_keys=False)
    text = "---\n".join([*(yaml.safe_dump(one, sort_keys=False) for one in LISTED), own])
    woven = function.run(text.encode())
    assert b"virtual-env--" in woven.output
    other = function.run(woven.output, None, {"output": "gatewayAPI", "base": "selector"})
    assert not other.failed
    assert b"virtual-env--" not in other.output
    assert own in other.output.decode()
    assert function.run(other.output).output == woven.output
