"""The schema of the configuration: a KRMFunctionDefinition for hosts, a closed JSON schema for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krm_fn import __version__
from krm_fn.config import models
from krm_fn.config.described import FIELDS
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
    """Return the schema of `spec`, with what each field is for."""
    return _node(models.schema(), "")


def _node(schema: models.Schema, path: str) -> dict[str, Any]:
    """Return a node of a type, with its description, an example, and its default as users would write it."""
    node = _typed(models.inner(schema), path)
    if path in FIELDS:
        node |= {"description": FIELDS[path].text, "examples": [FIELDS[path].example]}
    return {**node, "nullable": True} if schema["type"] == "nullable" else node


def _typed(schema: models.Schema, path: str) -> dict[str, Any]:
    kind = schema["type"]
    if kind == "typed-dict":
        return _object(schema, path)
    if kind == "list":
        limits = {"minItems": schema["min_length"]} if "min_length" in schema else {}
        return {"items": _node(schema["items_schema"], f"{path}[]"), **limits, "type": "array"}
    if kind == "literal":
        return {"enum": schema["expected"], "type": "string"}
    if kind == "bool":
        return {"type": "boolean"}
    limits = {"minLength": schema["min_length"]} if "min_length" in schema else {}
    limits |= {"pattern": schema["pattern"]} if "pattern" in schema else {}
    return {**limits, "type": "string"}


def _object(schema: models.Schema, path: str) -> dict[str, Any]:
    defaults = _written(schema["metadata"]["record"])
    properties = {}
    for name, field in schema["fields"].items():
        default = {"default": defaults[name]} if defaults.get(name) is not None else {}
        properties[name] = {**default, **_node(field["schema"], f"{path}.{name}".lstrip("."))}
    required = [name for name, field in schema["fields"].items() if field["required"]]
    return {
        "additionalProperties": False,
        **({"description": schema["metadata"]["record"].__doc__} if path.endswith("[]") else {}),
        "properties": properties,
        **({"required": required} if required else {}),
        "type": "object",
    }


def _written(record: Any) -> Any:  # noqa: ANN401 - a record, the kind of one, or a value in it
    """Return a record, or the defaults of a kind, as users would write them."""
    if isinstance(record, type):
        return {models.camel(name): _written(value) for name, value in record._field_defaults.items()}  # type: ignore[attr-defined]  # a NamedTuple
    if hasattr(record, "_asdict"):
        return {models.camel(name): _written(value) for name, value in record._asdict().items()}
    return [_written(one) for one in record] if isinstance(record, tuple) else record


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
