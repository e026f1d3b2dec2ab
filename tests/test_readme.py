"""README.md: what it says to run runs, its options are the options, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from krm_fn.config import models, reader
from krm_fn.results import Ref

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text()
FENCES = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
BLOCKS = [text for language, text in FENCES if language in ("sh", "console")]
ROW = re.compile(r"^\| `([\w.\[\]]+)` \| (\S+) \| (.+) \|$", re.MULTILINE)
HOSTS = ("kustomize", "kubectl", "kpt", "docker")
SECONDS = 600
# A base image that needs no registry: .ci/parts/podman makes it.
BASE = "localhost/virtual-env-fn-base:bookworm"


def title(block):
    return re.sub(r"\W+", "-", block.strip().splitlines()[-1])[:50].strip("-")


@pytest.fixture
def copy(tmp_path):
    """A copy of the repository that a block may write into."""
    target = tmp_path / "virtual-env-fn"
    ignored = shutil.ignore_patterns(".venv", ".git", ".tools", ".*_cache", "__pycache__", ".hypothesis", "*.egg-info")
    shutil.copytree(ROOT, target, ignore=ignored)
    return target


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_output_of_diff_is_what_it_prints(page, copy):
    """The text behind the block that ends with `diff` is what that command prints."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (found,) = re.findall(
        r"^```sh\n([^`]*\nvirtual-env-fn diff [^\n]*\n)```\n\n[^\n]+\n\n```text\n(.*?)^```$",
        text,
        re.MULTILINE | re.DOTALL,
    )
    block, printed = found
    *before, diff = block.strip().splitlines()
    run("\n".join(before), copy, dict(os.environ))
    assert run(diff, copy, dict(os.environ)) == printed


def run(block, cwd, env):
    done = subprocess.run(
        ["sh", "-eu", "-c", block], cwd=cwd, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("block", [one for one in BLOCKS if not re.search(r"docker |tests/run\.py", one)], ids=title)
def test_a_block_runs(block, copy):
    """Each block runs as it is written, in a copy of the repository, where its hosts are installed."""
    missing = [name for name in HOSTS if re.search(rf"^{name} ", block, re.MULTILINE) and not shutil.which(name)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed; .ci/parts says how to get it")
    run(block, copy, dict(os.environ))
    for written in re.findall(r"^.*(?:virtual-env-fn|kustomize) .*> (\S+)$", block, re.MULTILINE):
        kinds = [value["kind"] for value in yaml.safe_load_all((copy / written).read_text())]
        assert "VirtualService" in kinds


def test_the_set_up_is_two_commands_and_they_run():
    """One block has the two commands for a new machine: the quickstart shows itself, and the tests start."""
    (block,) = [one for one in BLOCKS if "tests/run.py" in one]
    assert block.splitlines() == ["python3 examples/run.py", "python3 tests/run.py"]
    # Not the whole suite once more from inside of it; what a new machine needs is proved in tests/hosts.
    out = run(block.replace("tests/run.py", "tests/run.py tests/test_docs.py"), ROOT, dict(os.environ))
    places = [out.index(text) for text in ("● its own pods", "kind: VirtualService", "Next, with the command")]
    assert places == sorted(places)
    assert "passed" in out


def test_the_container_block_runs(copy, tmp_path):
    """The container block builds the image and runs it by kpt: by podman, on a base image that needs no registry."""
    (block,) = [one for one in BLOCKS if "docker " in one]
    podman, kpt = shutil.which("podman"), shutil.which("kpt")
    if not (podman and kpt):
        pytest.skip("podman or kpt is not installed; .ci/parts says how to get them")
    env = {**os.environ, "KPT_FN_RUNTIME": "podman"}
    if (settings := ROOT / ".tools" / "containers.conf").exists():
        env["CONTAINERS_CONF"] = str(settings)
    if subprocess.run([podman, "image", "exists", BASE], env=env, check=False).returncode:
        pytest.skip(f"podman has no image {BASE}; .ci/parts/podman makes it")
    wheels = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--python-version", "3.11"]
    for lock in (copy / "requirements/run.txt", copy / "requirements/build.txt"):
        subprocess.run([*wheels, "-d", copy / "wheels", "--require-hashes", "-r", lock], check=True, timeout=SECONDS)
    programs = tmp_path / "programs"
    programs.mkdir()
    build = f"exec {podman} build --build-arg BASE_IMAGE={BASE} --build-arg PIP_NO_INDEX=1 --network none"
    (programs / "docker").write_text(f'#!/bin/sh\nshift\n{build} "$@"\n')
    (programs / "docker").chmod(0o755)
    run(block, copy, env | {"PATH": f"{programs}:{env['PATH']}"})
    assert "VirtualService" in (copy / "examples/quickstart/virtual-env-default.yaml").read_text()


def test_the_configuration_is_one():
    """The YAML that the README shows as a configuration is read without a complaint."""
    (text,) = [text for language, text in FENCES if language == "yaml"]
    assert reader.read(yaml.safe_load(text), Ref()).env_label.default_subset == "dev"


def fields_of(node, prefix=""):
    """Yield (dotted path, default as the README writes it) of every field that holds a value."""
    defaults = node["metadata"]["record"]._field_defaults
    names = dict(zip(node["fields"], node["metadata"]["record"]._fields, strict=True))
    for name, field in node["fields"].items():
        path, inner = prefix + name, models.inner(field["schema"])
        members = models.inner(inner["items_schema"]) if inner["type"] == "list" else inner
        default = defaults.get(names[name], ...)
        if members["type"] == "typed-dict":
            yield from fields_of(members, f"{path}{'[]' * (members is not inner)}.")
        elif default is ...:
            yield path, "required"
        elif default in (None, "", ()):
            yield path, "none"
        else:
            yield path, f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_the_table_of_options_is_the_model():
    """The table names every option with its default, in the model's order, and nothing else."""
    assert [(path, default) for path, default, _ in ROW.findall(TEXT)] == list(fields_of(models.inner(models.schema())))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/findings.md", "docs/hosts.md"])
def test_links_lead_somewhere(page):
    """Every link of a page to a place in the repository leads to a file, and to a heading where it names one."""
    file = ROOT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", file.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        place = (file.parent / path).resolve() if path else file
        assert place.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", place.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}, target
