"""What other tools expect of a repository: pre-commit's hook, GitHub's action, GitLab's component. Each really runs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess

import pytest
import yaml
from host_tools import ROOT, missing, run

TOOLS = ROOT / ".tools" / "venv-release" / "bin"
EXPRESSION = re.compile(r"\$\{\{ ([\w.-]+) \}\}")
INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")


def tool(name):
    return TOOLS / name if (TOOLS / name).exists() else missing("release", f"no {name}; .ci/parts/release installs it")


def distribution():
    spec = importlib.util.spec_from_file_location("distribution", ROOT / ".ci" / "distribution.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def commit(folder, env):
    run("git", "init", "--quiet", "--initial-branch", "main", cwd=folder, env=env)
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    run("git", "add", "--all", cwd=folder, env=env)
    run("git", *identity, "commit", "--quiet", "--message", "tests", cwd=folder, env=env)
    return run("git", "rev-parse", "HEAD", cwd=folder, env=env).stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """This repository as it stands, committed; and the hash of the commit."""
    copy = tmp_path_factory.mktemp("repository") / "virtual-env-fn"
    for name in distribution().tracked(ROOT):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    return copy, commit(copy, dict(os.environ))


@pytest.fixture
def package(tmp_path, env):
    """A repository of a user's, with the quickstart in it."""
    folder = tmp_path / "user"
    shutil.copytree(ROOT / "examples" / "quickstart", folder / "deploy")
    (folder / "deploy" / "expected.yaml").unlink()
    (folder / "deploy" / "requests.yaml").unlink()
    commit(folder, env)
    return folder


def spoil(package):
    """Break a label of the package."""
    file = package / "deploy" / "app-go.yaml"
    text = file.read_text().replace("virtual-env: dev.proj2", "virtual-env: dev..proj2")
    assert text != file.read_text()
    file.write_text(text)


