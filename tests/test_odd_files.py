"""Trees of files as they lie on disks: the commands say what is so of them, and never end in a defect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("virtual-env-fn")
BYTES = os.fsdecode(b"n\xff")

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: cart-{0}}}
spec:
  selector: {{matchLabels: {{app: cart, of: "{0}"}}}}
  template:
    metadata: {{labels: {{app: cart, of: "{0}", virtual-env: {1}}}}}
    spec: {{containers: [{{name: app, image: registry.example.com/cart}}]}}
"""


def run(folder, *words):
    return subprocess.run([COMMAND, *words], cwd=folder, capture_output=True, check=False)


def application(folder):
    """A Service, its base, and an environment."""
    folder.mkdir(parents=True)
    (folder / "cart.yaml").write_text(f"{SERVICE}---\n{DEPLOYMENT.format('dev', 'dev')}")
    (folder / "proj1.yaml").write_text(DEPLOYMENT.format("proj1", "dev.proj1"))


def with_bytes(folder):
    """The same in a folder, and with a file, whose names are no UTF-8."""
    application(folder / BYTES)
    (folder / BYTES / "proj1.yaml").rename(folder / BYTES / os.fsdecode(b"p\xfe.yaml"))


@pytest.mark.parametrize(
    "words",
    [
        *("check", "check --format json", "check --format sarif", "check --format github", "generate"),
        *("explain", "explain --env dev.proj1", "explain --format json", "matrix", "matrix --format md"),
        *("matrix --format json", "page -o -", "diff cart", "diff --format html cart", "diff --format json cart"),
        "fork dev.proj2 Deployment/cart-proj1",
    ],
)
def test_names_that_are_no_utf_8(tmp_path, words):
    """Such a name is spelled out wherever it is told, and the exit code is that of the same tree by other names."""
    with_bytes(tmp_path)
    application(tmp_path / "cart")
    plain, odd = (run(tmp_path, *words.split(), name) for name in ("cart", BYTES))
    assert (odd.returncode, odd.stderr) == (plain.returncode, plain.stderr)
    odd.stdout.decode()
    if "json" in words or "sarif" in words:
        json.loads(odd.stdout)


def test_sarif_finds_the_file_by_its_bytes(tmp_path):
    """The address of such a file has its bytes, percent-encoded."""
    with_bytes(tmp_path)
    (tmp_path / BYTES / "bad.yaml").write_text(DEPLOYMENT.format("bad", "..x"))
    log = json.loads(run(tmp_path, "check", "--format", "sarif", BYTES).stdout)
    uris = {one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in log["runs"][0]["results"]}
    assert uris == {"n%FF/bad.yaml"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("apiVersion: v1\nkind: List\nitems: []\n", "the list has no Service"),
        (SERVICE, "1 Service, none labelled"),
        (f"{SERVICE}---\n{DEPLOYMENT.format('dev', 'dev')}", "no Service needs a route"),
    ],
    ids=["empty", "none-labelled", "one-environment"],
)
def test_generate_says_why_it_prints_nothing(tmp_path, text, why):
    """Where nothing is generated, stdout is empty and stderr says why, but to who asked for silence."""
    (tmp_path / "list.yaml").write_text(text)
    done = run(tmp_path, "generate", "list.yaml")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode().endswith(f"virtual-env-fn: nothing is generated or changed: {why}\n")
    assert run(tmp_path, "generate", "--quiet", "list.yaml").stderr == b""


def kustomizations(folder):
    """A base, an overlay of it, a Component, and a folder that is none of them."""
    files = {
        "base/kustomization.yaml": "resources: [cart.yaml]\n",
        "base/cart.yaml": f"{SERVICE}---\n{DEPLOYMENT.format('dev', 'dev')}",
        "component/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
        "overlays/dev/kustomization.yaml": "resources: [../../base]\ncomponents: [../../component]\n",
        "overlays/broken/kustomization.yaml": "resources: [\n",
        "other/proj1.yaml": DEPLOYMENT.format("proj1", "dev.proj1"),
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_kustomizations_that_are_not_built_are_told(tmp_path):
    """A folder of kustomizations is read file by file, and says so, naming those that nobody else there builds."""
    kustomizations(tmp_path / "deploy")
    said = "kustomizations, built only as PATHs of their own: deploy/overlays/broken, deploy/overlays/dev"
    done = run(tmp_path, "check", "--fail-on", "warning", "deploy")
    assert done.returncode == 1
    assert f"warning: deploy: was read file by file, and holds {said} [not-built]" in done.stdout.decode()
    assert f"{said} [not-built]" in run(tmp_path, "matrix", "deploy").stderr.decode()
    found = run(tmp_path, "check", "deploy/overlays").stdout + run(tmp_path, "check", "deploy/overlays").stderr
    assert f"error: deploy/overlays: holds no Kubernetes objects, but {said}" in found.decode()


def test_a_commit_s_folders_are_called_as_they_were_given(tmp_path):
    """What is said of the folders of a commit names them by REV:PATH, as the user did."""
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    kustomizations(tmp_path / "deploy")
    for words in (["init", "-q"], ["add", "-A"], ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "t"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    below = "HEAD:deploy/overlays/broken, HEAD:deploy/overlays/dev"
    told = run(tmp_path, "check", "--git", "HEAD:deploy").stdout.decode()
    assert "warning: HEAD:deploy: was read file by file, and holds kustomizations" in told
    assert f"{below} [not-built]" in told
    done = run(tmp_path, "matrix", "--git", "HEAD:deploy/overlays")
    assert "error: HEAD:deploy/overlays: holds no Kubernetes objects" in done.stderr.decode()


@pytest.mark.parametrize("file", ["Kptfile", ".krmignore"])
def test_kustomizations_that_nobody_would_build_are_not(tmp_path, file):
    """A kpt package is read as kpt reads it, and what .krmignore names is not there."""
    kustomizations(tmp_path / "deploy")
    text = "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata: {name: deploy}\n"
    (tmp_path / "deploy" / file).write_text(text if file == "Kptfile" else "overlays\nbase/kustomization.yaml\n")
    done = run(tmp_path, "check", "--fail-on", "warning", "deploy")
    assert (done.returncode, b"not-built" in done.stdout) == (0, False)


def test_what_was_not_built_is_told_beside_an_error(tmp_path):
    """Two overlays with a configuration each, read file by file, are an error; that they were not built says why."""
    config = (
        "apiVersion: virtual-env-fn.dev/v1alpha1\nkind: VirtualEnvironment\nmetadata: {name: v}\nspec: {matching: %s}\n"
    )
    for name, matching in (("a", "prefix"), ("b", "exact")):
        application(tmp_path / "deploy" / name)
        (tmp_path / "deploy" / name / "config.yaml").write_text(config % matching)
        (tmp_path / "deploy" / name / "kustomization.yaml").write_text("resources: [cart.yaml, config.yaml]\n")
    done = run(tmp_path, "check", "deploy")
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 1
    assert "[config-twice]" in said
    assert "deploy/a, deploy/b [not-built]" in said
