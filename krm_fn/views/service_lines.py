"""What every explanation of a Service says alike: who answers, in which colour, and what becomes of its ports."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.plan.answers import ServicePlan
from krm_fn.views import facts
from krm_fn.views.paint import Line, Style, clean, line
from krm_fn.views.who import ANY_POD, Who, said


def pods(plan: ServicePlan, answer: Who) -> str:
    """Return who answers; of any pod, those of which environments."""
    own = f" of {', '.join(map(clean, plan.own))}" if answer.otherwise == ANY_POD else ""
    return said(plan, answer) + own


def ports(plan: ServicePlan) -> Iterator[Line]:
    """Yield what decides about each port."""
    if not plan.needs_routes:
        yield line(f"  not routed: {facts.exception(plan)}", Style.FAINT)
        return
    for port in plan.service.ports:
        yield line(f"  {facts.port_name(port)}: {facts.port_rule(plan, port)}", Style.FAINT)


def style(answer: Who, value: str | None) -> Style:
    """Return the colour of an answer to a request that carries a value."""
    if answer.environment is None:
        return Style.BAD
    return Style.OWN if answer.environment == value else Style.OTHER
