"""`--live`, against a kubectl that stands in for a real one, answers as a cluster would, and notes what it is asked."""

from __future__ import annotations

import json
import os
import shlex
import stat
import sys

import pytest
from dumps import LIST, Dump, cluster_name, endpoint

from krm_fn.command import main

KUBECTL = """\
#!{python}
import json, sys
from pathlib import Path
here = Path({here!r})
with (here / "asked").open("a") as asked:
    asked.write(json.dumps(sys.argv[1:]) + "\\n")
answers = json.loads((here / "answers.json").read_text())
for key, (code, out, err) in answers.items():
    if key in " ".join(sys.argv[1:]):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
sys.exit("stand-in: nothing is known of " + " ".join(sys.argv[1:]))
"""
READS = {"get", "exec"}


def pod(name, ip, labels=None, *, ready=True, sidecar=True, space="shop", args=("proxy", "sidecar"), **spec):
    containers = [{"name": "app"}, *([{"name": "istio-proxy", "args": list(args)}] if sidecar else [])]
    return {
        "metadata": {"name": name, "namespace": space, "labels": labels or {}},
        "spec": {"containers": containers, **spec},
        "status": {
            "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def listed(*pods):
    return [0, json.dumps({"items": list(pods)}), ""]


PODS = (
    pod("app-a-1", "10.0.0.2", {"virtual-env": "dev.a"}, ready=False),
    pod("app-dev-1", "10.0.0.1", {"virtual-env": "dev"}),
    pod("app-dev-2", "10.0.0.7", {"virtual-env": "dev"}),
    pod("job", "10.0.0.8", sidecar=False),
    pod("node-agent", "10.0.0.250", {"virtual-env": "dev"}, hostNetwork=True, sidecar=False),
)


@pytest.fixture
def live(tmp_path, capsys, monkeypatch):
    """Run `verify --live` with what kubectl answers, by a part of its arguments; return code, stdout, stderr, calls."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(KUBECTL.format(python=sys.executable, here=str(tmp_path)))
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    (tmp_path / "list.yaml").write_text(LIST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    def ran(answers, *options, text=LIST):
        (tmp_path / "list.yaml").write_text(text)
        asked = tmp_path / "asked"
        asked.unlink(missing_ok=True)
        (tmp_path / "answers.json").write_text(json.dumps(answers))
        code = main.main(["verify", "list.yaml", "--live", *options])
        said = capsys.readouterr()
        calls = [json.loads(line) for line in asked.read_text().splitlines()] if asked.exists() else []
        assert {one[0] for one in calls} <= READS
        dumps = [one[-4:] for one in calls if one[0] == "exec"]
        assert all(one == ["pilot-agent", "request", "GET", "config_dump?include_eds"] for one in dumps)
        assert [shlex.join(["kubectl", *one]) for one in calls] == [
            line.removeprefix("+ ") for line in said.err.splitlines() if line.startswith("+ ")
        ]
        return code, said.out, said.err, calls

    return ran


def answers(dump, *pods):
    return {"get pods --namespace shop": listed(*(pods or PODS)), "exec": [0, dump.raw().decode(), ""]}


def test_one_sidecar_of_each_namespace_is_asked(live, made):
    """It lists the pods of each namespace of the plan, asks the first ready sidecar, and says of how many."""
    code, out, err, calls = live(answers(made))
    assert code == 0
    assert out == "sidecar shop/client (Istio 1.30.0): 11 cells asked, all as the plan says\n"
    assert calls == [
        ["get", "pods", "--namespace", "shop", "--output", "json"],
        [
            *("exec", "app-dev-1", "--namespace", "shop", "--container", "istio-proxy"),
            *("--", "pilot-agent", "request", "GET", "config_dump?include_eds"),
        ],
    ]
    assert "namespace shop: 1 of 2 sidecars is asked, app-dev-1; --pod asks another" in err


def test_another_pod(live, made):
    """`--pod` asks that one; a pod that is not there, or not ready, is an error that names it."""
    *_, calls = live(answers(made), "--pod", "app-dev-2")
    assert calls[-1][1] == "app-dev-2"
    code, out, err, _ = live(answers(made), "--pod", "app-a-1")
    assert (code, out) == (1, "")
    assert "error: namespace shop: has no ready pod app-a-1 with a sidecar [proxy-not-asked]" in err


def test_other_namespaces(live, made):
    """`--namespace` asks there instead of in the plan's."""
    found = answers(made)
    found["get pods --namespace other"] = listed(pod("x", "10.1.0.1", space="other"))
    *_, calls = live(found, "--namespace", "other")
    assert [one[3] for one in calls] == ["other", "other"]


def test_a_pod_s_label_says_its_environment(live, made):
    """An endpoint of a workload that the list does not have is judged by its pod's label."""
    made.endpoints[cluster_name("dev-a")].append(endpoint("somebodys", "10.0.0.77"))
    more = pod("somebodys-1", "10.0.0.77", {"virtual-env": "dev.a"})
    assert live(answers(made, *PODS, more))[0] == 0
    other = pod("somebodys-1", "10.0.0.77", {"virtual-env": "dev.b"})
    code, out, _, _ = live(answers(made, *PODS, other))
    assert code == 1
    assert "dev.a should answer; gets pods of dev.a and dev.b" in out


def test_a_gateway_of_the_list_is_asked(live, made):
    """The pods of each Gateway of the list are found by its selector, in whichever namespace, and one is asked."""
    gateway = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {selector: {istio: edge}, servers: []}
"""
    edge = pod("edge-1", "10.2.0.1", {"istio": "edge"}, space="istio-ingress", args=("proxy", "router"))
    router = Dump()
    router.node["id"] = "router~10.2.0.1~edge-1.istio-ingress~istio-ingress.svc.cluster.local"
    router.node["metadata"] |= {"NAME": "edge-1", "NAMESPACE": "istio-ingress", "LABELS": {"istio": "edge"}}
    found = {
        "get pods --all-namespaces --selector istio=edge": listed(edge),
        "exec edge-1": [0, router.raw().decode(), ""],
        **answers(made),
    }
    code, out, _, calls = live(found, text=LIST + gateway)
    assert code == 0
    assert "gateway istio-ingress/edge-1 (Istio 1.30.0): nothing of the list could be asked there" in out
    assert calls[-1][1:4] == ["edge-1", "--namespace", "istio-ingress"]
    found["get pods --all-namespaces --selector istio=edge"] = listed()
    code, _, err, _ = live(found, text=LIST + gateway)
    assert code == 1
    assert "error: gateway istio=edge: has no ready pod [proxy-not-asked]" in err


def test_what_kubectl_refuses_is_told(live, made):
    """Its own words, the pod, and exit code 1; the rest is asked all the same."""
    found = answers(made)
    found["exec"] = [1, "", "error: unable to upgrade connection: Forbidden\n"]
    code, out, err, _ = live(found)
    assert (code, out) == (1, "")
    assert "error: shop/app-dev-1: could not be asked: error: unable to upgrade connection: Forbidden" in err
    found["get pods --namespace shop"] = [1, "", "The connection to the server was refused"]
    _, _, err, _ = live(found)
    assert "error: --namespace shop: pods could not be listed: The connection to the server was refused" in err
    found["get pods --namespace shop"] = [0, "no JSON", ""]
    assert "kubectl's list of pods is no JSON" in live(found)[2]
    found = {**answers(made), "exec": [0, made.raw().decode()[:500], ""]}
    assert "error: shop/app-dev-1: ends in the middle, after 500 characters" in live(found)[2]


def test_a_list_without_namespaces_asks_for_one(live, made):
    """Nobody knows where a list without namespaces runs: --namespace must say it."""
    code, _, err, calls = live(answers(made), text=LIST.replace(", namespace: shop", ""))
    assert (code, calls) == (1, [])
    assert "--live: the list names no namespace: say with --namespace where it runs" in err


def test_without_kubectl(live, made, monkeypatch, tmp_path):
    """Without a kubectl in PATH it says so, and what to do."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    code, _, err, _ = live(answers(made))
    assert code == 1
    assert "error: kubectl: is not in PATH: install it, or give dumps with --proxy [proxy-not-asked]" in err
