"""A cell of the plan beside what the proxy does: equal, different and why, or not to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from krm_fn.plan.services import Traffic
from krm_fn.verify.answering import Answering, Seen, split
from krm_fn.verify.applied import Applied, is_theirs
from krm_fn.verify.asked import CannotTell, Outcome, Reply, Way, Wire
from krm_fn.verify.cells import Cell, Expected
from krm_fn.verify.proxy import Proxy

_SHARE = 0.005  # weights are whole percents


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
    PROTOCOL = ("protocol", "the proxy does not read the port as HTTP")
    NOT_HTTP_ROUTED = ("http-route", "an HTTPRoute of the Gateway API serves the host")
    HOST_UNKNOWN = ("host-unknown", "the gateway does not serve the host")

    def __init__(self, slug: str, sentence: str) -> None:
        self.slug = slug
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that the proxy answers otherwise.

    Attributes:
        cell: the cell.
        cause: why.
        blame: the object that is to blame as the proxy's metadata names it; empty where it names none.
        found: who gets the request, in words.
        route: the name of the route that took it.
    """

    cell: Cell
    cause: Cause
    blame: str
    found: str
    route: str


@dataclass(frozen=True, slots=True)
class Untold:
    """A cell of which nobody outside of the proxy can tell, and why."""

    cell: Cell
    reason: str


Verdict = Difference | Untold | None


