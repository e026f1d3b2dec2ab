"""Plan → the Services that member namespaces lack, so that their pods find them there."""

from __future__ import annotations

from typing import Any

from krm_fn.istio.hosts import full_name
from krm_fn.plan.answers import Copy, Plan
from krm_fn.plan.inventory import Port

Manifest = dict[str, Any]


def manifests(plan: Plan) -> list[Manifest]:
    """Return a Service without a selector for each that takes part, an alias for every other."""
    return [_service(copy) for copy in plan.copies]


def _service(copy: Copy) -> Manifest:
    ref, original = copy.service.ref, copy.original.ref
    spec: Manifest = {}
    if copy.is_alias:
        spec = {"type": "ExternalName", "externalName": full_name(original.namespace, original.name)}
    spec |= {"ports": [_port(port) for port in copy.service.ports]} if copy.service.ports else {}
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _port(port: Port) -> Manifest:
    fields = {
        "name": port.name or None,
        "port": port.number,
        "protocol": None if port.transport == "TCP" else port.transport,
        "appProtocol": port.app_protocol,
    }
    return {key: value for key, value in fields.items() if value is not None}
