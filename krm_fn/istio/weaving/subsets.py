"""Subsets of a Service whose DestinationRule, or whose routes, are the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krm_fn.istio.manifests import subset_environments
from krm_fn.istio.weaving.marks import connection_subset, signed_subset
from krm_fn.plan.answers import ServicePlan
from krm_fn.values import mappings

Value = Mapping[str, Any]


class Subsets:
    """The subsets that a Service has, and those that its environments need.

    Args:
        plan: the Service.
        rules: the specs of the user's DestinationRules for it, without this function's additions.
        owner: the config whose additions these are.
    """

    def __init__(self, plan: ServicePlan, rules: Sequence[Value], owner: str) -> None:
        self.owner = owner
        self.plan = plan
        self.label = plan.config.env_label.name
        self.theirs: dict[str, Value] = {}
        for rule in rules:
            for subset in mappings(rule.get("subsets")):
                self.theirs.setdefault(str(subset.get("name", "")), subset)
        environments = subset_environments(plan)
        self.names = {one: str(self._own(one)["name"]) for one in sorted(environments)}
        for name, subset in self.theirs.items():
            labels = subset.get("labels")
            environment = labels.get(self.label) if isinstance(labels, dict) and len(labels) == 1 else None
            if environment in environments and "trafficPolicy" not in subset:
                self.names[environment] = name
        self._answers: dict[str | None, str | None] = {}
        self._further: dict[str, Value] = {}  # by name: narrowed ones, and those of TCP routes

    def answer(self, value: str | None) -> str | None:
        """Return the environment that answers a request that carries `value`; every route asks the same again."""
        if value not in self._answers:
            self._answers[value] = self.plan.answer(value).environment
        return self._answers[value]

    def labels_of(self, subset: str) -> dict[str, str] | None:
        """Return the labels of a subset of the user's, or None where the list does not have it."""
        found = self.theirs.get(subset)
        labels = found.get("labels") if found else None
        return dict(labels) if isinstance(labels, dict) else ({} if found else None)

    def narrowed(self, environment: str, subset: str) -> str:
        """Return the subset of `environment` that is nearest to one of the user's.

        Where all of its pods, or none of them, are in the user's subset, that is the environment's own.
        """
        labels = self.labels_of(subset)
        rest = {key: text for key, text in (labels or {}).items() if key != self.label}
        pods = self.plan.own[environment].workloads if environment in self.plan.own else ()
        inside = [pod for pod in pods if rest.items() <= pod.labels.items()]
        settings = {key: part for key, part in self.theirs.get(subset, {}).items() if key not in ("name", "labels")}
        if labels is None or not inside or (len(inside) == len(pods) and not settings):
            return self.names[environment]
        made = signed_subset(
            {"labels": {**rest, self.label: environment}, **settings}, f"{environment}.{subset}", self.owner
        )
        return self._needed(made)

    def of_base(self) -> str:
        """Return the subset of connections that name nobody; without pods of the base it is empty, and they fail.

        It goes into the user's own routes, so its name is its mark, also where theirs has the same labels.
        """
        return self._needed(self._own(self.plan.base_answer or self.plan.base))

    def of_connections(self, environment: str, route: Value) -> str:
        """Return the subset that an added TCP route leads to: its name is the route's mark."""
        name = connection_subset(environment, route, self.owner)
        return self._needed({"name": name, "labels": {self.label: environment}})

    def _own(self, environment: str) -> Value:
        return signed_subset({"labels": {self.label: environment}}, environment, self.owner)

    def _needed(self, subset: Value) -> str:
        name = str(subset["name"])
        self._further[name] = subset
        return name

    def leaks(self, subset: str) -> bool:
        """Tell whether a subset of the user's has pods of an environment other than the base's."""
        labels = self.labels_of(subset)
        if labels is None or self.label in labels:
            return False
        return any(
            labels.items() <= pod.labels.items()
            for name, own in self.plan.own.items()
            if name != self.plan.base_answer
            for pod in own.workloads
        )

    def missing_from(self, rule: Value) -> list[Value]:
        """Return the subsets that a DestinationRule must have besides its own, in a fixed order."""
        present = {subset.get("name") for subset in mappings(rule.get("subsets"))}
        names = sorted(self.names.items())
        needed: dict[str, Value] = {
            name: {"name": name, "labels": {self.label: environment}} for environment, name in names
        }
        needed |= {name: self._further[name] for name in sorted(self._further)}
        return [subset for name, subset in needed.items() if name not in present]
