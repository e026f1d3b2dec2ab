"""The command as users and hosts start it: a process with its own stdin, stdout, stderr and exit code."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from lists import base, named, service, workload

from krm_fn.command.subcommands import SUBCOMMANDS
from krm_fn.text import document

ROOT = Path(__file__).resolve().parents[1]
QUICKSTART = "examples/quickstart"
NAME = "virtual-env-fn"
SECONDS = 60
APP = [service(), workload("app", "dev"), workload("app-x", "dev.x")]
BROKEN = [service(), workload("app", "dev"), workload("app-x", "dev..x"), workload("app-y", True)]
TO_WRITE = "cannot write the output: "


def environment():
    env = dict(os.environ)
    env.pop("PYTHONUNBUFFERED", None)  # what the tests' own machine may set: full disks then show themselves elsewhere
    env.pop("VIRTUAL_ENV_FN_DEBUG", None)
    return env


def run(*arguments, stdin=b"", code=0, cwd=ROOT):
    """Run the command to its end; whatever happens, it shows no traceback and ends with the code expected.

    `stdin` is what it reads, or a file.
    """
    given = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    done = subprocess.run(
        [shutil.which(NAME), *arguments],
        cwd=cwd,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=environment(),
        **given,
    )
    assert b"Traceback" not in done.stderr
    assert b"defect" not in done.stderr
    assert done.returncode == code, done.stderr.decode()
    return done


def shell(text, code):
    """Run a line of shell, where the shell's own redirections close or fill what the command writes to."""
    line = text.replace(NAME, str(shutil.which(NAME)))
    done = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, capture_output=True, timeout=SECONDS, check=False, env=environment()
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode == code, done.stderr.decode()
    return done


def resource_list(items, **more):
    value = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": items, **more}
    return document.dump(value).encode()


def stream(items):
    return "".join(f"---\n{document.dump(one)}" for one in items).encode()


def kinds(text):
    return [value["kind"] for value in yaml.safe_load_all(text)]


# -- the function and the filter


def test_a_resource_list_comes_back_with_routes():
    """A ResourceList on stdin comes back with its items and the routes behind them, and nothing on stderr."""
    raw = resource_list(APP, functionConfig=base())
    done = run(stdin=raw)
    items = yaml.safe_load(done.stdout)["items"]
    assert items[: len(APP)] == APP
    assert [item["kind"] for item in items[len(APP) :]] == ["DestinationRule", "VirtualService"]
    assert done.stderr == b""
    assert run(stdin=done.stdout).stdout == done.stdout


def test_a_stream_comes_back_with_routes(tmp_path):
    """A stream of documents comes back as it is, the routes behind it; --config holds the configuration."""
    (tmp_path / "config.yaml").write_text(document.dump(base()))
    raw = b"# a comment\n" + stream(APP)
    done = run("--config", "config.yaml", stdin=raw, cwd=tmp_path)
    assert done.stdout.startswith(raw)
    assert kinds(done.stdout)[len(APP) :] == ["DestinationRule", "VirtualService"]
    assert done.stderr == b""


def test_warnings_are_on_stderr_and_do_not_fail():
    """A warning is a line on stderr, because kustomize shows no results, and the exit code stays 0; an info is not."""
    done = run(stdin=resource_list([*APP, workload("lost", "dev", app="lost"), service("bare", selector={})]))
    assert done.stderr.decode() == (
        "warning: Deployment lost spec.template.metadata.labels: no Service selects these pods of 'dev': "
        "no request reaches them [unselected-pods]\n"
    )
    codes = [result["tags"]["code"] for result in yaml.safe_load(done.stdout)["results"]]
    assert codes == ["unselected-pods", "base-assumed", "no-selector"]


def test_errors_give_the_input_back():
    """On errors the list comes back byte for byte before its results, which are the lines on stderr; exit code 1."""
    raw = b"# as it came\n" + resource_list(BROKEN)
    done = run(stdin=raw, code=1)
    assert done.stdout.startswith(raw)
    said = yaml.safe_load(done.stdout)["results"]
    lines = done.stderr.decode().splitlines()
    assert all(one["message"] in line for one, line in zip(said, lines, strict=True))
    assert [one["tags"]["code"] for one in said] == ["label-invalid", "object-invalid"]
    assert {one["severity"] for one in said} == {"error"}


