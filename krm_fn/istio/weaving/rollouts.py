"""Argo Rollouts: they change routes in the cluster that environments are woven into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from krm_fn.objects import Object
from krm_fn.results import Code, Result
from krm_fn.values import mapping, mappings


def changed_weights(objects: Sequence[Object], woven: Iterable[Object]) -> Iterator[Result]:
    """Yield a finding for each Argo Rollout that changes the weights of what was woven into."""
    names = {(one.ref.namespace, one.ref.name) for one in woven}
    for one in objects:
        if one.ref.kind != "Rollout" or not one.is_source:
            continue
        canary = mapping(mapping(mapping(one.value, "spec"), "strategy"), "canary")
        istio = mapping(mapping(canary, "trafficRouting"), "istio")
        for route in [mapping(istio, "virtualService"), *mappings(istio.get("virtualServices"))]:
            if (one.ref.namespace, str(route.get("name"))) in names:
                message = (
                    f"changes the weights of VirtualService {route['name']} while it runs; the routes that "
                    "were added for environments keep the weights that stand in the list"
                )
                yield Result(Code.RUNTIME_WEIGHTS, message, one.ref, "spec.strategy.canary.trafficRouting.istio")
