"""Who answers, as every view says it: what routes cannot steer, they do not pretend to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from krm_fn.plan.answers import ServicePlan
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


def answers(plan: ServicePlan) -> Callable[[str | None], Who]:
    """Return what says who answers a request that carries a value; None names no environment.

    Of a Service whose connections follow the calling pod's environment, the value is that. What holds for every
    value is found once.
    """
    if (always := fixed(plan)) is not None:
        return lambda _: always
    found: dict[str | None, Who] = {None: Who(None, otherwise(plan)), **{name: Who(name) for name in plan.own}}
    if plan.is_split and not follows_header(plan):
        by_caller = dict(plan.callers())
        return lambda value: found[by_caller.get(value or "", plan.base_answer)]
    return lambda value: found[plan.answering(value)]


def who(plan: ServicePlan, value: str | None) -> Who:
    """Say who answers one such request; `answers` is for many."""
    return answers(plan)(value)


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
