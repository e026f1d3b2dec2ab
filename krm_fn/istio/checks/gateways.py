"""Istio Gateways in the list, held against the Services that are to be served by them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from krm_fn.istio.gateways import Gateway
from krm_fn.istio.hosts import admits, gateway_of
from krm_fn.istio.theirs import Theirs, VirtualService
from krm_fn.names import nearest
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import GATEWAYS, HOSTS, MESH
from krm_fn.plan.previews import previews_of
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result

_MOST_SHOWN = 3


def find(theirs: Theirs, plan: Plan) -> Iterator[Result]:
    """Yield a finding for each gateway that the list should have and has not, and for hosts that it does not admit.

    A namespace of which the list has no Gateway may have them elsewhere, so nothing is said about those.
    """
    exposed = [one for one in plan.services if one.exposure.is_exposed]
    if not exposed:
        return
    listed = {(one.object.ref.namespace, one.object.ref.name): one for one in theirs.gateways}
    for service in exposed:
        for name in service.exposure.gateways:
            if name != MESH:
                yield from _gateway(service, name, listed)
    yield from _shared(exposed)
    yield from _shared_with_theirs(exposed, theirs.routes)


def _key(service: ServicePlan, written: str) -> Key:
    namespace, _, name = written.rpartition("/")
    return (namespace or service.service.ref.namespace, name)


def _shared(exposed: Iterable[ServicePlan]) -> Iterator[Result]:
    """Yield a finding for each host of several Services on one gateway, but for those that are one Service, joined."""
    first: dict[tuple[Key, str], ServicePlan] = {}
    for service in exposed:
        ref = service.service.ref
        for gateway, host in product(service.exposure.gateways, service.exposure.hosts):
            other = first.setdefault((_key(service, gateway), host.lower()), service)
            same = other is service or (ref.name == other.service.ref.name and ref.namespace in other.joined)
            if gateway != MESH and not same:
                message = (
                    f"the host {host!r} is {other.service.ref}'s, too: on the gateway {gateway!r} the older "
                    "VirtualService's routes take the requests of both; give each a host of its own, or share it in a "
                    "VirtualService of yours, into which environments are woven"
                )
                yield Result(Code.HOST_SHARED, message, ref, f"metadata.annotations.{HOSTS}")


def _shared_with_theirs(exposed: Iterable[ServicePlan], routes: Iterable[VirtualService]) -> Iterator[Result]:
    """Yield a finding for each host of a Service that a VirtualService of the user's has at the same gateway, too."""
    there: dict[tuple[Key, str], VirtualService] = {}
    for one in routes:
        gateways = {("", MESH) if name == MESH else gateway_of(name, one.namespace) for name in one.gateways}
        for key, host in product(gateways, one.hosts):
            there.setdefault((key, host.lower()), one)
    for service in exposed:
        ref = service.service.ref
        for gateway, host in product(service.exposure.gateways or (MESH,), service.exposure.hosts):
            key = ("", MESH) if gateway == MESH else _key(service, gateway)
            if (other := there.get((key, host.lower()))) is None:
                continue
            then = "uses the older one alone" if gateway == MESH else "joins the routes of both, the older one's first"
            message = (
                f"the host {host!r} is {other.object.ref}'s, too: Istio {then}, so its requests may be answered by "
                "either; say in that VirtualService what leads to this Service, and environments are woven into it, or "
                "give each a host of its own"
            )
            yield Result(Code.HOST_SHARED, message, ref, f"metadata.annotations.{HOSTS}")


def _gateway(service: ServicePlan, written: str, listed: Mapping[Key, Gateway]) -> Iterator[Result]:
    ref = service.service.ref
    key = _key(service, written)
    there = {other for place, other in listed if place == key[0]}
    if there and key not in listed:
        close = nearest(there, key[1])
        message = f"the gateway {written!r} is none of its namespace's in the list ({', '.join(sorted(there))})"
        message += f"; did you mean {close!r}?" if close else ""
        yield Result(Code.GATEWAY_UNKNOWN, message, ref, f"metadata.annotations.{GATEWAYS}")
    if key in listed:
        previews = [host for preview in previews_of(service) for host in preview.hosts]
        admitted = listed[key].hosts_for(ref.namespace)
        refused = [
            host for host in (*service.exposure.hosts, *previews) if not any(admits(one, host) for one in admitted)
        ]
        if refused:
            more = f" and {len(refused) - _MOST_SHOWN} more" if len(refused) > _MOST_SHOWN else ""
            message = (
                f"the gateway {written!r} has no HTTP server for {', '.join(map(repr, refused[:_MOST_SHOWN]))}{more} "
                f"(its hosts: {', '.join(admitted) or 'none'}): requests for it get a 404; add it to the gateway"
            )
            yield Result(Code.GATEWAY_HOST, message, ref, f"metadata.annotations.{HOSTS}")
