"""The cells of Services by environments: whose pods answer, inherited from whom, or nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.views.facts import Node, service_name, tree
from krm_fn.views.who import Who, answers


class Row(NamedTuple):
    """The answers of one Service.

    Attributes:
        plan: the Service.
        answers: who answers each environment of the table, in its order.
        unnamed: who answers a request that names no environment.
    """

    plan: ServicePlan
    answers: tuple[Who, ...]
    unnamed: Who

    @property
    def name(self) -> str:
        return service_name(self.plan.service)

    def differs(self, columns: Collection[int]) -> bool:
        """Tell whether one of the columns gets another answer than a request that names no environment, or none."""
        return self.unnamed.environment is None or any(self.answers[column] != self.unnamed for column in columns)


class Table(NamedTuple):
    """The Services whose namespaces know the same environments, and those as a tree."""

    base: str
    environments: tuple[Node, ...]
    rows: tuple[Row, ...]

    def carriers(self, environment: str) -> int:
        """Return how many Services have pods of an environment."""
        return sum(environment in row.plan.own for row in self.rows)


def tables(plan: Plan, services: Sequence[str] = (), environments: Sequence[str] = ()) -> list[Table]:
    """Return the tables of a plan, one for each set of environments that its namespaces know.

    Args:
        plan: the answers.
        services: patterns such as `shop/*`; only Services whose name or NAMESPACE/NAME one of them matches.
        environments: patterns such as `dev.proj1*`; only environments that one of them matches.
    """
    groups: dict[tuple[str, str, frozenset[str]], list[ServicePlan]] = {}
    for one in plan.services:
        if _matches((one.service.ref.name, service_name(one.service)), services):
            groups.setdefault((one.base, one.splitter, one.known), []).append(one)
    found = []
    for (base, splitter, known), members in groups.items():
        nodes = tree((name for name in known if _matches((name,), environments)), splitter, base)
        rows = [_row(one, nodes) for one in members]
        found += [Table(base, nodes, tuple(rows))] if nodes else []
    return found


def _row(plan: ServicePlan, nodes: Sequence[Node]) -> Row:
    who = answers(plan)
    return Row(plan, tuple(who(node.name) for node in nodes), who(None))


def _matches(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
