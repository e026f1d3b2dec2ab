"""What separates two plans: changes, the settings that differ, and which of them a gate stops."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from krm_fn.views.who import Who


class Kind(Enum):
    """What a change means, the most urgent first."""

    BASE = "base"  # requests that name no environment are answered by somebody else, or by nobody
    UNMATCHED = "unmatched"  # requests that were answered are not any more
    BROKEN = "broken"  # a route of the user's leads to pods that are gone
    RENAMED = "renamed"  # an environment has another name: requests by the old one are answered by others
    MOVED = "moved"  # somebody else answers
    ANSWERED = "answered"  # requests that nobody answered are
    PORT = "port"  # a port follows another rule
    NEW = "new"  # a Service that was not there, or took no part


class Change(NamedTuple):
    """Requests to one Service that another one answers now.

    Attributes:
        kind: what that means.
        service: the Service, as NAME or NAMESPACE/NAME, as the manifest has it.
        values: what the requests carry, in the order of the tree; None for those that name no environment.
        old: who answered; None where the Service was not there.
        new: who answers; None where the Service is gone.
        reason: what to know about it, such as why the Service takes no part any more.
        lost: of an environment's new name, whether requests by the old one are answered by nobody.
    """

    kind: Kind
    service: str
    values: tuple[str | None, ...] = ()
    old: Who | None = None
    new: Who | None = None
    reason: str = ""
    lost: bool = False

    @property
    def loses_answer(self) -> bool:
        """Whether requests that were answered are not any more."""
        if self.kind is Kind.BROKEN:
            return True
        if self.kind is Kind.RENAMED:
            return self.lost
        answered = self.old is not None and not self.old.is_nobody
        return self.kind is not Kind.NEW and answered and (self.new is None or self.new.is_nobody)

    def stops(self, gate: str | None) -> bool:
        """Tell whether a gate lets it not pass: `base`, `unmatched`, `any`, or None for no gate."""
        base = self.kind in (Kind.BASE, Kind.BROKEN)
        return {"any": True, "base": base, "unmatched": self.loses_answer}.get(gate or "", False)


class Setting(NamedTuple):
    """A setting that differs, so that the lists cannot be compared cell by cell."""

    name: str
    old: str
    new: str
    services: tuple[str, ...]


class Comparison(NamedTuple):
    """What separates two plans.

    Attributes:
        settings: what is set up differently.
        changes: the most urgent first.
        cells: how many pairs of Service and value were compared.
        changed_cells: how many of them change.
        services: how many Services have such pairs; others take part in neither.
        unrelated: how many Services each has, where none is in both; None else.
    """

    settings: tuple[Setting, ...]
    changes: tuple[Change, ...]
    cells: int
    changed_cells: int
    services: int
    unrelated: tuple[int, int] | None = None

    @property
    def changed_services(self) -> int:
        return len({change.service for change in self.changes if change.service})
