"""Why a proxy does something else than the plan says, and which object is to blame."""

from __future__ import annotations

from enum import Enum

from krm_fn.verify.answering import Answering, Seen, split
from krm_fn.verify.applied import Applied
from krm_fn.verify.asked import Outcome, Reply, Way, Wire
from krm_fn.verify.cell import Cell
from krm_fn.verify.proxy import Proxy


class Cause(Enum):
    """Why a proxy does something else than the plan says: a stable name, and the sentence."""

    SERVICE_UNKNOWN = ("service-unknown", "the proxy does not know the Service")
    NO_ROUTES = ("no-routes", "no VirtualService reaches the proxy for this host")
    ROUTE_MISSING = ("route-missing", "the VirtualService that the proxy has lacks the route")
    OTHER_ROUTES = ("other-routes", "another VirtualService serves the host, which the list does not have")
    EDITED = ("edited", "the proxy has an object of the list with other content: edited, or not the newest")
    CLIENT_RULE = ("client-rule", "a DestinationRule of the client's namespace hides the one of the list")
    OTHER_RULE = ("other-rule", "another DestinationRule serves the host, which the list does not have")
    NO_RULE = ("no-rule", "no DestinationRule reaches the proxy for this host, so there is no subset")
    NO_ENDPOINTS = ("no-endpoints", "no pod stands behind the subset")
    OTHER_PODS = ("other-pods", "other pods stand behind the subset than its name says")
    TLS = ("tls", "the proxy begins TLS with the pods, which the list does not ask for")
    HEADER = ("header", "the proxy changes what carries the environment on the way, which the list does not ask for")
    PROTOCOL = ("protocol", "the proxy does not read the port as HTTP")
    HTTP_ROUTE = ("http-route", "an HTTPRoute of the Gateway API serves the host")
    HOST_UNKNOWN = ("host-unknown", "the gateway does not serve the host")

    def __init__(self, slug: str, sentence: str) -> None:
        self.slug = slug
        self.sentence = sentence


Found = tuple[Cause, str]  # why, and the object as the proxy's metadata names it, empty for none


class Causes:
    """Names causes, from what one proxy has."""

    def __init__(self, proxy: Proxy, applied: Applied, answering: Answering) -> None:
        self.proxy = proxy
        self.applied = applied
        self.answering = answering
        self._hosts: dict[int, str] = {}

    def why(self, cell: Cell, way: Way, outcome: Outcome, seen: Seen | None) -> Found:
        """Say why an outcome of a cell is not what the plan says; `seen` is None where the port is not read as HTTP."""
        found = self._unknown(cell, way, outcome) or self._by_object(cell, outcome)
        return found or self._by_cluster(cell, way, outcome, seen)

    def host(self, cell: Cell) -> str:
        """Return what the list calls the host that a cell asks."""
        if cell.host:
            return cell.host
        if id(cell.plan) not in self._hosts:
            self._hosts[id(cell.plan)] = self.applied.names.host(*cell.plan.key)
        return self._hosts[id(cell.plan)]

    def _unknown(self, cell: Cell, way: Way, outcome: Outcome) -> Found | None:
        if cell.host:
            is_known = way.virtual_host and not way.virtual_host.startswith("blackhole")
            return None if is_known else (Cause.HOST_UNKNOWN, "")
        knows = any(name.endswith(f"|{self.host(cell)}") for name in self.proxy.dump.clusters)
        if not knows or (not outcome.cluster.startswith("outbound|") and outcome.reply is Reply.PASSED_ON):
            return Cause.SERVICE_UNKNOWN, ""
        if cell.request.wire in (Wire.HTTP1, Wire.HTTP2) and not way.table:
            return Cause.PROTOCOL, outcome.config
        return None

    def _by_object(self, cell: Cell, outcome: Outcome) -> Found | None:
        if outcome.config.startswith("HTTPRoute") and outcome.config not in self.applied.refs:
            return Cause.HTTP_ROUTE, outcome.config
        if outcome.config and outcome.config not in self.applied.refs:
            return Cause.OTHER_ROUTES, outcome.config
        if self.wrong_tls(outcome):
            return Cause.TLS, self._rule(outcome.cluster)
        if not outcome.config and self.applied.serving(self.host(cell)):
            return Cause.NO_ROUTES, ""
        return None

    def wrong_tls(self, outcome: Outcome) -> bool:
        """Tell whether the proxy begins TLS with pods by a rule that does not ask for it in the list."""
        cluster = self.proxy.cluster(outcome.cluster)
        return cluster is not None and cluster.tls == "other" and cluster.config not in self.applied.with_tls

    def _rule(self, cluster: str) -> str:
        """Return the DestinationRule of a cluster; empty for none."""
        found = self.proxy.cluster(cluster)
        return found.config if found else ""

    def _by_cluster(self, cell: Cell, way: Way, outcome: Outcome, seen: Seen | None) -> Found:
        subset, host = split(outcome.cluster)
        wanted = cell.plan.route(cell.value)
        if subset and outcome.cluster not in self.proxy.dump.clusters:
            return self._missing_cluster(outcome.cluster, host, cell)
        if subset and seen and outcome.reply is Reply.CLUSTER:
            labelled = seen.service and self.answering.labelled(seen.service, host, subset)
            if not seen.environments:
                return Cause.NO_ENDPOINTS, self._rule(outcome.cluster)
            if labelled and labelled <= cell.expected.environments:
                return Cause.OTHER_PODS, self._rule(outcome.cluster)
        if way.table and wanted and not self._has_route(way, wanted.environment):
            return Cause.ROUTE_MISSING, outcome.config
        return Cause.EDITED, outcome.config or self._rule(outcome.cluster)

    def _missing_cluster(self, name: str, host: str, cell: Cell) -> Found:
        """Say why a cluster that a route names is not there: its DestinationRule is another one, or gone."""
        port = name.split("|")[1]
        whole = self.proxy.cluster(f"outbound|{port}||{host}")
        config = whole.config if whole else ""
        if not config:
            return Cause.NO_RULE, ""
        if config in self.applied.refs:
            return Cause.EDITED, config
        service = self.answering.services.get(host, cell.plan)
        namespace = config.partition(" ")[2].partition("/")[0]
        own = self.applied.names.space(service.service.ref.namespace)
        is_clients = namespace == self.proxy.dump.namespace != own
        return (Cause.CLIENT_RULE if is_clients else Cause.OTHER_RULE), config

    def _has_route(self, way: Way, name: str) -> bool:
        table = self.proxy.table(way.table)
        hosts = table.config.get("virtual_hosts", ()) if table else ()
        routes = [one for host in hosts if host.get("name") == way.virtual_host for one in host.get("routes", ())]
        return any(name in (one.get("name") or "") for one in routes)
