"""Who answers, as every view says it: what routes cannot steer, they do not pretend to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from krm_fn.plan.answers import Answer, ServicePlan
from krm_fn.plan.services import Key, Traffic
from krm_fn.results import Result
from krm_fn.views.paint import clean

NOBODY = "nobody"
CLOSED = "closed"
ANY_POD = "any pod"
NO_ADDRESS = "no address"  # a headless Service without pods: its name leads nowhere, and no proxy could say so


class Who(NamedTuple):
    """Who answers: an environment, or None and how it is said (NOBODY, CLOSED, ANY_POD, NO_ADDRESS)."""

    environment: str | None
    otherwise: str = ""

    @property
    def is_nobody(self) -> bool:
        return self.environment is None and self.otherwise in (NOBODY, CLOSED, NO_ADDRESS)


def follows_header(plan: ServicePlan) -> bool:
    """Tell whether requests to a Service can be told apart by what they carry."""
    return bool(plan.ports(Traffic.HTTP, Traffic.SNIFFED)) and not plan.service.headless


def fixed(plan: ServicePlan) -> Who | None:
    """Return who gets every connection of a Service of which neither header nor caller decides; None where one does."""
    if not plan.is_split or follows_header(plan):
        return None
    if plan.is_narrowed:
        return Who(plan.base_answer) if plan.base_answer is not None else Who(None, CLOSED)
    if plan.service.headless or not plan.ports(Traffic.TCP) or not plan.pins_connections:
        return Who(None, ANY_POD)
    if plan.config.tcp == "callerLabels":
        return None
    return Who(plan.base_answer) if plan.base_answer is not None else Who(None, CLOSED)


def who(plan: ServicePlan, value: str | None, planned: Answer | None = None) -> Who:
    """Say who answers a request that carries `value`; None names no environment.

    Of a Service whose connections follow the calling pod's environment, `value` is that. `planned` is the
    plan's own answer, where it is at hand.
    """
    if (always := fixed(plan)) is not None:
        return always
    if plan.is_split and not follows_header(plan):
        answer = caller_answer(plan, value)
    else:
        answer = (planned or plan.answer(value)).environment
    return Who(answer) if answer is not None else Who(None, otherwise(plan))


def caller_answer(plan: ServicePlan, caller: str | None) -> str | None:
    """Return who gets a plain connection from a pod of an environment; None where it closes."""
    return dict(plan.callers()).get(caller or "", plan.base_answer)


def otherwise(plan: ServicePlan) -> str:
    """Return what becomes of a request that no environment answers: one of Who's words."""
    if (always := fixed(plan)) is not None:
        return always.otherwise
    if plan.is_split and not follows_header(plan):
        return CLOSED
    if plan.service.headless:
        return NO_ADDRESS
    return ANY_POD if plan.config.unmatched == "anyPod" and plan.own else NOBODY


def word(plan: ServicePlan) -> str:
    """Return that in a word: `503`, `closed`, `no address`, `any pod`."""
    words = otherwise(plan)
    return "503" if words == NOBODY else words


def said(plan: ServicePlan, answer: Who) -> str:
    """Return who answers, in a word to be read."""
    return clean(answer.environment) if answer.environment is not None else word(plan)


def caveats(results: Iterable[Result]) -> Mapping[Key, list[Result]]:
    """Return, for each Service, the findings of ways on which its requests are answered otherwise than said."""
    found: dict[Key, list[Result]] = defaultdict(list)
    for result in results:
        for ref in result.about:
            found[ref.namespace, ref.name].append(result)
    return found
