"""The cells of a plan as requests: Service × port × environment × carrier, and who should answer each.

Besides every environment that is known: children that nobody knows, look-alikes, an empty value and none at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from krm_fn.config.options import Alias
from krm_fn.plan.answers import Plan, Route, ServicePlan
from krm_fn.plan.exposure import MESH
from krm_fn.plan.previews import previews_of
from krm_fn.plan.services import Port, Traffic
from krm_fn.verify.applied import Applied
from krm_fn.verify.asked import CannotTell, Request, Wire
from krm_fn.verify.matching import regex
from krm_fn.verify.proxy import Proxy

STRANGER = "nobody-carries-this"
CHILD = "nobody-knows-this"
_UNMATCHED = 503
_TO_HTTPS = 301
_REGEX_ONLY = re.compile(r"\(\?[:iP][^)]*\)|[()^$]|\[[^\]]*\][*+?]?|\\S[*+]|\.[*+]|[*+?]")


@dataclass(frozen=True, slots=True)
class Expected:
    """Who should answer: pods of each of these environments, or nobody (`status` of HTTP; 0: the connection ends)."""

    environments: frozenset[str]
    status: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """One request of the plan.

    Attributes:
        plan: the Service.
        port: of the Service.
        carrier: where the request carries its environment, in words.
        value: the environment that it carries; None for none.
        expected: who should answer by the plan.
        request: what is asked of the proxy.
        host: at a gateway, the host that is asked for; empty in the mesh.
    """

    plan: ServicePlan
    port: Port
    carrier: str
    value: str | None
    expected: Expected
    request: Request
    host: str = ""


@dataclass(frozen=True, slots=True)
class Carried:
    """A carrier: its name in words, the header, and the text that stands before and behind the environment."""

    words: str
    header: str
    before: str = ""
    behind: str = ""


def carriers_of(plan: ServicePlan) -> tuple[list[Carried], list[str]]:
    """Return the carriers of a Service, and those for which no example could be made."""
    header = plan.config.env_header
    found, left = [Carried(f"header {header.name}", header.name)], []
    for alias in header.aliases:
        carried = _alias(alias)
        found += [carried] if carried else []
        left += [] if carried else [f"header {alias.name}"]
    return found, left


def _alias(alias: Alias) -> Carried | None:
    if alias.cookie is not None:
        return Carried(f"cookie {alias.cookie}", "cookie", f"a=b; {alias.cookie}=")
    if alias.baggage is not None:
        return Carried(f"baggage {alias.baggage}", "baggage", f"a=b,{alias.baggage}=")
    name = alias.name or ""
    if alias.pattern is None:
        return Carried(f"header {name}", name)
    before, found, behind = alias.pattern.partition(alias.placeholder)
    texts = [re.sub(r"\\(.)", r"\1", _REGEX_ONLY.sub("", one)) for one in (before, behind)]
    pattern = alias.pattern.replace(alias.placeholder, "dev")
    if not found or alias.placeholder in behind or not regex(pattern)(f"{texts[0]}dev{texts[1]}"):
        return None
    return Carried(f"header {name}", name, *texts)


def values_of(plan: ServicePlan) -> list[str | None]:
    """Return the environments to ask for, None for no header at all."""
    if not plan.is_split:
        return [None, STRANGER, *sorted(plan.own)]
    split = plan.splitter
    alike = [text for one in sorted(plan.own) for text in (f"{one}{split}{CHILD}", f"{one}0", one.swapcase())]
    return [None, *dict.fromkeys([*sorted(plan.known), *alike, STRANGER])]


class Cells:
    """The cells that one proxy is asked."""

    def __init__(self, plan: Plan, proxy: Proxy, applied: Applied) -> None:
        self.plan = plan
        self.proxy = proxy
        self.applied = applied
        self.names = applied.names
        self.not_asked: list[str] = []  # in words
        self._injected = {} if not proxy.is_sidecar else dict(self._injections())

    def _injections(self) -> Iterator[tuple[str, str]]:
        """Yield header and environment that the mesh adds to requests of this pod."""
        dump = self.proxy.dump
        for one in self.plan.namespaces:
            if self.names.space(one.name) == dump.namespace and one.config.env_header.auto_inject:
                if environment := dump.labels.get(one.config.env_label.name):
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
        if not plan.exposure.hosts or not any(self.applied.is_here(one, plan.service.ref.namespace) for one in named):
            return
        full = [one if "/" in one else f"{self.names.space(plan.service.ref.namespace)}/{one}" for one in named]
        unsure = not any(one in self.applied.gateways for one in full)  # whose proxies it has is not in the list
        cells = list(at_gateway(plan, self.proxy, self.proxy.ports(), exactly=unsure))
        yield from cells
        if not cells:
            self._leave(plan, f"gateway {', '.join(named)} is not in the list, and this proxy knows none of the hosts")

    def _by_their_routes(self) -> Iterator[Cell]:
        """Yield the cells of hosts that VirtualServices of the user's serve at this gateway."""
        services = {self.names.host(*one.key): one for one in self.plan.services if one.is_split}
        for host, virtual_service in self.applied.theirs():
            targets = [services[one] for one in self.applied.destinations(virtual_service) if one in services]
            for plan in targets[:1]:
                found = at_gateway(plan, self.proxy, self.proxy.ports(), exactly=False, hosts=[host])
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
                yield Cell(plan, port, "TLS", None, Expected(frozenset(plan.own)), request)

    def _by_header(self, plan: ServicePlan, port: Port, host: str, address: str) -> Iterator[Cell]:
        carriers, left = carriers_of(plan)
        for words in left:
            self._leave(plan, f"{words}: no example of its pattern could be made")
        grpc = port.protocol in ("grpc", "http2")
        wire = Wire.HTTP2 if grpc else Wire.HTTP1
        for path in self.applied.paths(host):
            for carried, value in _asked(carriers, values_of(plan)):
                headers = [] if value is None else [(carried.header, f"{carried.before}{value}{carried.behind}")]
                request = Request(f"{host}:{port.number}", port.number, address, wire, headers, path)
                expected = self.expected(plan, value, request)
                yield Cell(plan, port, carried.words if value is not None else "nothing", value, expected, request)

    def expected(self, plan: ServicePlan, value: str | None, request: Request) -> Expected:
        """Return who should answer a request that carries a value, and what the mesh adds to it."""
        added = [text for name, text in self._injected.items() if name not in request.values]
        added = added if plan.config.env_header.name.lower() in self._injected else []
        environment = _deepest(plan, [value, *added]) if added else plan.answer(value).environment
        if environment is not None:
            return Expected(frozenset([environment]))
        if plan.config.unmatched == "anyPod":
            return Expected(frozenset(plan.own), 0 if plan.own else _UNMATCHED)
        return Expected(frozenset(), _UNMATCHED)

    def _connection(self, plan: ServicePlan) -> Expected:
        caller = self.proxy.dump.labels.get(plan.config.env_label.name, "")
        environment = dict(plan.callers()).get(caller, plan.base_answer)
        return Expected(frozenset([environment] if environment is not None else []))

    def _leave(self, plan: ServicePlan, why: str) -> None:
        self.not_asked.append(f"{plan.service.ref}: {why}")


