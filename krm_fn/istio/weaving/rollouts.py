"""Controllers that change what environments are woven into: Argo Rollouts, Flagger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from krm_fn.istio.rollouts import NAMED, RolloutRoute
from krm_fn.istio.theirs import VirtualService
from krm_fn.istio.weaving.targets import Additions
from krm_fn.plan.controllers import Claim
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.text.edits import made
from krm_fn.values import mapping, mappings

_FIELD = "spec.strategy.canary.trafficRouting.istio"
_MANAGED = "spec.strategy.canary.trafficRouting.managedRoutes"


def findings(routes: Iterable[RolloutRoute], woven: Mapping[Key, tuple[VirtualService, Additions]]) -> Iterator[Result]:
    """Yield a finding for each Rollout that additions would stop, or whose weights they do not follow.

    Args:
        routes: the VirtualServices that Rollouts change.
        woven: what is added to VirtualServices.
    """
    for one in routes:
        if one.virtual_service not in woven:
            continue
        theirs, additions = woven[one.virtual_service]
        name, rollout = one.virtual_service[1], one.rollout.ref
        yield from _stopped(one, theirs, additions)
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


def _stopped(one: RolloutRoute, theirs: VirtualService, additions: Additions) -> Iterator[Result]:
    """Yield a finding where the controller goes on with the VirtualService as it is, and stops with what is added."""
    found = one.stop(mapping(made(theirs.stripped.value, additions.edits), "spec"))
    if not found or one.stop(theirs.spec):
        return
    name, (protocol, why) = one.virtual_service[1], found
    if protocol == "http" and theirs.routes("http"):
        message = (
            f"names no route of VirtualService {name}, which its controller allows only where it has exactly one, "
            "and those of environments come before it: give that route a name, and list it in virtualService.routes"
        )
    else:
        message = (
            f"its controller would stop at VirtualService {name}, whose spec.{protocol} gets routes for environments: "
            f"{why}; say there where such requests go, in one route of {protocol} that leads to both versions, and "
            f"list it in virtualService.{NAMED[protocol]}"
        )
        message += "; tcp: callerLabels adds more, so set tcp: base" if theirs.routes(protocol) else ""
    yield Result(Code.ROLLOUT_UNNAMED, message, one.rollout.ref, f"{_FIELD}.virtualService.{NAMED[protocol]}")


def of_flagger(claims: Mapping[Key, Claim], woven: Mapping[Key, tuple[VirtualService, Additions]]) -> Iterator[Result]:
    """Yield a finding for each VirtualService with additions that Flagger writes itself, under its Service's name."""
    for key, claim in claims.items():
        if claim.writes_routes and key in woven and woven[key][1].added:
            message = (
                f"is the one that Flagger writes for {claim.by.kind} {claim.by.name}, without what is added for "
                "environments, and so it will be in the cluster: take it out of the list, and give the pods of "
                "environments a Service that no Canary names"
            )
            yield Result(Code.RUNTIME_WEIGHTS, message, woven[key][0].object.ref, "spec.http")
