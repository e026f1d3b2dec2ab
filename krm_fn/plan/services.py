"""What of a list the plan is about: Services with their ports, and workloads."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from krm_fn.results import Ref
from krm_fn.values import NOTHING

Key = tuple[str, str]  # the namespace and name of a Service

_HTTP = {"http", "http2", "grpc", "http_proxy"}
_TCP = {"tcp", "mongo", "redis", "mysql"}
_TLS = {"https", "tls"}
# Names that Kubernetes defines for appProtocol alone.
_KUBERNETES = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}
# Servers speak first there, so Istio does not wait for the client's first bytes.
_NEVER_SNIFFED = {25, 53, 3306, 27017}


class Traffic(Enum):
    """What a port carries, as far as routes care."""

    HTTP = "HTTP"  # every request shows its headers
    SNIFFED = "undeclared"  # HTTP or plain TCP, found out per connection
    TCP = "TCP"  # connections only
    TLS = "TLS"  # connections that show a server name at most
    UDP = "UDP"  # nothing that a mesh routes


class Port(NamedTuple):
    """A port of a Service.

    `protocol` is the word that decided about its traffic, empty for none; `transport` and `app_protocol` are the
    Service's own fields.
    """

    number: int
    name: str
    traffic: Traffic
    protocol: str
    transport: str = "TCP"
    app_protocol: str | None = None


class Service(NamedTuple):
    """A v1 Service. `selector` is None where it has none."""

    ref: Ref
    selector: Mapping[str, str] | None
    ports: tuple[Port, ...]
    headless: bool = False
    external: bool = False
    annotations: Mapping[str, Any] = NOTHING

    @property
    def key(self) -> Key:
        """Its namespace and name."""
        return (self.ref.namespace, self.ref.name)


class Workload(NamedTuple):
    """Anything with a pod template.

    Attributes:
        ref: the object.
        labels: the labels of its pods.
        labels_field: the dotted path of those labels in the object.
        absent: why it has no pods, empty where it has.
        serves: whether its pods are there to be called (a Job's are not).
        position: its number among the objects.
        object_labels: the labels of the object itself, of whatever type.
        later: labels that its controller gives to some of its pods.
    """

    ref: Ref
    labels: Mapping[str, str]
    labels_field: str
    absent: str = ""
    serves: bool = True
    position: int = -1
    object_labels: Mapping[str, Any] = NOTHING
    later: frozenset[tuple[str, str]] = frozenset()


def traffic_of(number: int, name: str, protocol: str, app_protocol: str | None) -> tuple[Traffic, str]:
    """Classify a port as Istio does (istio/istio, pkg/config/kube/conversion.go).

    `app_protocol` replaces the name even where Istio does not know it.
    """
    if protocol == "UDP":
        return Traffic.UDP, "UDP"
    text = name if app_protocol is None else _KUBERNETES.get(app_protocol, app_protocol)
    if text.lower().startswith("grpc-web"):
        return Traffic.HTTP, "grpc-web"
    word = text.partition("-")[0].lower()
    for words, traffic in ((_HTTP, Traffic.HTTP), (_TCP, Traffic.TCP), (_TLS, Traffic.TLS), ({"udp"}, Traffic.UDP)):
        if word in words:
            return traffic, word
    return (Traffic.TCP if number in _NEVER_SNIFFED else Traffic.SNIFFED), ""
