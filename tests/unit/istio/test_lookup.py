"""Whatever DestinationRules a list has, every client reads our subsets, and the policy that it read before."""

import itertools

import pytest
from lists import base, codes, compute, named, of_kind, service, workload

from krm_fn.text.edits import made as with_additions

SHOP = [
    service("shop", namespace="shop-ns"),
    workload("a", "dev", app="shop", namespace="shop-ns"),
    workload("b", "dev.x", app="shop", namespace="shop-ns"),
]
FULL = "shop.shop-ns.svc.cluster.local"


def rule(host, namespace, size=0, **spec):
    policy = {"trafficPolicy": {"connectionPool": {"tcp": {"maxConnections": size}}}} if size else {}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": named(f"r{size}", namespace),
        "spec": {"host": host, **policy, **spec},
    }


def seen(rules, client, labels):
    """What a pod reads: (size of the pool, names of subsets), by Istio's look-up written anew."""

    def exported(one, to):
        wanted = one["spec"].get("exportTo") or ["*"]
        return "*" in wanted or to in wanted or ("." in wanted and one["metadata"]["namespace"] == to)

    def hits(found):
        full = [one for one in found if one["spec"]["host"] in (FULL, "shop")]
        wild = [one for one in found if one["spec"]["host"][0] == "*" and FULL.endswith(one["spec"]["host"][1:])]
        longest = max((len(one["spec"]["host"]) for one in wild), default=0)
        return full or [one for one in wild if len(one["spec"]["host"]) == longest]

    def private(one):
        return "workloadSelector" in one["spec"] or one["spec"].get("exportTo") in (
            ["."],
            [one["metadata"]["namespace"]],
        )

    def of(namespace):
        return [one for one in rules if one["metadata"]["namespace"] == namespace]

    local = [one for one in of(client) if exported(one, client) and (client != "istio-system" or private(one))]
    found = hits(local)
    for namespace in ("shop-ns", "istio-system"):
        if not found:
            found = [one for one in hits([o for o in of(namespace) if not private(o)]) if exported(one, client)]
    chosen = [
        one
        for one in found
        if "workloadSelector" in one["spec"]
        and one["spec"]["workloadSelector"]["matchLabels"].items() <= labels.items()
        and one["metadata"]["namespace"] == client
    ]
    plain = sorted((one for one in found if "workloadSelector" not in one["spec"]), key=lambda o: o["metadata"]["name"])
    chosen = chosen[:1] or plain
    if chosen and "workloadSelector" not in chosen[0]["spec"]:
        chosen = [one for one in chosen if one["spec"].get("exportTo") == chosen[-1]["spec"].get("exportTo")]
    policies = [one["spec"]["trafficPolicy"] for one in chosen if one["spec"].get("trafficPolicy")]
    size = policies[0]["connectionPool"]["tcp"]["maxConnections"] if policies else 0
    return size, {subset["name"] for one in chosen for subset in one["spec"].get("subsets", ())}


RULES = [
    rule("*", "client", 1),
    rule("*.local", "istio-system", 2),
    rule("*.shop-ns.svc.cluster.local", "shop-ns", 3),
    rule(FULL, "client", 4),
    rule("shop", "shop-ns", 5),
    rule(FULL, "istio-system", 6),
    rule("*.svc.cluster.local", "client", 7, workloadSelector={"matchLabels": {"app": "web"}}),
    rule("*.local", "shop-ns", 8, exportTo=["."]),
    rule("*.cluster.local", "istio-system", 9, exportTo=["client"]),
    rule("*.local", "shop-ns", 10, exportTo=["client"]),
]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_every_client_reads_the_subsets_and_its_own_policy(count):
    """For each choice of rules: before and after, each client's policy is the same, and after it has the subsets."""
    for chosen in itertools.combinations(RULES, count):
        computed = compute([*SHOP, *chosen], base())
        assert not computed.failed
        made = of_kind(computed.made.manifests, "DestinationRule")
        woven = [edited(one, computed, place) for place, one in enumerate([*SHOP, *chosen])][len(SHOP) :]
        for client in ("client", "third", "shop-ns", "istio-system"):
            for labels in ({}, {"app": "web"}):
                size, _ = seen(list(chosen), client, labels)
                after, subsets = seen([*woven, *made], client, labels)
                where = ([one["spec"] for one in chosen], client, labels)
                assert len(subsets) >= 2, where
                assert after == size, where


def edited(one, computed, place):
    additions = [put for edit in computed.made.edits if edit.position == place for put in edit.additions]
    return with_additions(one, additions)


def test_a_copied_policy_is_told():
    """An info names the rule that the exact one puts out of force, and whose clients it is about."""
    computed = compute([*SHOP, RULES[0], RULES[1]], base())
    assert codes(computed.results) == ["rule-copied", "rule-copied"]


def test_rules_of_one_host_count_by_age_then_name():
    """Of two wildcards that cover the Service alike Istio takes the older's policy; the list's order says nothing."""
    one, other = rule("*.local", "shop-ns", 1), rule("*.local", "shop-ns", 2)
    for pair in ([one, other], [other, one]):
        (made,) = of_kind(compute([*SHOP, *pair], base()).made.manifests, "DestinationRule")
        assert made["spec"]["trafficPolicy"] == one["spec"]["trafficPolicy"]
    one["metadata"]["creationTimestamp"] = "2026-02-01T00:00:00Z"
    other["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z"
    (made,) = of_kind(compute([*SHOP, one, other], base()).made.manifests, "DestinationRule")
    assert made["spec"]["trafficPolicy"] == other["spec"]["trafficPolicy"]


@pytest.mark.parametrize("order", ["none", "argocd"])
def test_a_subset_of_a_wildcard_by_a_name_that_is_used_is_made_once(order):
    """It is taken over from the rule, and no second time for its environment; so no two objects have one name."""
    stable = {"subsets": [{"name": "stable", "labels": {"virtual-env": "dev"}}]}
    values = [*SHOP, rule("*", "istio-system", **stable), rule(FULL, "other", **stable)]
    made = of_kind(compute(values, base(applyOrder=order)).made.manifests, "DestinationRule")
    names = [
        (one["metadata"]["namespace"], subset["name"]) for one in made for subset in one["spec"].get("subsets", ())
    ]
    assert ("shop-ns", "stable") in names
    assert len(names) == len(set(names))
