"""Subsets of a Service: which it needs, and every name that one can have.

Istio allows letters, digits and '-', at most 63 characters.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.marks import connection_subset, signed_subset
from krm_fn.istio.theirs import DestinationRule
from krm_fn.names import dashed, full_name
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Key, Traffic, Workload
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
    from hashlib import sha256  # noqa: PLC0415 - few names are long, or alike

    digest = sha256(environment.encode()).hexdigest()
    for length in range(8, _MAX):
        name = f"{plain[: _MAX - 1 - length].rstrip('-')}-{digest[:length]}".lstrip("-")
        if name not in taken:
            return name
    raise AssertionError(environment)  # 55 names of the list would have to be chosen against this hash


# Labels that pods get in the cluster only: of the mesh, of nodes and topology, of controllers. Those of
# app.kubernetes.io are for people to write.
_OF_CLUSTER = re.compile(
    r"(?!app\.kubernetes\.io/)(?:[-a-z0-9.]+\.)?(?:istio|kubernetes|k8s|kruise)\.io/.*"
    r"|pod-template-hash|rollouts-pod-template-hash|controller-revision-hash|pod-template-generation"
    r"|job-name|controller-uid"
)
_POD_NAME = "statefulset.kubernetes.io/pod-name"


class Place(NamedTuple):
    """Where requests go: the Service with the pods, its subset, and its host where it is another than the one asked.

    Without a subset all pods of that Service are meant.
    """

    key: Key
    subset: Value | None
    host: str | None = None


class Subsets:
    """The subsets of a Service whose DestinationRule, or whose routes, are the user's.

    Those that its environments need have a name each, in `names`. All others are made on demand, and whoever uses one
    hands it on to the DestinationRule. `of_services` makes them.

    Args:
        plan: the Service.
        theirs: the subsets of the user's DestinationRules for it, by name.
        names: the names of the environments' subsets.
        owner: the config whose additions these are.
    """

    def __init__(self, plan: ServicePlan, theirs: Mapping[str, Value], names: Mapping[str, str], owner: str) -> None:
        self.plan = plan
        self.label = plan.config.env_label.name
        self.theirs = theirs
        self.names = names
        self._owner = owner
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

    def of(self, environment: str) -> Place:
        """Return the place of an environment."""
        return self._at(environment, self._subset(environment))

    def narrowed(self, environment: str, subset: str) -> Place:
        """Return the place of `environment` that is nearest to a subset of the user's.

        Where all of its pods, or none of them, are in the user's subset, that is the environment's own.
        """
        labels = self.labels_of(subset)
        rest = {key: text for key, text in (labels or {}).items() if key != self.label}
        pods = self.plan.own[environment].workloads if environment in self.plan.own else ()
        inside = [pod for pod in pods if may_have(pod, rest)]
        certain = all(rest.items() <= pod.labels.items() for pod in inside)
        settings = {key: part for key, part in self.theirs.get(subset, {}).items() if key not in ("name", "labels")}
        if labels is None or not inside or (certain and len(inside) == len(pods) and not settings):
            return self.of(environment)
        narrow = {"labels": {**rest, self.label: environment}, **settings}
        return self._at(environment, signed_subset(narrow, f"{environment}.{subset}", self._owner))

    def of_base(self) -> Place:
        """Return the place of connections that name nobody; without pods of the base it is empty, and they fail.

        It goes into the user's own routes, so its name is its mark, also where theirs has the same labels.
        """
        base = self.plan.base_answer or self.plan.base
        return self._at(base, _own(base, self.label, self._owner) if self.names else None)

    def of_connections(self, environment: str, route: Value) -> Place:
        """Return the place that an added TCP route leads to: the name of its subset is the route's mark."""
        name = connection_subset(environment, route, self._owner)
        return self._at(environment, {"name": name, "labels": {self.label: environment}} if self.names else None)

    def _subset(self, environment: str) -> Value | None:
        name = self.names.get(environment)
        return {"name": name, "labels": {self.label: environment}} if name else None

    def _at(self, environment: str, subset: Value | None) -> Place:
        name, here, home = self.plan.service.ref.name, self.plan.service.ref.namespace, self.plan.home(environment)
        host = full_name(home, name, self.plan.config.cluster_domain) if home != here else None
        return Place((home, name), subset, host)

    def inside(self, subset: str) -> set[str]:
        """Return the environments of which a subset of the user's has pods; nobody where it names one itself."""
        labels = self.labels_of(subset)
        if labels is None or self.label in labels:
            return set()
        return {own.name for own in self.plan.here if any(may_have(pod, labels) for pod in own.workloads)}

    def missing_from(self, rule: Value, further: Iterable[Value]) -> list[Value]:
        """Return the subsets that a DestinationRule must have besides its own, in a fixed order.

        `further` are those that routes lead to beside the environments' own.
        """
        present = {subset.get("name") for subset in _subsets(rule)}
        here = (one for one in sorted(self.names) if self.plan.home(one) == self.plan.service.ref.namespace)
        needed = {str(subset["name"]): subset for one in here if (subset := self._subset(one))}
        needed |= {str(subset["name"]): subset for subset in sorted(further, key=lambda one: str(one["name"]))}
        return [subset for name, subset in needed.items() if name not in present]


