"""The schema of the configuration: a KRMFunctionDefinition for hosts, a closed JSON schema for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from krm_fn import __version__
from krm_fn.config.described import FIELDS
from krm_fn.config.models import RouteConfig
from krm_fn.config.reader import API_VERSION, GROUP, KIND

# Structural schemas cannot forbid unknown fields; the configuration's own reader does.
_NOT_STRUCTURAL = {"additionalProperties", "examples"}
_DESCRIPTION = "Reads virtual-environment labels on pods and writes the routes that make them so."


def definition() -> dict[str, Any]:
    """Return the definition.

    Source: https://github.com/kubernetes-sigs/kustomize, cmd/config/docs/api-conventions, KRMFunctionDefinition.
    """
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": _structural(_spec()),
    }
    return {
        "apiVersion": "config.kubernetes.io/v1alpha1",
        "kind": "KRMFunctionDefinition",
        "metadata": {"name": f"virtualenvironments.{GROUP}", "annotations": {f"{GROUP}/version": __version__}},
        "spec": {
            "group": GROUP,
            "names": {"kind": KIND},
            "description": _DESCRIPTION,
            "publisher": GROUP,
            "idempotent": True,
            "versions": [
                {
                    "name": "v1alpha1",
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                }
            ],
        },
    }


def json_schema() -> dict[str, Any]:
    """Return the schema of a configuration's file: nothing unknown is allowed, and every field says what it is for.

    The metadata are Kubernetes' own; their fields are not closed here.
    """
    text = {"type": "object", "additionalProperties": {"type": "string"}}
    metadata = {
        "type": "object",
        "description": "Kubernetes' object metadata",
        "examples": [{"name": "virtual-env"}],
        "properties": {
            "name": _told({"type": "string", "minLength": 1}, "the configuration's name", "virtual-env"),
            "namespace": _told({"type": "string"}, "where it alone holds for a namespace: that namespace", "shop"),
            "labels": _told(text, "labels", {"team": "shop"}),
            "annotations": _told(
                text, "annotations; those of kpt and kustomize are here", {"config.kubernetes.io/local-config": "true"}
            ),
        },
        "required": ["name"],
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",  # the newest that editors' YAML servers read in full
        "title": KIND,
        "description": _DESCRIPTION,
        "type": "object",
        "properties": {
            "apiVersion": _told({"const": API_VERSION}, "the version of this schema", API_VERSION),
            "kind": _told({"const": KIND}, "the kind", KIND),
            "metadata": metadata,
            "spec": _told(_nullable(_spec()), "the options; all have defaults", {"envLabel": {"defaultSubset": "dev"}}),
        },
        "required": ["apiVersion", "kind", "metadata"],
        "additionalProperties": False,
    }


def _told(node: Mapping[str, Any], text: str, example: object) -> dict[str, Any]:
    return {**node, "description": text, "examples": [example]}


def _spec() -> dict[str, Any]:
    """Return the schema of `spec`, without references, with what each field is for."""
    for field in RouteConfig.model_fields.values():
        if isinstance(field.default, BaseModel):  # before 2.14 pydantic writes down a default of built models only
            type(field.default).model_rebuild()
    schema = RouteConfig.model_json_schema(by_alias=True)
    return _plain(schema, schema.get("$defs", {}), "")


def _plain(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a node without references and titles, with a type, its description and an example."""
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
    if "anyOf" in schema:  # an optional field: what it may be, and null, which means that it is not there
        (what,) = (one for one in schema["anyOf"] if one.get("type") != "null")
        return {**_plain(what, definitions, path), "nullable": True}
    node = {key: value for key, value in schema.items() if key not in ("$ref", "$defs", "title")}
    if "properties" in schema:
        prefix = f"{path}." if path else ""
        node["properties"] = {
            name: _plain(one, definitions, prefix + name) for name, one in schema["properties"].items()
        }
    if "items" in schema:
        node["items"] = _plain(schema["items"], definitions, f"{path}[]")
    if path in FIELDS:
        node |= {"description": FIELDS[path].text, "examples": [FIELDS[path].example]}
    return node


def _nullable(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node that says of null what JSON schema says: it is one of the types."""
    kept = {key: value for key, value in node.items() if key != "nullable"}
    if "nullable" in node:
        kept["type"] = [node["type"], "null"]
    if "properties" in node:
        kept["properties"] = {name: _nullable(one) for name, one in node["properties"].items()}
    if "items" in node:
        kept["items"] = _nullable(node["items"])
    return kept


def _structural(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return a node with the keywords that Kubernetes' structural schemas have.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
    """
    kept = {key: value for key, value in node.items() if key not in _NOT_STRUCTURAL}
    if "properties" in node:
        kept["properties"] = {name: _structural(one) for name, one in node["properties"].items()}
    if "items" in node:
        kept["items"] = _structural(node["items"])
    return kept
