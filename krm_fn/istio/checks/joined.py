"""The user's own routes and rules for Services of joined namespaces, into which nothing is woven."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from krm_fn.istio.hosts import covers, service_of
from krm_fn.istio.theirs import DestinationRule, Theirs, VirtualService
from krm_fn.plan.answers import Plan
from krm_fn.plan.exposure import PREFIX, RULE
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result


def find(theirs: Theirs, plan: Plan) -> Iterator[Result]:
    """Yield every VirtualService and DestinationRule of the user's that concerns a joined Service with routes."""
    routed = {one.key for one in plan.services if one.joined and (one.needs_routes or one.needs_subsets)}
    for route in theirs.routes if routed else ():
        yield from _virtual_service(route, routed)
    for rule in theirs.rules if routed else ():
        yield from _destination_rule(rule, routed)


def _virtual_service(one: VirtualService, routed: Collection[Key]) -> Iterator[Result]:
    taken = one.hosts if one.on_mesh else ()
    for host in taken:
        for namespace, name in sorted(service for service in routed if covers(host, service, one.namespace)):
            message = (
                f"has the host {host!r}: Istio uses one VirtualService per host, so this one and the generated one of "
                f"Service {namespace}/{name} cannot stand side by side, and nothing is woven into routes of joined "
                f"namespaces; say what it does in the annotation {RULE} of that Service, and remove it"
            )
            yield Result(Code.HOST_TAKEN, message, one.object.ref, "spec.hosts")
    for destination in one.destinations():
        service = service_of(destination.host, one.namespace)
        if service and service in routed and not any(covers(host, service, one.namespace) for host in taken):
            what = "mirrors" if destination.is_mirror else "sends"
            message = (
                f"{what} requests to Service {service[0]}/{service[1]}, which has pods of several environments, and "
                "nothing is woven into routes of joined namespaces: they would reach everybody's pods there; if it is "
                f"for a gateway, name that in the annotations {PREFIX}… of the Service, and remove it"
            )
            yield Result(Code.ROUTED_BY_USER, message, one.object.ref, destination.field)


def _destination_rule(one: DestinationRule, routed: Collection[Key]) -> Iterator[Result]:
    if service_of(one.host, one.namespace) in routed:
        message = (
            f"is for the host {one.host!r}, whose Service has pods of several environments: its settings and the "
            "generated subsets must stand in one DestinationRule, and nothing is woven into rules of joined "
            "namespaces; set them for the whole namespace with a wildcard host, or remove it"
        )
        yield Result(Code.HOST_TAKEN, message, one.object.ref, "spec.host")
