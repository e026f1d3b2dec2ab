"""A mesh in Istio's ambient mode: requests go through a waypoint's own Envoy, and no pod has a sidecar.

The tunnel that ztunnel would make (HBONE) is not there: the waypoint's inner listener is asked itself
(`server/waypoint.go`), and it reaches pods without a tunnel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import asking
from .envoy import Identity
from .istiod import Istiod
from .mesh import Caller, Mesh
from .model import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .model import Manifest

NAME = "waypoint"
_CONTROL: list[Istiod] = []


def control() -> Istiod:
    """Return the process that all ambient meshes of this run share: ambient mode is its environment's."""
    if not _CONTROL:
        _CONTROL.append(Istiod({"PILOT_ENABLE_AMBIENT": "true"}))
    return _CONTROL[0]


class AmbientMesh(Mesh):
    """A mesh in which every namespace has a waypoint, by which all Services are asked."""

    def __init__(self, manifests: Iterable[Manifest], *, label: str | Mapping[str, str] = "virtual-env") -> None:
        manifests = list(manifests)
        namespaces = {
            one["metadata"].get("namespace") or NAMESPACE for one in manifests if one.get("kind") == "Service"
        }
        given = {one["metadata"]["name"]: one for one in manifests if one.get("kind") == "Namespace"}
        rest = [one for one in manifests if one.get("kind") != "Namespace"]
        super().__init__(rest, extra=[*_served(given, namespaces), *_waypoints(namespaces)], label=label)

    def _control(self) -> Istiod:
        return control()

    def sidecar(self, namespace: str = NAMESPACE, labels: Mapping[str, str] | None = None, **_: Any) -> Caller:  # noqa: ARG002 - a waypoint does not ask who calls
        """Return a client: its requests go through the waypoint of the namespace of the Service that it asks."""
        pod = self.pod(NAME, namespace)
        identity = Identity(pod.name, namespace, pod.labels, pod.address, kind="waypoint")
        return Client(self._proxy(identity), self.cluster, self)


class Client(Caller):
    """A pod without a sidecar."""

    def __init__(self, envoy: Any, cluster: Any, mesh: AmbientMesh) -> None:
        super().__init__(envoy, cluster)
        self.mesh = mesh

    def _line(self, service: Any, address: str, number: int) -> asking.Line:
        """Return the way to a Service: through the waypoint of its own namespace."""
        pod = self.mesh.pod(NAME, service.namespace)
        identity = Identity(pod.name, service.namespace, pod.labels, pod.address, kind="waypoint")
        return asking.Line(self.mesh._proxy(identity).socket_of("main_internal"), pod.address, address, number)  # noqa: SLF001 - its own mesh


def _served(given: Mapping[str, Manifest], namespaces: Iterable[str]) -> list[Manifest]:
    """Return the Namespaces, in ambient mode and with their waypoint."""
    named = {name: {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in namespaces}
    made = []
    for one in {**named, **given}.values():
        labels = one["metadata"].get("labels") or {}
        ambient = {"istio.io/dataplane-mode": "ambient", "istio.io/use-waypoint": NAME}
        made.append({**one, "metadata": {**one["metadata"], "labels": {**labels, **ambient}}})
    return made


def _waypoints(namespaces: Iterable[str]) -> Iterable[Manifest]:
    """Yield what `istioctl waypoint apply` and Istio's gateway controller make."""
    labels = {"gateway.networking.k8s.io/gateway-name": NAME}
    for namespace in sorted(namespaces):
        metadata = {"name": NAME, "namespace": namespace}
        address = {"type": "Hostname", "value": f"{NAME}.{namespace}.svc.cluster.local"}
        listener = {"name": "mesh", "port": 15008, "protocol": "HBONE"}
        yield {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {**metadata, "labels": {"istio.io/waypoint-for": "service"}},
            "spec": {"gatewayClassName": "istio-waypoint", "listeners": [listener]},
            "status": {"addresses": [address]},
        }
        yield {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**metadata, "labels": labels},
            "spec": {"containers": [{"name": "istio-proxy"}]},
        }
        port = {"name": "mesh", "port": 15008, "appProtocol": "hbone"}
        # Labelled as the controller does, so that no waypoint is asked for the waypoint itself.
        service = {**metadata, "labels": {**labels, "istio.io/use-waypoint": "none"}}
        yield {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": service,
            "spec": {"selector": labels, "ports": [port]},
        }
