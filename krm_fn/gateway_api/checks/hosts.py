"""Hosts of a gateway for which several routes take the same requests: then the older route answers them all."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.gateway_api.theirs import Route, Theirs
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import HOSTS, MESH, about
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings


def find(theirs: Theirs, plan: Plan) -> Iterator[Result]:
    """Yield a finding for each host that annotations claim and something else has, too, on the same gateway."""
    claimed: dict[tuple[Key, str], ServicePlan] = {}
    for service in plan.services:
        for gateway, host in _claims(service):
            first = claimed.setdefault((gateway, host), service)
            if first is not service:
                message = (
                    f"has the host {host!r} on gateway {gateway[1]}, and so has {first.service.ref}: both get a route "
                    "for all of it, and the older one answers every request; give one of them another host, or write "
                    "one HTTPRoute that tells them apart by path, into which environments are woven"
                )
                yield about(service.service, Code.HOST_SHARED, HOSTS, message)
    for route in theirs.routes if claimed else ():
        yield from _theirs(route, claimed)


def _claims(service: ServicePlan) -> Iterator[tuple[Key, str]]:
    exposure, namespace = service.exposure, service.service.ref.namespace
    if exposure.is_exposed and service.front:
        for written in exposure.gateways:
            place, _, name = written.rpartition("/")
            if written != MESH:
                hosts = ["*"] if "*" in exposure.hosts else dict.fromkeys(host.lower() for host in exposure.hosts)
                yield from (((place or namespace, name), host) for host in hosts)


def _theirs(route: Route, claimed: dict[tuple[Key, str], ServicePlan]) -> Iterator[Result]:
    is_alike = route.object.ref.kind == "GRPCRoute" or any(map(_is_alike, route.rules))
    said: set[Key] = set()
    for parent in route.gateways() if is_alike else ():
        for host in route.hosts or ["*"]:
            service = claimed.get((route.key(parent), host.lower()))
            if service is not None and service.key not in said:
                said.add(service.key)
                message = (
                    f"takes requests for all of {host!r} on gateway {parent.get('name')}, and so does the route that "
                    f"the annotations of {service.service.ref} ask for: the older of the two answers, and the list "
                    f"does not show which; remove the annotation {HOSTS} and lead to that Service here"
                )
                related = (service.service.ref,)
                yield Result(Code.HOST_SHARED, message, route.object.ref, "spec.hostnames", related)


def _is_alike(rule: Value) -> bool:
    """Tell whether a rule takes any path, by so few headers that a rule for all requests could tie with it."""
    return any(
        mapping(match, "path").get("type", "PathPrefix") == "PathPrefix"
        and mapping(match, "path").get("value", "/") in ("/", "")
        and "method" not in match
        and len(mappings(match.get("headers"))) <= 1
        for match in mappings(rule.get("matches")) or [{}]
    )
