"""A proxy by its dump: ask it, and hear what the real one would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from krm_fn.verify import filters, listeners
from krm_fn.verify.actions import clusters_of, config_of
from krm_fn.verify.addresses import addresses
from krm_fn.verify.asked import CannotTell, Outcome, Reply, Request, Way, Wire
from krm_fn.verify.dump import Cluster, Dump, Endpoint
from krm_fn.verify.filters import HTTP_MANAGER, Known
from krm_fn.verify.routes import RouteTable
from krm_fn.verify.seen import canonical, is_secure

Config = Mapping[str, Any]

_OVERPROVISIONED = 1.4  # Envoy's default: a priority is whole while 1/1.4 of its endpoints are
_REWRITES = ("strip_any_host_port", "strip_matching_host_port", "strip_trailing_host_dot")
_LOOPBACK = 15001  # what connections to the sidecar itself go to
_NO_SUCH_CLUSTER = {"NOT_FOUND": 404, "INTERNAL_SERVER_ERROR": 500}


@dataclass(frozen=True, slots=True)
class _Manager:
    """An HTTP connection manager, and what of it every request asks for."""

    config: Config
    table: RouteTable | None
    named: str
    may_change: bool
    rewrites: bool
    injectors: list[Config]


@dataclass(frozen=True, slots=True)
class _Entrance:
    """Where a connection ends: at a manager of HTTP, at a cluster, or at neither (`otherwise`)."""

    listener: str
    otherwise: Reply
    manager: _Manager | None = None
    connection: Config | None = None
    config: str = ""


class Proxy:
    """What a dumped proxy does with a request. `scripts` are Lua sources that are known (filters.Known)."""

    def __init__(self, dump: Dump, scripts: Mapping[str, tuple[str, str]] | None = None) -> None:
        self.dump = dump
        self._known = Known(dump.labels, scripts or {})
        self._tables: dict[str, RouteTable] = {}
        self._listeners: dict[tuple[str, int], Config] = {}
        self._first: Config | None = None  # where iptables sends every connection
        for one in dump.listeners:
            if one.get("traffic_direction") == "INBOUND":
                continue
            for place in listeners.places_of(one):
                self._listeners.setdefault(place, one)
            if one.get("use_original_dst"):
                self._first = one
        self._addresses: dict[str, str] | None = None
        self._entrances: dict[tuple[object, ...], _Entrance] = {}

    def ask(self, request: Request) -> Way:
        """Say what becomes of a request.

        Raises:
            CannotTell: where only the running proxy knows.
        """
        entrance = self._entrance(request)
        if entrance.manager is not None:
            return self._http(entrance, entrance.manager, request)
        if entrance.connection is None:
            return Way(entrance.listener, outcomes=(Outcome(entrance.otherwise),))
        found = [
            self._resolved(Outcome(Reply.CLUSTER, cluster, config=entrance.config, share=share))
            for cluster, share, _ in clusters_of(entrance.connection, request)
        ]
        return Way(entrance.listener, outcomes=tuple(map(_connection, found)))

    def _entrance(self, request: Request) -> _Entrance:
        """Return where a connection ends; CannotTell where nobody can say."""
        key = (request.address, request.port, request.wire, request.tls, request.sni)
        if key not in self._entrances:
            self._entrances[key] = self._entered(request)
        return self._entrances[key]

    def _entered(self, request: Request) -> _Entrance:
        listener = self.listener(request.address, request.port)
        if listener is None:
            return _Entrance("", Reply.PASSED_ON if self.is_sidecar else Reply.CLOSED)
        name = listener.get("name", "")
        chain = listeners.chain(listener, request)
        if chain is None or not chain.get("filters"):
            return _Entrance(name, Reply.CLOSED)
        kind, settings = filters.network(chain["filters"])
        config = config_of(chain.get("metadata"))
        if kind != HTTP_MANAGER:
            return _Entrance(name, Reply.CLOSED, connection=settings, config=config)
        if request.wire not in (Wire.HTTP1, Wire.HTTP2) or request.tls != ("transport_socket" in chain):
            return _Entrance(name, Reply.CLOSED)  # no HTTP is to be read there
        table = self._table(settings)
        named = settings.get("rds", {}).get("route_config_name", "")
        may_change, rewrites = filters.may_change(settings), any(settings.get(one) for one in _REWRITES)
        manager = _Manager(settings, table, named, may_change, rewrites, filters.injectors_of(settings))
        return _Entrance(name, Reply.CLOSED, manager)

    @property
    def is_sidecar(self) -> bool:
        return self.dump.kind == "sidecar"

    def listener(self, address: str, port: int) -> Config | None:
        """Return the listener of a connection: that of its very address, of any, or the one that all come by."""
        for place in (address, *listeners.ANY):
            if found := self._listeners.get((place, port)):
                return found
        return self._first if port != _LOOPBACK else None

    def ports(self) -> list[int]:
        """Return the ports that a gateway listens on for its clients."""
        return sorted({port for address, port in self._listeners if address in listeners.ANY})

    def table(self, name: str) -> RouteTable | None:
        """Return a route table by name; None where the proxy has none."""
        if name not in self._tables and name in self.dump.routes:
            self._tables[name] = RouteTable(self.dump.routes[name])
        return self._tables.get(name)

    def _http(self, entrance: _Entrance, manager: _Manager, request: Request) -> Way:
        if manager.rewrites or request.path != "/":
            request = canonical(manager.config, request)
        table, listener = manager.table, entrance.listener
        if table is None:
            return Way(listener, manager.named, outcomes=(Outcome(Reply.STATUS, status=404),))
        if manager.may_change:
            request = filters.early(manager.config, request, self._known)
            request = filters.scripted(manager.config, request, self._known)
        host = table.virtual_host(request.authority)
        if host is None:
            return Way(listener, table.name, outcomes=(Outcome(Reply.STATUS, status=404),))
        secure = "require_tls" not in host or is_secure(manager.config, request)
        taken = table.take(host, request, secure=secure)
        found = tuple(map(self._resolved, filters.faults(manager.injectors, taken, request)))
        return Way(listener, table.name, host.get("name", ""), found)

    def _table(self, manager: Config) -> RouteTable | None:
        if "rds" in manager:
            return self.table(manager["rds"].get("route_config_name", ""))
        if "route_config" in manager:
            return RouteTable(manager["route_config"])
        raise CannotTell("routes are chosen by scope")

    def _resolved(self, outcome: Outcome) -> Outcome:
        """Return an outcome with its cluster looked up: one that is not there answers 503."""
        if outcome.reply is not Reply.CLUSTER:
            return outcome
        found = self.dump.clusters.get(outcome.cluster)
        if found is None:
            return replace(outcome, reply=Reply.STATUS, status=503)
        return replace(outcome, reply=Reply.PASSED_ON) if found.passes_on else outcome

    def cluster(self, name: str) -> Cluster | None:
        return self.dump.clusters.get(name)

    def endpoints(self, name: str) -> tuple[Endpoint, ...] | None:
        """Return the endpoints of a cluster that are asked; None where the dump has no endpoints at all.

        Raises:
            CannotTell: where the cluster chooses by something else.
        """
        cluster = self.dump.clusters.get(name)
        if cluster is None:
            return ()
        if cluster.strange:
            raise CannotTell(f"cluster {name}: {cluster.strange}")
        if self.dump.endpoints is None:
            return None
        return _asked(self.dump.endpoints.get(cluster.endpoints, self.dump.endpoints.get(name, ())))

    def address_of(self, host: str) -> str:
        """Return the IP of a Service by its full name; empty where the proxy does not know it."""
        if self._addresses is None:
            self._addresses = addresses(self.dump.routes.values(), self._listeners)
        return self._addresses.get(host.lower(), "")


def _connection(outcome: Outcome) -> Outcome:
    """Return what a TCP client sees of an outcome: it ends where an HTTP client would get a status."""
    return replace(outcome, reply=Reply.CLOSED, status=0) if outcome.reply is Reply.STATUS else outcome


def _asked(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    """Return the usable endpoints of the priorities that get requests."""
    asked: list[Endpoint] = []
    load = 0.0
    for priority in sorted({one.priority for one in endpoints}):
        here = [one for one in endpoints if one.priority == priority]
        usable = [one for one in here if one.usable]
        asked += usable
        load += _OVERPROVISIONED * len(usable) / len(here)
        if load >= 1:
            break
    return tuple(asked)