class Judge:
    """Judges the cells of one proxy."""

    def __init__(self, proxy: Proxy, applied: Applied, answering: Answering) -> None:
        self.proxy = proxy
        self.applied = applied
        self.answering = answering
        only = {host: one.service.ports for host, one in answering.services.items()}
        self._ports: Mapping[str, int] = {host: ports[0].number for host, ports in only.items() if len(ports) == 1}

    def judge(self, cell: Cell) -> Verdict:
        """Return what separates the proxy from a cell; None where nothing does."""
        try:
            way = self.proxy.ask(cell.request)
            return self._judged(cell, way)
        except CannotTell as reason:
            return Untold(cell, str(reason))

    def _judged(self, cell: Cell, way: Way) -> Verdict:
        http = cell.request.wire in (Wire.HTTP1, Wire.HTTP2)
        if http and not way.table and not cell.host:
            return self._differs(cell, way, way.outcomes[0], None)
        woven = self._is_woven(cell)
        intended = self._intended(cell) if http and (woven or cell.plan.exposure.rule) else None
        if intended is not None and not self._same(way.outcomes, intended):
            odd = next((one for one in way.outcomes if not self._same([one], intended)), way.outcomes[0])
            return self._differs(cell, way, odd, self.answering.seen(odd, http=http))
        for one in way.outcomes:
            seen = self.answering.seen(one, http=http)
            if intended is not None and one.reply is Reply.STATUS and seen.status != 503:
                continue  # a redirect or a reply that the list writes itself
            if not self._is_right(cell, one, seen, woven=woven):
                return self._differs(cell, way, one, seen)
            if self._wrong_tls(one):
                return self._differs(cell, way, one, seen)
        return None

    def _is_woven(self, cell: Cell) -> bool:
        return any(map(is_theirs, self.applied.serving(self._host(cell))))

    def _host(self, cell: Cell) -> str:
        return cell.host or self.applied.names.host(*cell.plan.key)

    def _intended(self, cell: Cell) -> tuple[Outcome, ...] | None:
        try:
            return self.applied.outcomes(self._host(cell), cell.request.port, self._ports, cell.request)
        except CannotTell:
            return None  # then the environments alone are compared

    def _same(self, found: Sequence[Outcome], intended: Sequence[Outcome]) -> bool:
        """Tell whether outcomes are the same answers with the same shares; of one alone, whether it is among them."""
        mine, theirs = self._shares(found), self._shares(intended)
        if len(found) == 1 and len(intended) > 1:
            return mine.keys() <= theirs.keys()
        return mine.keys() == theirs.keys() and all(abs(mine[key] - theirs[key]) < _SHARE for key in mine)

    def _shares(self, outcomes: Sequence[Outcome]) -> dict[str, float]:
        shares: dict[str, float] = {}
        for one in outcomes:
            is_there = not one.cluster or one.cluster in self.proxy.dump.clusters
            own = one.reply is Reply.STATUS and is_there
            key = f"status {one.status}" if own else one.cluster
            shares[key] = shares.get(key, 0) + one.share
        return shares

    def _is_right(self, cell: Cell, outcome: Outcome, seen: Seen, *, woven: bool) -> bool:
        expected = cell.expected
        if woven and seen.host:
            if seen.service is None:
                return bool(outcome.config in self.applied.refs)
            expected = self._of_destination(cell, outcome, seen)
        if expected.environments:
            return seen.environments == expected.environments
        return not seen.environments and seen.status == expected.status and not seen.text.startswith("whoever")

    def _of_destination(self, cell: Cell, outcome: Outcome, seen: Seen) -> Expected:
        """Return who should answer where routes of the user's lead, which may be another Service than the one asked."""
        service = seen.service
        if service is None:
            return cell.expected
        subset, host = split(outcome.cluster)
        labelled = self.answering.labelled(service, host, subset) if subset else None
        if labelled is not None and service.is_split:
            return Expected(labelled, 0 if labelled or cell.request.wire is Wire.TCP else 503)
        if cell.request.wire is Wire.TCP:
            environment = service.base_answer
            return Expected(frozenset([environment] if environment is not None else []))
        environment = service.answer(cell.value).environment
        return Expected(frozenset([environment])) if environment is not None else Expected(frozenset(service.own))

    def _wrong_tls(self, outcome: Outcome) -> bool:
        cluster = self.proxy.cluster(outcome.cluster)
        return cluster is not None and cluster.tls == "other" and cluster.config not in self.applied.with_tls

    def _differs(self, cell: Cell, way: Way, outcome: Outcome, seen: Seen | None) -> Difference:
        cause, blame = self._why(cell, way, outcome, seen)
        if seen is None:
            seen = self.answering.seen(outcome, http=False)
        return Difference(cell, cause, blame, seen.text, outcome.route)

    def _why(self, cell: Cell, way: Way, outcome: Outcome, seen: Seen | None) -> tuple[Cause, str]:
        if cell.host:
            if not way.virtual_host or way.virtual_host.startswith("blackhole"):
                return Cause.HOST_UNKNOWN, ""
        elif unknown := self._unknown(cell, way, outcome):
            return unknown
        if outcome.config.startswith("HTTPRoute"):
            return Cause.NOT_HTTP_ROUTED, outcome.config
        if outcome.config and outcome.config not in self.applied.refs:
            return Cause.OTHER_ROUTES, outcome.config
        if self._wrong_tls(outcome):
            cluster = self.proxy.cluster(outcome.cluster)
            return Cause.TLS, cluster.config if cluster else ""
        if not outcome.config and self.applied.serving(self._host(cell)):
            return Cause.NO_ROUTES, ""
        return self._by_cluster(cell, way, outcome, seen)

    def _unknown(self, cell: Cell, way: Way, outcome: Outcome) -> tuple[Cause, str] | None:
        host = self._host(cell)
        http = cell.port.traffic is Traffic.HTTP or cell.request.wire in (Wire.HTTP1, Wire.HTTP2)
        knows = any(name.endswith(f"|{host}") for name in self.proxy.dump.clusters)
        if not knows or (not outcome.cluster.startswith("outbound|") and outcome.reply is Reply.PASSED_ON):
            return Cause.SERVICE_UNKNOWN, ""
        if http and not way.table:
            return Cause.PROTOCOL, outcome.config
        return None

    def _by_cluster(self, cell: Cell, way: Way, outcome: Outcome, seen: Seen | None) -> tuple[Cause, str]:
        subset, host = split(outcome.cluster)
        wanted = cell.plan.route(cell.value)
        if subset and outcome.cluster not in self.proxy.dump.clusters:
            return self._missing_cluster(outcome.cluster, host, cell)
        cluster = self.proxy.cluster(outcome.cluster)
        if seen and outcome.reply is Reply.CLUSTER and not seen.environments and subset:
            return Cause.NO_ENDPOINTS, cluster.config if cluster else ""
        if way.table and wanted and not self._has_route(way, wanted.environment):
            return Cause.ROUTE_MISSING, outcome.config
        labelled = seen and seen.service and self.answering.labelled(seen.service, host, subset)
        if subset and seen and labelled and labelled <= cell.expected.environments:
            return Cause.OTHER_PODS, cluster.config if cluster else ""
        return Cause.EDITED, outcome.config or (cluster.config if cluster else "")

    def _missing_cluster(self, name: str, host: str, cell: Cell) -> tuple[Cause, str]:
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
