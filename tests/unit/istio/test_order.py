"""`applyOrder`: subsets come before the routes that name them, and go after."""

import pytest
from lists import base, compute, of_kind, service, step, workload

NAMESPACE = "n"
LISTED = [
    service(namespace="n"),
    workload("a", "dev", namespace="n"),
    workload("b", "dev.x", namespace="n"),
]


def config(order):
    return base(applyOrder=order)


def annotations(one):
    return one["metadata"].get("annotations", {})


def test_one_rule_for_each_subset():
    """With an order each subset has a DestinationRule of its own, so that it can come first or go last."""
    manifests = compute(LISTED, config("argocd")).made.manifests
    rules = of_kind(manifests, "DestinationRule")
    assert [(one["metadata"]["name"], [s["name"] for s in one["spec"]["subsets"]]) for one in rules] == [
        ("app.dev", ["dev"]),
        ("app.dev-x", ["dev-x"]),
    ]
    assert len(of_kind(compute(LISTED, config("none")).made.manifests, "DestinationRule")) == 1


def test_argo_cd_adds_rules_first_and_prunes_them_last():
    """Rules stand in a wave before the routes' and are pruned when all else is done."""
    manifests = compute(LISTED, config("argocd")).made.manifests
    for rule in of_kind(manifests, "DestinationRule"):
        assert annotations(rule) == {
            "argocd.argoproj.io/sync-wave": "-1",
            "argocd.argoproj.io/sync-options": "PruneLast=true",
        }
    (routes,) = of_kind(manifests, "VirtualService")
    assert annotations(routes) == {"argocd.argoproj.io/sync-wave": "1"}


def test_kpt_waits_for_the_rules():
    """The routes depend on every rule whose subset they name: kpt applies those first and prunes after all applying."""
    (routes,) = of_kind(compute(LISTED, config("kpt")).made.manifests, "VirtualService")
    assert annotations(routes)["config.kubernetes.io/depends-on"].split(",") == [
        "networking.istio.io/namespaces/n/DestinationRule/app.dev",
        "networking.istio.io/namespaces/n/DestinationRule/app.dev-x",
    ]


@pytest.mark.parametrize("order", ["argocd", "kpt"])
def test_removing_an_environment(order):
    """When an environment goes, its rule alone is pruned, and the others keep their bytes."""
    after, _ = step([*LISTED, workload("c", "dev.y", namespace="n")], config(order))
    gone = [one for one in after if one["metadata"]["name"] != "c"]
    _, changes = step(gone, config(order))
    removed = [gone[place]["metadata"]["name"] for place in changes.removed]
    assert removed == ["app.dev-y"]
    assert [one["kind"] for one in changes.replaced.values()] == ["VirtualService"]
    assert not changes.added
    kept = next(iter(changes.replaced.values()))
    if order == "kpt":
        assert "dev-y" not in annotations(kept)["config.kubernetes.io/depends-on"]


@pytest.mark.parametrize("order", ["argocd", "kpt"])
def test_an_order_that_is_taken_back(order):
    """Without the option the list is as if it had never been set."""
    after, _ = step(LISTED, config(order), place=False)
    back, _ = step(after, config("none"), place=False)
    fresh, _ = step(LISTED, config("none"), place=False)
    assert sorted(back, key=str) == sorted(fresh, key=str)


def test_subsets_that_only_case_parts_have_rules_of_their_own():
    """Names of objects are in lower case: two environments that only upper case tells apart are two rules."""
    listed = [service(), workload("a", "dev"), workload("b", "dev.aAb"), workload("c", "dev.aab")]
    made = of_kind(compute(listed, base(applyOrder="argocd")).made.manifests, "DestinationRule")
    names = [one["metadata"]["name"] for one in made]
    assert len(names) == len(set(names)) == 3
    assert all(name == name.lower() for name in names)
