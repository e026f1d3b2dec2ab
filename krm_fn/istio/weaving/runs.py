"""Neighbouring HTTP routes of a user's that do the same for different requests: one set of copies is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from krm_fn.istio.weaving.neighbours import catches_all
from krm_fn.text.readback import same
from krm_fn.values import Value, mappings

_ITS_OWN = {"name", "match"}


class Run(NamedTuple):
    """Routes that stand one behind the other, the first at `place`, alike in all but their names and matches."""

    place: int
    routes: tuple[Value, ...]

    @property
    def first(self) -> Value:
        return self.routes[0]

    def matches(self) -> list[Value]:
        """Return the matches of all; of several routes each says whose it is, as Envoy says it in its logs, too."""
        if len(self.routes) == 1:
            return mappings(self.first.get("match"))
        return [_named(match, route) for route in self.routes for match in mappings(route.get("match"))]


def runs(places: Iterable[tuple[int, Value]], is_free: Callable[[Value], bool]) -> Iterator[Run]:
    """Yield routes, given with their places, in runs as long as they can be.

    A route of which `is_free` does not hold, and one that catches all, whose copies need others' routes before them,
    stands alone.
    """
    found: Run | None = None
    is_open = False  # whether others may join the last one
    for place, route in places:
        may_join = is_free(route) and not any(map(catches_all, mappings(route.get("match")) or [{}]))
        if found and is_open and may_join and place == found.place + len(found.routes) and _is_like(found.first, route):
            found = found._replace(routes=(*found.routes, route))
            continue
        if found:
            yield found
        found, is_open = Run(place, (route,)), may_join
    if found:
        yield found


def _is_like(one: Value, other: Value) -> bool:
    return one.keys() - _ITS_OWN == other.keys() - _ITS_OWN and all(
        part is other[key] or (part == other[key] and same(part, other[key]))
        for key, part in one.items()
        if key not in _ITS_OWN
    )


def _named(match: Value, route: Value) -> Value:
    return {"name": route["name"], **match} if route.get("name") else match
