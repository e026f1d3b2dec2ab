"""Requests that break although whoever answers stays: a route of the user's leads to what has no pods any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from krm_fn.results import Code, Result
from krm_fn.views.change import Change, Kind


def broken(before: Iterable[Result], after: Iterable[Result]) -> Iterator[Change]:
    """Yield a change for each route to a subset that has no pods in the list after, and had some before."""
    bare = [one for one in before if one.code is Code.SUBSET_WITHOUT_PODS]
    for one in after:
        if one.code is not Code.SUBSET_WITHOUT_PODS or one.ref is None or any(_same(one, other) for other in bare):
            continue
        for service in one.about:
            name = f"{service.namespace}/{service.name}" if service.namespace else service.name
            yield Change(Kind.BROKEN, name, reason=f"{one.ref} {one.field.rpartition('.route')[0]} {one.message}")


def _same(one: Result, other: Result) -> bool:
    """Tell whether two lists are told the same; of the older one, the message says where it is from."""
    there = (one.ref and str(one.ref)) == (other.ref and str(other.ref))
    return there and other.message.endswith(one.message)