def of_services(
    plans: Mapping[Key, ServicePlan],
    rules: Mapping[Key, tuple[Sequence[DestinationRule], Sequence[DestinationRule]]],
    owner: str,
) -> dict[Key, Subsets]:
    """Return the subsets of each Service.

    Args:
        plans: the Services; joined ones have subsets in several namespaces.
        rules: the user's DestinationRules for each: of its exact host, and of a wildcard.
        owner: the config whose additions these are.
    """
    theirs = {key: _theirs([*exact, *wild]) for key, (exact, wild) in rules.items()}
    lasting = {key: _common([rule for rule in exact if not rule.is_rewritten]) for key, (exact, _) in rules.items()}
    own = {key: _names(plan, lasting[key], owner) for key, plan in plans.items()}
    found: dict[Key, Subsets] = {}
    for key, plan in plans.items():
        homes = {one: (plan.home(one), key[1]) for one in own[key]}
        names = {one: own.get(home, own[key]).get(one, name) for one, name in own[key].items() for home in [homes[one]]}
        found[key] = Subsets(plan, theirs[key], names, owner)
    return found


def _theirs(rules: Sequence[DestinationRule]) -> dict[str, Value]:
    theirs: dict[str, Value] = {}
    for rule in rules:
        for subset in _subsets(rule.spec):
            if name := subset.get("name"):
                theirs.setdefault(str(name), subset)
    return theirs


def _common(rules: Sequence[DestinationRule]) -> dict[str, Value]:
    """Return the subsets that all of some rules have alike: where one lacks it, it would be added there unmarked."""
    found = [{str(one.get("name")): one for one in _subsets(rule.spec)} for rule in rules if not rule.is_beside]
    first = found[0] if found else {}
    return {name: one for name, one in first.items() if all(other.get(name) == one for other in found)}


def _names(plan: ServicePlan, theirs: Mapping[str, Value], owner: str) -> dict[str, str]:
    """Return a name for the subset of each environment: that of the user's own where one says just that."""
    if not plan.is_routed:
        return {}
    label = plan.config.env_label.name
    environments = subset_environments(plan)
    names = {one: str(_own(one, label, owner)["name"]) for one in sorted(environments)}
    for name, subset in theirs.items():
        labels = subset.get("labels")
        environment = labels.get(label) if isinstance(labels, dict) and len(labels) == 1 else None
        if environment in environments and "trafficPolicy" not in subset:
            names[environment] = name
    return names


def _own(environment: str, label: str, owner: str) -> Value:
    return signed_subset({"labels": {label: environment}}, environment, owner)


def may_have(pod: Workload, labels: Value) -> bool:
    """Tell whether pods may have labels, given as they stand: what the cluster gives pods, the list does not show."""
    return all(
        (pod.labels[key] == text if key in pod.labels else _may_be_given(pod, key, text))
        or any(later == (key, text) for later in pod.later)
        for key, text in labels.items()
    )


def _may_be_given(pod: Workload, key: str, text: object) -> bool:
    if key == _POD_NAME:  # a StatefulSet's pods alone have it: its own name, and a number
        name, _, number = str(text).rpartition("-")
        return pod.ref.kind == "StatefulSet" and name == pod.ref.name and number.isdecimal()
    return bool(_OF_CLUSTER.fullmatch(key))


def _subsets(rule: Value) -> list[Value]:
    return mappings(rule.get("subsets"))
