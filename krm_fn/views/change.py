"""Two plans → the cells that change, each with its consequence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from krm_fn.plan.answers import Apart, Plan, ServicePlan
from krm_fn.views import facts

NOBODY = "nobody"
ANY_POD = "any pod"

_State = ServicePlan | Apart | None


class Kind(Enum):
    """What a change means, the most urgent first."""

    BASE = "base"  # requests that name no environment are answered by somebody else, or by nobody
    UNMATCHED = "unmatched"  # requests that were answered are not any more
    MOVED = "moved"  # somebody else answers
    ANSWERED = "answered"  # requests that nobody answered are
    PORT = "port"  # a port follows another rule
    NEW = "new"  # a Service that was not there, or took no part


@dataclass(frozen=True, slots=True)
class Who:
    """Who answers: an environment, or None and how it is said (NOBODY, ANY_POD)."""

    environment: str | None
    otherwise: str = ""

    @property
    def is_nobody(self) -> bool:
        return self.environment is None and self.otherwise == NOBODY


@dataclass(frozen=True, slots=True)
class Change:
    """Requests to one Service that another one answers now.

    Attributes:
        kind: what that means.
        service: the Service, as NAME or NAMESPACE/NAME, as the manifest has it.
        values: what the requests carry, in the order of the tree; None for those that name no environment.
        old: who answered; None where the Service was not there.
        new: who answers; None where the Service is gone.
        reason: what to know about it, such as why the Service takes no part any more.
    """

    kind: Kind
    service: str
    values: tuple[str | None, ...] = ()
    old: Who | None = None
    new: Who | None = None
    reason: str = ""

    @property
    def loses_answer(self) -> bool:
        """Whether requests that were answered are not any more."""
        answered = self.old is not None and not self.old.is_nobody
        return self.kind is not Kind.NEW and answered and (self.new is None or self.new.is_nobody)

    def stops(self, gate: str | None) -> bool:
        """Tell whether a gate lets it not pass: `base`, `unmatched`, `any`, or None for no gate."""
        return {"any": True, "base": self.kind is Kind.BASE, "unmatched": self.loses_answer}.get(gate or "", False)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that differs, so that the lists cannot be compared cell by cell."""

    name: str
    old: str
    new: str
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What separates two plans."""

    settings: tuple[Setting, ...]
    changes: tuple[Change, ...]
    cells: int
    changed_cells: int
    services: int

    @property
    def changed_services(self) -> int:
        return len({change.service for change in self.changes})


def compare(old: Plan, new: Plan) -> Comparison:
    """Compare the answers of two plans, for every environment that one of them knows, and for none."""
    before, after = _states(old), _states(new)
    names = sorted(before.keys() | after.keys(), key=facts.natural)
    changes: list[Change] = []
    cells = 0
    for name in names:
        states = before.get(name), after.get(name)
        values = _values(states)
        cells += len(values)
        changes += _changes(name, *states, values)
    order = list(Kind)
    changes.sort(key=lambda one: (order.index(one.kind), not one.loses_answer, one.service))
    moved = sum(len(change.values) for change in changes)
    return Comparison(tuple(_settings(before, after)), tuple(changes), cells, moved, len(names))


def _states(plan: Plan) -> dict[str, ServicePlan | Apart]:
    states: list[ServicePlan | Apart] = [*plan.services, *plan.apart]
    return {facts.full_name(one.service): one for one in states}


def _values(states: Iterable[_State]) -> list[str | None]:
    plans = [one for one in states if isinstance(one, ServicePlan)]
    if not plans:
        return []
    known = frozenset[str]().union(*(one.known for one in plans))
    return [None, *(node.name for node in facts.tree(known, plans[-1].splitter, plans[-1].base))]


def _changes(service: str, old: _State, new: _State, values: Iterable[str | None]) -> Iterator[Change]:
    groups: dict[tuple[Who | None, Who | None], list[str | None]] = {}
    for value in values:
        pair = _who(old, value), _who(new, value)
        if pair[0] != pair[1]:
            groups.setdefault(pair, []).append(value)
    reason = f"it {new.reason}" if isinstance(new, Apart) else "the Service is gone" if new is None else ""
    for (was, now), moved in groups.items():
        joins = isinstance(old, Apart) and isinstance(new, ServicePlan) and bool(old.workloads)
        kind = Kind.NEW if joins else _kind(was, now, moved)
        yield Change(kind, service, tuple(moved), was, now, reason)
    if isinstance(old, ServicePlan) and isinstance(new, ServicePlan):
        yield from _ports(service, old, new)


def _who(state: _State, value: str | None) -> Who | None:
    if state is None:
        return None
    if isinstance(state, Apart):
        return Who(None, ANY_POD if state.workloads else NOBODY)
    answer = state.answer(value).environment
    if answer is not None:
        return Who(answer)
    return Who(None, ANY_POD if state.config.unmatched == "anyPod" else NOBODY)


def _kind(old: Who | None, new: Who | None, values: Iterable[str | None]) -> Kind:
    if old is None:
        return Kind.NEW
    if None in values:
        return Kind.ANSWERED if old.is_nobody else Kind.BASE
    if new is None or new.is_nobody:
        return Kind.UNMATCHED
    return Kind.ANSWERED if old.is_nobody else Kind.MOVED


def _ports(service: str, old: ServicePlan, new: ServicePlan) -> Iterator[Change]:
    before, after = _rules(old), _rules(new)
    for number in sorted(before.keys() & after.keys()):
        if before[number] != after[number]:
            yield Change(Kind.PORT, service, reason=f"port {number}: {before[number]} → {after[number]}")


def _rules(plan: ServicePlan) -> dict[int, str]:
    if not plan.needs_routes:
        return {}
    return {port.number: facts.port_rule(plan, port) for port in plan.service.ports}


def _settings(before: Mapping[str, _State], after: Mapping[str, _State]) -> Iterator[Setting]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if isinstance(old, ServicePlan) and isinstance(new, ServicePlan):
            was, now = facts.settings(old), facts.settings(new)
            for key in was:
                if was[key] != now[key]:
                    found.setdefault((key, was[key], now[key]), []).append(name)
    for (key, old_value, new_value), services in found.items():
        yield Setting(key, old_value, new_value, tuple(services))
