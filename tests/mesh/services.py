"""Services to cluster IPs and EndpointSlices, by Kubernetes' rules.

A Service has the ready pods of its namespace whose labels its selector is contained in; a target port is a
number, the name of a container port, or the port itself
(https://kubernetes.io/docs/concepts/services-networking/service/).
"""

from __future__ import annotations

import os
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from .model import Manifest, Pod, Port, Service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Cluster


def add(item: Manifest, cluster: Cluster, addresses: Iterator[str]) -> None:
    """Add a Service with its cluster IP and its EndpointSlices; its pods listen on its target ports."""
    service, document = _service(item, addresses)
    cluster.services[service.namespace, service.name] = service
    cluster.documents += [document, *_slices(service, cluster)]


@cache
def bindable(port: int) -> int:
    """Return the port that a pod really listens on: a privileged one is moved where binding it needs root.

    The EndpointSlices follow; only the client of a headless Service, who chooses address and port, misses it.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    return port if port >= lowest or os.geteuid() == 0 else port + 40000


def _service(item: Manifest, addresses: Iterator[str]) -> tuple[Service, Manifest]:
    spec = dict(item.get("spec") or {})
    spec["ports"] = [{"protocol": "TCP", **port} for port in spec.get("ports") or []]
    alias = spec.get("externalName", "") if spec.get("type") == "ExternalName" else ""
    headless = spec.get("clusterIP") == "None"
    address = "" if alias or headless else next(addresses)
    if address:
        spec |= {"clusterIP": address, "clusterIPs": [address]}
    ports = tuple(
        Port(port["port"], port.get("name") or "", port["protocol"], port.get("targetPort") or port["port"])
        for port in spec["ports"]
    )
    metadata, selector = item["metadata"], {} if alias else spec.get("selector") or {}
    service = Service(metadata["name"], metadata["namespace"], address, ports, selector, alias)
    return service, {**item, "spec": spec}


def _slices(service: Service, cluster: Cluster) -> list[Manifest]:
    """Write what the endpoint controller would: a slice for each set of target ports that its pods have."""
    groups: dict[tuple[tuple[Port, int], ...], list[Pod]] = defaultdict(list)
    for pod in cluster.pods_of(service):
        targets = ((port, pod.resolve(port.target)) for port in service.ports)
        resolved = tuple((port, bindable(number)) for port, number in targets if number is not None)
        cluster.listening |= {(pod.address, number): pod for port, number in resolved if port.protocol == "TCP"}
        groups[resolved].append(pod)
    return [_slice(service, number, ports, pods) for number, (ports, pods) in enumerate(groups.items()) if ports]


def _slice(service: Service, number: int, ports: tuple[tuple[Port, int], ...], pods: list[Pod]) -> Manifest:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service.name}-{number}",
            "namespace": service.namespace,
            "labels": {"kubernetes.io/service-name": service.name},
        },
        "addressType": "IPv4",
        "ports": [{"name": port.name, "protocol": port.protocol, "port": target} for port, target in ports],
        "endpoints": [
            {
                "addresses": [pod.address],
                "conditions": {"ready": True},
                "targetRef": {"kind": "Pod", "name": pod.name, "namespace": pod.namespace},
            }
            for pod in pods
        ],
    }