def _asked(carriers: Sequence[Carried], values: Sequence[str | None]) -> Iterator[tuple[Carried, str | None]]:
    yield carriers[0], None
    for carried in carriers:
        yield from ((carried, value) for value in values if value is not None)
    yield carriers[0], ""


def _deepest(plan: ServicePlan, values: Sequence[str | None]) -> str | None:
    """Return who answers where several carriers name environments: the first route that takes one of them."""
    taken: list[Route] = [route for route in map(plan.route, values) if route]
    found = min(taken, key=plan.routes.index, default=None)
    return found.environment if found else plan.base_answer


def at_gateway(
    plan: ServicePlan, proxy: Proxy, ports: Sequence[int], *, exactly: bool, hosts: Sequence[str] = ()
) -> Iterator[Cell]:
    """Yield the cells of the hosts by which gateways serve a Service, on each of some ports.

    Those are the hosts of its annotations and their previews, unless `hosts` names others.

    Ports that lead to HTTPS are left out. With `exactly`, so are hosts that the proxy does not know; otherwise such a
    host is asked on the first port, to be told.
    """
    front = plan.front
    if front is None:
        return
    carriers, _ = carriers_of(plan)
    for host in hosts or plan.exposure.hosts:
        places = _places(proxy, host, ports)
        for carried, value in _asked(carriers, values_of(plan)):
            headers = [] if value is None else [(carried.header, f"{carried.before}{value}{carried.behind}")]
            words = carried.words if value is not None else "nothing"
            for request in places or ([] if exactly else _unserved(host, ports)):
                yield Cell(plan, front, words, value, _expected(plan, value), replace(request, headers=headers), host)
    for preview in [] if hosts else previews_of(plan):
        for host in preview.hosts:
            for request in _places(proxy, host, ports) or ([] if exactly else _unserved(host, ports)):
                expected = _expected(plan, preview.environment)
                yield Cell(plan, front, "its host", preview.environment, expected, request, host)


def _expected(plan: ServicePlan, value: str | None) -> Expected:
    environment = plan.answer(value).environment
    if environment is not None:
        return Expected(frozenset([environment]))
    nobody = frozenset(plan.own) if plan.config.unmatched == "anyPod" else frozenset[str]()
    return Expected(nobody, 0 if nobody else _UNMATCHED)


def _places(proxy: Proxy, host: str, ports: Sequence[int]) -> list[Request]:
    """Return a request for a host on every port that serves it, in TLS where the port wants that."""
    asked = host.replace("*", "verify", 1)
    found = []
    for port in ports:
        for request in (Request(asked, port), Request(asked, port, tls=True, sni=asked)):
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
