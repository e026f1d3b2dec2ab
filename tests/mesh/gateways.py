"""Pods and Services for gateways: a package mostly has the Gateway and not what runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import Manifest, metadata_of
from .workloads import template_of

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "istio-ingress"  # of the pods made for an Istio Gateway that selects none of the list


def is_istio(gateway: Manifest) -> bool:
    """Tell an Istio Gateway from one of the Gateway API."""
    return str(gateway["apiVersion"]).startswith("networking.istio.io")


def selector_of(gateway: Manifest) -> Mapping[str, str]:
    """Return the labels of its pods; istiod's gateway controller gives those of the Gateway API theirs."""
    if is_istio(gateway):
        return gateway["spec"].get("selector") or {}
    return {"gateway.networking.k8s.io/gateway-name": gateway["metadata"]["name"]}


def missing_from(items: list[Manifest]) -> list[Manifest]:
    """Return a pod and a Service for each Gateway whose pods the list lacks."""
    return [
        made
        for item in items
        if item.get("kind") == "Gateway" and not any(_selects(selector_of(item), other) for other in items)
        for made in _parts(item)
    ]


def _selects(labels: Mapping[str, str], item: Manifest) -> bool:
    template = template_of(item)
    return template is not None and labels.items() <= (metadata_of(template).get("labels") or {}).items()


def _parts(gateway: Manifest) -> list[Manifest]:
    labels, spec = dict(selector_of(gateway)), gateway["spec"]
    if is_istio(gateway):
        numbers = {server["port"]["number"] for server in spec.get("servers") or []}
        metadata = {"name": gateway["metadata"]["name"], "namespace": NAMESPACE}
    else:  # istiod looks for a Service of this name
        numbers = {listener["port"] for listener in spec.get("listeners") or []}
        metadata = {**gateway["metadata"], "name": f"{gateway['metadata']['name']}-istio"}
    ports = [{"name": f"port-{number}", "port": number, "targetPort": number} for number in sorted(numbers)]
    pod = {"metadata": {**metadata, "labels": labels}, "spec": {"containers": [{"name": "istio-proxy"}]}}
    service = {"metadata": metadata, "spec": {"selector": labels, "ports": ports}}
    return [{"apiVersion": "v1", "kind": "Pod", **pod}, {"apiVersion": "v1", "kind": "Service", **service}]
