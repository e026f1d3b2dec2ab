"""What a cluster would make of a list of manifests: pods with addresses, endpoints, cluster IPs.

Nothing runs here. The rules are Kubernetes' own: a Service has the ready pods of its namespace whose labels
its selector is contained in; a target port is a number, the name of a container port, or the port itself
(https://kubernetes.io/docs/concepts/services-networking/service/).
"""

from __future__ import annotations

import ipaddress
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Manifest = dict[str, Any]

NAMESPACE = "default"  # of manifests that name none
GATEWAY_NAMESPACE = "istio-ingress"  # of the pods made for an Istio Gateway that selects none of the list
_LOCAL = "config.kubernetes.io/local-config"
_CORE = {("v1", "Service"), ("v1", "Secret"), ("v1", "ConfigMap"), ("v1", "Namespace")}
_SERVED = (".istio.io", "gateway.networking.k8s.io", "discovery.k8s.io")
_CLUSTER_SCOPED = {"Namespace", "GatewayClass"}


@dataclass(frozen=True, slots=True)
class Pod:
    """A running pod; one stands for all replicas of its workload."""

    name: str
    namespace: str
    labels: Mapping[str, str]
    address: str
    workload: str  # kind/name
    ports: Mapping[str, int]  # container ports by name; unnamed ones by their number

    def resolve(self, target: int | str) -> int | None:
        """Return the number of a Service's target port in this pod, or None where it has no such name."""
        return target if isinstance(target, int) else self.ports.get(target)


@dataclass(frozen=True, slots=True)
class Port:
    number: int
    name: str
    protocol: str
    target: int | str


@dataclass(frozen=True, slots=True)
class Service:
    """A Service as a caller sees it. `address` is empty when it is headless or an alias."""

    name: str
    namespace: str
    address: str
    ports: tuple[Port, ...]
    selector: Mapping[str, str]
    alias: str = ""  # spec.externalName

    def selects(self, pod: Pod) -> bool:
        return bool(self.selector) and pod.namespace == self.namespace and self.selector.items() <= pod.labels.items()


@dataclass(slots=True)
class Cluster:
    """Pods and Services, what each pod listens on, and every document that istiod would read."""

    pods: list[Pod] = field(default_factory=list)
    services: dict[tuple[str, str], Service] = field(default_factory=dict)  # by namespace and name
    listening: dict[tuple[str, int], Pod] = field(default_factory=dict)  # by address and port
    documents: list[Manifest] = field(default_factory=list)

    def service(self, host: str, namespace: str) -> Service:
        """Return the Service that a host name means to a caller in a namespace; aliases are followed."""
        name, _, rest = host.partition(".")
        found = self.services.get((rest.split(".")[0] or namespace, name))
        if found is None:
            raise LookupError(f"no Service answers to the name {host!r} in namespace {namespace!r}")
        return self.service(found.alias, namespace) if found.alias else found

    def pods_of(self, service: Service) -> list[Pod]:
        return [pod for pod in self.pods if service.selects(pod)]


def build(manifests: Iterable[Manifest], network: str) -> Cluster:
    """Return the cluster that these manifests make; `network` is a /16 of loopback, e.g. `127.20.0.0`.

    Its lower half are pod addresses, its upper half cluster IPs.
    """
    items = [_with_namespace(item) for manifest in manifests for item in _flat(manifest)]
    items += _gateways(items)
    first = ipaddress.ip_address(network)
    addresses = (str(first + n) for n in range(1, 2**15))
    cluster_ips = (str(first + n) for n in range(2**15 + 1, 2**16))
    cluster = Cluster()
    taken: set[tuple[str, str]] = set()
    for item in items:
        pod = _pod(item, addresses, taken)
        if pod:
            cluster.pods.append(pod)
            cluster.documents.append(_pod_document(pod))
    for item in items:
        if item.get("kind") == "Service" and item.get("apiVersion") == "v1":
            service, document = _service(item, cluster_ips)
            cluster.services[service.namespace, service.name] = service
            cluster.documents += [document, *_slices(service, cluster)]
        elif _is_served(item):
            cluster.documents.append(item)
    cluster.documents += _namespaces(cluster.documents)
    for pod in cluster.pods:
        for number in pod.ports.values():
            cluster.listening[pod.address, bindable(number)] = pod
    return cluster


