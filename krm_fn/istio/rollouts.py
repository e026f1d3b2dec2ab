"""Argo Rollouts: what they change in the cluster of a list's VirtualServices and DestinationRules.

They set the weights of the routes that they name, or of the only one; they write the subsets of their DestinationRule
anew, without any that they do not name (argoproj/argo-rollouts, rollout/trafficrouting/istio/istio.go).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krm_fn.objects import Object, group_of
from krm_fn.plan.services import Key
from krm_fn.values import Value, mapping, mappings, strings


class RolloutRoute(NamedTuple):
    """A VirtualService whose weights a Rollout changes; without `routes` it must have one route of HTTP.

    `managed` are the names of routes that it adds, and takes out again, before all others.
    """

    rollout: Object
    virtual_service: Key
    routes: tuple[str, ...]
    managed: tuple[str, ...] = ()


def routes(objects: Sequence[Object]) -> Iterator[RolloutRoute]:
    """Yield the VirtualServices that the Rollouts of a list name."""
    for one in objects:
        istio = _istio(one)
        managed = tuple(str(each.get("name")) for each in mappings(_routing(one).get("managedRoutes")))
        for named in [mapping(istio, "virtualService"), *mappings(istio.get("virtualServices"))]:
            if named:
                name, _, place = str(named.get("name")).partition(".")  # NAME, or NAME.NAMESPACE
                key = (place.partition(".")[0] or one.ref.namespace, name)
                other = bool(named.get("tlsRoutes") or named.get("tcpRoutes"))
                yield RolloutRoute(one, key, tuple(strings(named.get("routes"))) or (("",) if other else ()), managed)


def rules(objects: Sequence[Object]) -> set[Key]:
    """Return the DestinationRules that the Rollouts of a list write anew."""
    named = ((one.ref.namespace, mapping(_istio(one), "destinationRule").get("name")) for one in objects)
    return {(namespace, name) for namespace, name in named if isinstance(name, str)}


def _istio(one: Object) -> Value:
    return mapping(_routing(one), "istio")


def _routing(one: Object) -> Value:
    if one.ref.kind != "Rollout" or group_of(one.ref.api_version) != "argoproj.io" or not one.is_source:
        return {}
    canary = mapping(mapping(mapping(one.value, "spec"), "strategy"), "canary")
    return mapping(canary, "trafficRouting")
