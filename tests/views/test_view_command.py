"""The commands as processes: their output, their errors, git, gates, and what docs/views.md says of them."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "examples" / "quickstart"
COMMAND = Path(sys.executable).with_name("virtual-env-fn")
DOCS = (ROOT / "docs" / "views.md").read_text(encoding="utf-8")

SHARED_TEXT = """\
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 6379, name: tcp-redis}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec: {template: {metadata: {labels: {app: app, virtual-env: dev}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: b}
spec: {template: {metadata: {labels: {app: app, virtual-env: dev.proj1}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app]
  tcp: [&r {route: [{destination: {host: app}}]}, {<<: *r, match: [{port: 6379}]}]
"""


def run(*arguments, cwd=ROOT, code=0, **env):
    done = subprocess.run(
        [COMMAND, *arguments], cwd=cwd, capture_output=True, encoding="utf-8", check=False, env={**os.environ, **env}
    )
    assert done.returncode == code, done.stderr
    return done


def git(*arguments, cwd):
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """A repository with the quickstart in `deploy`, and a second commit in which dev.proj1 gets an app-go."""
    shutil.copytree(QUICKSTART, tmp_path / "deploy")
    (tmp_path / ".gitattributes").write_text("deploy export-ignore\n")
    git("init", "-q", "-b", "main", cwd=tmp_path)
    git("add", ".", cwd=tmp_path)
    git("commit", "-q", "-m", "one", cwd=tmp_path)
    file = tmp_path / "deploy" / "app-go.yaml"
    added = next(one for one in yaml.safe_load_all(file.read_text()) if one["metadata"]["name"] == "app-go-dev-proj2")
    text = yaml.safe_dump(added).replace("dev-proj2", "dev-proj1").replace("dev.proj2", "dev.proj1")
    file.write_text(f"{file.read_text()}---\n{text}")
    git("commit", "-q", "-a", "-m", "two", cwd=tmp_path)
    return tmp_path


def test_the_documented_output_is_what_is_printed():
    """Every console block of docs/views.md is what its command prints today."""
    blocks = re.findall(r"```console\n\$ virtual-env-fn (.*?)\n(.*?)```", DOCS, re.DOTALL)
    assert len(blocks) == 3
    for arguments, expected in blocks:
        assert run(*arguments.split()).stdout == expected


@pytest.mark.parametrize("command", ["explain", "matrix"])
def test_what_cannot_be_edited_is_an_error_in_every_view(command, tmp_path):
    """Routes that share a text by an anchor stop the function, so every view of the list says so and ends with 1."""
    file = tmp_path / "list.yaml"
    file.write_text(SHARED_TEXT)
    assert "[not-editable]" in run("check", str(file), code=1).stdout
    assert "[not-editable]" in run(command, str(file), code=1).stderr


@pytest.mark.parametrize(
    ("heading", "expected"), [("### GitHub Actions", [0, 1]), ("### GitLab CI", [0, 0])], ids=["github", "gitlab"]
)
def test_the_recipes_run(repository, heading, expected):
    """Each command line of the recipes for pipelines runs in a repository and gates as it says."""
    recipe = yaml.safe_load(DOCS.partition(heading)[2].partition("```yaml\n")[2].partition("```")[0])
    jobs = (
        recipe["jobs"]["diff"]["steps"]
        if "jobs" in recipe
        else [{"run": one} for one in recipe["environments"]["script"]]
    )
    lines = [step["run"] for step in jobs if "virtual-env-fn diff" in step.get("run", "")]
    assert len(lines) == 2
    git("update-ref", "refs/remotes/origin/main", "HEAD~1", cwd=repository)
    if heading == "### GitHub Actions":  # a change that the gate must stop: the base's pods of app-js are gone
        file = repository / "deploy" / "app-js.yaml"
        file.write_text(
            "---\n".join(part for part in file.read_text().split("---\n") if "name: app-js-dev\n" not in part)
        )
        git("commit", "-q", "-a", "-m", "three", cwd=repository)
    env = {
        "PATH": f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}",
        "BASE": "origin/main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "HEAD~1",
        "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
    }
    codes = [
        subprocess.run(["sh", "-ec", line], cwd=repository, env={**os.environ, **env}, check=False).returncode
        for line in lines
    ]
    assert codes == expected
    written = list(repository.glob("environments.*"))
    assert [path.stat().st_size > 200 for path in written] == [True]


def test_diff_of_two_commits(repository):
    """--git A..B compares two commits, and REV alone the work tree, whatever git archive would leave out."""
    told = run("diff", "--git", "HEAD~1..HEAD", "deploy", cwd=repository).stdout
    assert "dev.proj1 now answers app-go itself (was dev); also for dev.proj1.feature1" in told
    assert "No answer changes" in run("diff", "--git", "HEAD", "deploy", cwd=repository).stdout
    status = subprocess.run(["git", "status", "--porcelain"], cwd=repository, capture_output=True, check=True)
    assert status.stdout == b""


def test_diff_from_inside_a_folder(repository):
    """Without a path --git compares the folder that one stands in, and A...B starts at the common ancestor."""
    told = run("diff", "--git", "HEAD~1...HEAD", cwd=repository / "deploy").stdout
    assert "dev.proj1 now answers app-go itself" in told


def test_a_path_that_the_old_commit_lacks_is_all_new(repository):
    """A package that was added shows as new Services, with no alarm."""
    shutil.copytree(repository / "deploy", repository / "more")
    told = run("diff", "--git", "HEAD", "more", "--fail-on", "base", cwd=repository).stdout
    assert "Services that take part now" in told


@pytest.mark.parametrize("revision", ["HEAD", "HEAD~1..HEAD", "HEAD~1...HEAD"])
def test_a_path_that_neither_side_has_is_an_error(repository, revision):
    """A mistyped path cannot pass for ever as no change: it is an error that names it and where it was looked for."""
    done = run("diff", "--git", revision, "deploi", "deploy", cwd=repository, code=1)
    assert done.stderr.startswith("error: deploi: is neither in ")
    assert done.stderr.count("\n") == 1
    (repository / "docs").mkdir()
    (repository / "docs" / "notes.txt").write_text("no manifest")
    assert "[path-unreadable]" in run("diff", "--git", revision, "docs", cwd=repository, code=1).stderr


def test_a_submodule_is_compared_as_its_commit_has_it(repository, tmp_path_factory):
    """A path at or below a submodule is that of the pinned commit, and another pin is another answer."""
    outer = tmp_path_factory.mktemp("outer")
    git("init", "-q", cwd=outer)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repository), "sub", cwd=outer)
    git("commit", "-q", "-m", "one", cwd=outer)
    for path in ("sub", "sub/deploy", "."):
        assert "No answer changes: 15" in run("diff", "--git", "HEAD", path, cwd=outer).stdout
    git("checkout", "-q", "HEAD~1", cwd=outer / "sub")
    git("commit", "-q", "-a", "-m", "two", cwd=outer)
    told = run("diff", "--git", "HEAD..HEAD~1", "sub/deploy", cwd=outer).stdout
    assert "dev.proj1 now answers app-go itself (was dev)" in told
    assert "3 Services" in run("check", "--git", "HEAD:sub/deploy", cwd=outer).stdout
    git("submodule", "--quiet", "deinit", "-f", "sub", cwd=outer)
    assert "[path-unreadable]" in run("diff", "--git", "HEAD", "sub", cwd=outer, code=1).stderr


@pytest.mark.parametrize("revision", ["HEAD~1", "HEAD~1..HEAD", "HEAD~1...HEAD"])
def test_a_shallow_clone_says_what_it_lacks(repository, tmp_path, revision):
    """Whatever the dots, a commit that a shallow clone lacks is named, with what to do about it."""
    clone = tmp_path / "clone"
    git("clone", "-q", "--depth", "1", repository.as_uri(), str(clone), cwd=tmp_path)
    told = run("diff", "--git", revision, "deploy", cwd=clone, code=1).stderr
    assert told.startswith("error: --git: HEAD~1: there is no such commit here (a shallow clone has few")


@pytest.mark.parametrize(
    ("spec", "gate", "reason"),
    [
        ("autoInject: true", "base", "another injection"),
        ("autoInject: true", "any", "another injection"),
        ("aliases: [{cookie: env}]", "any", "other aliases"),
    ],
)
def test_another_way_to_carry_the_environment_stops_a_gate(tmp_path, spec, gate, reason):
    """Injection moves requests that name no environment; aliases those that do."""
    shutil.copytree(QUICKSTART, tmp_path / "old")
    shutil.copytree(QUICKSTART, tmp_path / "new")
    config = tmp_path / "new" / "virtual-env.yaml"
    config.write_text(config.read_text().replace("  envHeader:\n", f"  envHeader:\n    {spec}\n"))
    done = run("diff", "old", "new", "--fail-on", gate, cwd=tmp_path, code=1)
    assert done.stderr == f"virtual-env-fn: --fail-on {gate}: {reason}\n"


def test_a_path_that_is_gone_is_a_loss(repository):
    """A package that the work tree has no more is compared: its answers are lost, and the gate stops."""
    shutil.rmtree(repository / "deploy")
    done = run("diff", "--git", "HEAD", "deploy", "--fail-on", "base", cwd=repository, code=1)
    assert "app-go has no answer any more (was dev); the Service is gone" in done.stdout


def test_a_gate_with_nothing_to_compare_stops(tmp_path):
    """Lists without labelled pods are said to be so, and a gate that compared nothing does not pass."""
    (tmp_path / "a.yaml").write_text(SHARED_TEXT.split("---", maxsplit=1)[0])
    words = ("diff", "a.yaml", "a.yaml")
    assert run(*words, cwd=tmp_path).stdout == (
        "Nothing was compared: neither list has a Service with pods that carry the label.\n"
    )
    done = run(*words, "--fail-on", "base", cwd=tmp_path, code=1)
    assert "--fail-on base: there was nothing to compare" in done.stderr
    assert "1 Service, none labelled" in run("explain", "a.yaml", cwd=tmp_path).stdout
    assert "1 Service, none labelled" in run("matrix", "a.yaml", cwd=tmp_path).stdout


@pytest.mark.parametrize("revision", ["nowhere", "--upload-pack=x", "HEAD..nowhere", "a...b"])
def test_a_commit_that_is_not_there(repository, revision):
    """A wrong revision is an error that names it, and no option of git's."""
    done = run("diff", f"--git={revision}", "deploy", cwd=repository, code=1)
    assert done.stderr.startswith("error: --git")
    assert "[path-unreadable]" in done.stderr


def test_a_gate_says_why_it_stops(repository):
    """--fail-on any ends with code 1 and one line on stderr; base passes, for no base request moves."""
    words = ("diff", "--git", "HEAD~1..HEAD", "deploy", "--fail-on")
    assert run(*words, "any", cwd=repository, code=1).stderr == "virtual-env-fn: --fail-on any: 1 change\n"
    assert run(*words, "base", cwd=repository).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("explain", ".", "--service", "app-jav"), "did you mean 'app-java'?"),
        (("matrix", ".", "--service", "app-jav"), "did you mean 'app-java'?"),
        (("matrix", ".", "--env", "dev.porj1"), "did you mean 'dev.proj1'?"),
    ],
)
def test_a_name_that_is_not_there_gets_the_nearest(arguments, hint):
    """A Service or environment that does not exist is an error with the nearest name."""
    assert hint in run(*arguments, cwd=QUICKSTART, code=1).stderr


@pytest.mark.parametrize("view", [("explain",), ("matrix",), ("matrix", "--format", "md"), ("page", "-o", "-")])
def test_a_list_with_errors_still_shows_what_is_known(tmp_path, view):
    """Errors stand on stderr, the Services without errors are shown, and the exit code is 1."""
    package = tmp_path / "deploy"
    shutil.copytree(QUICKSTART, package)
    (package / "app-go.yaml").write_text((package / "app-go.yaml").read_text().replace("port: 8080", "port: x", 1))
    done = run(view[0], *view[1:], ".", cwd=package, code=1)
    assert "[object-invalid]" in done.stderr
    assert "app-java" in done.stdout


@pytest.mark.parametrize("place", ["nowhere/page.html", "folder"])
def test_an_output_that_cannot_be_written(tmp_path, place):
    """The error names the file, and nothing is left behind."""
    (tmp_path / "folder").mkdir()
    done = run("page", QUICKSTART, "-o", place, cwd=tmp_path, code=1)
    assert place in done.stderr
    assert [path.name for path in tmp_path.rglob("*")] == ["folder"]


def test_an_output_that_was_there_is_replaced_whole(tmp_path):
    """The page takes the place of an older file, through a link, and leaves no part behind."""
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "page.html").symlink_to("real.html")
    run("page", QUICKSTART, "-o", "page.html", cwd=tmp_path)
    assert (tmp_path / "page.html").is_symlink()
    assert (tmp_path / "real.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("arguments", ["diff one", "diff", "diff a b c", "page x", "explain", "explain . --format md"])
def test_a_wrong_command_line_is_a_usage_error(arguments):
    """Too few or too many arguments end with code 2 and the usage."""
    assert "usage:" in run(*arguments.split(), code=2).stderr


@pytest.mark.parametrize(("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_only_on_a_terminal(env, coloured):
    """A terminal gets colours, unless NO_COLOR or TERM=dumb; the words are the same as in a pipe."""
    piped = run("explain", ".", cwd=QUICKSTART).stdout
    ours, theirs = pty.openpty()
    base = {key: value for key, value in os.environ.items() if key != "NO_COLOR"} | {"TERM": "xterm"}
    process = subprocess.Popen([COMMAND, "explain", "."], cwd=QUICKSTART, stdout=theirs, env=base | env)
    os.close(theirs)
    parts = []
    while True:
        try:
            parts.append(os.read(ours, 65536))
        except OSError:  # how a terminal of Linux ends
            break
    os.close(ours)
    assert process.wait() == 0
    shown = b"".join(parts).decode().replace("\r\n", "\n")
    assert ("\x1b[" in shown) is coloured
    words = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert [one.rstrip() for one in words.splitlines()] == piped.splitlines()


def test_json_of_every_view(tmp_path):
    """explain, matrix and diff print one JSON object each, with the version of its shape."""
    for words in (("explain", "."), ("matrix", "."), ("diff", ".", ".")):
        found = json.loads(run(*words, "--format", "json", cwd=QUICKSTART).stdout)
        assert found["apiVersion"] == "views.virtual-env-fn.dev/v1"
        assert found["kind"].lower() == words[0]
    run("diff", ".", ".", "--format", "html", "-o", tmp_path / "d.html", cwd=QUICKSTART)
    assert "<h1>What changes from quickstart to quickstart</h1>" in (tmp_path / "d.html").read_text(encoding="utf-8")


def test_a_page_s_title_has_no_path_of_the_machine(tmp_path):
    """A title names a path as it is from here, or by its last part, or two where two paths have the same."""
    for name in ("old/deploy", "new/deploy"):
        shutil.copytree(QUICKSTART, tmp_path / name)

    def title(*words, cwd=tmp_path):
        html = run(*words, "-o", "-", cwd=cwd).stdout
        return re.search("<h1>(.*)</h1>", html)[1]

    assert title("page", "old/deploy") == "Virtual environments of old/deploy"
    assert title("page", tmp_path / "old" / "deploy") == "Virtual environments of old/deploy"
    assert title("page", tmp_path / "old" / "deploy", cwd=ROOT) == "Virtual environments of deploy"
    assert title("page", ".", cwd=tmp_path / "new" / "deploy") == "Virtual environments of deploy"
    words = ("diff", "--format", "html", tmp_path / "old" / "deploy", tmp_path / "new" / "deploy")
    assert title(*words, cwd=ROOT) == "What changes from old/deploy to new/deploy"


def test_the_function_loads_no_view():
    """The function as the hosts start it imports neither a view nor a library that only views and arguments need."""
    code = "import sys; from krm_fn.command import main; main.main([]); print(*sys.modules, file=sys.stderr)"
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 80}]}\n"
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert "krm_fn.plan.planner" in loaded
    unwanted = (
        "krm_fn.views",
        "krm_fn.command.show",
        "krm_fn.command.line",
        "krm_fn.command.subcommands",
        "krm_fn.command.revisions",
        "rich",
        "argparse",
        "difflib",
    )
    assert not loaded & set(unwanted)


def test_documents_of_a_pipe_can_be_compared(tmp_path):
    """OLD or NEW may be stdin."""
    text = "---\n".join(path.read_text() for path in sorted(QUICKSTART.glob("app-*.yaml")))
    (tmp_path / "new.yaml").write_text(text)
    done = subprocess.run(
        [COMMAND, "diff", "-", "new.yaml"], cwd=tmp_path, input=text, capture_output=True, text=True, check=True
    )
    assert "No answer changes" in done.stdout
