"""Subsets of a Service: which it needs, and every name that one can have.

Istio allows letters, digits and '-', at most 63 characters.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from krm_fn.istio.marks import connection_subset, signed_subset
from krm_fn.names import dashed
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Traffic
from krm_fn.values import Value, mappings

_MAX = 63


def subset_environments(plan: ServicePlan) -> set[str]:
    """Return the environments that need a subset.

    The base is among them also where it has no pods and plain TCP is pinned to it: such a connection closes instead
    of reaching somebody's personal pods.
    """
    pinned = plan.ports(Traffic.TCP, Traffic.SNIFFED)
    return {*plan.own, *([plan.base_answer or plan.base] if pinned else [])}


def subset_names(environments: Iterable[str], prefix: str = "") -> dict[str, str]:
    """Return a subset name for each environment: `prefix`, then its name with '.' and '_' as '-'.

    Environments whose names would be the same get a hash of their own, all of them, so that none of them depends on
    which came first.
    """
    environments = sorted(environments)
    plain = {name: prefix + dashed(name) for name in environments}
    times = Counter(plain.values())
    names: dict[str, str] = {}
    taken = {name for name, count in times.items() if count == 1 and len(name) <= _MAX}
    for environment in environments:
        names[environment] = plain[environment]
        if times[plain[environment]] > 1 or len(plain[environment]) > _MAX:
            names[environment] = _hashed(environment, plain[environment], taken)
            taken.add(names[environment])
    return names


def _hashed(environment: str, plain: str, taken: set[str]) -> str:
    digest = hashlib.sha256(environment.encode()).hexdigest()
    for length in range(8, _MAX):
        name = f"{plain[: _MAX - 1 - length].rstrip('-')}-{digest[:length]}".lstrip("-")
        if name not in taken:
            return name
    raise AssertionError(environment)  # 55 names of the list would have to be chosen against this hash


class Subsets:
    """The subsets of a Service whose DestinationRule, or whose routes, are the user's.

    Those that its environments need have a name each, in `names`. All others are made on demand, and whoever uses one
    hands it on to the DestinationRule.

    Args:
        plan: the Service.
        rules: the specs of the user's DestinationRules for it, without this function's additions.
        owner: the config whose additions these are.
    """

    def __init__(self, plan: ServicePlan, rules: Sequence[Value], owner: str) -> None:
        self.plan = plan
        self.label = plan.config.env_label.name
        self._owner = owner
        theirs: dict[str, Value] = {}
        for rule in rules:
            for subset in _subsets(rule):
                theirs.setdefault(str(subset.get("name", "")), subset)
        environments = subset_environments(plan)
        names = {one: str(self._own(one)["name"]) for one in sorted(environments)}
        for name, subset in theirs.items():
            labels = subset.get("labels")
            environment = labels.get(self.label) if isinstance(labels, dict) and len(labels) == 1 else None
            if environment in environments and "trafficPolicy" not in subset:
                names[environment] = name
        self.theirs: Mapping[str, Value] = theirs
        self.names: Mapping[str, str] = names
        self._answers: dict[str | None, str | None] = {}

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

    def of(self, environment: str) -> Value:
        """Return the subset of an environment."""
        return {"name": self.names[environment], "labels": {self.label: environment}}

    def narrowed(self, environment: str, subset: str) -> Value:
        """Return the subset of `environment` that is nearest to one of the user's.

        Where all of its pods, or none of them, are in the user's subset, that is the environment's own.
        """
        labels = self.labels_of(subset)
        rest = {key: text for key, text in (labels or {}).items() if key != self.label}
        pods = self.plan.own[environment].workloads if environment in self.plan.own else ()
        inside = [pod for pod in pods if rest.items() <= pod.labels.items()]
        settings = {key: part for key, part in self.theirs.get(subset, {}).items() if key not in ("name", "labels")}
        if labels is None or not inside or (len(inside) == len(pods) and not settings):
            return self.of(environment)
        narrow = {"labels": {**rest, self.label: environment}, **settings}
        return signed_subset(narrow, f"{environment}.{subset}", self._owner)

    def of_base(self) -> Value:
        """Return the subset of connections that name nobody; without pods of the base it is empty, and they fail.

        It goes into the user's own routes, so its name is its mark, also where theirs has the same labels.
        """
        return self._own(self.plan.base_answer or self.plan.base)

    def of_connections(self, environment: str, route: Value) -> Value:
        """Return the subset that an added TCP route leads to: its name is the route's mark."""
        return {"name": connection_subset(environment, route, self._owner), "labels": {self.label: environment}}

    def _own(self, environment: str) -> Value:
        return signed_subset({"labels": {self.label: environment}}, environment, self._owner)

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

    def missing_from(self, rule: Value, further: Iterable[Value]) -> list[Value]:
        """Return the subsets that a DestinationRule must have besides its own, in a fixed order.

        `further` are those that routes lead to beside the environments' own.
        """
        present = {subset.get("name") for subset in _subsets(rule)}
        needed = {str(subset["name"]): subset for subset in map(self.of, sorted(self.names))}
        needed |= {str(subset["name"]): subset for subset in sorted(further, key=lambda one: str(one["name"]))}
        return [subset for name, subset in needed.items() if name not in present]


def _subsets(rule: Value) -> list[Value]:
    return mappings(rule.get("subsets"))
