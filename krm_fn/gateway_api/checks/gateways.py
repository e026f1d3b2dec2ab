"""Gateways in the list, held against the Services that are to be served by them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krm_fn.gateway_api.theirs import Theirs
from krm_fn.names import nearest
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.exposure import GATEWAYS, HOSTS, MESH, RULE, about
from krm_fn.plan.previews import previews_of
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings

_MOST_SHOWN = 3
_HTTP = ("HTTP", "HTTPS")


def find(theirs: Theirs, plan: Plan) -> Iterator[Result]:
    """Yield a finding for each gateway that no route can hang on, and for annotations that have no effect."""
    listed = {(one.ref.namespace, one.ref.name): one for one in theirs.gateways}
    istio = {(one.ref.namespace, one.ref.name) for one in theirs.istio_gateways}
    for service in plan.services:
        exposure = service.exposure
        if exposure.rule:
            message = (
                "is a route of Istio's, and the output is gatewayAPI: write an HTTPRoute for this Service that says "
                "the same, into which environments are woven, and remove it"
            )
            yield about(service.service, Code.RULE_INVALID, RULE, message)
        if exposure.is_exposed and not set(exposure.gateways) - {MESH}:
            message = "are hosts of the mesh, which routes of the Gateway API do not have: they have no effect"
            yield about(service.service, Code.NOT_EXPOSED, HOSTS, message)
        for written in exposure.gateways if exposure.is_exposed else ():
            if written != MESH:
                yield from _gateway(service, written, listed, istio)


def _gateway(service: ServicePlan, written: str, listed: Mapping[Key, Object], istio: set[Key]) -> Iterator[Result]:
    place, _, name = written.rpartition("/")
    key = (place or service.service.ref.namespace, name)
    there = sorted(other for namespace, other in listed if namespace == key[0])
    if key in listed:
        yield from _hosts(service, written, listed[key])
    elif key in istio:
        message = (
            f"the gateway {written!r} is a Gateway of Istio's, on which no HTTPRoute can hang: make it one of "
            "gateway.networking.k8s.io, or leave this namespace to output: istio"
        )
        yield about(service.service, Code.GATEWAY_KIND, GATEWAYS, message)
    elif there:
        close = nearest(there, name)
        message = f"the gateway {written!r} is none of its namespace's in the list ({', '.join(there)})"
        message += f"; did you mean {close!r}?" if close else ""
        yield about(service.service, Code.GATEWAY_UNKNOWN, GATEWAYS, message)


def _hosts(service: ServicePlan, written: str, gateway: Object) -> Iterator[Result]:
    wanted = [*service.exposure.hosts, *(host for one in previews_of(service) for host in one.hosts)]
    own = gateway.ref.namespace == service.service.ref.namespace
    listeners = [
        one
        for one in mappings(mapping(gateway.value, "spec").get("listeners"))
        if one.get("protocol") in _HTTP and (own or _is_open(one))
    ]
    refused = [host for host in wanted if not any(_admits(one, host) for one in listeners)]
    if refused:
        more = f" and {len(refused) - _MOST_SHOWN} more" if len(refused) > _MOST_SHOWN else ""
        message = (
            f"the gateway {written!r} has no HTTP listener for {', '.join(map(repr, refused[:_MOST_SHOWN]))}{more} "
            "that takes routes of this namespace: requests for it get a 404; add one, or its allowedRoutes"
        )
        yield about(service.service, Code.GATEWAY_HOST, HOSTS, message)


def _is_open(listener: Value) -> bool:
    """Tell whether a listener may take routes of other namespaces; a selector of those may select any."""
    return mapping(mapping(listener, "allowedRoutes"), "namespaces").get("from", "Same") in ("All", "Selector")


def _admits(listener: Value, host: str) -> bool:
    own, host = str(listener.get("hostname") or "*").lower(), host.lower()
    if own == "*" or host in ("*", own):
        return True
    return any(one.startswith("*") and other.endswith(one[1:]) for one, other in ((own, host), (host, own)))