def test_pre_commit_runs_the_hook(repository, package, env):
    """Real pre-commit installs the hook from the repository, passes sound manifests, and stops at a broken label."""
    clone, revision = repository
    hook = {"id": "virtual-env-fn", "args": ["deploy"]}
    config = {"repos": [{"repo": str(clone), "rev": revision, "hooks": [hook]}]}
    (package / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    env |= {"PRE_COMMIT_HOME": str(package.parent / "pre-commit"), "PRE_COMMIT_COLOR": "never"}
    done = run(tool("pre-commit"), "run", "--all-files", cwd=package, env=env)
    assert re.search(r"^virtual environments\.+Passed$", done.stdout, re.MULTILINE)
    spoil(package)
    done = run(tool("pre-commit"), "run", "--all-files", cwd=package, env=env, code=1)
    assert "[label-invalid]" in done.stdout


class Runner:
    """Runs the steps of action.yml as GitHub's runner does: scripts of bash, with files to append to."""

    def __init__(self, package, folder, env, event, inputs):
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        self.steps, self.package, self.env, self.event = action["runs"]["steps"], package, env, event
        given = {name: one["default"] for name, one in action["inputs"].items()} | inputs
        self.context = {f"inputs.{name}": str(value) for name, value in given.items()} | {
            "github.action_path": str(ROOT),
            "github.base_ref": "main",
            "github.event.number": "7",
            "github.event_name": event,
            "github.token": "none",
            "runner.temp": str(folder),
        }
        self.files = {name: folder / name for name in ("GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        for file in self.files.values():
            file.write_text("")

    def run(self):
        """Return (name, exit code, output) of each step that runs; a failed one stops those without always()."""
        found = []
        for step in self.steps:
            condition = step.get("if", "")
            wanted = all(self.holds(one) for one in condition.split(" && ") if one)
            if not wanted or (any(code for _, code, _ in found) and "always()" not in condition):
                continue
            given = {name: EXPRESSION.sub(self.value, value) for name, value in step.get("env", {}).items()}
            path = os.pathsep.join([*self.files["GITHUB_PATH"].read_text().split(), self.env["PATH"]])
            env = {**self.env, **given, "PATH": path, **{name: str(file) for name, file in self.files.items()}}
            command = [step["shell"], "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
            done = subprocess.run(command, cwd=self.package, env=env, capture_output=True, text=True, check=False)
            found.append((step["name"], done.returncode, done.stdout + done.stderr))
        return found

    def value(self, expression):
        return EXPRESSION.sub(self.value, self.context[expression.group(1)])

    def holds(self, condition):
        if condition == "always()":
            return True
        name, value = condition.split(" == ")
        return self.context[name] == value.strip("'")


@pytest.fixture
def runner(package, tmp_path, env):
    """Makes a runner; `gh` is a script that keeps what it is told."""
    folder = tmp_path / "runner"
    folder.mkdir()
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "gh").write_text(f'#!/bin/sh\necho "$@" >"{folder}/gh"\n')
    (programs / "gh").chmod(0o755)
    env |= {"PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
    return lambda event, **inputs: Runner(package, folder, env, event, inputs)


def test_the_action_installs_and_checks_by_hashes(runner, package):
    """On a push the action installs itself and checks; sound manifests pass, with no step for pull requests."""
    steps = runner("push", paths="deploy").run()
    assert [(name, code) for name, code, _ in steps] == [
        ("Install virtual-env-fn", 0),
        ("Check the environments", 0),
    ], steps
    spoil(package)
    *_, (name, code, output) = runner("push", paths="deploy").run()
    assert (name, code) == ("Check the environments", 1)
    assert re.search(r"^::error file=deploy/app-go\.yaml,line=\d+", output, re.MULTILINE), output


def test_the_action_tells_a_pull_request(runner, package, env):
    """On a pull request the diff is in the job's summary and in the comment, and `fail-on` stops it."""
    run("git", "update-ref", "refs/remotes/origin/main", "HEAD", cwd=package, env=env)
    file = package / "deploy" / "app-go.yaml"
    text = file.read_text()
    file.write_text(re.sub(r"virtual-env: dev\.proj2", "virtual-env: dev.proj9", text))
    assert file.read_text() != text
    identity = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")
    run("git", *identity, "commit", "--quiet", "--all", "--message", "moves", cwd=package, env=env)
    one = runner("pull_request", paths="deploy", comment="true", **{"fail-on": "any"})
    codes = {name: code for name, code, _ in one.run()}
    assert codes == {
        "Install virtual-env-fn": 0,
        "Check the environments": 0,
        "What this pull request moves": 1,
        "Tell it on the pull request": 0,
    }
    assert "dev.proj9" in one.files["GITHUB_STEP_SUMMARY"].read_text()
    told = (one.files["GITHUB_PATH"].parent / "gh").read_text().split()
    assert told[:5] == ["pr", "comment", "7", "--edit-last", "--create-if-none"]


def test_every_action_is_taken_at_a_commit():
    """Workflows and recipes name each action by a full hash, beside it its version: a tag can be moved."""
    pages = [*ROOT.glob(".github/workflows/*.yml"), ROOT / "action.yml", *ROOT.glob("docs/*.md")]
    used = [
        line.strip() for page in pages for line in page.read_text().splitlines() if re.match(r" *- uses:| *uses:", line)
    ]
    own = "- uses: OWNER/virtual-env-fn@COMMIT"
    pinned = re.compile(r"(- )?uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [one for one in used if one != own and not pinned.fullmatch(one)] == []
    assert len(used) > 15
    versions = {}
    for one in used:
        versions.setdefault(one.removeprefix("- ").partition("@")[0], set()).add(one.partition("@")[2])
    assert [name for name, found in versions.items() if len(found) != 1] == []


def test_no_input_of_the_action_stands_in_a_script():
    """Inputs reach the scripts as variables only: a branch's name or a path cannot become a command."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert len(action["runs"]["steps"]) > 1
    assert [step["name"] for step in action["runs"]["steps"] if "${{" in step["run"]] == []


def test_the_component_checks(repository, package, env):
    """The script of GitLab's component, with its inputs put in, checks with the commit that it is given."""
    clone, revision = repository
    head, body = yaml.safe_load_all((ROOT / "templates" / "check.yml").read_text())
    given = {name: (one or {}).get("default") for name, one in head["spec"]["inputs"].items()}
    given |= {"repository": str(clone), "revision": revision, "paths": "deploy"}
    assert {name for name, value in given.items() if value is None} == set()
    text = INPUT.sub(lambda found: given[found.group(1)], yaml.safe_dump(body))
    (job,) = yaml.safe_load(text).values()
    script = "set -eo pipefail\n" + "\n".join(job["script"])
    variables = {name: str(value) for name, value in job["variables"].items()}
    assert "error" in run("bash", "-c", script, cwd=package, env=env | variables).stdout
    spoil(package)
    assert "[label-invalid]" in run("bash", "-c", script, cwd=package, env=env | variables, code=1).stdout