def test_errors_give_a_stream_back():
    """On errors a stream comes back byte for byte: it has no place for results."""
    raw = stream(BROKEN)
    done = run(stdin=raw, code=1)
    assert done.stdout == raw
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("raw", [b"", b"# nothing\n", b"\xff", b"a: [", b"- 1\n", b"x\0y"])
def test_what_is_no_list_comes_back(raw):
    """What cannot be read as a list comes back as it was, with one line that says why, and exit code 1."""
    done = run(stdin=raw, code=1)
    assert done.stdout == raw
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(b"error: ")


def test_set_wins_over_config(tmp_path):
    """--set wins over --config, may be repeated, and stands before or behind the subcommand."""
    (tmp_path / "config.yaml").write_text(document.dump(base("prod")))
    (tmp_path / "app.yaml").write_bytes(stream(APP))
    for words in (
        ["--set", "envLabel.defaultSubset=dev", "--set", "envHeader.name=lane", "generate", "app.yaml"],
        ["generate", "app.yaml", "--set", "envLabel.defaultSubset=dev", "--set", "envHeader.name=lane"],
    ):
        done = run("--config", "config.yaml", *words, cwd=tmp_path)
        assert b"lane:" in done.stdout
    assert b"base-unknown" in run("--config", "config.yaml", "generate", "app.yaml", cwd=tmp_path, code=1).stderr


