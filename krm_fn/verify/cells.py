"""The cells of a plan as requests: each Service, port, environment and carrier, and who should answer each.

Besides every environment that is known: children that nobody knows, look-alikes, an empty value and none at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from krm_fn.plan.answers import Plan, Route, ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Port, Traffic
from krm_fn.verify.applied import Applied
from krm_fn.verify.asked import Request, Wire
from krm_fn.verify.carried import asked, carriers_of, values_of
from krm_fn.verify.cell import Cell, Expected, expected_of
from krm_fn.verify.outside import at_gateway
from krm_fn.verify.proxy import Proxy


class Cells:
    """The cells that one proxy is asked; `values` are the environments to ask for, None for all that tell apart."""

    def __init__(self, plan: Plan, proxy: Proxy, applied: Applied, values: Sequence[str | None] | None = None) -> None:
        self.plan = plan
        self.proxy = proxy
        self.applied = applied
        self.names = applied.names
        self.values = values
        self.not_asked: list[str] = []  # in words
        self._expected: dict[tuple[str | None, ...], Expected] = {}
        self._injected = {} if not proxy.is_sidecar else dict(self._injections())

    def _injections(self) -> Iterator[tuple[str, str]]:
        """Yield header and environment that the mesh adds to requests of this pod."""
        dump = self.proxy.dump
        for one in self.plan.namespaces:
            environment = dump.labels.get(one.config.env_label.name)
            if environment and self.names.space(one.name) == dump.namespace and one.config.env_header.auto_inject:
                yield one.config.env_header.name.lower(), environment

    def all(self) -> Iterator[Cell]:
        """Yield them."""
        for one in self.plan.services:
            yield from self._in_mesh(one) if self.proxy.is_sidecar else self._outside(one)
        if not self.proxy.is_sidecar:
            yield from self._by_their_routes()

    def _outside(self, plan: ServicePlan) -> Iterator[Cell]:
        """Yield the cells of a Service's hosts, where this gateway is one that serves them."""
        named = [one for one in plan.exposure.gateways if one != MESH]
        if not plan.exposure.hosts or not any(
            self.applied.place.is_here(one, plan.service.ref.namespace) for one in named
        ):
            return
        full = [one if "/" in one else f"{self.names.space(plan.service.ref.namespace)}/{one}" for one in named]
        unsure = not any(one in self.applied.place.gateways for one in full)  # whose proxies it has is not in the list
        cells = list(at_gateway(plan, self.proxy, self.values or values_of(plan), exactly=unsure))
        yield from cells
        if not cells:
            self._leave(plan, f"gateway {', '.join(named)} is not in the list, and this proxy knows none of the hosts")

    def _by_their_routes(self) -> Iterator[Cell]:
        """Yield the cells of hosts that VirtualServices of the user's serve at this gateway."""
        services = {self.names.host(*one.key): one for one in self.plan.services if one.is_split}
        for host, virtual_service in self.applied.theirs():
            targets = [services[one] for one in self.applied.destinations(virtual_service) if one in services]
            for plan in targets[:1]:
                found = at_gateway(plan, self.proxy, self.values or values_of(plan), exactly=False, hosts=[host])
                for cell in found:
                    for path in self.applied.paths(host):
                        yield replace(cell, request=replace(cell.request, path=path))

    def _in_mesh(self, plan: ServicePlan) -> Iterator[Cell]:
        if plan.service.headless:
            self._leave(plan, "headless: its clients choose a pod themselves")
            return
        host = self.names.host(*plan.key)
        address = self.proxy.address_of(host)
        for port in plan.service.ports:
            if port.traffic is Traffic.UDP:
                self._leave(plan, f"port {port.number} is UDP")
            if port.traffic in (Traffic.HTTP, Traffic.SNIFFED):
                yield from self._by_header(plan, port, host, address)
            if port.traffic in (Traffic.TCP, Traffic.SNIFFED):
                request = Request(host, port.number, address, Wire.TCP)
                yield Cell(plan, port, "TCP", None, self._connection(plan), request)
            if port.traffic is Traffic.TLS and plan.is_split:
                request = Request(host, port.number, address, Wire.TLS, sni=host)
                yield Cell(plan, port, "TLS", None, self._of_tls(plan), request)

    def _by_header(self, plan: ServicePlan, port: Port, host: str, address: str) -> Iterator[Cell]:
        carriers, left = carriers_of(plan)
        for words in left:
            self._leave(plan, f"{words}: no example of its pattern could be made")
        grpc = port.protocol in ("grpc", "http2")
        wire = Wire.HTTP2 if grpc else Wire.HTTP1
        for path in self.applied.paths(host):
            for carried, value in asked(carriers, self.values or values_of(plan)):
                headers = [] if value is None else [(carried.header, f"{carried.before}{value}{carried.behind}")]
                request = Request(f"{host}:{port.number}", port.number, address, wire, headers, path)
                expected = self.expected(plan, value, request)
                yield Cell(plan, port, carried.words if value is not None else "nothing", value, expected, request)

    def expected(self, plan: ServicePlan, value: str | None, request: Request) -> Expected:
        """Return who should answer a request that carries a value, and what the mesh adds to it."""
        added = [text for name, text in self._injected.items() if name not in request.values] if self._injected else []
        added = added if plan.config.env_header.name.lower() in self._injected else []
        key = (*plan.key, value, *added)
        if key not in self._expected:
            environment = _deepest(plan, [value, *added]) if added else plan.answer(value).environment
            self._expected[key] = expected_of(plan, environment)
        return self._expected[key]

    def _connection(self, plan: ServicePlan) -> Expected:
        if plan.is_split and not plan.pins_connections:
            own = plan.service.ref.namespace
            return Expected(frozenset(one for one in plan.own if plan.home(one) == own))
        caller = self.proxy.dump.labels.get(plan.config.env_label.name, "")
        environment = dict(plan.callers()).get(caller, plan.base_answer)
        return Expected(frozenset([environment] if environment is not None else []))

    def _of_tls(self, plan: ServicePlan) -> Expected:
        if plan.is_narrowed:
            return Expected(frozenset([plan.base_answer] if plan.base_answer is not None else []))
        return Expected(frozenset(plan.own))

    def _leave(self, plan: ServicePlan, why: str) -> None:
        self.not_asked.append(f"{plan.service.ref}: {why}")


def _deepest(plan: ServicePlan, values: Sequence[str | None]) -> str | None:
    """Return who answers where several carriers name environments: the first route that takes one of them."""
    taken: list[Route] = [route for route in map(plan.route, values) if route]
    found = min(taken, key=plan.routes.index, default=None)
    return found.environment if found else plan.base_answer
