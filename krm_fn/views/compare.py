"""Two plans → the cells that change, each with its consequence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.plan.answers import Apart, Plan, ServicePlan
from krm_fn.plan.services import Workload
from krm_fn.views import facts
from krm_fn.views.change import Change, Comparison, Kind, Setting
from krm_fn.views.renames import renames
from krm_fn.views.who import ANY_POD, NO_ADDRESS, NOBODY, Who, answers, who

_State = ServicePlan | Apart | None
_Answers = Callable[[str | None], Who | None]  # what a request carries -> who answers


def compare(old: Plan, new: Plan, further: Iterable[Change] = ()) -> Comparison:
    """Compare the answers of two plans, for every environment that one of them knows, and for none.

    `further` are changes that no plan shows.
    """
    before, after = _states(old), _states(new)
    renamed = renames(old, new)
    names = sorted(before.keys() | after.keys(), key=facts.natural)
    changes: list[Change] = []
    cells = asked = 0
    for name in names:
        pair = _Pair(name, before.get(name), after.get(name), renamed)
        values = pair.values()
        cells += len(values)
        asked += bool(values)
        changes += pair.changes(values)
    changes += [*_renamed(renamed, before, after), *further]
    order = list(Kind)
    changes.sort(key=lambda one: (order.index(one.kind), not one.loses_answer, one.service))
    moved = sum(len(change.values) for change in changes if change.service)
    apart = (len(before), len(after)) if before and after and not before.keys() & after.keys() else None
    settings = tuple(_settings(before, after, renamed))
    return Comparison(settings, tuple(changes), cells, moved, asked, apart)


def _states(plan: Plan) -> dict[str, ServicePlan | Apart]:
    states: list[ServicePlan | Apart] = [*plan.services, *plan.apart]
    return {facts.full_name(one.service): one for one in states}


def _renamed(renamed: Mapping[str, str], before: Mapping[str, _State], after: Mapping[str, _State]) -> Iterator[Change]:
    """Yield each new name of an environment, and who answers requests that still carry the old one."""
    for name, other in renamed.items():
        answers: dict[Who, list[str]] = {}
        for service, state in before.items():
            now = after.get(service)
            if isinstance(state, ServicePlan) and name in state.own and isinstance(now, ServicePlan):
                answers.setdefault(who(now, name), []).append(service)
        found = [f"{one.environment or one.otherwise} ({', '.join(services)})" for one, services in answers.items()]
        lost = any(one.is_nobody for one in answers)
        yield Change(Kind.RENAMED, "", (name,), Who(name), Who(other), f"answered by {', '.join(found)}", lost)


class _Pair(NamedTuple):
    """A Service in both plans, and the environments that are renamed between them."""

    service: str
    old: _State
    new: _State
    renamed: Mapping[str, str]

    def values(self) -> list[str | None]:
        """Return what requests may carry, by its new name."""
        plans = [one for one in (self.old, self.new) if isinstance(one, ServicePlan)]
        if not plans:
            return []
        known = (
            {self.renamed.get(name, name) for name in self.old.known} if isinstance(self.old, ServicePlan) else set()
        )
        known |= self.new.known if isinstance(self.new, ServicePlan) else set()
        base = self.renamed.get(plans[-1].base, plans[-1].base)
        return [None, *(node.name for node in facts.tree(known, plans[-1].splitter, base))]

    def changes(self, values: Iterable[str | None]) -> Iterator[Change]:
        """Yield what moves of requests that carry these values."""
        old, new = self.old, self.new
        before, after = self._before(), self._after()
        groups: dict[tuple[Who | None, Who | None], list[str | None]] = {}
        for value in values:
            pair = before(value), after(value)
            if pair[0] != pair[1]:
                groups.setdefault(pair, []).append(value)
        reason = f"it {new.reason}" if isinstance(new, Apart) else "the Service is gone" if new is None else ""
        for (was, now), moved in groups.items():
            joins = isinstance(old, Apart) and isinstance(new, ServicePlan) and bool(old.workloads)
            kind = Kind.NEW if joins else _kind(was, now, moved)
            why = self._still_there(was) if now and now.environment is not None else reason
            if kind:
                yield Change(kind, self.service, tuple(moved), was, now, why)
        if isinstance(old, ServicePlan) and isinstance(new, ServicePlan):
            yield from _ports(self.service, old, new)

    def _still_there(self, was: Who | None) -> str:
        """Say why pods that are still there answer no more."""
        if isinstance(self.new, ServicePlan) and was and was.environment in self.new.own:
            return facts.exception(self.new)
        return ""

    def _before(self) -> _Answers:
        """Return what says who answered, by the new name; the values are new names, too."""
        if not isinstance(self.old, ServicePlan):
            nobody = _apart(self.old)
            return lambda _: nobody
        who, renamed = answers(self.old), self.renamed
        if not renamed:
            return who
        asked: dict[str | None, str] = {other: name for name, other in renamed.items()}

        def by_new_name(value: str | None) -> Who:
            found = who(asked.get(value, value))
            return Who(renamed.get(found.environment, found.environment)) if found.environment else found

        return by_new_name

    def _after(self) -> _Answers:
        if isinstance(self.new, ServicePlan):
            return answers(self.new)
        found = _apart(self.new)
        if isinstance(self.new, Apart) and isinstance(self.old, ServicePlan):
            # The very pods that answered for the base, now without a label (or adopted no more): nobody else answers.
            base = self.old.own.get(self.old.base_answer or "")
            if base and self.new.workloads and _ids(self.new.workloads) <= _ids(base.workloads):
                found = Who(self.renamed.get(base.name, base.name))
        return lambda _: found


def _apart(state: _State) -> Who | None:
    if not isinstance(state, Apart):
        return None
    return Who(None, ANY_POD if state.workloads else NO_ADDRESS if state.service.headless else NOBODY)


def _ids(workloads: Iterable[Workload]) -> frozenset[tuple[str, str, str]]:
    return frozenset((one.ref.kind, one.ref.namespace, one.ref.name) for one in workloads)


def _kind(old: Who | None, new: Who | None, values: Collection[str | None]) -> Kind | None:
    """Return what a change means; None where nobody answers as nobody did."""
    if old is None:
        return Kind.NEW
    lost = new is None or new.is_nobody
    if old.is_nobody:
        return None if lost else Kind.ANSWERED
    if None in values:
        return Kind.BASE
    return Kind.UNMATCHED if lost else Kind.MOVED


def _ports(service: str, old: ServicePlan, new: ServicePlan) -> Iterator[Change]:
    before, after = _rules(old), _rules(new)
    for number in sorted(before.keys() & after.keys()):
        if before[number] != after[number]:
            yield Change(Kind.PORT, service, reason=f"port {number}: {before[number]} → {after[number]}")


def _rules(plan: ServicePlan) -> dict[int, str]:
    if not plan.needs_routes:
        return {}
    return {port.number: facts.port_rule(plan, port) for port in plan.service.ports}


def _settings(
    before: Mapping[str, _State], after: Mapping[str, _State], renamed: Mapping[str, str]
) -> Iterator[Setting]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for name in sorted(before.keys() & after.keys()):
        old, new = before[name], after[name]
        if isinstance(old, ServicePlan) and isinstance(new, ServicePlan):
            was, now = facts.settings(old), facts.settings(new)
            for key in was:
                if was[key] != now[key] and not (key == "base" and renamed.get(was[key]) == now[key]):
                    found.setdefault((key, _setting_text(was[key]), _setting_text(now[key])), []).append(name)
    for (key, old_value, new_value), services in found.items():
        yield Setting(key, old_value, new_value, tuple(services))


def _setting_text(value: str | bool | Sequence[str]) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else ", ".join(value) or "none"
