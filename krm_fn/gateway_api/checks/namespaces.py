"""Routes of the user's that are kept apart from a Service because only one of the two names its namespace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.gateway_api.theirs import Theirs
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan
from krm_fn.plan.mixed import Mixed
from krm_fn.results import Result


def find(own: Theirs, objects: Sequence[Object], plan: Plan) -> Iterator[Result]:
    """Yield a finding for each Service that a route hangs on or leads to, if it is one of the list's but for that."""
    if not own.routes:
        return
    every = {(one.ref.namespace, one.ref.name) for one in objects if one.ref.kind == "Service"}
    mixed = Mixed((one.key for one in plan.services if one.needs_routes), every)
    for route in own.routes:
        named = {reference.key: reference.field for reference in (*route.backends(), *route.parents())}
        for key, field in named.items():
            if found := mixed.finding(route.object, f"{field}.name", key[1], key):
                yield found
