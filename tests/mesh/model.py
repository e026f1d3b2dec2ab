"""A cluster as its callers see it: pods, Services, and who has which address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Manifest = dict[str, Any]

NAMESPACE = "default"  # of manifests that name none


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
    """A port of a Service; `target` is a number, or the name of a container port."""

    number: int
    name: str
    protocol: str
    target: int | str


@dataclass(frozen=True, slots=True)
class Service:
    """A Service. `address` is empty when it is headless or an alias."""

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


def name_for(names: str | Mapping[str, str], namespace: str) -> str:
    """Return the one name of all namespaces, or a namespace's own; `""` has that of the rest."""
    return names if isinstance(names, str) else names.get(namespace) or names[""]


def metadata_of(manifest: Manifest) -> dict[str, Any]:
    """Return the metadata without the fields that are null."""
    return {key: value for key, value in (manifest.get("metadata") or {}).items() if value is not None}
