"""Environments come and go: after each step the cluster answers as planned, and no route is ever without subset."""

from __future__ import annotations

import contextlib

import pytest

from . import life
from .life import STEPS, Watched
from .pods import Pods
from .ways import WAYS, Delivery, Way, without


def live(delivery, configuration, *, step_done):
    """Deliver every step; call `step_done` with its name, the states on the way, and what it should lead to."""
    namespace, cluster = delivery.namespace, delivery.cluster
    watched = Watched(cluster.api, namespace)
    with Pods(cluster.api, namespace) if delivery.way.waits else contextlib.nullcontext():
        for step in STEPS:
            manifests = life.manifests(step, namespace)
            delivery.deliver(manifests)
            step_done(step, list(watched.states()), life.through(manifests, configuration))


@pytest.mark.parametrize("name", WAYS)
def test_the_life_of_an_environment(name, cluster, tmp_path, tell):
    """With `routes: all`, routes in the cluster answer as planned after each step, and none dangles in between."""
    way, namespace = WAYS[name], cluster.namespace("life")
    configuration = life.config(routes="all", applyOrder=way.order)
    folder = tmp_path / "package"
    folder.mkdir()
    left: dict[str, list[str]] = {}

    def check(step, states, wanted):
        assert states[-1].answers(namespace) == life.planned(step, namespace, configuration), step
        assert [state.dangling() for state in states if state.dangling()] == [], step
        left[step] = without(wanted, list(states[-1].objects.values()))

    live(Delivery(way, cluster, namespace, folder, configuration), configuration, step_done=check)
    stays = sorted({one for found in left.values() for one in found})
    tell(
        f"{name}: {len(STEPS)} steps as planned, no route without subset; left behind: {', '.join(stays) or 'nothing'}"
    )
    if way.by_hand:
        assert all(one.startswith("DestinationRule") for one in stays)  # a subset that no route names
    else:
        assert stays == []


def test_routes_of_split_services_stay_without_pruning(cluster, tmp_path):
    """What the test above can see: with `routes: split`, plain `kubectl apply` leaves a route to pods that are gone."""
    way, namespace = WAYS["kubectl apply"], cluster.namespace("split")
    configuration = life.config()
    folder = tmp_path / "package"
    folder.mkdir()
    found = {}

    def check(step, states, wanted):
        found[step] = (without(wanted, list(states[-1].objects.values())), [one for one in states if one.dangling()])

    live(Delivery(way, cluster, namespace, folder, configuration), configuration, step_done=check)
    assert found["add"] == ([], [])
    assert found["change"][0] == ["DestinationRule shop", "VirtualService shop"]
    assert found["rename"][1], "one rule for all subsets changes before its route does"


def test_a_recipe_that_is_missing_fails():
    """The recipes are those of the document: a heading that it does not have stops the test."""
    with pytest.raises(AssertionError):
        Delivery(Way("by pigeon", "list", {}), None, "", None, {})
