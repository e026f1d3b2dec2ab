"""Two DestinationRules of a user's for one host: what only their age decides is told, and nothing else."""

from __future__ import annotations

import copy

import pytest
import yaml

from krm_fn import function

CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "shop", "namespace": "prod"},
    "spec": {"selector": {"app": "shop"}, "ports": [{"name": "http", "port": 80}]},
}


def pod(environment):
    labels = {"app": "shop", "virtual-env": environment}
    metadata = {"name": f"shop-{environment}", "namespace": "prod", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


def rule(name, created="", **spec):
    metadata = {"name": name, "namespace": "prod", **({"creationTimestamp": created} if created else {})}
    kind = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule"}
    return {**kind, "metadata": metadata, "spec": {"host": "shop", **copy.deepcopy(spec)}}


def codes(*rules):
    text = yaml.safe_dump_all([SERVICE, pod("dev"), pod("dev.a"), *rules], sort_keys=False)
    return [result.code.slug for result in function.run(text.encode(), CONFIG).results]


V1, V2 = [{"name": "v", "labels": {"version": "v1"}}], [{"name": "v", "labels": {"version": "v2"}}]
POLICY, OTHER = ({"connectionPool": {"tcp": {"maxConnections": number}}} for number in (1, 2))


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (rule("a", subsets=V1), rule("b", subsets=V2), True),
        (rule("a", subsets=V1), rule("b", subsets=V1), False),
        (rule("a", "2026-01-01T00:00:00Z", subsets=V1), rule("b", "2026-01-02T00:00:00Z", subsets=V2), False),
        (rule("a", subsets=V1), rule("b", subsets=V2, exportTo=["."]), False),
        (rule("a", trafficPolicy=POLICY), rule("b", trafficPolicy=OTHER), False),
        (rule("a", host="*.local", trafficPolicy=POLICY), rule("b", host="*.local", trafficPolicy=OTHER), True),
        (rule("a", host="*.local", trafficPolicy=POLICY), rule("b", host="*.local", trafficPolicy=POLICY), False),
        (rule("a", host="*.else", trafficPolicy=POLICY), rule("b", host="*.else", trafficPolicy=OTHER), False),
    ],
)
def test_what_the_age_decides(one, other, told):
    """A subset of one name, or a policy that is copied, is told where the two differ and no age is known."""
    assert ("rules-twice" in codes(one, other)) == told


def test_a_rule_with_two_subsets_of_one_name_is_refused():
    """Istio refuses such a rule."""
    assert codes(rule("a", subsets=[*V1, *V2])) == ["object-invalid"]
