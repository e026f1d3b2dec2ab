"""Hosts of Istio resources → Services of Kubernetes, exactly as Istio takes them.

A name without a dot is a Service of the object's own namespace. A name with dots is a Service's only in full,
NAME.NAMESPACE.svc.DOMAIN: nothing between the two is expanded (istio/istio, pilot/pkg/model/config.go,
ResolveShortnameToFQDN).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from krm_fn.names import full_name
from krm_fn.plan.services import Key


def service_of(host: str, namespace: str, domain: str) -> Key | None:
    """Return (namespace, name) of the Service that a host names, or None where it can name none.

    A short name means a Service of `namespace`, the one of the object that has it; `domain` is the cluster's.
    """
    if "." not in host:
        return (namespace, host)
    name, _, rest = host.partition(".")
    place = rest.removesuffix(f".svc.{domain}")
    return (place, name) if name and place != rest and place and "." not in place else None


def covers(pattern: str, service: Key, namespace: str, domain: str) -> bool:
    """Tell whether a host of an object of `namespace` is that Service's, or a wildcard over its full name."""
    if pattern.startswith("*"):
        return full_name(*service, domain).endswith(pattern[1:])
    return service_of(pattern, namespace, domain) == service


def gateway_of(name: str, namespace: str) -> Key:
    """Return (namespace, name) of the gateway that an object of `namespace` binds to.

    NAME, NAMESPACE/NAME, and the NAME.NAMESPACE that Istio still takes (pilot/pkg/model/config.go, resolveGatewayName).
    """
    place, slash, rest = name.partition("/")
    if slash:
        return (namespace if place == "." else place, rest)
    short, dot, rest = name.partition(".")
    return (rest.partition(".")[0], short) if dot else (namespace, name)


def meeting(one: str, other: str) -> str:
    """Return what two hosts, either of which may be a wildcard, have in common; empty for nothing."""
    one, other = one.lower(), other.lower()
    if _includes(one, other):
        return other
    return one if _includes(other, one) else ""


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
        domain: the cluster's.
    """

    keys: Collection[Key]
    namespaces: Collection[str]
    domain: str

    def find(self, host: str, namespace: str) -> Key | None:
        """Return the Service that a host of an object of `namespace` means."""
        key = service_of(host, namespace, self.domain)
        return key if key in self.keys else self.to_come(host, namespace)

    def to_come(self, host: str, namespace: str) -> Key | None:
        """Return the Service that a full name means whose namespace only the host that applies the list will set."""
        key = service_of(host, namespace, self.domain)
        if key is None or key in self.keys or "." not in host or key[0] in self.namespaces:
            return None
        return ("", key[1]) if ("", key[1]) in self.keys else None

    def covered(self, pattern: str, namespace: str) -> Iterator[Key]:
        """Yield the Services that a host of an object of `namespace` speaks for: one, or those under a wildcard."""
        if pattern.startswith("*"):
            yield from (key for key in self.keys if self.spans(pattern, key))
        elif (key := self.find(pattern, namespace)) is not None:
            yield key

    def spans(self, pattern: str, key: Key) -> bool:
        """Tell whether a wildcard covers a Service, also one whose namespace only the host that applies will set."""
        if covers(pattern, key, "", self.domain):
            return True
        place = pattern.removeprefix("*.").removesuffix(f".svc.{self.domain}")
        is_to_come = not key[0] and "." not in place and place not in self.namespaces
        return is_to_come and pattern == f"*.{place}.svc.{self.domain}"

    def looks_like(self, host: str) -> Key | None:
        """Return the Service that a host may have been meant for, which Istio takes for another host."""
        name, *rest = host.split(".")
        if service_of(host, "", self.domain) or not rest or (len(rest) > 1 and rest[1] != "svc"):
            return None
        if (rest[0], name) in self.keys:
            return (rest[0], name)
        return ("", name) if len(rest) > 1 and ("", name) in self.keys else None
