"""Routes of the user's to subsets of theirs that have no pods in the list."""

from __future__ import annotations

from collections.abc import Iterator

from krm_fn.istio.hosts import Hosts
from krm_fn.istio.subsets import may_have
from krm_fn.istio.theirs import Theirs
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings


def find(theirs: Theirs, plan: Plan, domain: str) -> Iterator[Result]:
    """Yield a finding for each destination whose subset has no pods, of a Service that takes part."""
    plans = {one.key: one for one in plan.services}
    namespaces = {one.namespace for one in theirs.routes} | {one.namespace for one in theirs.rules}
    namespaces |= {key[0] for key in plans}
    hosts = Hosts(plans.keys(), namespaces, domain)
    subsets: dict[tuple[Key, str], list[Value]] = {}
    for rule in theirs.rules:
        key = hosts.find(rule.host, rule.namespace)
        for subset in mappings(rule.spec.get("subsets")) if key else ():
            if key:
                subsets.setdefault((key, str(subset.get("name"))), []).append(mapping(subset, "labels"))
    for route in theirs.routes if subsets else ():
        for one in route.destinations():
            key = hosts.find(one.host, route.namespace)
            named = subsets.get((key, one.subset), ()) if key else ()
            if key and named and not any(_has_pods(plans[key], labels) for labels in named) and _is_home(plans[key]):
                message = (
                    f"sends requests to the subset {one.subset!r}, for which the list has no pods: they get a 503; "
                    "remove the route with the environment that it was for, or bring its workload back"
                )
                field = f"{one.field.removesuffix('host')}subset"
                about = (plans[key].service.ref,)
                yield Result(Code.SUBSET_WITHOUT_PODS, message, route.object.ref, field, about)


def _has_pods(plan: ServicePlan, labels: Value) -> bool:
    return any(may_have(pod, labels) for own in plan.here for pod in own.workloads)


def _is_home(plan: ServicePlan) -> bool:
    """Tell whether requests without an environment stay in the Service's namespace, so that its subsets have them."""
    return plan.home(plan.base_answer) == plan.service.ref.namespace
