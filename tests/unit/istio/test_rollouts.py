"""Where Argo Rollouts stops at a VirtualService, by the rules of its controller."""

from __future__ import annotations

import pytest

from krm_fn.istio import rollouts
from krm_fn.objects import Object
from krm_fn.results import Ref

STABLE, CANARY = ({"destination": {"host": "shop", "subset": name}} for name in ("stable", "canary"))
BOTH = {"route": [STABLE, CANARY]}
PINNED = {"match": [{"port": 90}], "route": [{"destination": {"host": "shop", "subset": "dev"}}]}


def routed(**named):
    """Return what a Rollout that splits by subsets says of a VirtualService."""
    rule = {"name": "shop", "stableSubsetName": "stable", "canarySubsetName": "canary"}
    istio = {"virtualServices": [{"name": "shop", **named}], "destinationRule": rule}
    strategy = {"canary": {"trafficRouting": {"istio": istio, "managedRoutes": [{"name": "mirror"}]}}}
    value = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "shop"},
        "spec": {"strategy": strategy},
    }
    (found,) = rollouts.routes([Object(value, Ref("argoproj.io/v1alpha1", "Rollout", "shop"), 0)])
    return found


@pytest.mark.parametrize(
    ("named", "spec", "where"),
    [
        ({}, {"http": [BOTH]}, None),
        ({}, {"http": [BOTH, BOTH]}, "http"),
        ({}, {"http": [{"name": "mirror", **BOTH}, BOTH]}, None),
        ({"routes": ["main"]}, {"http": [{"name": "other", **PINNED}, {"name": "main", **BOTH}]}, None),
        ({"routes": ["main"]}, {"http": [{"name": "main", **PINNED}]}, "http"),
        ({"routes": ["main"]}, {"http": [{"name": "main", **BOTH}], "tcp": [PINNED]}, "tcp"),
        ({"routes": ["main"]}, {"http": [{"name": "main", **BOTH}], "tls": [BOTH]}, None),
        ({"tcpRoutes": [{"port": 90}]}, {"tcp": [PINNED, {"match": [{"port": 90}], **BOTH}]}, "tcp"),
        ({"tcpRoutes": [{"port": 91}]}, {"tcp": [PINNED, {"match": [{"port": 91}], **BOTH}]}, None),
        ({"tcpRoutes": [{"port": 90}]}, {"tcp": [{**PINNED, "match": [{"port": 90}, {"port": 91}]}]}, None),
        (
            {"tlsRoutes": [{"port": 443, "sniHosts": ["a", "b"]}]},
            {"tls": [{"match": [{"port": 443, "sniHosts": ["b", "a"]}], "route": [STABLE]}, PINNED]},
            "tls",
        ),
    ],
)
def test_where_it_stops(named, spec, where):
    """The list of routes that stops it is the one that the controller names."""
    found = routed(**named).stop(spec)
    assert (found[0] if found else None) == where
