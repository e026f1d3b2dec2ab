"""Hosts that are taken for a Service, or are not, otherwise than one may expect."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from krm_fn.istio.hosts import Hosts, service_of
from krm_fn.istio.theirs import Theirs
from krm_fn.names import full_name
from krm_fn.objects import Object
from krm_fn.plan.mixed import Mixed
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result


def findings(theirs: Theirs, hosts: Hosts, every: Collection[Key]) -> Iterator[Result]:
    """Yield a finding for each host of the user's objects that means another Service than it seems to, or none.

    `hosts` are those of Services with routes, `every` are all Services of the list.
    """
    mixed = Mixed(hosts.keys, every)
    for one, written in _written(theirs):
        for host in {host for _, host in written}:
            if key := hosts.to_come(host, one.ref.namespace):
                message = f"the host {host!r} is taken for the Service {key[1]} of the list, which has no namespace yet"
                yield Result(Code.NAMESPACE_TO_COME, message, one.ref)
        for field, host in written:
            if host not in theirs.entry_hosts and (key := hosts.looks_like(host)):
                yield _of_no_service(one, field, host, full_name(key[0] or "NAMESPACE", key[1], hosts.domain))
        for host, field in {host: field for field, host in reversed(written)}.items():
            key = service_of(host, one.ref.namespace, hosts.domain)
            if key is None or host in theirs.entry_hosts or hosts.to_come(host, one.ref.namespace):
                continue
            if found := mixed.finding(one, field, host, key):
                yield found


def _written(theirs: Theirs) -> Iterator[tuple[Object, list[tuple[str, str]]]]:
    """Yield the user's objects with the field and the host of each place that names one of the mesh."""
    for route in theirs.routes:
        served = [("spec.hosts", host) for host in route.on_mesh * route.hosts]
        yield route.object, [*served, *((one.field, one.host) for one in route.destinations())]
    for rule in theirs.rules:
        yield rule.object, [("spec.host", rule.host)]


def _of_no_service(one: Object, field: str, host: str, full: str) -> Result:
    message = (
        f"the host {host!r} is no Service's for Istio, which takes a name with dots for one only in full ({full}): "
        "this says nothing about that Service"
    )
    if field not in ("spec.hosts", "spec.host"):
        message += ", and requests that are sent there reach nobody"
    message += "; write the full name, or the short one in the Service's namespace"
    return Result(Code.HOST_OF_NO_SERVICE, message, one.ref, field)
