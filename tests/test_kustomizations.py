"""Kustomizations that the command is given: built as kustomize does, and nothing that their tree brings is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "hosts"))  # the rule for missing parts stands there
import host_tools

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("virtual-env-fn")
APP = """\
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: app, labels: {app: app, virtual-env: dev}}
---
apiVersion: v1
kind: Pod
metadata: {name: app-x, labels: {app: app, virtual-env: dev.x}}
"""
OWN = """\
apiVersion: virtual-env-fn.dev/v1alpha1
kind: VirtualEnvironment
metadata:
  name: virtual-env
  annotations:
    config.kubernetes.io/function: |
      container: {image: registry.example.com/virtual-env-fn:1}
spec: {envLabel: {defaultSubset: dev}}
"""
CONTAINER = """\
apiVersion: example.com/v1
kind: Team
metadata:
  name: team
  annotations:
    config.kubernetes.io/function: |
      container: {image: "registry.example.com/team:1"}
"""
PROGRAM = CONTAINER.replace('container: {image: "registry.example.com/team:1"}', "exec: {path: ./mark.sh}")
LEGACY = "apiVersion: example.com/v1\nkind: Legacy\nmetadata: {name: legacy}\n"


@pytest.fixture(params=["kustomize", "kubectl"])
def builder(request, tmp_path):
    """Folders for PATH in which only one of the two builders is, and a `docker` that leaves a mark."""
    found = host_tools.part(request.param)
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / request.param).symlink_to(found)
    docker = programs / "docker"
    docker.write_text(f'#!/bin/sh\nfor image; do :; done\necho "$image" >>{tmp_path}/marks\nexec cat\n')
    docker.chmod(0o755)
    return programs


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    script = folder / "mark.sh"
    script.write_text(f"#!/bin/sh\necho exec >>{folder}/../marks\nexec cat\n")
    script.chmod(0o755)
    return folder


def run(builder, *arguments, cwd, code=0):
    """Run the command and return what it printed, on stdout and stderr; no path of a folder of its own is in it."""
    env = {**os.environ, "PATH": f"{builder}:/usr/bin:/bin", "HOME": str(cwd)}
    done = subprocess.run(
        [COMMAND, *arguments], cwd=cwd, capture_output=True, encoding="utf-8", check=False, timeout=120, env=env
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "/virtual-env-fn-" not in done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("field", ["transformers", "generators"])
@pytest.mark.parametrize("inline", [False, True], ids=["file", "inline"])
def test_a_container_of_the_tree_is_not_run(builder, tmp_path, field, inline):
    """What a kustomization names as a container is not run, wherever it stands, and that is an error."""
    entry = "|\n" + "".join(f"    {line}\n" for line in CONTAINER.splitlines()) if inline else "team.yaml"
    inner = write(
        tmp_path / "base", kustomization=f"resources: [app.yaml]\n{field}:\n- {entry}\n", app=APP, team=CONTAINER
    )
    write(tmp_path / "tree", kustomization=f"resources: [../{inner.name}]\n")
    for words in (["check"], ["explain"], ["generate"], ["matrix"], ["page", "-o", "-"]):
        said = run(builder, *words, "tree", cwd=tmp_path, code=1)
        assert "[function-not-run]" in said
        assert "registry.example.com/team:1" in said
    assert not (tmp_path / "marks").exists()


def test_a_container_is_run_where_it_is_asked_for(builder, tmp_path):
    """With --allow-containers it is run, and only then."""
    write(
        tmp_path / "tree", kustomization="resources: [app.yaml]\ntransformers: [team.yaml]\n", app=APP, team=CONTAINER
    )
    assert "0 errors" in run(builder, "check", "--allow-containers", "tree", cwd=tmp_path)
    assert (tmp_path / "marks").read_text() == "registry.example.com/team:1\n"


@pytest.mark.parametrize("allowed", [(), ("--allow-containers",)], ids=["plain", "allowed"])
def test_a_program_of_the_tree_is_never_run(builder, tmp_path, allowed):
    """A program that the tree names is not run, whatever is allowed, and that is an error with the way out."""
    write(tmp_path / "tree", kustomization="resources: [app.yaml]\ntransformers: [prog.yaml]\n", app=APP, prog=PROGRAM)
    said = run(builder, "check", *allowed, "tree", cwd=tmp_path, code=1)
    assert "error: tree/prog.yaml: Team team: is a function of the kind exec (./mark.sh)" in said
    assert not (tmp_path / "marks").exists()


def test_a_plugin_of_the_user_s_is_not_run_for_a_tree(builder, tmp_path):
    """Programs that kustomize finds in its folder of plugins get nothing from a tree either; the build says so."""
    plugin = tmp_path / ".config/kustomize/plugin/example.com/v1/legacy"
    plugin.mkdir(parents=True)
    (plugin / "Legacy").write_text(f"#!/bin/sh\necho legacy >>{tmp_path}/marks\nexec cat\n")
    (plugin / "Legacy").chmod(0o755)
    write(tmp_path / "tree", kustomization="resources: [app.yaml]\ntransformers: [old.yaml]\n", app=APP, old=LEGACY)
    assert "legacy" in run(builder, "check", "tree", cwd=tmp_path, code=1)
    assert not (tmp_path / "marks").exists()


@pytest.mark.parametrize("flags", ["--enable-exec", "--enable-exec=true", "-o out.yaml", "--output=out.yaml", "-oout"])
def test_flags_that_would_run_or_redirect_are_refused(builder, tmp_path, flags):
    """--build-args takes kustomize's flags, but none by which the tree's programs run or the build goes elsewhere."""
    write(tmp_path / "tree", kustomization="resources: [app.yaml]\ntransformers: [prog.yaml]\n", app=APP, prog=PROGRAM)
    assert "--build-args" in run(builder, "check", f"--build-args={flags}", "tree", cwd=tmp_path, code=2)
    assert not (tmp_path / "marks").exists()


def test_build_args_reach_kustomize(builder, tmp_path):
    """A file outside of the tree is read only with the flag that allows it."""
    (tmp_path / "app.yaml").write_text(APP)
    write(tmp_path / "tree", kustomization="resources: [../app.yaml]\n")
    assert "[path-unreadable]" in run(builder, "check", "tree", cwd=tmp_path, code=1)
    flags = "--build-args=--load-restrictor=LoadRestrictionsNone"
    assert "1 Service, 0 errors" in run(builder, "check", flags, "tree", cwd=tmp_path)


def test_the_function_s_own_container_need_not_run(builder, tmp_path):
    """Its own image is passed over without a word: it is about to run itself, in the outermost layer."""
    write(tmp_path / "tree", kustomization="resources: [app.yaml]\ntransformers: [own.yaml]\n", app=APP, own=OWN)
    said = run(builder, "check", "tree", cwd=tmp_path)
    assert "0 errors, 0 warnings" in said
    assert "the function is named in tree/kustomization.yaml, its outermost layer" in said
    assert not (tmp_path / "marks").exists()


def test_an_inner_layer_is_said_to_be_one(builder, tmp_path):
    """Where an outer kustomization renames Services, every view says so, and shows the names as they will be."""
    write(tmp_path / "base", kustomization="resources: [app.yaml]\ntransformers: [own.yaml]\n", app=APP, own=OWN)
    write(tmp_path / "tree", kustomization="resources: [../base]\nnamePrefix: my-\n")
    for words in (["check"], ["explain"], ["matrix"], ["diff", "tree"]):
        said = run(builder, *words, "tree", cwd=tmp_path)
        assert "base/kustomization.yaml transformers: names the function as its transformer" in said
        assert "tree/kustomization.yaml is a layer around it (namePrefix)" in said
    assert "Service my-app" in run(builder, "explain", "tree", cwd=tmp_path)


def test_a_transformer_behind_the_function_is_told(builder, tmp_path):
    """What renames after the function, in the same list, is no less a layer around it."""
    prefix = "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: my-\n"
    files = {"app": APP, "own": OWN, "prefix": f"{prefix}fieldSpecs: [{{path: metadata/name}}]\n"}
    write(tmp_path / "tree", kustomization="resources: [app.yaml]\ntransformers: [own.yaml, prefix.yaml]\n", **files)
    assert "behind the function (PrefixTransformer p)" in run(builder, "check", "tree", cwd=tmp_path)


def test_a_kustomization_is_built_once(builder, tmp_path):
    """A command that names one twice builds it once."""
    write(tmp_path / "tree", kustomization="resources: [app.yaml]\n", app=APP)
    name = next(one.name for one in builder.iterdir() if one.is_symlink())
    real = (builder / name).resolve()
    (builder / name).unlink()
    (builder / name).write_text(f'#!/bin/sh\necho built >>{tmp_path}/builds\nexec {real} "$@"\n')
    (builder / name).chmod(0o755)
    assert "No answer changes" in run(builder, "diff", "tree", "tree", cwd=tmp_path)
    assert (tmp_path / "builds").read_text() == "built\n"


def test_kustomizations_in_a_circle_end(builder, tmp_path):
    """Kustomizations that name one another are kustomize's error, and nothing here loops."""
    write(tmp_path / "a", kustomization="resources: [../b]\ntransformers: [../a]\n")
    write(tmp_path / "b", kustomization="resources: [../a]\n")
    assert "[path-unreadable]" in run(builder, "check", "a", cwd=tmp_path, code=1)


def test_a_build_of_a_commit_is_told_by_the_user_s_paths(builder, tmp_path):
    """What kustomize says of a commit's files names them as they are called in the work tree."""
    write(tmp_path / "deploy" / "base", kustomization="resources: [gone.yaml]\n")
    write(tmp_path / "deploy" / "over", kustomization="resources: [../base]\n")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True)
    said = run(builder, "diff", "--git", "HEAD", "deploy/over", cwd=tmp_path, code=1)
    assert "(in HEAD)" in said
    assert "deploy/base" in said
    said = run(builder, "diff", "--git", "HEAD", ".", cwd=tmp_path / "deploy" / "over", code=1)
    assert "../base" in said
    assert str(tmp_path) not in said.replace(f"{builder}/", "")