def bindable(port: int) -> int:
    """Return the port that a pod really listens on: a privileged one is moved where binding it needs root."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text(encoding="ascii"))
    return port if port >= lowest or os.geteuid() == 0 else port + 40000


def _flat(manifest: Manifest) -> Iterator[Manifest]:
    if manifest.get("kind") == "List" and "items" in manifest:
        for item in manifest["items"]:
            yield from _flat(item)
    elif manifest and str(_metadata(manifest).get("annotations", {}).get(_LOCAL)) != "true":
        yield manifest


def _metadata(manifest: Manifest) -> Mapping[str, Any]:
    return {key: value for key, value in (manifest.get("metadata") or {}).items() if value is not None}


def _with_namespace(manifest: Manifest) -> Manifest:
    metadata = dict(_metadata(manifest))
    if manifest.get("kind") not in _CLUSTER_SCOPED:
        metadata["namespace"] = metadata.get("namespace") or NAMESPACE
    return {**manifest, "metadata": metadata}


def _is_served(item: Manifest) -> bool:
    version, kind = str(item.get("apiVersion")), str(item.get("kind"))
    return (version, kind) in _CORE or version.partition("/")[0].endswith(_SERVED)


def _template(item: Manifest) -> Mapping[str, Any] | None:
    spec = item.get("spec") or {}
    if item.get("kind") == "Pod":
        return item
    if item.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    template = spec.get("template")
    if not isinstance(template, dict) or "containers" not in (template.get("spec") or {}):
        return None
    return template if spec.get("replicas") != 0 else None


def _pod(item: Manifest, addresses: Iterator[str], taken: set[tuple[str, str]]) -> Pod | None:
    template = _template(item)
    if template is None:
        return None
    namespace, name, kind = item["metadata"]["namespace"], item["metadata"]["name"], item["kind"]
    pod_name = name if (namespace, name) not in taken else f"{name}-{kind.lower()}"
    taken.add((namespace, pod_name))
    containers = template["spec"].get("containers") or []
    ports = {
        str(port.get("name") or port["containerPort"]): int(port["containerPort"])
        for container in containers
        for port in container.get("ports") or []
        if port.get("protocol", "TCP") == "TCP"
    }
    labels = _metadata(dict(template)).get("labels", {})
    return Pod(pod_name, namespace, labels, next(addresses), f"{kind}/{name}", ports)


def _pod_document(pod: Pod) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": pod.name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "spec": {
            "serviceAccountName": "default",
            "containers": [
                {
                    "name": "main",
                    "image": "main",
                    "ports": [
                        {"containerPort": number} | ({} if name == str(number) else {"name": name})
                        for name, number in pod.ports.items()
                    ],
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _service(item: Manifest, cluster_ips: Iterator[str]) -> tuple[Service, Manifest]:
    spec = dict(item.get("spec") or {})
    ports = [{"protocol": "TCP", **port} for port in spec.get("ports") or []]
    alias = spec.get("externalName", "") if spec.get("type") == "ExternalName" else ""
    if not alias and spec.get("clusterIP") != "None":
        spec["clusterIP"] = next(cluster_ips)
        spec["clusterIPs"] = [spec["clusterIP"]]
    address = "" if alias or spec["clusterIP"] == "None" else spec["clusterIP"]
    metadata = item["metadata"]
    service = Service(
        metadata["name"],
        metadata["namespace"],
        address,
        tuple(
            Port(port["port"], port.get("name") or "", port["protocol"], port.get("targetPort") or port["port"])
            for port in ports
        ),
        {} if alias else spec.get("selector") or {},
        alias,
    )
    return service, {**item, "spec": {**spec, "ports": ports}}


def _slices(service: Service, cluster: Cluster) -> list[Manifest]:
    """Write what the endpoint controller would: a slice for each set of target ports that its pods have."""
    groups: dict[tuple[tuple[str, str, int], ...], list[Pod]] = defaultdict(list)
    for pod in cluster.pods_of(service):
        resolved = []
        for port in service.ports:
            number = pod.resolve(port.target)
            if number is None:
                continue
            number = bindable(number)
            resolved.append((port.name, port.protocol, number))
            if port.protocol == "TCP":
                cluster.listening[pod.address, number] = pod
        groups[tuple(resolved)].append(pod)
    return [
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"{service.name}-{number}",
                "namespace": service.namespace,
                "labels": {"kubernetes.io/service-name": service.name},
            },
            "addressType": "IPv4",
            "ports": [{"name": name, "protocol": protocol, "port": to} for name, protocol, to in ports],
            "endpoints": [
                {
                    "addresses": [pod.address],
                    "conditions": {"ready": True},
                    "targetRef": {"kind": "Pod", "name": pod.name, "namespace": pod.namespace},
                }
                for pod in pods
            ],
        }
        for number, (ports, pods) in enumerate(groups.items())
        if ports
    ]


def _namespaces(documents: list[Manifest]) -> list[Manifest]:
    there = {item["metadata"]["name"] for item in documents if item["kind"] == "Namespace"}
    named = dict.fromkeys(item["metadata"].get("namespace") for item in documents)
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in named
        if name and name not in there
    ]


def _gateways(items: list[Manifest]) -> list[Manifest]:
    """Return a pod and a Service for each Gateway whose pods the list lacks, as a package's mostly does."""
    made: list[Manifest] = []
    for item in items:
        if item.get("kind") != "Gateway":
            continue
        name, spec = item["metadata"]["name"], item.get("spec") or {}
        if str(item["apiVersion"]).startswith("networking.istio.io"):
            namespace, labels = GATEWAY_NAMESPACE, spec.get("selector") or {}
            ports = sorted({server["port"]["number"] for server in spec.get("servers") or []})
            if any(_selected(labels, other) for other in items):
                continue
        else:  # istiod's gateway controller makes them under this name
            namespace, name = item["metadata"]["namespace"], f"{name}-istio"
            labels = {"gateway.networking.k8s.io/gateway-name": item["metadata"]["name"]}
            ports = sorted({listener["port"] for listener in spec.get("listeners") or []})
        made += _gateway_parts(name, namespace, labels, ports)
    return made


def _selected(labels: Mapping[str, str], item: Manifest) -> bool:
    template = _template(item)
    return bool(template) and labels.items() <= _metadata(dict(template or {})).get("labels", {}).items()


def _gateway_parts(name: str, namespace: str, labels: Mapping[str, str], ports: list[int]) -> list[Manifest]:
    metadata = {"name": name, "namespace": namespace}
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**metadata, "labels": dict(labels)},
            "spec": {"containers": [{"name": "istio-proxy"}]},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "selector": dict(labels),
                "ports": [{"name": f"port-{number}", "port": number, "targetPort": number} for number in ports],
            },
        },
    ]
