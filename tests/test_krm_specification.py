"""docs/krm-functions-specification.md, point by point: each has its test, here or where the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from lists import service, workload

from krm_fn import function
from krm_fn.results import Severity
from krm_fn.text import document

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "krm-functions-specification.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| (MUST|SHOULD|MAY) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
APP = [service(), workload("app", "dev"), workload("app-x", "dev.x")]
CONFIG = {"apiVersion": "virtual-env-fn.dev/v1alpha1", "kind": "VirtualEnvironment", "metadata": {"name": "x"}}
RESULT = {
    "type": "object",
    "required": ["message", "severity"],
    "additionalProperties": False,
    "properties": {
        "message": {"type": "string", "minLength": 1},
        "severity": {"enum": list(Severity)},
        "resourceRef": {
            "type": "object",
            "required": ["apiVersion", "kind", "name"],
            "additionalProperties": False,
            "properties": {name: {"type": "string"} for name in ("apiVersion", "kind", "name", "namespace")},
        },
        "field": {"type": "object", "required": ["path"], "properties": {"path": {"type": "string"}}},
        "file": {
            "type": "object",
            "required": ["path"],
            "properties": {"path": {"type": "string"}, "index": {"type": "integer"}},
        },
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def listed(items, kind="ResourceList", version="config.kubernetes.io/v1", **more):
    return {"apiVersion": version, "kind": kind, "items": items, **more}


def run(value):
    outcome = function.run(value if isinstance(value, bytes) else document.dump(value).encode())
    return outcome, yaml.safe_load(outcome.output)


def kinds(value):
    return [one["kind"] for one in value["items"]]


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_lists_are_taken_and_given_back(version):
    """A ResourceList of every version is read, and written as what it was."""
    outcome, value = run(listed(APP, version=f"config.kubernetes.io/{version}"))
    assert not outcome.failed
    assert (value["kind"], value["apiVersion"]) == ("ResourceList", f"config.kubernetes.io/{version}")
    assert kinds(value) == ["Service", "Deployment", "Deployment", "DestinationRule", "VirtualService"]


def test_a_list_is_taken_and_stays():
    """A bare List is read; it comes back as its bytes, and the routes are documents behind it."""
    raw = document.dump(listed(APP, "List", "v1")).encode()
    outcome = function.run(raw)
    assert not outcome.failed
    assert outcome.output.startswith(raw)
    assert [one["kind"] for one in yaml.safe_load_all(outcome.output)] == ["List", "DestinationRule", "VirtualService"]


def test_the_configuration_is_the_lists_own_and_optional():
    """`functionConfig` is read where it is, and nothing is missing where it is not."""
    other = {**CONFIG, "spec": {"envHeader": {"name": "lane"}}}
    assert b"lane:" in run(listed(APP, functionConfig=other))[0].output
    assert b"x-virtual-env:" in run(listed(APP))[0].output


def test_json_is_taken_and_given_back():
    """A list in JSON comes back with the routes, readable as what it was."""
    outcome, value = run(json.dumps(listed(APP)).encode())
    assert not outcome.failed
    assert kinds(value)[3:] == ["DestinationRule", "VirtualService"]


def test_text_is_utf_8():
    """Letters outside of ASCII come back as the bytes that they were; what is no UTF-8 is an error."""
    raw = document.dump(listed(APP)).encode() + "# 虚拟环境 ě\n".encode()
    assert "# 虚拟环境 ě".encode() in run(raw)[0].output
    assert function.run(raw + b"# \xff\n").failed


def test_comments_stay():
    """Every comment of the input is in the output."""
    text = document.dump(listed(APP)).replace("kind: Service", "kind: Service # of the team").encode()
    assert b"kind: Service # of the team" in run(b"# first\n" + text)[0].output
    assert run(b"# first\n" + text)[0].output.startswith(b"# first\n")


def test_annotations_of_the_host_stay():
    """The orchestrator's annotations of every item come back as they were."""
    host = {
        f"{prefix}config.kubernetes.io/{name}": "1" for prefix in ("", "internal.") for name in ("index", "id", "other")
    }
    items = [{**one, "metadata": {**one["metadata"], "annotations": host}} for one in APP]
    _, value = run(listed(items))
    assert [one["metadata"]["annotations"] for one in value["items"][:3]] == [host] * 3


def test_it_is_idempotent():
    """The output as input is the output."""
    first = run(listed(APP))[0].output
    assert function.run(first).output == first


@pytest.mark.parametrize("items", [APP, [*APP, workload("lost", "dev", app="lost")], [*APP, workload("y", "dev..y")]])
def test_results_have_their_shape(items):
    """Each of `results` has the fields of the specification, a severity of its, and nothing else."""
    _, value = run(listed(items))
    assert value["results"]
    jsonschema.Draft7Validator({"type": "array", "items": RESULT}).validate(value["results"])


def test_the_page_names_tests_that_there_are():
    """Every point of the page says how it is held: by a test that exists, or why none can be."""
    assert len(ROWS) > 12
    for point, _, _, proof in ROWS:
        named = re.findall(r"`(test_\w+)`(?: of \[[^]]+\]\(\.\./(tests/[\w/]+\.py)\))?", proof)
        assert named, point
        for name, file in named:
            text = (ROOT / (file or "tests/test_krm_specification.py")).read_text()
            assert f"def {name}(" in text, (point, name)
