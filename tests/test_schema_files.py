"""The schema for editors: it is the command's, closed, told field by field, and every example names it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from krm_fn.command.line import parser
from krm_fn.config import reader
from krm_fn.config.described import FIELDS
from krm_fn.config.schema import definition, json_schema
from krm_fn.results import FunctionError, Ref

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "schema" / "virtual-environment.json"
SCHEMA = json_schema()
SPEC = SCHEMA["properties"]["spec"]
CONFIGURATIONS = [
    path
    for path in sorted(ROOT.glob("examples/**/*.yaml"))
    if re.search(r"^apiVersion: virtual-env-fn\.dev/", path.read_text(), re.MULTILINE) and path.name != "expected.yaml"
]
MODELINE = re.compile(r"# yaml-language-server: \$schema=(\S+)\n")


def fields(node, path=""):
    """Yield (path, node) of every field below a node."""
    for name, one in node.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield place, one
        yield from fields(one, place)
    if "items" in node:
        yield from fields(node["items"], f"{path}[]")


def objects(node, path=""):
    """Yield (path, node) of every node that has fields."""
    if "properties" in node:
        yield path, node
        for name, one in node["properties"].items():
            yield from objects(one, f"{path}.{name}")
    if "items" in node:
        yield from objects(node["items"], f"{path}[]")


def test_the_file_is_of_today():
    """docs/schema has what the command prints."""
    told = "run: virtual-env-fn schema --format json-schema > docs/schema/virtual-environment.json"
    assert json.loads(FILE.read_text()) == SCHEMA, told


def test_it_is_a_schema():
    """It is one by the rules of JSON schema."""
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("path", "node"), list(objects(SPEC)))
def test_it_is_closed(path, node):
    """No object of `spec` takes a field that the schema does not know."""
    assert node["additionalProperties"] is False, path


def test_every_field_is_told():
    """Each field of the configuration has its description and an example, and none is told that is not there."""
    assert [path for path, _ in fields(SPEC)] == list(FIELDS)
    for path, node in fields(SCHEMA):
        assert node["description"], path
        assert node["examples"], path


@pytest.mark.parametrize(("path", "node"), list(fields(SCHEMA)))
def test_an_example_is_one(path, node):
    """A field's example is valid for that field."""
    for example in node["examples"]:
        assert jsonschema.Draft7Validator(node).is_valid(example), path


@pytest.mark.parametrize("path", FIELDS)
def test_the_reader_takes_an_example(path):
    """The configuration's own reader takes each example, in its place."""
    names = path.split(".")
    value = FIELDS[path].example
    for name in reversed(names):
        value = {name.removesuffix("[]"): [value] if name.endswith("[]") else value}
    needed = {
        "envHeader": {"aliases": [{"name": "X-Trace", "pattern": "env=(@)"}]},
        "namespaces": {"base": "dev", "members": ["proj1"]},
        "workloads": [{"apiVersion": "example.com/v1", "kind": "Worker"}],
    }
    spec = merged(needed.get(names[0].removesuffix("[]")), value[names[0].removesuffix("[]")], path)
    given = {"apiVersion": reader.API_VERSION, "kind": reader.KIND, "metadata": {"name": "x"}}
    beside = {"output": "gatewayAPI"} if path in ("base", "grpc") else {}
    assert reader.read({**given, "spec": {**beside, names[0].removesuffix("[]"): spec}}, Ref())


def merged(needed, value, path):
    """The fields that must stand beside an example, and it."""
    if needed is None or path in ("envHeader.name", "envHeader.autoInject", "envHeader"):
        return value
    if path.startswith("envHeader.aliases[]."):
        (alias,) = value["aliases"]
        return {"aliases": [alias if {"cookie", "baggage"} & alias.keys() else {**needed["aliases"][0], **alias}]}
    if isinstance(needed, list):
        return [{**needed[0], **value[0]}]
    return {**needed, **value}


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.relative_to(ROOT / "examples").as_posix())
def test_an_example_names_the_schema(path):
    """A configuration's first line leads an editor to the schema, which takes what the reader takes."""
    found = MODELINE.match(path.read_text())
    assert found
    assert (path.parent / found.group(1)).resolve() == FILE
    value = yaml.safe_load(path.read_text())
    try:
        reader.read(value, Ref())
    except FunctionError:
        return  # an example of mistakes; not all of them can be said in a schema
    jsonschema.Draft7Validator(SCHEMA).validate(value)


def test_a_slip_is_refused():
    """A misspelt field is an error in the editor, as it is for the reader; the structural schema cannot say so."""
    value = {"apiVersion": reader.API_VERSION, "kind": reader.KIND, "metadata": {"name": "x"}}
    value["spec"] = {"envLabel": {"defaultSubet": "dev"}}
    assert not jsonschema.Draft7Validator(SCHEMA).is_valid(value)
    structural = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    assert jsonschema.Draft4Validator(structural).is_valid(value)


def test_help_names_every_field():
    """`--help`, which `kpt fn doc` prints, has each field that holds a value, and the kind that it belongs to."""
    text = parser().format_help()
    leaves = [path for path, node in fields(SPEC) if not any(True for _ in fields(node))]
    assert len(leaves) > 20
    lines = [re.compile(rf"^  {re.escape(path)} +{re.escape(FIELDS[path].text)}$", re.MULTILINE) for path in leaves]
    assert [line.pattern for line in lines if not line.search(text)] == []
    assert f"{reader.API_VERSION}, kind {reader.KIND}" in text
