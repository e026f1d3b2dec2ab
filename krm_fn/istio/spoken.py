"""The environment that a route gives the requests that it takes, by what it does to their headers.

Envoy takes headers out before it puts others in. What one destination says comes after what its route says; of several
destinations, before it (istio/istio, pilot/pkg/networking/core/route, processDestination).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from krm_fn.config.options import EnvHeader
from krm_fn.plan.carriers import carriers
from krm_fn.values import Value, mapping, mappings, strings


class Spoken(NamedTuple):
    """What becomes of the environment's header.

    Attributes:
        value: what it is from here on, whatever the request says; empty for nobody's, None where the request decides.
        added: what stands there beside the request's own; None for nothing.
    """

    value: str | None = None
    added: str | None = None

    @property
    def by_nobody(self) -> str | None:
        """What a request says from here on that names nobody; None for still nobody."""
        return self.added if self.value is None else self.value

    def then(self, later: Spoken) -> Spoken:
        """Return what becomes of it by one change after another."""
        if later.value is not None:
            return later
        if later.added is None or self.value:
            return self
        return Spoken(added=later.added) if self.value is None else Spoken(later.added)


class _Change(NamedTuple):
    """What one `headers` does: the value that it sets, the one that it adds, and whether it takes the header out."""

    sets: str | None
    adds: str | None
    removes: bool

    @property
    def spoken(self) -> Spoken:
        if self.sets is not None:
            return Spoken(self.sets)
        if self.removes:
            return Spoken(self.adds or "")
        return Spoken(added=self.adds)


def of_route(route: Value, header: EnvHeader) -> list[Spoken]:
    """Return what becomes of the header for each destination of a route."""
    own, entries = _change(route, header), [_change(one, header) for one in mappings(route.get("route"))]
    if len(entries) == 1:
        return [_together(own, entries[0]).spoken]
    return [entry.spoken.then(own.spoken) for entry in entries]


def of_mirrors(route: Value, header: EnvHeader) -> Spoken:
    """Return what becomes of the header of mirrored requests."""
    return _change(route, header).spoken


def said(part: Value, header: EnvHeader) -> Iterator[tuple[str, str]]:
    """Yield the action and the value of each change of the header in a route, or in an entry of one."""
    found = _change(part, header)
    if found.sets is not None:
        yield "set", found.sets
    if found.adds is not None and not found.removes:
        yield "add", found.adds


def _together(own: _Change, entry: _Change) -> _Change:
    return _Change(
        own.sets if entry.sets is None else entry.sets,
        own.adds if entry.adds is None else entry.adds,
        own.removes or entry.removes,
    )


def _change(part: Value, header: EnvHeader) -> _Change:
    if "headers" not in part:
        return _Change(None, None, removes=False)
    request = mapping(mapping(part, "headers"), "request")
    plain = {one.name for one in carriers(header) if not one.shared}
    plain -= {(alias.name or "").lower() for alias in header.aliases if alias.pattern is not None}
    sets, adds = (_named(mapping(request, key), plain) for key in ("set", "add"))
    removes = header.name.lower() in {name.lower() for name in strings(request.get("remove"))}
    return _Change(sets, adds, removes)


def _named(values: Value, names: set[str]) -> str | None:
    found = (value for name, value in values.items() if str(name).lower() in names and isinstance(value, str))
    return next(found, None)
