"""What is right is not warned about."""

from lists import base, codes, compute, named, service, workload


def istio(kind, name, **spec):
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": named(name, "shop"), "spec": spec}


APP = [
    service("cart", namespace="shop"),
    workload("cart-dev", "dev", app="cart", namespace="shop"),
    workload("cart-p1", "dev.p1", app="cart", namespace="shop"),
]
ROUTE = {"route": [{"destination": {"host": "cart"}}]}


def test_a_wildcard_host_is_no_second_virtual_service():
    """Istio uses the most specific host, so one that speaks for all of a namespace stands back there."""
    wide = istio("VirtualService", "all", hosts=["*.shop.svc.cluster.local"], http=[ROUTE])
    exact = istio("VirtualService", "cart", hosts=["cart"], http=[ROUTE])
    twin = istio("VirtualService", "twin", hosts=["cart.shop.svc.cluster.local"], http=[ROUTE])
    assert "routes-twice" not in codes(compute([*APP, wide, exact], base()).results)
    assert "routes-twice" in codes(compute([*APP, wide, exact, twin], base()).results)


def test_a_label_that_a_rollout_gives_makes_no_subset_bare():
    """A Rollout labels its stable pods itself; a subset by another label has no pods."""
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": named("cart-dev", "shop"),
        "spec": {
            "strategy": {"canary": {"stableMetadata": {"labels": {"role": "stable"}}}},
            "template": APP[1]["spec"]["template"],
        },
    }
    found = {}
    for role in ("stable", "other"):
        rule = istio("DestinationRule", "cart", host="cart", subsets=[{"name": "s", "labels": {"role": role}}])
        http = [{"route": [{"destination": {"host": "cart", "subset": "s"}}]}]
        routes = istio("VirtualService", "cart", hosts=["cart"], http=http)
        found[role] = codes(compute([APP[0], APP[2], rollout, rule, routes], base()).results)
    assert "subset-without-pods" not in found["stable"]
    assert "subset-without-pods" in found["other"]
