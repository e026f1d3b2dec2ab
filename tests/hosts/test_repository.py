"""The repository itself: as a kpt package, its commands for a new machine, and its rule for missing parts."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections import Counter

import pytest
from host_tools import ROOT, part, routes, run


def fresh_clone(target, env):
    """Clone what is committed, or copy the tree where there is no repository (a source archive)."""
    if (ROOT / ".git").exists():
        run("git", "clone", "--quiet", "--no-hardlinks", ROOT, target, cwd=ROOT, env=env)
        return
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(".venv", ".tools", "__pycache__"))


def committed(clone):
    """Return the content of every file of a clone."""
    return {path: path.read_bytes() for path in clone.rglob("*") if path.is_file() and ".git" not in path.parts}


def test_render_of_the_repository_takes_nothing_away(tmp_path, env):
    """`kpt fn render` on a clone adds files of routes to its examples, and lines to manifests, and nothing else.

    kpt may move a line that it keeps: it sorts the fields of a list member like those of its predecessor there.
    """
    kpt = part("kpt")
    clone = tmp_path / "clone"
    fresh_clone(clone, env)
    before = committed(clone)
    run(kpt, "fn", "render", "--allow-exec", clone, cwd=tmp_path, env=env)
    after = committed(clone)
    generated = re.compile(r"examples/.+/virtual-env-[^/]+\.yaml")
    added = {path.relative_to(clone).as_posix() for path in after.keys() - before.keys()}
    assert "examples/quickstart/virtual-env-default.yaml" in added
    assert [path for path in added if not generated.fullmatch(path)] == []
    assert [path for path, content in before.items() if lines(content) - lines(after.get(path, b""))] == []
    changed = {path.relative_to(clone).as_posix() for path, content in before.items() if after[path] != content}
    selectors = {f"examples/any-mesh/{name}.yaml" for name in ("cart", "rates", "web")}  # `base: selector`
    assert changed <= {"examples/adopt/api.yaml", "examples/weaving/routes.yaml", *selectors}


def lines(content):
    return Counter(content.split(b"\n"))


def test_render_of_the_repository_runs_nothing_unasked(tmp_path, env):
    """Without --allow-exec kpt refuses to run the examples' function, and writes nothing."""
    kpt = part("kpt")
    clone = tmp_path / "clone"
    fresh_clone(clone, env)
    before = committed(clone)
    done = run(kpt, "fn", "render", clone, cwd=tmp_path, env=env, code=1)
    assert "--allow-exec" in done.stderr
    assert committed(clone) == before


def test_an_example_can_be_got_as_a_package(tmp_path, env, expected):
    """`kpt pkg get` takes an example out of the repository as a package of its own, which renders at once."""
    kpt = part("kpt")
    clone = tmp_path / "clone"
    fresh_clone(clone, env)
    if not (clone / ".git").exists():
        run("git", "init", "--quiet", "--initial-branch", "main", cwd=clone, env=env)
    branch = run("git", "branch", "--show-current", cwd=clone, env=env).stdout.strip()
    run(kpt, "pkg", "get", f"file://{clone}/.git/examples/quickstart@{branch}", "mine", cwd=tmp_path, env=env)
    run(kpt, "fn", "render", "--allow-exec", "mine", cwd=tmp_path, env=env)
    assert routes((tmp_path / "mine" / "virtual-env-default.yaml").read_text()) == expected


def test_the_example_command_shows_answers_and_routes(tmp_path, env, expected):
    """`python3 examples/run.py` prints who answers whom in the quickstart, then its routes, then what to type next."""
    done = run(sys.executable, ROOT / "examples" / "run.py", cwd=tmp_path, env=env)
    answers, generated = done.stdout.split("\nThe routes that do it:\n\n$ virtual-env-fn generate ")
    assert answers.startswith("Who answers whom:\n\n$ virtual-env-fn matrix ")
    assert all(name in answers for name in ("app-js", "app-go", "app-java", "dev.proj1.feature1"))
    generated, _, further = generated.partition("\n\nNext, ")
    assert routes(generated.partition("\n")[2]) == expected
    assert "virtual-env-fn explain " in further


def test_an_unknown_example_is_answered_with_the_known_ones(tmp_path, env):
    """`examples/run.py NAME` with no such folder says which there are."""
    done = run(sys.executable, ROOT / "examples" / "run.py", "quikstart", cwd=tmp_path, env=env, code=1)
    assert "quickstart" in done.stderr


@pytest.mark.parametrize("script", ["bootstrap.py", "tests/run.py", "examples/run.py"])
def test_an_old_python_can_read_the_set_up(script):
    """The set-up scripts have the syntax of Python 3.8, so that an old one prints their message."""
    assert ast.parse((ROOT / script).read_text(), feature_version=(3, 8)).body


def test_a_missing_part_skips_for_a_user(monkeypatch):
    """On a user's machine a missing part skips its tests, by its name."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-part is not installed"):
        part("no-such-part")


def test_a_missing_part_fails_in_ci(monkeypatch):
    """In CI a missing part is a failure: nothing is left out in silence."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("VENV_FN_MISSING", "")
    with pytest.raises(pytest.fail.Exception, match="no-such-part is not installed"):
        part("no-such-part")


def test_a_part_that_ci_announced_as_missing_skips(monkeypatch):
    """What .ci/run has printed as not installable is skipped, and only that."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("VENV_FN_MISSING", "other no-such-part")
    with pytest.raises(pytest.skip.Exception, match="no-such-part is not installed"):
        part("no-such-part")
