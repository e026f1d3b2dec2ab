"""The user's own routes and rules for Services of joined namespaces, into which nothing is woven."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from krm_fn.istio.hosts import covers, service_of
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan
from krm_fn.plan.exposure import PREFIX, RULE
from krm_fn.results import Code, Result
from krm_fn.values import mapping, mappings, strings

_GROUP = "networking.istio.io"


def find(objects: Sequence[Object], plan: Plan) -> list[Result]:
    """Report every VirtualService and DestinationRule of the user's that concerns a joined Service with routes."""
    routed = {one.key for one in plan.services if one.joined and (one.needs_routes or one.needs_subsets)}
    results: list[Result] = []
    for one in objects:
        if one.group != _GROUP or not one.is_source or not routed:
            continue
        if one.ref.kind == "VirtualService":
            results += _virtual_service(one, routed)
        elif one.ref.kind == "DestinationRule":
            results += _destination_rule(one, routed)
    return results


def _virtual_service(one: Object, routed: set[tuple[str, str]]) -> Iterator[Result]:
    spec = mapping(one.value, "spec")
    gateways = spec.get("gateways") or ["mesh"]
    on_mesh = isinstance(gateways, list) and "mesh" in gateways
    for host in strings(spec.get("hosts")) if on_mesh else ():
        for namespace, name in sorted(service for service in routed if covers(host, service, one.ref.namespace)):
            message = (
                f"has the host {host!r}: Istio uses one VirtualService per host, so this one and the generated one of "
                f"Service {namespace}/{name} cannot stand side by side, and nothing is woven into routes of joined "
                f"namespaces; say what it does in the annotation {RULE} of that Service, and remove it"
            )
            yield Result(Code.HOST_TAKEN, message, one.ref, "spec.hosts")
    for path, host in _destinations(spec):
        service = service_of(host, one.ref.namespace)
        if service in routed and not (
            on_mesh and any(covers(own, service, one.ref.namespace) for own in strings(spec.get("hosts")))
        ):
            message = (
                f"sends requests to Service {service[0]}/{service[1]}, which has pods of several environments, and "
                "nothing is woven into routes of joined namespaces: they would reach everybody's pods there; if it is "
                f"for a gateway, name that in the annotations {PREFIX}… of the Service, and remove it"
            )
            yield Result(Code.ROUTED_BY_USER, message, one.ref, path)


def _destination_rule(one: Object, routed: set[tuple[str, str]]) -> Iterator[Result]:
    host = mapping(one.value, "spec").get("host")
    service = service_of(host, one.ref.namespace) if isinstance(host, str) else None
    if service in routed:
        message = (
            f"is for the host {host!r}, whose Service has pods of several environments: its settings and the generated "
            "subsets must stand in one DestinationRule, and nothing is woven into rules of joined namespaces; set them "
            "for the whole namespace with a wildcard host, or remove it"
        )
        yield Result(Code.HOST_TAKEN, message, one.ref, "spec.host")


def _destinations(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the field and host of each destination of a VirtualService."""
    for protocol in ("http", "tls", "tcp"):
        for place, route in enumerate(mappings(spec.get(protocol))):
            for number, target in enumerate(mappings(route.get("route"))):
                host = mapping(target, "destination").get("host")
                if isinstance(host, str):
                    yield f"spec.{protocol}[{place}].route[{number}].destination.host", host
