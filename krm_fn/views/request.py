"""One request, hop by hop: who answers it at each Service, level by level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.carriers import aliases
from krm_fn.plan.services import Port, Traffic
from krm_fn.views import facts
from krm_fn.views.paint import Line, Style, clean, line, padded
from krm_fn.views.service_lines import pods, ports, style
from krm_fn.views.who import Who, caller_answer, fixed, follows_header, said, who


class Request(NamedTuple):
    """A request to explain.

    Attributes:
        environment: the value that it carries; None for no header.
        caller: the environment of the pod that sends it; None where it comes from elsewhere.
    """

    environment: str | None = None
    caller: str | None = None

    def value(self, plan: ServicePlan) -> str | None:
        """Return the value by the time routes see the request: the mesh may add the caller's own."""
        injected = self.caller if plan.config.env_header.auto_inject else None
        return self.environment if self.environment is not None else injected


def asked(plan: Plan, request: Request) -> Iterator[Line]:
    """Yield what is asked, and whether somebody carries it."""
    carried = facts.carried(plan)
    value = f"carries {clean(request.environment)}" if request.environment is not None else "names no environment"
    caller = f", from a pod of {clean(request.caller)}" if request.caller is not None else ""
    yield line(f"A request that {value}{caller}", Style.HEAD)
    for one in dict.fromkeys((request.environment, request.caller)):
        if one and one not in carried:
            close = facts.meant(plan, one)
            hint = f"; did you mean {close}?" if close else ""
            yield line(f"No pod carries {clean(one)}{hint}", Style.LOUD)
    yield line("")


def hop(plan: ServicePlan, request: Request) -> Iterator[Line]:
    """Yield who answers the request at a Service."""
    if (always := fixed(plan)) is not None:
        shown = (pods(plan, always), Style.OTHER)
        yield [(facts.service_name(plan.service), Style.HEAD), (" → ", Style.FAINT), shown]
        yield from ports(plan)
        return
    value = request.value(plan) if follows_header(plan) or not plan.is_split else request.caller
    answer = plan.answer(value)
    found_by = who(plan, value)
    yield [
        (facts.service_name(plan.service), Style.HEAD),
        (" → ", Style.FAINT),
        (said(plan, found_by), style(found_by, value)),
    ]
    width = max((len(clean(level.environment)) for level in answer.levels), default=0)
    for level in answer.levels:
        found = "; ".join(facts.place(one, plan.service) for one in level.workloads)
        text = found or clean(level.missing)
        yield [
            ("  ", Style.PLAIN),
            padded(clean(level.environment), width),
            (f"  {text}", Style.FAINT if level.missing else Style.OWN),
        ]
    if not plan.needs_routes:
        yield line(f"  not routed: {facts.exception(plan)}", Style.FAINT)
        return
    for port in plan.service.ports:
        yield line(f"  {facts.port_name(port)}: {_port_answer(plan, port, found_by, request.caller)}", Style.FAINT)
    if plan.ports(Traffic.HTTP, Traffic.SNIFFED):
        yield line(f"  {_route(plan, value)}", Style.FAINT)


def _port_answer(plan: ServicePlan, port: Port, answer: Who, caller: str | None) -> str:
    rule = facts.port_rule(plan, port)
    tcp = caller_answer(plan, caller) or "nobody, the connection closes"
    if not plan.pins_connections:
        tcp = "pods of every environment"
    if port.traffic is Traffic.HTTP:
        return f"{rule} → {said(plan, answer)}"
    if port.traffic is Traffic.SNIFFED:
        return f"{rule} → {said(plan, answer)}, plain TCP → {clean(tcp)}"
    if port.traffic is Traffic.TCP:
        return f"{rule} → {clean(tcp)}"
    return f"{rule} → {clean(tcp)}" if plan.is_narrowed else f"{rule}: reaches pods of every environment"


def _route(plan: ServicePlan, value: str | None) -> str:
    route = plan.route(value)
    if route is None:
        return f"route {clean(plan.base_answer or 'unmatched')}: the last one, for what no other takes"
    values = " or ".join(map(clean, route.exact))
    below = f", or begins with {clean(route.prefix)}" if route.prefix else ""
    header = plan.config.env_header
    carrier = clean(" or ".join([header.name, *aliases(header)]))
    return f"route {clean(route.environment)}: {carrier} is {values}{below}"
