"""Hosts of Istio resources → Services of Kubernetes."""

from __future__ import annotations


def full_name(namespace: str, name: str) -> str:
    """Return the full name of a Service, in the domain that clusters have unless their kubelets say otherwise."""
    return f"{name}.{namespace}.svc.cluster.local"


def service_of(host: str, namespace: str) -> tuple[str, str] | None:
    """Return (namespace, name) of the Service that a host names, or None where it can name none.

    A short name means a Service of `namespace`, the one of the object that has it.
    """
    name, *rest = host.split(".")
    if not rest:
        return (namespace, name)
    if len(rest) == 1 or rest[1] == "svc":
        return (rest[0], name)
    return None


def covers(pattern: str, service: tuple[str, str], namespace: str) -> bool:
    """Tell whether a host of an object of `namespace` is that Service's, or a wildcard over its full name."""
    if pattern.startswith("*"):
        return full_name(*service).endswith(pattern[1:])
    return service_of(pattern, namespace) == service
