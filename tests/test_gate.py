"""check as a gate: what stops it, and its findings in the forms that pipelines read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

sys.path.append(str(Path(__file__).parent / "hosts"))  # the rule for missing parts stands there
import host_tools

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("virtual-env-fn")
SCHEMA = ROOT / ".tools" / "sarif" / "sarif-2.1.0.json"
NASTY = "a%0A::error::b"  # a file may be called so; a command of GitHub's must not come of it
APP = """\
# the application
apiVersion: v1
kind: Service
metadata: {name: app}
spec:
  selector: {app: app}
  ports:
  - {name: http, port: 80}
  - {name: tls, port: 443}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: app-dev}
spec: {template: {metadata: {labels: {app: app, virtual-env: dev}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-x
spec:
  template:
    metadata:
      labels:
        app: app
        virtual-env: dev.x
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: "app-y\\n::warning::forged"
spec:
  template:
    metadata:
      labels:
        app: app
        virtual-env: dev..y
---
{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app-z"},
 "spec": {"template": {"metadata": {"labels": {"app": "app",
  "virtual-env": true}}}}}
"""


def run(*arguments, cwd, code=0):
    done = subprocess.run([COMMAND, *arguments], cwd=cwd, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def package(tmp_path):
    """A folder with findings of every severity, in a file of a nasty name."""
    folder = tmp_path / "deploy, now" / NASTY
    folder.mkdir(parents=True)
    (folder / "app.yaml").write_text(APP)
    return tmp_path


def commands(text):
    """Read GitHub's workflow commands as GitHub does: (kind, properties, data) of each line."""
    found = []
    for line in text.splitlines():
        kind, properties, data = re.fullmatch(r"::(\w+) ?(.*?)::(.*)", line).groups()
        pairs = dict(one.split("=", 1) for one in properties.split(",")) if properties else {}

        def plain(text):
            for mark, char in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
                text = text.replace(mark, char)
            return text

        found.append((kind, {key: plain(value) for key, value in pairs.items()}, plain(data)))
    return found


def line_with(text):
    (line,) = [number for number, line in enumerate(APP.splitlines(), 1) if text in line]
    return line


def test_github_shows_each_finding_at_its_line(package):
    """Each finding is one command with the file as it is called from here, and the line of its field."""
    said = commands(run("check", "deploy, now", "--format", "github", cwd=package, code=1))
    places = {(pairs["title"], pairs.get("line")) for _, pairs, _ in said}
    assert {pairs["file"] for _, pairs, _ in said} == {f"deploy, now/{NASTY}/app.yaml"}
    assert ("label-invalid", str(line_with("virtual-env: dev..y"))) in places
    assert ("object-invalid", str(line_with('"virtual-env": true'))) in places
    assert ("tls-port", str(line_with("port: 443"))) in places
    assert {kind for kind, _, _ in said} <= {"error", "warning", "notice"}
    assert len(said) == len(json.loads(run("check", "deploy, now", "--format", "json", cwd=package, code=1))["results"])


def test_no_name_becomes_a_line_of_its_own(package):
    """A name with a line break, or a command of GitHub's in it, stays inside of its finding, in every format."""
    for form in ("text", "github"):
        said = run("check", "deploy, now", "--format", form, cwd=package, code=1)
        assert "forged" in said
        assert not re.search(r"^::(warning::forged|error::b)", said, re.MULTILINE)


def test_sarif_is_sarif(package):
    """The log holds to the schema of SARIF 2.1.0; its results have the level, the file and the line."""
    if not SCHEMA.exists():
        host_tools.missing("sarif", "the schema of SARIF is not there; .ci/parts/sarif says how to get it")
    import jsonschema  # noqa: PLC0415 - after the skip

    schema = json.loads(SCHEMA.read_text())
    for path, code in (("deploy, now", 1), ("gone.yaml", 1)):
        log = json.loads(run("check", path, "--format", "sarif", cwd=package, code=code))
        jsonschema.Draft4Validator(schema).validate(log)
        (ran,) = log["runs"]
        rules = [rule["id"] for rule in ran["tool"]["driver"]["rules"]]
        assert ran["results"]
        for one in ran["results"]:
            assert rules[one["ruleIndex"]] == one["ruleId"]
            place = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            assert unquote(place) in (f"deploy, now/{NASTY}/app.yaml", "gone.yaml")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft4Validator(schema).validate({**log, "runs": [{"results": []}]})


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", {"error": 0, "warning": 0, "info": 0}),
        ("info", {"error": 0, "warning": 0, "info": 1}),
        ("warning", {"error": 0, "warning": 1, "info": 1}),
        ("error", {"error": 1, "warning": 1, "info": 1}),
    ],
)
def test_the_gate_stops_at_its_severity(tmp_path, text, codes):
    """--fail-on names the least severity that ends with code 1; without it that is `error`."""
    good = (
        APP.split("---", maxsplit=1)[0].replace("  - {name: tls, port: 443}\n", "")
        + "---"
        + "---".join(APP.split("---")[1:3])
    )
    more = {
        "": "",
        "info": "---\napiVersion: v1\nkind: Service\nmetadata: {name: bare}\n",
        "warning": APP.split("---")[1].replace("app: app,", "app: lost,").replace("app-dev", "lost"),
        "error": APP.split("---")[3],
    }
    (tmp_path / "app.yaml").write_text(f"{good.rstrip()}\n---\n{more[text].strip().removeprefix('---')}\n")
    config = ("--set", "envLabel.defaultSubset=dev")
    for least, code in codes.items():
        run("check", "app.yaml", *config, "--fail-on", least, cwd=tmp_path, code=code)
    run("check", "app.yaml", *config, cwd=tmp_path, code=codes["error"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (APP.split("---", maxsplit=1)[0], "1 Service, none labelled"),
        (APP.split("---")[1], "the list has no Service"),
        ("---".join(APP.split("---")[:3]).replace("virtual-env", "environment"), "1 Service, none labelled"),
    ],
)
def test_a_run_that_checked_nothing_says_so(tmp_path, text, said):
    """A list without a Service or a label is a warning, which a gate may fail on, and stands in the count."""
    (tmp_path / "app.yaml").write_text(text)
    told = run("check", "app.yaml", cwd=tmp_path)
    assert said in told
    assert "[nothing-checked]" in told
    run("check", "app.yaml", "--fail-on", "warning", cwd=tmp_path, code=1)


@pytest.mark.parametrize(
    ("pairs", "named"),
    [
        (["envLabel.defaultSubset=deev"], "--set envLabel.defaultSubset: no workload carries"),
        (["envLable.defaultSubset=dev"], "--set envLable: there is no field"),
        (["envLabel.defaultSubst=dev"], "--set envLabel.defaultSubst: there is no field"),
        (["matching=fuzzy"], "--set matching: "),
        (["namespaces.members.0=a"], "--set namespaces.base: is missing"),
        (["envHeader.aliases.0.name=x", "envHeader.aliases.0.pattern=("], "--set envHeader.aliases"),
    ],
)
def test_a_mistake_in_a_set_names_the_flag(pairs, named):
    """Whatever is wrong with a --set, the finding stands at the flag, also where a configuration file is there."""
    words = [word for pair in pairs for word in ("--set", pair)]
    for path in ("examples/quickstart", "examples/quickstart/app-js.yaml"):
        done = subprocess.run([COMMAND, "check", path, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert f"error: {named}" in done.stdout + done.stderr
