"""One request of the plan, and who should answer it."""

from __future__ import annotations

from dataclasses import dataclass

from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Port
from krm_fn.verify.asked import Request

_UNMATCHED = 503
ITS_HOST = "its host"  # what carries the environment of a preview host


@dataclass(frozen=True, slots=True)
class Expected:
    """Who should answer: pods of each of these environments, or nobody (`status` of HTTP; 0: the connection ends)."""

    environments: frozenset[str]
    status: int = 0


@dataclass(slots=True)
class Cell:
    """One request of the plan.

    Attributes:
        plan: the Service.
        port: of the Service.
        carrier: where the request carries its environment, in words.
        value: the environment that it carries; None for none.
        expected: who should answer by the plan.
        request: what is asked of the proxy.
        host: at a gateway, the host that is asked for; empty in the mesh.
    """

    plan: ServicePlan
    port: Port
    carrier: str
    value: str | None
    expected: Expected
    request: Request
    host: str = ""


def expected_of(plan: ServicePlan, environment: str | None) -> Expected:
    """Return who should answer over HTTP where an environment answers by the plan, None for nobody."""
    if environment is not None:
        return Expected(frozenset([environment]))
    anybody = frozenset(plan.own) if plan.config.unmatched == "anyPod" else frozenset[str]()
    return Expected(anybody, 0 if anybody else _UNMATCHED)