@pytest.mark.parametrize("text", ["", "a: 1\n---\nb: 2\n", "{", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n"])
def test_what_is_no_config(tmp_path, text):
    """A file that holds no configuration, or more than one object, is an error that names the file or the object."""
    (tmp_path / "config.yaml").write_text(text)
    done = run("--config", "config.yaml", stdin=resource_list(APP), cwd=tmp_path, code=1)
    assert b"config.yaml" in done.stderr or b"Secret s" in done.stderr


# -- the desk


def test_generate_prints_only_what_is_new():
    """`generate` prints the generated objects as a stream, and nothing of the package."""
    done = run("generate", QUICKSTART)
    assert set(kinds(done.stdout)) == {"DestinationRule", "VirtualService"}
    assert done.stderr == b""


def test_generate_after_a_run_prints_the_same(tmp_path):
    """`generate` does not depend on whether the routes are in the package already."""
    (tmp_path / "app.yaml").write_bytes(stream(APP))
    first = run("generate", ".", cwd=tmp_path).stdout
    (tmp_path / "routes.yaml").write_bytes(first)
    assert run("generate", ".", cwd=tmp_path).stdout == first


def test_generate_prints_nothing_after_an_error(tmp_path):
    """`generate` with errors prints them on stderr, nothing on stdout, and ends with 1."""
    (tmp_path / "app.yaml").write_bytes(stream(BROKEN))
    done = run("generate", "app.yaml", cwd=tmp_path, code=1)
    assert done.stdout == b""
    assert b"app.yaml: Deployment app-x " in done.stderr


def test_check_prints_findings(tmp_path):
    """`check` prints every finding with its file and a count on stdout, and ends with 1 where one is an error."""
    (tmp_path / "app.yaml").write_bytes(stream(BROKEN))
    lines = run("check", "app.yaml", cwd=tmp_path, code=1).stdout.decode().splitlines()
    assert [line.split(":")[:2] for line in lines[:2]] == [["error", " app.yaml"]] * 2
    assert "2 errors" in lines[-1]
    found = run("check", QUICKSTART).stdout.decode()
    assert found.startswith("environments, base dev:\n  dev ")
    assert found.endswith("3 Services, 0 errors, 0 warnings, 0 infos\n")


def test_check_in_json(tmp_path):
    """`check --format json` prints the findings as a ResourceList's results."""
    (tmp_path / "app.yaml").write_bytes(stream(BROKEN))
    found = json.loads(run("check", "--format", "json", "app.yaml", cwd=tmp_path, code=1).stdout)
    assert [one["file"]["path"] for one in found["results"]] == ["app.yaml", "app.yaml"]


def test_explain_says_who_answers():
    """`explain` says who answers one Service for one value; a Service that is not there gets the nearest name."""
    done = run("explain", QUICKSTART, "--service", "app-java", "--env", "dev.proj1.nobody")
    assert b"app-java-dev-proj1" in done.stdout
    assert b"'app-java'" in run("explain", QUICKSTART, "--service", "app-jaba", code=1).stderr


def test_schema_prints_the_definition():
    """`schema` prints the KRMFunctionDefinition as YAML."""
    assert yaml.safe_load(run("schema").stdout)["kind"] == "KRMFunctionDefinition"


def test_version_and_help_need_no_input():
    """--version and --help print to stdout and read nothing: `kpt fn doc` gives no stdin at all."""
    assert run("--version", stdin=subprocess.DEVNULL).stdout.startswith(b"virtual-env-fn 0.")
    done = run("--help", stdin=subprocess.DEVNULL)
    for word in (b"generate", b"check", b"explain", b"schema", b"--config", b"--set", b"Exit codes"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "words",
    [["--nope"], ["check"], ["bogus"], ["--set", "x"], ["--set", "=x"], ["check", "--format", "xml"], ["--config"]],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(words):
    """A command line that means nothing ends with code 2, says what is wrong on stderr, and prints nothing."""
    done = run(*words, code=2)
    assert b"error:" in done.stderr
    assert done.stdout == b""


def test_nothing_on_a_terminal_is_help():
    """Without arguments, and a terminal for stdin, it shows the help on stderr and ends with 2, without waiting."""
    ours, theirs = pty.openpty()
    try:
        done = run(code=2, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert b"usage: virtual-env-fn" in done.stderr
    assert done.stdout == b""


# -- paths


def test_a_file_a_directory_and_stdin_are_the_same(tmp_path):
    """A file, the directory that holds it, and its bytes on stdin give the same objects."""
    (tmp_path / "app.yaml").write_bytes(stream(APP))
    outputs = {
        run("generate", "app.yaml", cwd=tmp_path).stdout,
        run("generate", ".", cwd=tmp_path).stdout,
        run("generate", "-", cwd=tmp_path, stdin=stream(APP)).stdout,
        run("generate", "-", cwd=tmp_path, stdin=resource_list(APP)).stdout,
    }
    assert len(outputs) == 1


def test_several_paths_are_one_list(tmp_path):
    """Several paths are read as one list, and a finding names the path as it was given."""
    for name, items in (("a", APP[:2]), ("b", [workload("app-x", "dev..x")])):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.yaml").write_bytes(stream(items))
    done = run("check", "a/", "b", cwd=tmp_path, code=1)
    assert b"error: b/app.yaml: Deployment app-x " in done.stdout


def test_krmignore_and_strange_files(tmp_path):
    """In a directory .krmignore holds, as git reads it; hidden folders and what is no manifest are passed over."""
    (tmp_path / "app.yaml").write_bytes(stream(APP))
    for name in ("old/app.yaml", "deep/more/old/app.yaml", ".git/app.yaml", "skip.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(stream(APP))
    (tmp_path / "values.yaml").write_text("replicas: 3\n")
    (tmp_path / "notes.txt").write_text("{{ no yaml")
    (tmp_path / ".krmignore").write_text("# comment\nold/\n*.yaml\n!app.yaml\n!values.yaml\n")
    assert b"0 errors" in run("check", ".", cwd=tmp_path).stdout
    (tmp_path / "broken.yml").write_text("a: [")
    assert b"broken.yml" in run("check", ".", cwd=tmp_path, code=1).stderr


def test_a_kpt_package_brings_its_configuration():
    """A directory with a Kptfile is read with the configuration of its pipeline, as `kpt fn render` gives it."""
    assert b"ali-env-mark" in run("generate", QUICKSTART).stdout


def test_a_kustomization_is_built(tmp_path):
    """A directory with a kustomization alone is built, and its transformer's configuration holds."""
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is installed; .ci/parts/kustomize says how to get it")
    (tmp_path / "app.yaml").write_bytes(stream(APP))
    (tmp_path / "kustomization.yaml").write_text("namePrefix: my-\nresources: [app.yaml]\n")
    names = {value["metadata"]["name"] for value in yaml.safe_load_all(run("generate", ".", cwd=tmp_path).stdout)}
    assert names == {"my-app"}


def test_a_kustomization_without_its_builder(tmp_path):
    """Without kustomize and kubectl, a kustomization is an error that says what to install or do."""
    (tmp_path / "kustomization.yaml").write_text("resources: [app.yaml]\n")
    done = subprocess.run(
        [shutil.which(NAME), "generate", "."],
        cwd=tmp_path,
        env={**environment(), "PATH": "/nonexistent"},
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert b"neither kustomize nor kubectl" in done.stderr


def test_a_build_that_fails_says_why(tmp_path):
    """What kustomize says about a kustomization that it cannot build is in the error."""
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is installed; .ci/parts/kustomize says how to get it")
    (tmp_path / "kustomization.yaml").write_text("resources: [gone.yaml]\n")
    assert b"gone.yaml" in run("check", ".", cwd=tmp_path, code=1).stderr


def test_every_unreadable_path_is_named(tmp_path):
    """All paths that cannot be read are named at once; so is a directory without a manifest."""
    (tmp_path / "empty").mkdir()
    lines = run("check", "gone.yaml", "empty", "also/gone", cwd=tmp_path, code=1).stderr.decode().splitlines()
    assert sorted(line.split(":")[1].strip() for line in lines) == ["also/gone", "empty", "gone.yaml"]
    assert all("[path-unreadable]" in line for line in lines)


def test_a_pipe_among_manifests_is_told(tmp_path):
    """A named pipe in a directory, into which nobody writes, is an error and not a wait without end."""
    (tmp_path / "app.yaml").write_bytes(stream(APP))
    os.mkfifo(tmp_path / "pipe.yaml")
    said = run("check", ".", cwd=tmp_path, code=1).stderr.decode()
    assert said.startswith("error: pipe.yaml: is no file: a named pipe")
    assert "[path-unreadable]" in said


# -- what a process can meet


@pytest.mark.parametrize("words", ["", "--help", "schema", f"generate {QUICKSTART}", f"check {QUICKSTART}"])
def test_a_full_disk_fails(words, tmp_path):
    """Where the disk is full, the command ends with 1 and one line that says so, whatever it was to print."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / "list.yaml").write_bytes(resource_list(APP))
    done = shell(f"{NAME} {words} <{tmp_path}/list.yaml >/dev/full", 1)
    assert done.stderr.decode() == f"{NAME}: {TO_WRITE}No space left on device\n"


@pytest.mark.parametrize("words", ["", "schema", f"generate {QUICKSTART}", f"explain {QUICKSTART}"])
def test_a_closed_stdout_fails(words, tmp_path):
    """Where stdout is closed, the command ends with 1 and says so."""
    (tmp_path / "list.yaml").write_bytes(resource_list(APP))
    assert TO_WRITE in shell(f"{NAME} {words} <{tmp_path}/list.yaml >&-", 1).stderr.decode()


def test_a_closed_stdin_is_empty():
    """Where stdin is closed there is no input: the function and `-` say so."""
    assert b"input-empty" in shell(f"{NAME} <&-", 1).stderr
    assert b"input-empty" in shell(f"{NAME} check - <&-", 1).stderr


def test_a_closed_stderr_changes_nothing(tmp_path):
    """Where stderr is closed, the output and the exit code are what they would be."""
    for items, code in ((APP, 0), (BROKEN, 1)):
        (tmp_path / "list.yaml").write_bytes(raw := resource_list(items))
        done = shell(f"{NAME} <{tmp_path}/list.yaml 2>&-", code)
        assert done.stdout.startswith(raw[:100])
        assert done.stdout == run(stdin=raw, code=code).stdout


def test_a_reader_that_goes_away():
    """Where the reader closes the pipe in the middle of a large list, the command ends with 1 and says so."""
    filler = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named("filler"), "data": {"text": "x" * 1_000_000}}
    command = subprocess.Popen(
        [shutil.which(NAME)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    command.stdin.write(resource_list([*APP, filler]))
    command.stdin.close()
    command.stdout.read(10)
    command.stdout.close()
    said = command.stderr.read()
    command.stderr.close()
    assert command.wait(SECONDS) == 1
    assert said.splitlines()[-1] == f"{NAME}: {TO_WRITE}Broken pipe".encode()
    assert b"Traceback" not in said


def test_an_interrupt_while_it_waits():
    """Ctrl-C while it waits for its input ends it with 130, as shells expect, and one line."""
    command = subprocess.Popen(
        [shutil.which(NAME)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    )
    command.stdin.write(b"apiVersion: v1\n")
    command.stdin.flush()
    wait_until_it_reads(command.pid)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=SECONDS)
    assert (command.returncode, out, err) == (130, b"", f"{NAME}: interrupted\n".encode())


def wait_until_it_reads(pid):
    """Wait until the process sleeps in a read of its pipe; where the system does not tell, long enough."""
    place = Path(f"/proc/{pid}/wchan")
    end = time.monotonic() + (SECONDS if place.exists() else 3)
    while time.monotonic() < end:
        if place.exists() and "pipe" in place.read_text():
            return
        time.sleep(0.05)


@pytest.mark.parametrize("words", [("--quiet",), ("generate", "-q", "-"), ("-q", "generate", "-")])
def test_quiet_says_errors_only(words):
    """With --quiet a warning is not told and the output is the same; an error is told, with the same exit code."""
    warned = stream([*APP, workload("lost", "dev", app="lost")])
    loud = [word for word in words if word not in ("-q", "--quiet")]
    assert b"[unselected-pods]" in run(*loud, stdin=warned).stderr
    done = run(*words, stdin=warned)
    assert done.stderr == b""
    assert done.stdout == run(*loud, stdin=warned).stdout
    assert run(*words, stdin=stream(BROKEN), code=1).stderr == run(*loud, stdin=stream(BROKEN), code=1).stderr != b""


def test_a_quiet_check_prints_nothing_but_errors():
    """`check --quiet` is silent where all is well, also beside a warning, and prints the errors where it is not."""
    assert run("check", "-q", "-", stdin=stream([*APP, workload("lost", "dev", app="lost")])).stdout == b""
    printed = run("check", "-q", "-", stdin=stream(BROKEN), code=1).stdout.decode().splitlines()
    assert [line.partition(":")[0] for line in printed] == ["error", "error"]


@pytest.fixture
def packages(tmp_path):
    """Two kpt packages of different bases, and one that is configured as the first is."""
    for folder, root in (("one", "dev"), ("two", "main"), ("alike", "dev")):
        package = tmp_path / folder
        package.mkdir()
        step = {"image": "virtual-env-fn", "configMap": {"envLabel.defaultSubset": root}}
        about = {"apiVersion": "kpt.dev/v1", "kind": "Kptfile", "metadata": {"name": folder}}
        (package / "Kptfile").write_text(yaml.safe_dump({**about, "pipeline": {"mutators": [step]}}))
        pods = workload("app", root, namespace=folder), workload("app-x", f"{root}.x", namespace=folder)
        (package / "app.yaml").write_bytes(stream([service(namespace=folder), *pods]))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(base("dev")))
    return tmp_path


@pytest.mark.parametrize("command", ["check", "explain", "matrix", "generate"])
def test_paths_that_are_configured_differently_are_an_error(packages, command):
    """Of two packages with different configurations neither holds for both: the error names them, and the ways out."""
    done = run(command, "one", "two", cwd=packages, code=1)
    said = (done.stdout + done.stderr).decode()
    assert "two: is configured otherwise than one" in said
    assert "[config-twice]" in said
    assert "--config" in said
    for good in (["one", "alike"], ["one"], ["two"], ["one", "two", "--config", "config.yaml"]):
        run(command, *good, cwd=packages)


@pytest.mark.parametrize("shape", ["text", "json", "sarif", "github"])
def test_configurations_of_one_name_are_told_by_their_files(tmp_path, shape):
    """Two objects of the same name that both configure the list: each is named with its file, in every format."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "app.yaml").write_bytes(stream([*APP, base(folder)]))
    done = run("check", "one", "two", "--format", shape, cwd=tmp_path, code=1)
    said = (done.stdout + done.stderr).decode()
    assert "config-twice" in said
    assert "in one/app.yaml, VirtualEnvironment " in said
    assert "in two/app.yaml; keep one" in said


def test_every_subcommand_has_help():
    """`COMMAND --help` prints the usage of each subcommand, on every Python."""
    for name in [one.name for one in SUBCOMMANDS]:
        assert run(name, "--help", stdin=subprocess.DEVNULL).stdout.startswith(
            f"usage: virtual-env-fn {name} ".encode()
        )
