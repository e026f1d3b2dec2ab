"""Every environment that a Service's namespace knows, as a tree: who answers each, and why."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.plan.answers import ServicePlan
from krm_fn.views import facts
from krm_fn.views.facts import NO_ENVIRONMENT
from krm_fn.views.paint import Line, Style, clean, padded
from krm_fn.views.service_lines import pods, ports, style
from krm_fn.views.who import ANY_POD, Who, answers, fixed, said


def overview(plan: ServicePlan) -> Iterator[Line]:
    """Yield the lines about a Service."""
    yield [("Service " + facts.service_name(plan.service), Style.HEAD), (f", base {clean(plan.base)}", Style.PLAIN)]
    yield from ports(plan)
    if (always := fixed(plan)) is not None:
        yield _every_connection(plan, always)
        return
    who, why = answers(plan), _Reasons(plan)
    nodes = facts.tree(plan.known, plan.splitter, plan.base)
    asked = [*((node.branch, node.name) for node in nodes), ("", None)]
    told = [(branch, value or NO_ENVIRONMENT, who(value), why.of(value)) for branch, value in asked]
    words = {answer: said(plan, answer) for _, _, answer, _ in told}
    value_width = max(len(branch) + len(name) for branch, name, _, _ in told)
    answer_width = max(map(len, words.values()))
    for branch, name, answer, reason in told:
        own = Style.OWN if answer.environment == name else Style.PLAIN
        yield [
            (f"  {branch}", Style.FAINT),
            padded(clean(name), value_width - len(branch), own),
            (" → ", Style.FAINT),
            padded(words[answer], answer_width, style(answer, name)),
            (f"  {reason}", Style.FAINT),
        ]


def _every_connection(plan: ServicePlan, always: Who) -> Line:
    why = f"  {_Reasons(plan).of(None)}" if always.otherwise != ANY_POD else ""
    return [
        ("  every connection", Style.PLAIN),
        (" → ", Style.FAINT),
        (pods(plan, always), Style.OTHER),
        (why, Style.FAINT),
    ]


class _Reasons:
    """Why an environment answers for others: what was tried in vain, and its pods. Most are told more than once."""

    def __init__(self, plan: ServicePlan) -> None:
        self._plan = plan
        self._levels: dict[str, str] = {}

    def of(self, value: str | None) -> str:
        """Return them for requests that carry a value."""
        return "; ".join([self._levels.get(name) or self._say(name) for name in self._plan.tried(value)])

    def _say(self, name: str) -> str:
        own = self._plan.own.get(name)
        found = "; ".join([facts.place(one, self._plan.service) for one in own.workloads]) if own else ""
        self._levels[name] = text = found or f"{name}: {clean(self._plan.missing(name))}"
        return text
