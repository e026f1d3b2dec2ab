"""What to tell apart where a route leads to several Services, which may have pods of different environments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.plan.answers import Route, ServicePlan
from krm_fn.plan.environments import deepest_first, levels


def told_apart(services: Sequence[ServicePlan]) -> Iterator[Route]:
    """Yield what to tell apart before a route: each value that one of its Services answers otherwise."""
    config = services[0].config
    splitter = config.env_label.splitter
    if config.matching == "exact":
        values = {value for plan in services for route in plan.routes for value in route.exact}
    else:
        values = {name for plan in services for name in plan.own}
    as_base = [plan.base_answer for plan in services]
    differing = {value for value in values if [plan.answer(value).environment for plan in services] != as_base}
    for value in deepest_first(values, splitter):
        above = set(levels(value, splitter)[1:]) if config.matching == "prefix" else set()
        if value in differing or above & differing:
            yield Route(value, (value,), value + splitter if config.matching == "prefix" else "")
