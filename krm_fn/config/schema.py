"""The KRMFunctionDefinition: what the function is, and the schema of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from krm_fn import __version__
from krm_fn.config.models import RouteConfig
from krm_fn.config.reader import GROUP, KIND

# Structural schemas cannot forbid unknown fields; the configuration's own reader does.
_NOT_STRUCTURAL = {"$ref", "$defs", "title", "additionalProperties"}


def definition() -> dict[str, Any]:
    """Return the definition.

    Source: https://github.com/kubernetes-sigs/kustomize, cmd/config/docs/api-conventions, KRMFunctionDefinition.
    """
    for field in RouteConfig.model_fields.values():
        if isinstance(field.default, BaseModel):  # before 2.14 pydantic writes down a default of built models only
            type(field.default).model_rebuild()
    schema = RouteConfig.model_json_schema(by_alias=True)
    spec = _structural(schema, schema.get("$defs", {}))
    properties = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
        "spec": spec,
    }
    return {
        "apiVersion": "config.kubernetes.io/v1alpha1",
        "kind": "KRMFunctionDefinition",
        "metadata": {"name": f"virtualenvironments.{GROUP}", "annotations": {f"{GROUP}/version": __version__}},
        "spec": {
            "group": GROUP,
            "names": {"kind": KIND},
            "description": "Reads virtual-environment labels on pods and writes the routes that make them so.",
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


def _structural(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON schema as Kubernetes' structural schemas are: no reference, no title, a type in every node.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
    """
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
    if "anyOf" in schema:  # an optional field: what it may be, and null
        (what,) = (one for one in schema["anyOf"] if one.get("type") != "null")
        return {**_structural(what, definitions), "nullable": True}
    node = {key: value for key, value in schema.items() if key not in _NOT_STRUCTURAL}
    if "properties" in schema:
        node["properties"] = {name: _structural(one, definitions) for name, one in schema["properties"].items()}
    if "items" in schema:
        node["items"] = _structural(schema["items"], definitions)
    return node
