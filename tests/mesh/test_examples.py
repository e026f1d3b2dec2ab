"""Every example, in a mesh: each request of its table lands where the table says, and Istio finds no fault with it."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

import pytest
import yaml

from . import Mesh, package, parts, table

EXAMPLES = parts.ROOT / "examples"
ANSWERED = sorted(path.parent.name for path in EXAMPLES.glob("*/requests.yaml"))

ANY_MESH = "any-mesh"  # has no object of Istio's


@cache
def rendered(name):
    """Return an example after the function; skip where a tool that builds it is missing."""
    folder = EXAMPLES / name
    if not (folder / "Kptfile").exists() and not any(map(shutil.which, ("kustomize", "kubectl"))):
        _missing("kustomize", "neither kustomize nor kubectl is installed")
    return package.rendered(folder)


def istioctl(*arguments, text):
    """Run istioctl on manifests; return its exit code and what it says."""
    if not shutil.which("istioctl"):
        _missing("istioctl", "istioctl is not installed")
    done = subprocess.run(["istioctl", *arguments], input=text, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode()


def _missing(part, message):
    (pytest.skip if parts.may_skip(part) else pytest.fail)(f"{message}: run .ci/parts/{part}")


def test_there_are_examples():
    """The suite is not empty: a wrong path cannot pass as success."""
    assert len(ANSWERED) > 10


@pytest.mark.parametrize("name", ANSWERED)
def test_every_request_finds_its_way(name):
    """Each row of requests.yaml, and each hop of its chains, is answered in the mesh as the row says."""
    rows = table.rows(yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes()))
    found = rendered(name)
    with Mesh(found.manifests, label=found.label) as mesh:
        cells = table.ask(mesh, rows, found.header)
    assert [str(cell) for cell in cells if not cell.right] == []
    assert len(cells) == sum(len(row.hops) for row in rows) > 0


@pytest.mark.parametrize("name", ANSWERED)
def test_istioctl_finds_no_error(name, tmp_path):
    """`istioctl validate` takes each Istio object, and `istioctl analyze` has no Error about the whole."""
    found = rendered(name)
    path = tmp_path / "all.yaml"
    path.write_bytes(found.text)
    code, said = istioctl("analyze", "--use-kube=false", "--failure-threshold", "Error", str(path), text=b"")
    assert code == 0, said
    assert "Error [IST" not in said
    # Of Services it takes a port without a name for an error: what becomes of those is what the examples show.
    istio = [one for one in found.manifests if one["apiVersion"].startswith("networking.istio.io/")]
    assert istio or name == ANY_MESH
    code, said = istioctl("validate", "-f", "-", text=yaml.safe_dump_all(istio).encode())
    assert code == 0, said


def test_istioctl_would_find_an_error(tmp_path):
    """What the test above relies on: a route to a subset that no DestinationRule has is an Error of the analyzer."""
    path = tmp_path / "broken.yaml"
    path.write_bytes(rendered("quickstart").text.replace(b"subset: dev-proj1\n", b"subset: nobody\n"))
    code, said = istioctl("analyze", "--use-kube=false", "--failure-threshold", "Error", str(path), text=b"")
    assert code != 0
    assert "Error [IST0101]" in said


BROKEN = {
    "a route before a deeper one": lambda routes: [*routes[-2::-1], routes[-1]],
    "a prefix without its splitter": lambda routes: [*map(_without_splitter, routes[:-1]), routes[-1]],
    "a route left out": lambda routes: routes[1:],
    "a base route that names no subset": lambda routes: [*routes[:-1], _without_subset(routes[-1])],
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_route_is_found(what):
    """A route that is broken on purpose makes the table of some example wrong."""
    wrong = 0
    for name in ("unknown-values", "quickstart"):
        found = rendered(name)
        broken = [_changed(one, BROKEN[what]) for one in found.manifests]
        rows = table.rows(yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes()))
        with Mesh(broken, label=found.label) as mesh:
            wrong += sum(not cell.right for cell in table.ask(mesh, rows, found.header))
    assert wrong


def _changed(manifest, change):
    http = (manifest.get("spec") or {}).get("http")
    return {**manifest, "spec": {**manifest["spec"], "http": change(http)}} if http else manifest


def _without_splitter(route):
    matches = [{"headers": {name: _shortened(rule) for name, rule in one["headers"].items()}} for one in route["match"]]
    return {**route, "match": matches}


def _shortened(rule):
    return {how: text.rstrip(".") for how, text in rule.items()}


def _without_subset(route):
    return {**route, "route": [{"destination": {"host": route["route"][0]["destination"]["host"]}}]}
