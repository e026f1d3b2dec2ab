"""Argo Rollouts that change what environments are woven into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from krm_fn.istio.rollouts import RolloutRoute
from krm_fn.istio.weaving.targets import Additions
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.text.edits import Insert
from krm_fn.values import mappings

_FIELD = "spec.strategy.canary.trafficRouting.istio"
_MANAGED = "spec.strategy.canary.trafficRouting.managedRoutes"


def findings(routes: Iterable[RolloutRoute], woven: Mapping[Key, Additions]) -> Iterator[Result]:
    """Yield a finding for each Rollout that additions would stop, or whose weights they do not follow.

    Args:
        routes: the VirtualServices that Rollouts change.
        woven: what is added to VirtualServices.
    """
    for one in routes:
        additions = woven.get(one.virtual_service)
        if additions is None:
            continue
        name, rollout = one.virtual_service[1], one.rollout.ref
        http = [edit for edit in additions.edits if edit.path[:2] == ("spec", "http") and isinstance(edit, Insert)]
        if http and not one.routes:
            message = (
                f"names no route of VirtualService {name}, which its controller allows only where it has exactly one, "
                "and those of environments come before it: give that route a name, and list it in virtualService.routes"
            )
            yield Result(Code.ROLLOUT_UNNAMED, message, rollout, f"{_FIELD}.virtualService.routes")
        targets = chain.from_iterable([mappings(route.get("route"))] for route in additions.added)
        if any(len(entries) > 1 for entries in targets):
            message = (
                f"changes the weights of VirtualService {name} while it runs; routes that were added for environments "
                "keep the weights that stand in the list"
            )
            yield Result(Code.RUNTIME_WEIGHTS, message, rollout, _FIELD)
        if additions.added and one.managed:
            message = (
                f"puts routes ({', '.join(one.managed)}) before all others of VirtualService {name} while it runs: "
                "requests that these take reach the Rollout's pods, whatever environment they name"
            )
            yield Result(Code.RUNTIME_WEIGHTS, message, rollout, _MANAGED)
