"""Istio Gateways of a list, and the requests that their servers show."""

from __future__ import annotations

from typing import NamedTuple

from krm_fn.objects import Object
from krm_fn.values import Value, mapping, mappings, strings


class Server(NamedTuple):
    """A server of HTTP requests: its port, its hosts (NAMESPACE/NAME, as written), and whether it ends no TLS."""

    port: int
    hosts: tuple[str, ...]
    is_plain: bool


class Gateway(NamedTuple):
    """A Gateway, and its servers of HTTP requests."""

    object: Object
    servers: tuple[Server, ...]

    @property
    def selector(self) -> frozenset[tuple[str, str]]:
        """The labels of the pods that serve it."""
        labels = mapping(mapping(self.object.value, "spec"), "selector")
        return frozenset((key, str(text)) for key, text in labels.items())

    def hosts_for(self, namespace: str) -> list[str]:
        """Return the hosts that it serves to VirtualServices of a namespace."""
        return [host for server in self.servers for host in self.hosts_of(server, namespace)]

    def hosts_of(self, server: Server, namespace: str) -> list[str]:
        """Return the hosts that one of its servers serves to VirtualServices of a namespace."""
        own = self.object.ref.namespace
        parts = [host.rpartition("/") for host in server.hosts]
        return [
            name for place, _, name in parts if place in ("", "*", namespace) or (place == "." and namespace == own)
        ]


_NOT_HTTP = {"TCP", "TLS", "MONGO", "MYSQL", "REDIS"}
_PASSED_ON = {"PASSTHROUGH", "AUTO_PASSTHROUGH"}  # TLS that the gateway does not end, so it sees no requests


def read(one: Object) -> Gateway:
    """Read a Gateway."""
    servers = [server for server in mappings(mapping(one.value, "spec").get("servers")) if _is_http(server)]
    return Gateway(one, tuple(map(_server, servers)))


def _server(server: Value) -> Server:
    number = mapping(server, "port").get("number")
    is_plain = _protocol(server) != "HTTPS"
    return Server(number if isinstance(number, int) else 0, tuple(strings(server.get("hosts"))), is_plain)


def _is_http(server: Value) -> bool:
    return _protocol(server) not in _NOT_HTTP and mapping(server, "tls").get("mode") not in _PASSED_ON


def _protocol(server: Value) -> str:
    return str(mapping(server, "port").get("protocol", "")).upper()
