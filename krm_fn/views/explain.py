"""Who answers, and why: every environment of a Service as a tree, or one request hop by hop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from krm_fn.plan.answers import Answer, Plan, ServicePlan
from krm_fn.plan.services import Port, Service, Traffic, Workload
from krm_fn.results import Result
from krm_fn.views import facts
from krm_fn.views.facts import NO_ENVIRONMENT, Json
from krm_fn.views.paint import Line, Style, clean, line, padded
from krm_fn.views.who import ANY_POD, Who, caller_answer, caveats, fixed, follows_header, said, who, word


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


def explain(
    plan: Plan, service: str = "", request: Request | None = None, results: Sequence[Result] = ()
) -> Iterator[Line]:
    """Yield the lines about each Service, or about `service` alone.

    Args:
        plan: the answers.
        service: NAME or NAMESPACE/NAME.
        request: what to explain; None for every environment that the Service's namespace has.
        results: what there is to say about the list; ways past a Service's routes are told beside it.
    """
    bent = caveats(results)
    if request:
        yield from _asked(plan, request)
    paragraphs = [
        chain(_hop(one, request) if request else _overview(one), _caveats(bent.get(one.key, ())))
        for one in plan.services
        if is_named(one.service, service)
    ]
    asked_for = [one for one in plan.apart if service and is_named(one.service, service)]
    paragraphs += [chain([line(f"Service {facts.service_name(one.service)} {one.reason}")]) for one in asked_for]
    if not service and (nothing := facts.nothing(plan)):
        yield line(f"No Service takes part: {nothing}", Style.LOUD)
    for place, paragraph in enumerate(paragraphs):
        if place:
            yield line("")
        yield from paragraph


def as_json(plan: Plan, results: Sequence[Result], service: str = "", request: Request | None = None) -> Json:
    """Return the same as data; docs/views.md describes it."""
    chosen = [one for one in plan.services if is_named(one.service, service)]
    bent = caveats(results)
    return facts.document(
        "Explain",
        results,
        request=_request_json(plan, request) if request else None,
        services=[
            _service_json(one, request) | {"caveats": [each.as_item() for each in bent.get(one.key, ())]}
            for one in chosen
        ],
        apart=[facts.apart_json(one) for one in plan.apart if is_named(one.service, service)],
    )


def _asked(plan: Plan, request: Request) -> Iterator[Line]:
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


def is_named(service: Service, name: str) -> bool:
    """Tell whether a Service goes by NAME or NAMESPACE/NAME; every one does by an empty name."""
    return name in ("", service.ref.name, f"{service.ref.namespace}/{service.ref.name}")


def _caveats(results: Iterable[Result]) -> Iterator[Line]:
    for one in results:
        place = f"{one.ref.file}: {one.ref}" if one.ref and one.ref.file else str(one.ref)
        text = " ".join(one.message.split())
        yield [("  ! ", Style.BAD), (clean(f"{place} {text}"), Style.LOUD), (f" [{one.code.slug}]", Style.FAINT)]


def _overview(plan: ServicePlan) -> Iterator[Line]:
    yield [("Service " + facts.service_name(plan.service), Style.HEAD), (f", base {clean(plan.base)}", Style.PLAIN)]
    yield from _ports(plan)
    if (always := fixed(plan)) is not None:
        yield _every_connection(plan, always)
        return
    nodes = facts.tree(plan.known, plan.splitter, plan.base)
    asked = [*((node.branch, node.name) for node in nodes), ("", None)]
    pods = {name: _places(plan, own.workloads) for name, own in plan.own.items()}  # each is asked for often
    told = []
    for branch, value in asked:
        planned = plan.answer(value)
        told.append((branch, value or NO_ENVIRONMENT, who(plan, value, planned), _why(planned, pods)))
    value_width = max(len(branch) + len(name) for branch, name, _, _ in told)
    answer_width = max(len(said(plan, answer)) for _, _, answer, _ in told)
    for branch, name, answer, why in told:
        own = Style.OWN if answer.environment == name else Style.PLAIN
        yield [
            ("  ", Style.PLAIN),
            (branch, Style.FAINT),
            *padded(clean(name), value_width - len(branch), own),
            (" → ", Style.FAINT),
            *padded(said(plan, answer), answer_width, _style(answer, name)),
            (f"  {why}", Style.FAINT),
        ]


def _every_connection(plan: ServicePlan, always: Who) -> Line:
    pods = {name: _places(plan, own.workloads) for name, own in plan.own.items()}
    why = f"  {_why(plan.answer(None), pods)}" if always.otherwise != ANY_POD else ""
    return [
        ("  every connection", Style.PLAIN),
        (" → ", Style.FAINT),
        (_pods(plan, always), Style.OTHER),
        (why, Style.FAINT),
    ]


def _pods(plan: ServicePlan, answer: Who) -> str:
    """Return who answers; of any pod, those of which environments."""
    own = f" of {', '.join(map(clean, plan.own))}" if answer.otherwise == ANY_POD else ""
    return said(plan, answer) + own


def _ports(plan: ServicePlan) -> Iterator[Line]:
    if not plan.needs_routes:
        yield line(f"  not routed: {facts.exception(plan)}", Style.FAINT)
        return
    for port in plan.service.ports:
        yield line(f"  {facts.port_name(port)}: {facts.port_rule(plan, port)}", Style.FAINT)


def _style(answer: Who, value: str | None) -> Style:
    if answer.environment is None:
        return Style.BAD
    return Style.OWN if answer.environment == value else Style.OTHER


def _places(plan: ServicePlan, workloads: Iterable[Workload]) -> str:
    return "; ".join(facts.place(one, plan.service) for one in workloads)


def _why(answer: Answer, pods: Mapping[str, str]) -> str:
    missing = [f"{level.environment}: {clean(level.missing)}" for level in answer.levels if level.missing]
    return "; ".join([*missing, *([pods[answer.environment]] if answer.environment is not None else [])])


def _hop(plan: ServicePlan, request: Request) -> Iterator[Line]:
    if (always := fixed(plan)) is not None:
        shown = (_pods(plan, always), Style.OTHER)
        yield [(facts.service_name(plan.service), Style.HEAD), (" → ", Style.FAINT), shown]
        yield from _ports(plan)
        return
    value = request.value(plan) if follows_header(plan) or not plan.is_split else request.caller
    answer = plan.answer(value)
    found_by = who(plan, value, answer)
    yield [
        (facts.service_name(plan.service), Style.HEAD),
        (" → ", Style.FAINT),
        (said(plan, found_by), _style(found_by, value)),
    ]
    width = max((len(clean(level.environment)) for level in answer.levels), default=0)
    for level in answer.levels:
        found = "; ".join(facts.place(one, plan.service) for one in level.workloads)
        text = found or clean(level.missing)
        yield [
            ("  ", Style.PLAIN),
            *padded(clean(level.environment), width),
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
    return f"route {clean(route.environment)}: {plan.config.env_header.name} is {values}{below}"


def _service_json(plan: ServicePlan, request: Request | None) -> Json:
    if request is None:
        nodes = facts.tree(plan.known, plan.splitter, plan.base)
        values: list[str | None] = [*(node.name for node in nodes), None]
    else:
        values = [request.value(plan)]
    caller = request.caller if request else None
    return {
        **facts.service_json(plan),
        "tcpAnswer": caller_answer(plan, caller) if plan.pins_connections else None,
        "answers": [_answer_json(plan, value) for value in values],
    }


def _request_json(plan: Plan, request: Request) -> Json:
    return {
        "environment": request.environment,
        "caller": request.caller,
        "nearest": facts.meant(plan, request.environment) or None,
    }


def _answer_json(plan: ServicePlan, value: str | None) -> Json:
    answer = plan.answer(value)
    found = who(plan, value, answer)
    tried = [
        {
            "environment": level.environment,
            "missing": level.missing,
            "pods": [facts.workload_json(one) for one in level.workloads],
        }
        for level in answer.levels
    ]
    return {
        "value": value,
        "answer": found.environment,
        "otherwise": None if found.environment is not None else word(plan),
        "levels": tried,
    }
