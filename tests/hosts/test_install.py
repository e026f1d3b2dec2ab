"""docs/install.md: every way that it shows, typed by nobody but this test, on a machine with nothing of ours."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
import transcripts
from host_tools import ROOT, TOOLS, missing, part, run

IMAGE = "The image"  # tests/hosts/test_image.py has one
NEEDS = {"uv": "uv", "uv, from a commit": "uv", "pipx": "pipx", "pip": "", "kpt": "kpt"}
AS_TESTS = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """What stands for the page's WHEEL, URL and COMMIT: of this tree, as a wheel and as a repository of one commit."""
    env, folder = dict(os.environ), tmp_path_factory.mktemp("install")
    run(sys.executable, ROOT / ".ci" / "distribution.py", "-o", folder, cwd=ROOT, env=env)
    (wheel,) = folder.glob("*.whl")
    repository = folder / "virtual-env-fn"
    for name in run("git", "ls-files", cwd=ROOT, env=env).stdout.splitlines():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, repository / name)
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=repository, env=env)
    run("git", "add", "--all", cwd=repository, env=env)
    run("git", *AS_TESTS, "commit", "--quiet", "--message", "tests", cwd=repository, env=env)
    commit = run("git", "rev-parse", "HEAD", cwd=repository, env=env).stdout.strip()
    return {
        "WHEEL": str(wheel),
        "git+URL": f"git+{repository.as_uri()}",
        "URL": str(repository),
        "COMMIT": commit,
    }


def test_the_page_has_these_ways():
    """Each heading with a transcript is typed: by a test here, or by that of the image."""
    assert sorted(transcripts.headings()) == sorted([*NEEDS, IMAGE])


@pytest.mark.parametrize("heading", NEEDS)
def test_a_way_is_as_it_is_shown(heading, words, quickstart, env, request):
    """The commands under a heading run to their end and print what the page has."""
    tool = NEEDS[heading]
    if tool in ("uv", "pipx") and not (TOOLS / "venv-release" / "bin" / tool).exists():
        missing("release", f"no {tool}; .ci/parts/release installs it")
    if tool == "kpt":
        part(tool)
    home = quickstart.parent
    places = {"UV_TOOL_DIR": "tools", "UV_TOOL_BIN_DIR": "bin", "PIPX_HOME": "pipx", "PIPX_BIN_DIR": "bin"}
    env |= {name: str(home / place) for name, place in places.items()}
    env |= {"PIPX_MAN_DIR": str(home / "man"), "MANPATH": str(home / "man"), "NO_COLOR": "1"}
    # Ours first: what the transcript installs, or, for a host that wants it on PATH, the one that is tested.
    ours = Path(sys.executable).parent if tool == "kpt" else home / "bin"
    env["PATH"] = os.pathsep.join([str(ours), str(TOOLS / "venv-release" / "bin"), os.environ["PATH"]])
    seen = transcripts.played(transcripts.typed(heading), home, env, words)
    transcripts.compare(heading, seen, update=request.config.getoption("--update"))
