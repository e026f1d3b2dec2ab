"""The schema that `schema` prints: structural, and of one mind with the reader of the configuration."""

import copy

import jsonschema
import pytest
import yaml

from krm_fn.config import models, reader
from krm_fn.config.schema import definition
from krm_fn.results import FunctionError, Ref
from krm_fn.text import document

SCHEMA = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
# What a structural schema of Kubernetes may say; `additionalProperties` only where there are no properties.
KEYWORDS = {
    "type",
    "description",
    "properties",
    "required",
    "items",
    "enum",
    "default",
    "nullable",
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
}
WHOLE = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {
        "envLabel": {"name": "example.com/env", "splitter": "-", "defaultSubset": "dev"},
        "envHeader": {
            "name": "lane",
            "autoInject": True,
            "aliases": [{"name": "X-Trace", "pattern": "env=(@)"}, {"cookie": "lane"}, {"baggage": "lane"}],
        },
        "matching": "exact",
        "unmatched": "anyPod",
        "tcp": "callerLabels",
        "istio": {"apiVersion": "networking.istio.io/v1beta1", "injector": "lua"},
        "workloads": [{"apiVersion": "example.com/v1", "kind": "App", "templatePath": "spec.pods"}],
        "placement": "routes.yaml",
    },
}


def nodes(schema, path="spec"):
    """Yield (path, node) of every schema inside a schema."""
    yield path, schema
    for name, one in schema.get("properties", {}).items():
        yield from nodes(one, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


@pytest.mark.parametrize(("path", "node"), list(nodes(SCHEMA)))
def test_every_node_is_structural(path, node):
    """Every node has a type and only keywords that Kubernetes allows there; a default is a value of its own node."""
    assert node["type"] in {"object", "array", "string", "boolean", "integer", "number"}, path
    assert node.keys() <= KEYWORDS, path
    assert ("items" in node) is (node["type"] == "array"), path
    if "default" in node:
        jsonschema.validate(node["default"], node)


def test_it_is_a_schema():
    """The schema is one by the rules of JSON schema itself, of which OpenAPI v3's are a part."""
    jsonschema.Draft4Validator.check_schema(SCHEMA)


def test_it_has_every_option():
    """Every field of the configuration is in the schema, by the name that users write."""
    assert list(SCHEMA["properties"]["spec"]["properties"]) == models.names_at([])


def test_what_is_printed_is_what_is_meant():
    """The definition survives being written as YAML."""
    assert yaml.safe_load(document.dump(definition())) == definition()


def agree(value):
    """Whether the schema takes a configuration; the reader must be of the same mind."""
    valid = jsonschema.Draft4Validator(SCHEMA).is_valid(value)
    try:
        reader.read(value, Ref())
    except FunctionError:
        assert not valid
    else:
        assert valid
    return valid


def test_a_whole_configuration_is_valid():
    """Schema and reader both take a configuration with every kind of field."""
    assert agree(WHOLE)
    assert agree({**WHOLE, "spec": {}})


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("envLabel", "dev"),
        ("envLabel.defaultSubset", 7),
        ("envHeader.autoInject", "yes"),
        ("envHeader.aliases", {"cookie": "x"}),
        ("envHeader.aliases.0", "x"),
        ("envHeader.aliases.0.placeholder", ""),
        ("matching", "prefixed"),
        ("unmatched", False),
        ("tcp", "none"),
        ("istio.apiVersion", "v1"),
        ("istio.injector", "late"),
        ("workloads.0", {"kind": "App"}),
        ("workloads.0.kind", ""),
        ("workloads.0.templatePath", "spec..template"),
        ("placement", []),
    ],
)
def test_a_wrong_one_is_not(path, wrong):
    """Schema and reader both refuse a value of a wrong type, form or word, and a missing field."""
    value = copy.deepcopy(WHOLE)
    at = value["spec"]
    *parents, last = (int(step) if step.isdecimal() else step for step in path.split("."))
    for step in parents:
        at = at[step]
    at[last] = wrong
    assert not agree(value)
