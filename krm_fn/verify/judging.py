"""A cell of the plan beside what the proxy does: equal, different and why, or not to be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from krm_fn.plan.carriers import carriers as carriers_of
from krm_fn.verify.answering import ANYBODY, Answering, Seen, split
from krm_fn.verify.applied import Applied
from krm_fn.verify.asked import MALFORMED, CannotTell, Outcome, Reply, Way, Wire
from krm_fn.verify.causes import Cause, Causes
from krm_fn.verify.cell import ITS_HOST, Cell, Expected
from krm_fn.verify.proxy import Proxy

OTHER_FORM = "a part of the dump has another form than Envoy writes"
_UNAVAILABLE = 503
_SHARE = 0.005  # weights are whole percents


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
        self.causes = Causes(proxy, applied, answering)
        only = {host: one.service.ports for host, one in answering.services.items()}
        self._ports: Mapping[str, int] = {host: ports[0].number for host, ports in only.items() if len(ports) == 1}

    def judge(self, cell: Cell) -> Verdict:
        """Return what separates the proxy from a cell; None where nothing does."""
        try:
            way = self.proxy.ask(cell.request)
            return self._judged(cell, way)
        except CannotTell as reason:
            return Untold(cell, str(reason))
        except MALFORMED:
            return Untold(cell, OTHER_FORM)

    def _judged(self, cell: Cell, way: Way) -> Verdict:
        http = cell.request.wire in (Wire.HTTP1, Wire.HTTP2)
        if http and not way.table and not cell.host:
            return self._differs(cell, way, way.outcomes[0], None)
        woven = self.applied.is_woven(self.causes.host(cell))
        intended = self._intended(cell) if http and (woven or cell.plan.exposure.rule) else None
        if intended is not None and not self._same(way.outcomes, intended):
            odd = next((one for one in way.outcomes if not self._same([one], intended)), way.outcomes[0])
            return self._differs(cell, way, odd, self.answering.seen(odd, http=http))
        for one in way.outcomes:
            seen = self.answering.seen(one, http=http)
            if intended is not None and one.reply is Reply.STATUS and self._is_own(one):
                continue  # a redirect or a reply that the list writes itself
            if not self._is_right(cell, one, seen, woven=woven):
                return self._differs(cell, way, one, seen)
            if self.causes.wrong_tls(one):
                return self._differs(cell, way, one, seen)
            if one.reply is Reply.CLUSTER and (changed := self._changed(cell, one, intended)):
                return Difference(cell, Cause.HEADER, one.config, f"{seen.text}, with {changed}", one.route)
        return None

    def _changed(self, cell: Cell, outcome: Outcome, intended: Sequence[Outcome] | None) -> str:
        """Say what a proxy does to the headers that carry the environment beyond what the list asks for."""
        if not outcome.sets and not intended and cell.carrier != ITS_HOST:
            return ""
        header = cell.plan.config.env_header
        wanted: dict[str, str | None] = {header.name.lower(): cell.value} if cell.carrier == ITS_HOST else {}
        for one in intended or ():
            if one.cluster == outcome.cluster:
                wanted = dict(one.sets)
                break
        found = dict(outcome.sets)
        names = sorted({one.name for one in carriers_of(header)})
        return ", ".join(_as_changed(name, found) for name in names if found.get(name, "") != wanted.get(name, ""))

    def _intended(self, cell: Cell) -> tuple[Outcome, ...] | None:
        try:
            return self.applied.outcomes(self.causes.host(cell), cell.request.port, self._ports, cell.request)
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
            own = one.reply is Reply.STATUS and self._is_own(one)
            key = f"status {one.status}" if own else one.cluster
            shares[key] = shares.get(key, 0) + one.share
        return shares

    def _is_own(self, outcome: Outcome) -> bool:
        """Tell whether a status is a route's own words, and not for want of the cluster that it names."""
        return not outcome.cluster or outcome.cluster in self.proxy.dump.clusters

    def _is_right(self, cell: Cell, outcome: Outcome, seen: Seen, *, woven: bool) -> bool:
        expected = cell.expected
        if woven and seen.host:
            if seen.service is None:
                return bool(outcome.config in self.applied.refs)
            expected = self._of_destination(cell, outcome, seen)
        if expected.environments:
            return seen.environments == expected.environments
        return not seen.environments and seen.status == expected.status and not seen.text.startswith(ANYBODY)

    def _of_destination(self, cell: Cell, outcome: Outcome, seen: Seen) -> Expected:
        """Return who should answer where routes of the user's lead, which may be another Service than the one asked."""
        service = seen.service
        if service is None:
            return cell.expected
        subset, host = split(outcome.cluster)
        if subset and service.is_split:
            labelled = self.answering.labelled(service, host, subset) or frozenset()
            return Expected(labelled, 0 if labelled or cell.request.wire is Wire.TCP else _UNAVAILABLE)
        if cell.request.wire is Wire.TCP:
            environment = service.base_answer
            return Expected(frozenset([environment] if environment is not None else []))
        environment = service.answer(cell.value).environment
        return Expected(frozenset([environment])) if environment is not None else Expected(frozenset(service.own))

    def _differs(self, cell: Cell, way: Way, outcome: Outcome, seen: Seen | None) -> Difference:
        cause, blame = self.causes.why(cell, way, outcome, seen)
        if seen is None:
            seen = self.answering.seen(outcome, http=False)
        return Difference(cell, cause, blame, seen.text, outcome.route)


def _as_changed(name: str, sets: Mapping[str, str | None]) -> str:
    if name not in sets:
        return f"{name} as it came"
    return f"{name} taken away" if sets[name] is None else f"{name} {sets[name]!r}"
