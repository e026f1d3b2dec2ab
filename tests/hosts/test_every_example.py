"""Every example, through the real hosts: each gives the routes that the plain command gives."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from host_tools import GENERATED_KINDS, OWNER, ROOT, documents, part, run

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"
CASES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
FAILING = [name for name in CASES if (EXAMPLES / name / "expected-errors.txt").exists()]
SERVED = [name for name in CASES if name not in FAILING]
PACKAGES = [name for name in SERVED if (EXAMPLES / name / "Kptfile").exists()]
BUILD = ("build", "--enable-alpha-plugins", "--enable-exec")
RENDER = ("fn", "render", "--allow-exec")


def routes(text: str) -> dict[tuple[str, str, str], Any]:
    """Return the spec of each generated object, by kind, namespace and name."""
    return {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one["spec"]
        for one in documents(text)
        if one["kind"] in GENERATED_KINDS or OWNER in (one["metadata"].get("annotations") or {})
    }


def expected(name: str) -> dict[tuple[str, str, str], Any]:
    return routes((EXAMPLES / name / "expected.yaml").read_text())


@pytest.fixture
def copied(tmp_path: Path):
    """Copy an example to where a host may write into it; those that fail become packages there."""

    def copy(name: str) -> Path:
        package = shutil.copytree(EXAMPLES / name, tmp_path / name)
        if name in FAILING:
            (package / "Kptfile.example").rename(package / "Kptfile")
        return package

    return copy


@pytest.mark.parametrize("name", SERVED)
def test_kustomize_builds_the_example(name, copied, env):
    """`kustomize build` with the function as transformer gives the expected routes."""
    package = copied(name)
    assert routes(run(part("kustomize"), *BUILD, package, cwd=package, env=env).stdout) == expected(name)


@pytest.mark.parametrize("name", PACKAGES)
def test_kpt_renders_the_example(name, copied, env):
    """`kpt fn render` gives the expected routes, and a second one changes no file."""
    package = copied(name)
    before = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    run(part("kpt"), *RENDER, package, cwd=package, env=env)
    once = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    # New files have what is generated; woven is what the user's own have.
    changed = sorted(path for path, content in once.items() if before.get(path) != content)
    assert routes("\n---\n".join(path.read_text() for path in changed)) == expected(name)
    run(part("kpt"), *RENDER, package, cwd=package, env=env)
    assert {path: path.read_bytes() for path in package.rglob("*") if path.is_file()} == once


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_example_stops_the_hosts(name, copied, env):
    """Errors end `kustomize build` and `kpt fn render` with code 1, and kpt leaves every file as it was."""
    package = copied(name)
    before = {path: path.read_bytes() for path in package.rglob("*") if path.is_file()}
    run(part("kustomize"), *BUILD, package, cwd=package, env=env, code=1)
    run(part("kpt"), *RENDER, package, cwd=package, env=env, code=1)
    assert {path: path.read_bytes() for path in package.rglob("*") if path.is_file()} == before
