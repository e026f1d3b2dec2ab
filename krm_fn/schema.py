"""The KRMFunctionDefinition: what the function is, and the schema of its configuration."""

from __future__ import annotations

from typing import Any

from krm_fn import __version__
from krm_fn.config import GROUP, KIND
from krm_fn.options import RouteConfig


def definition() -> dict[str, Any]:
    """Return the definition.

    Source: https://github.com/kubernetes-sigs/kustomize, cmd/config/docs/api-conventions, KRMFunctionDefinition.
    """
    schema = RouteConfig.model_json_schema(by_alias=True)
    spec = _inlined(schema, schema.get("$defs", {}))
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
            "description": "Reads virtual-environment labels on pods and writes the Istio routes that make them so.",
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


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - a JSON schema
    """Return the schema without references and titles, as Kubernetes' structural schemas are."""
    if isinstance(schema, list):
        return [_inlined(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        target = definitions[schema["$ref"].rpartition("/")[2]]
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined({**target, **rest}, definitions)
    named = "properties" in schema
    return {
        key: {name: _inlined(one, definitions) for name, one in value.items()}
        if key == "properties"
        else _inlined(value, definitions)
        for key, value in schema.items()
        if key not in ("$defs", "title", "additionalProperties")
        or (key == "title" and not named and isinstance(value, dict))
    }
