"""Hosts of Istio resources → Services of Kubernetes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from krm_fn.names import full_name
from krm_fn.plan.services import Key


def service_of(host: str, namespace: str) -> Key | None:
    """Return (namespace, name) of the Service that a host names, or None where it can name none.

    A short name means a Service of `namespace`, the one of the object that has it.
    """
    name, *rest = host.split(".")
    if not rest:
        return (namespace, name)
    if len(rest) == 1 or rest[1] == "svc":
        return (rest[0], name)
    return None


def covers(pattern: str, service: Key, namespace: str) -> bool:
    """Tell whether a host of an object of `namespace` is that Service's, or a wildcard over its full name."""
    if pattern.startswith("*"):
        return full_name(*service).endswith(pattern[1:])
    return service_of(pattern, namespace) == service


def admits(pattern: str, host: str) -> bool:
    """Tell whether a host and one of a server's have a name in common; either may be a wildcard."""
    pattern, host = pattern.lower(), host.lower()
    return _includes(pattern, host) or _includes(host, pattern)


def _includes(pattern: str, host: str) -> bool:
    return pattern == host or (pattern.startswith("*") and host.endswith(pattern[1:]))


class Hosts(NamedTuple):
    """The hosts of some Services.

    Attributes:
        keys: the Services.
        namespaces: those that the list has anything in.
    """

    keys: Collection[Key]
    namespaces: Collection[str]

    def find(self, host: str, namespace: str) -> Key | None:
        """Return the Service that a host of an object of `namespace` means."""
        key = service_of(host, namespace)
        return key if key in self.keys else self.to_come(host, namespace)

    def to_come(self, host: str, namespace: str) -> Key | None:
        """Return the Service that a full name means whose namespace only the host that applies the list will set."""
        key = service_of(host, namespace)
        if key is None or key in self.keys or "." not in host or key[0] in self.namespaces:
            return None
        return ("", key[1]) if ("", key[1]) in self.keys else None

    def covered(self, pattern: str, namespace: str) -> Iterator[Key]:
        """Yield the Services that a host of an object of `namespace` speaks for: one, or those under a wildcard."""
        if pattern.startswith("*"):
            yield from (key for key in self.keys if covers(pattern, key, namespace))
        elif (key := self.find(pattern, namespace)) is not None:
            yield key
