"""A release, made as the workflow makes it, and installed as users do; nothing is published."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
import yaml
from host_tools import ROOT, missing, run
from packaging.utils import canonicalize_name

TOOLS = ROOT / ".tools" / "venv-release" / "bin"
HOME = "https://forge.example/team/virtual-env-fn"
LOCKED = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.MULTILINE)


def tool(name):
    return TOOLS / name if (TOOLS / name).exists() else missing("release", f"no {name}; .ci/parts/release installs it")


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """What the script makes: the archive, the wheel, the bill of materials, the sums."""
    import os  # noqa: PLC0415 - the module's fixture has no `env`

    tool("cyclonedx-py")
    folder = tmp_path_factory.mktemp("release")
    run("bash", ROOT / ".ci" / "release", HOME, folder, cwd=ROOT, env=dict(os.environ))
    return folder


def wheel(release):
    (found,) = release.glob("*.whl")
    return found


def test_the_bill_of_materials_is_what_the_image_gets(release):
    """The CycloneDX file names each package of the image's lock with its version, and no other."""
    bill = json.loads((release / "virtual-env-fn.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    found = {canonicalize_name(one["name"]): one["version"] for one in bill["components"]}
    locked = dict(LOCKED.findall((ROOT / "requirements" / "run.txt").read_text()))
    found.pop("virtual-env-fn", None)
    assert found == locked
    assert bill["metadata"]["component"]["name"] == "virtual-env-fn"


def test_the_sums_are_those_of_the_files(release):
    """SHA256SUMS has a line for every file of the release, and each is right."""
    lines = dict(reversed(line.split("  ")) for line in (release / "SHA256SUMS").read_text().splitlines())
    files = {path.name: path for path in release.iterdir() if path.name != "SHA256SUMS"}
    assert lines == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    assert len(files) == 3


@pytest.mark.parametrize("installer", ["uv", "pipx"])
def test_it_is_installed_as_users_do(release, tmp_path, env, quickstart, installer):
    """`uv tool install` and `pipx install` of the wheel give the command; pipx the manual page, too."""
    env |= {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin")}
    env |= {
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"),
    }
    command = ("tool", "install", "--quiet") if installer == "uv" else ("install",)
    run(tool(installer), *command, wheel(release), cwd=tmp_path, env=env)
    done = run(tmp_path / "bin" / "virtual-env-fn", "check", quickstart, cwd=tmp_path, env=env)
    assert "0 errors" in done.stdout
    if installer == "pipx":
        assert (tmp_path / "man" / "man1" / "virtual-env-fn.1").exists()


def test_the_workflow_makes_nothing_of_its_own():
    """What a release consists of is made by the script and the Dockerfile; the workflow signs and publishes it."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert [one for one in scripts if ".ci/release" in one] == ['.ci/release "$HOME_PAGE" dist']
    assert [one for one in scripts if "${{" in one] == []
    assert [name for name, job in jobs.items() if name != "build" and job.get("needs") != "build"] == []
    granted = {name: job["permissions"] for name, job in jobs.items()}
    assert [name for name, rights in granted.items() if rights.get("contents", "read") != "read"] == []


def test_a_tag_that_is_not_the_version_stops_the_release(env):
    """The workflow's own line compares the tag with the version."""
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    (line,) = [step["run"] for step in jobs["build"]["steps"] if "__version__" in step.get("run", "")]
    (version,) = re.findall(r'__version__ = "(.*)"', (ROOT / "krm_fn" / "__init__.py").read_text())
    run("bash", "-e", "-c", line, cwd=ROOT, env=env | {"TAG": f"v{version}"})
    run("bash", "-e", "-c", line, cwd=ROOT, env=env | {"TAG": "v99.0.0"}, code=1)
