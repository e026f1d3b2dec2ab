"""One proxy beside the plan: every cell asked, and what differs grouped by its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from krm_fn.plan.answers import Plan
from krm_fn.values import Value
from krm_fn.verify.answering import Answering
from krm_fn.verify.applied import Applied
from krm_fn.verify.asked import MALFORMED, CannotTell, Way
from krm_fn.verify.causes import Cause
from krm_fn.verify.cell import ITS_HOST, Cell
from krm_fn.verify.cells import Cells
from krm_fn.verify.dump import Dump
from krm_fn.verify.judging import OTHER_FORM, Difference, Judge, Untold, Verdict
from krm_fn.verify.pieces import DumpUnreadable
from krm_fn.verify.proxy import Proxy
from krm_fn.verify.translated import Client, Names


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list leads to.

    Attributes:
        plan: the answers.
        manifests: the objects of Istio as they would be applied.
        scripts: Lua sources that are known (filters.Known).
        namespace: of objects that name none; empty to find it in the dump.
    """

    plan: Plan
    manifests: Sequence[Value]
    scripts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    namespace: str = ""


@dataclass(slots=True)
class Verified:
    """What became of one proxy's cells.

    Attributes:
        proxy: NAMESPACE/POD.
        kind: sidecar or router.
        asked: how many cells.
        by_name: whether it had to be judged by the subsets' names: the dump has no endpoints.
        differences: the cells that differ.
        untold: those of which nobody can tell.
        not_asked: what of the plan no proxy can be asked, in words.
        notes: what the proxy says of its own state.
    """

    proxy: str
    kind: str
    version: str
    asked: int = 0
    by_name: bool = False
    differences: list[Difference] = field(default_factory=list)
    untold: list[Untold] = field(default_factory=list)
    not_asked: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether every cell that was asked is as the plan says."""
        return not self.differences and not self.untold

    def groups(self) -> Iterator[tuple[Cause, str, str, list[Difference]]]:
        """Yield the differences of one cause, object and Service together, the largest group first."""
        found: dict[tuple[Cause, str, str], list[Difference]] = {}
        for one in self.differences:
            found.setdefault((one.cause, one.blame, str(one.cell.plan.service.ref)), []).append(one)
        for (cause, blame, service), members in sorted(
            found.items(), key=lambda one: (-len(one[1]), one[0][2], one[0][1])
        ):
            yield cause, blame, service, members


@dataclass(frozen=True, slots=True)
class Hop:
    """One cell, the way that its request takes in the proxy (None where nobody can tell), and what is wrong with it."""

    cell: Cell
    way: Way | None
    verdict: Verdict


class Verifier:
    """A dumped proxy, and the plan that it is held against; `pods` are environments by IP (Answering).

    Raises:
        DumpUnreadable: if what the dump has is of another form than Envoy writes.
    """

    def __init__(self, dump: Dump, wanted: Wanted, pods: Mapping[str, str | None] | None = None) -> None:
        self.dump = dump
        self.wanted = wanted
        try:
            self.proxy = Proxy(dump, wanted.scripts)
            self.proxy.address_of("")  # all of them are looked for at once
            names = names_of(dump, wanted)
        except MALFORMED as error:
            raise DumpUnreadable("has listeners, routes or clusters of another form than Envoy writes") from error
        client = Client(dump.namespace, dump.labels, is_gateway=not self.proxy.is_sidecar)
        self.applied = Applied(wanted.manifests, names, client)
        self.answering = Answering(wanted.plan, self.proxy, self.applied, pods)
        self._judge = Judge(self.proxy, self.applied, self.answering)

    def verify(self) -> Verified:
        """Ask every cell of the plan."""
        dump = self.dump
        found = Verified(dump.name, dump.kind, dump.version, by_name=dump.endpoints is None, notes=list(dump.notes))
        cells = Cells(self.wanted.plan, self.proxy, self.applied)
        for cell in cells.all():
            found.asked += 1
            verdict = self._judge.judge(cell)
            if isinstance(verdict, Difference):
                found.differences.append(verdict)
            elif isinstance(verdict, Untold):
                found.untold.append(verdict)
        found.not_asked = list(dict.fromkeys(cells.not_asked))
        return found

    def hops(self, value: str | None) -> Iterator[Hop]:
        """Yield what becomes of requests that carry one value, Service by Service."""
        first = ("nothing", "header", "TCP", "TLS")
        for cell in Cells(self.wanted.plan, self.proxy, self.applied, [value]).all():
            is_asked = cell.value == value or cell.carrier in ("TCP", "TLS")
            if not is_asked or (cell.carrier.partition(" ")[0] not in first and cell.carrier != ITS_HOST):
                continue
            verdict = self._judge.judge(cell)
            yield Hop(cell, self._way(cell, verdict), verdict)

    def _way(self, cell: Cell, verdict: Verdict) -> Way | None:
        if isinstance(verdict, Untold) and verdict.reason == OTHER_FORM:
            return None
        try:
            return self.proxy.ask(cell.request)
        except CannotTell:
            return None  # the verdict says so


def names_of(dump: Dump, wanted: Wanted) -> Names:
    """Return how the list's objects are called where the proxy is.

    Objects without a namespace are in the one in which the proxy knows most of them.
    """
    counts: dict[str, int] = {}
    bare = {one.service.ref.name for one in wanted.plan.services if not one.service.ref.namespace}
    domain = ""
    for name in dump.clusters:
        host = name.rpartition("|")[2]
        service, _, rest = host.partition(".")
        namespace, _, rest = rest.partition(".")
        if not rest.startswith("svc."):
            continue
        domain = domain or rest.removeprefix("svc.")
        if service in bare:
            counts[namespace] = counts.get(namespace, 0) + 1
    most = max(sorted(counts), key=lambda one: counts[one], default="")
    return Names(wanted.namespace or most or dump.namespace, domain or "cluster.local")
