"""Who answers, and why, as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krm_fn.inventory import Traffic, Workload
from krm_fn.plan import Answer, Plan, ServicePlan

_NOBODY = "(no environment)"
_HOW = {
    Traffic.HTTP: "by header",
    Traffic.SNIFFED: "HTTP by header, plain TCP to the base",
    Traffic.TCP: "to the base",
    Traffic.TLS: "not routed",
    Traffic.UDP: "not routed",
}


def explain(plan: Plan, service: str = "", environment: str | None = None) -> str:
    """Return a paragraph for each Service (only `service` if given), with a line for each environment.

    Args:
        plan: the answers.
        service: NAME or NAMESPACE/NAME.
        environment: the value to explain, also one that nobody carries; None for all that the namespace has.
    """
    paragraphs = [
        "\n".join(_paragraph(one, environment))
        for one in plan.services
        if service in ("", one.service.ref.name, f"{one.service.ref.namespace}/{one.service.ref.name}")
    ]
    return "\n\n".join(paragraphs) + "\n" if paragraphs else ""


def _paragraph(plan: ServicePlan, environment: str | None) -> Iterator[str]:
    yield f"{plan.service.ref}, base {plan.base}"
    if plan.needs_routes:
        for port in plan.service.ports:
            name = port.name or "unnamed"
            protocol = port.protocol or port.traffic.value
            yield f"  port {port.number} {name} ({protocol}): {_HOW[port.traffic]}"
    else:
        yield "  not routed: " + ("headless" if plan.service.headless else f"all its pods are of {_own(plan)}")
    values: Sequence[str] = sorted(plan.known) if environment is None else [environment]
    rows = [(value, plan.answer(value)) for value in values]
    if environment is None:
        rows.append((_NOBODY, plan.answer(None)))
    value_width = max(len(value) for value, _ in rows)
    answer_width = max(len(_answer(answer, plan)) for _, answer in rows)
    for value, answer in rows:
        yield f"  {value:{value_width}} → {_answer(answer, plan):{answer_width}}  {_why(answer)}".rstrip()


def _own(plan: ServicePlan) -> str:
    return ", ".join(plan.own) or "nobody"


def _answer(answer: Answer, plan: ServicePlan) -> str:
    if answer.environment is None:
        return "any pod" if plan.config.unmatched == "anyPod" else "503"
    return answer.environment


def _why(answer: Answer) -> str:
    missing = [f"{level.environment}: {level.missing}" for level in answer.levels if level.missing]
    found = [_place(workload) for workload in answer.levels[-1].workloads] if answer.environment else []
    return "; ".join([*missing, *found])


def _place(workload: Workload) -> str:
    ref = workload.ref
    return f"{ref.kind} {ref.name}" + (f" ({ref.file})" if ref.file else "")
