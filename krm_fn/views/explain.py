"""Who answers, and why: every environment of a Service as a tree, or one request hop by hop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.results import Result
from krm_fn.views import facts
from krm_fn.views.facts import Json
from krm_fn.views.overview import overview
from krm_fn.views.paint import Line, Style, clean, line
from krm_fn.views.request import Request, asked, hop
from krm_fn.views.who import caller_answer, caveats, who, word


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
        yield from asked(plan, request)
    paragraphs = [
        chain(hop(one, request) if request else overview(one), _caveats(bent.get(one.key, ())))
        for one in plan.services
        if facts.is_named(one.service, service)
    ]
    asked_for = [one for one in plan.apart if service and facts.is_named(one.service, service)]
    paragraphs += [chain([line(f"Service {facts.service_name(one.service)} {one.reason}")]) for one in asked_for]
    if not service and (nothing := facts.nothing(plan)):
        yield line(f"No Service takes part: {nothing}", Style.LOUD)
    for place, paragraph in enumerate(paragraphs):
        if place:
            yield line("")
        yield from paragraph


def as_json(plan: Plan, results: Sequence[Result], service: str = "", request: Request | None = None) -> Json:
    """Return the same as data; docs/views.md describes it."""
    chosen = [one for one in plan.services if facts.is_named(one.service, service)]
    bent = caveats(results)
    return facts.document(
        "Explain",
        results,
        request=_request_json(plan, request) if request else None,
        services=[
            _service_json(one, request) | {"caveats": [each.as_item() for each in bent.get(one.key, ())]}
            for one in chosen
        ],
        apart=[facts.apart_json(one) for one in plan.apart if facts.is_named(one.service, service)],
    )


def _caveats(results: Iterable[Result]) -> Iterator[Line]:
    for one in results:
        place = f"{one.ref.file}: {one.ref}" if one.ref and one.ref.file else str(one.ref)
        text = " ".join(one.message.split())
        yield [("  ! ", Style.BAD), (clean(f"{place} {text}"), Style.LOUD), (f" [{one.code.slug}]", Style.FAINT)]


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
    found = who(plan, value)
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
