"""The cells of a gateway: the hosts by which it serves a Service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.previews import previews_of
from krm_fn.verify.asked import CannotTell, Request
from krm_fn.verify.carried import asked, carriers_of
from krm_fn.verify.cell import ITS_HOST, Cell, expected_of
from krm_fn.verify.proxy import Proxy

_TO_HTTPS = 301


def at_gateway(
    plan: ServicePlan, proxy: Proxy, values: Sequence[str | None], *, exactly: bool, hosts: Sequence[str] = ()
) -> Iterator[Cell]:
    """Yield the cells of the hosts by which gateways serve a Service, on each of its ports.

    Those are the hosts of its annotations and their previews, unless `hosts` names others.

    Ports that lead to HTTPS are left out. With `exactly`, so are hosts that the proxy does not know; otherwise such a
    host is asked on the first port, to be told.
    """
    front = plan.front
    if front is None:
        return
    ports = proxy.ports()
    carriers, _ = carriers_of(plan)
    for host in hosts or plan.exposure.hosts:
        places = _places(proxy, host, ports)
        for carried, value in asked(carriers, values):
            headers = [] if value is None else [(carried.header, f"{carried.before}{value}{carried.behind}")]
            words = carried.words if value is not None else "nothing"
            for request in places or ([] if exactly else _unserved(host, ports)):
                yield Cell(
                    plan,
                    front,
                    words,
                    value,
                    expected_of(plan, plan.answer(value).environment),
                    replace(request, headers=headers),
                    host,
                )
    for preview in [] if hosts else previews_of(plan):
        for host in preview.hosts:
            for request in _places(proxy, host, ports) or ([] if exactly else _unserved(host, ports)):
                expected = expected_of(plan, plan.answer(preview.environment).environment)
                yield Cell(plan, front, ITS_HOST, preview.environment, expected, request, host)


def _places(proxy: Proxy, host: str, ports: Sequence[int]) -> list[Request]:
    """Return a request for a host on every port that serves it, in TLS where the port wants that."""
    name = host.replace("*", "verify", 1)
    found = []
    for port in ports:
        for request in (Request(name, port), Request(name, port, tls=True, sni=name)):
            try:
                way = proxy.ask(request)
            except CannotTell:
                found.append(request)  # told so, cell by cell
                break
            redirected = any(one.status == _TO_HTTPS and one.location.startswith("https:") for one in way.outcomes)
            if way.table and way.virtual_host and not way.virtual_host.startswith("blackhole") and not redirected:
                found.append(request)
                break
    return found


def _unserved(host: str, ports: Sequence[int]) -> list[Request]:
    return [Request(host.replace("*", "verify", 1), port) for port in ports[:1] or [80]]
