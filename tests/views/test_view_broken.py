"""diff: routes of the user's that lead to pods that are gone."""

from __future__ import annotations

import pytest
from lists import base, compute, named, service, workload

from krm_fn.views import diff
from krm_fn.views.broken import broken
from krm_fn.views.change import Kind
from krm_fn.views.compare import compare


def istio(kind, **spec):
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": named("shop", "prod"), "spec": spec}


SUBSETS = [{"name": "beta", "labels": {"virtual-env": "dev.beta"}}, {"name": "base", "labels": {"virtual-env": "dev"}}]
TO_BETA = {"match": [{"uri": {"prefix": "/b"}}], "route": [{"destination": {"host": "shop", "subset": "beta"}}]}
REST = {"route": [{"destination": {"host": "shop", "subset": "base"}}]}
OLD = [
    service("shop", namespace="prod"),
    workload("shop-dev", "dev", app="shop", namespace="prod"),
    workload("shop-beta", "dev.beta", app="shop", namespace="prod"),
    istio("DestinationRule", host="shop", subsets=SUBSETS),
    istio("VirtualService", hosts=["shop"], http=[TO_BETA, REST]),
]
OTHER = workload("shop-other", "dev.other", app="shop", namespace="prod")


def compared(old, new):
    before, after = compute(old, base()), compute(new, base())
    return compare(before.plan, after.plan, broken(before.results, after.results))


@pytest.mark.parametrize("more", [[], [OTHER]], ids=["the base alone", "another environment"])
def test_a_route_to_pods_that_are_gone(more):
    """The Deployment of a subset that a route names is deleted: the route's requests break, whoever is left."""
    found = compared([*OLD, *more], [*OLD[:2], *OLD[3:], *more])
    (change,) = [one for one in found.changes if one.kind is Kind.BROKEN]
    sentence = "".join(text for text, _ in diff.sentence(change))
    assert sentence.startswith("prod/shop: VirtualService prod/shop spec.http[0] sends requests to the subset 'beta'")
    assert change.loses_answer
    assert all(change.stops(gate) for gate in ("base", "unmatched", "any"))


def test_what_was_broken_before_is_no_change():
    """A route that led nowhere before, too, is no change; nor is one whose pods are there."""
    without = [*OLD[:2], *OLD[3:]]
    assert not [one for one in compared(without, without).changes if one.kind is Kind.BROKEN]
    assert not [one for one in compared(OLD, OLD).changes if one.kind is Kind.BROKEN]
