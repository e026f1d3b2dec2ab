"""The user's own routes, gateways and resources of Istio's, as far as they meet the routes of Services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krm_fn.gateway_api.backends import GROUP
from krm_fn.names import full_name
from krm_fn.objects import Object
from krm_fn.plan.services import Key
from krm_fn.values import Value, mapping, mappings, strings

ISTIO = "networking.istio.io"
KINDS = ("HTTPRoute", "GRPCRoute")


class Reference(NamedTuple):
    """A Service that a route of the user's leads to, or hangs on: the path of the reference, and what it says."""

    field: str
    key: Key
    value: Value
    is_mirror: bool = False


class Route(NamedTuple):
    """An HTTPRoute or GRPCRoute of the user's."""

    object: Object

    @property
    def spec(self) -> Value:
        return mapping(self.object.value, "spec")

    @property
    def namespace(self) -> str:
        return self.object.ref.namespace

    @property
    def rules(self) -> list[Value]:
        return mappings(self.spec.get("rules"))

    @property
    def hosts(self) -> list[str]:
        return strings(self.spec.get("hostnames"))

    @property
    def all_parents(self) -> list[Value]:
        """What it hangs on."""
        return mappings(self.spec.get("parentRefs"))

    def parents(self) -> Iterator[Reference]:
        """Yield the Services that it hangs on."""
        for place, one in enumerate(self.all_parents):
            if one.get("kind") == "Service" and one.get("group", "") in ("", "core"):
                yield Reference(f"spec.parentRefs[{place}]", self.key(one), one)

    def gateways(self) -> list[Value]:
        """Return the references to gateways that it hangs on."""
        return [one for one in self.all_parents if one.get("kind", "Gateway") == "Gateway"]

    def backends(self) -> Iterator[Reference]:
        """Yield the Services that it leads to, mirrors among them."""
        for place, rule in enumerate(self.rules):
            field = f"spec.rules[{place}]"
            for number, one in enumerate(mappings(rule.get("backendRefs"))):
                if is_service(one):
                    yield Reference(f"{field}.backendRefs[{number}]", self.key(one), one)
            for number, one in enumerate(mappings(rule.get("filters"))):
                mirror = mapping(mapping(one, "requestMirror"), "backendRef")
                if mirror and is_service(mirror):
                    path = f"{field}.filters[{number}].requestMirror.backendRef"
                    yield Reference(path, self.key(mirror), mirror, is_mirror=True)

    def key(self, reference: Value) -> Key:
        """Return the namespace and name of what one of its references names."""
        return (str(reference.get("namespace") or self.namespace), str(reference.get("name", "")))


class Theirs(NamedTuple):
    """What of a list meets the routes of Services."""

    routes: tuple[Route, ...]
    gateways: tuple[Object, ...]
    istio_gateways: tuple[Object, ...]
    virtual_services: tuple[Object, ...]
    destination_rules: tuple[Object, ...]


def read(objects: Sequence[Object]) -> Theirs:
    """Read the user's own objects."""
    sources = [one for one in objects if one.is_source and one.group in (GROUP, ISTIO)]

    def of(group: str, *kinds: str) -> tuple[Object, ...]:
        return tuple(one for one in sources if one.group == group and one.ref.kind in kinds)

    return Theirs(
        tuple(Route(one) for one in of(GROUP, *KINDS)),
        of(GROUP, "Gateway"),
        of(ISTIO, "Gateway"),
        of(ISTIO, "VirtualService"),
        of(ISTIO, "DestinationRule"),
    )


def is_service(reference: Value) -> bool:
    """Tell whether a reference to a backend names a Service."""
    return reference.get("kind", "Service") == "Service" and reference.get("group", "") in ("", "core")


def means(host: str, service: Key, namespace: str, domain: str) -> bool:
    """Tell whether a host of a resource of Istio's, of a namespace, is that Service's, or a wildcard over it."""
    if host.startswith("*"):
        return full_name(*service, domain).endswith(host[1:])
    return host == full_name(*service, domain) or (namespace, host) == service
