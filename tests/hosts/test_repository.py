"""The repository itself as a kpt package, and the documented set-up."""

from __future__ import annotations

import shutil

from host_tools import ROOT, part, run


def fresh_clone(target, env):
    """Clone what is committed, or copy the tree where there is no repository (a source archive)."""
    if (ROOT / ".git").exists():
        run("git", "clone", "--quiet", "--no-hardlinks", ROOT, target, cwd=ROOT, env=env)
        return
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(".venv", ".tools", "__pycache__"))


def test_render_of_the_repository_changes_nothing(tmp_path, env):
    """`kpt fn render` on a fresh clone works and leaves every committed file as it is."""
    kpt = part("kpt")
    clone = tmp_path / "clone"
    fresh_clone(clone, env)
    before = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file() and ".git" not in path.parts}
    run(kpt, "fn", "render", clone, cwd=tmp_path, env=env)
    after = {path: path.read_bytes() for path in clone.rglob("*") if path.is_file() and ".git" not in path.parts}
    assert after == before


def test_an_example_can_be_got_as_a_package(tmp_path, env):
    """`kpt pkg get` takes an example out of the repository as a package of its own."""
    kpt = part("kpt")
    clone = tmp_path / "clone"
    fresh_clone(clone, env)
    if not (clone / ".git").exists():
        run("git", "init", "--quiet", "--initial-branch", "main", cwd=clone, env=env)
    branch = run("git", "branch", "--show-current", cwd=clone, env=env).stdout.strip()
    run(kpt, "pkg", "get", f"file://{clone}/.git/examples/quickstart@{branch}", "mine", cwd=tmp_path, env=env)
    assert (tmp_path / "mine" / "Kptfile").exists()
