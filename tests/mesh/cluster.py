"""What a cluster would make of a list of manifests. Nothing runs here."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from . import gateways, services, workloads
from .model import NAMESPACE, Cluster, Manifest, metadata_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOCAL = "config.kubernetes.io/local-config"
_CLUSTER_SCOPED = {"Namespace", "GatewayClass"}
# What istiod reads, besides the Services, Pods and EndpointSlices that are made here.
_CORE = {("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "Namespace")}
_GROUPS = (".istio.io", "gateway.networking.k8s.io", "discovery.k8s.io")


def build(manifests: Iterable[Manifest], network: str) -> Cluster:
    """Return the cluster that these manifests make; `network` is a /16 of loopback, e.g. `127.20.0.0`.

    Its lower half are pod addresses, its upper half cluster IPs. Lists are read through, objects marked as
    local configuration are left out, and those without a namespace are put into `default`.
    """
    items = [_with_namespace(item) for manifest in manifests for item in _flat(manifest)]
    items += gateways.missing_from(items)
    first = ipaddress.ip_address(network)
    pod_addresses = (str(first + n) for n in range(1, 2**15))
    service_addresses = (str(first + n) for n in range(2**15 + 1, 2**16))
    cluster = Cluster()
    cluster.pods += workloads.pods_of(items, pod_addresses)
    cluster.documents += [workloads.document(pod) for pod in cluster.pods]
    for pod in cluster.pods:
        cluster.listening |= {(pod.address, services.bindable(number)): pod for number in pod.ports.values()}
    for item in items:
        if (item.get("apiVersion"), item.get("kind")) == ("v1", "Service"):
            services.add(item, cluster, service_addresses)
        elif _is_served(item):
            cluster.documents.append(item)
    cluster.documents += _namespaces(cluster.documents)
    return cluster


def _flat(manifest: Manifest) -> Iterator[Manifest]:
    if manifest.get("kind") == "List" and "items" in manifest:
        for item in manifest["items"]:
            yield from _flat(item)
    elif manifest and str((metadata_of(manifest).get("annotations") or {}).get(_LOCAL)) != "true":
        yield manifest


def _with_namespace(manifest: Manifest) -> Manifest:
    metadata = metadata_of(manifest)
    metadata.setdefault("name", "")  # a Kustomization has none
    if manifest.get("kind") not in _CLUSTER_SCOPED:
        metadata["namespace"] = metadata.get("namespace") or NAMESPACE
    return {**manifest, "metadata": metadata}


def _is_served(item: Manifest) -> bool:
    version, kind = str(item.get("apiVersion")), str(item.get("kind"))
    return (version, kind) in _CORE or version.partition("/")[0].endswith(_GROUPS)


def _namespaces(documents: list[Manifest]) -> list[Manifest]:
    """Return the Namespaces that are named and not among the documents."""
    there = {item["metadata"]["name"] for item in documents if item["kind"] == "Namespace"}
    named = dict.fromkeys(item["metadata"].get("namespace") for item in documents)
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in named
        if name and name not in there
    ]
