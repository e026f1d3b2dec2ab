"""Argo Rollouts: what they change in the cluster of a list's VirtualServices and DestinationRules.

They set the weights of the routes that they name, or of the only one, and stop where such a route does not lead to both
of their versions; they write the subsets of their DestinationRule anew, without any that they do not name
(argoproj/argo-rollouts, rollout/trafficrouting/istio/istio.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from krm_fn.objects import Object
from krm_fn.plan.services import Key
from krm_fn.values import Value, mapping, mappings, strings


class RolloutRoute(NamedTuple):
    """A VirtualService whose weights a Rollout changes.

    Attributes:
        rollout: the Rollout.
        virtual_service: the VirtualService.
        named: what the Rollout says of it, its lists of routes among that.
        managed: the names of routes that the Rollout adds, and takes out again, before all others.
    """

    rollout: Object
    virtual_service: Key
    named: Value
    managed: tuple[str, ...] = ()

    def stop(self, spec: Value) -> tuple[str, str] | None:
        """Return the list of routes that makes the controller stop at a VirtualService, and why; None for none.

        It looks into every list that the VirtualService has, also where the Rollout names nothing of it.
        """
        for protocol, key in NAMED.items():
            routes, named = mappings(spec.get(protocol)), self.named.get(key)
            own = [one for one in routes if protocol != "http" or one.get("name") not in self.managed]
            if not named and len(own) > 1:
                return protocol, f"it allows no second route where virtualService.{key} names none"
            for route in _changed(protocol, routes, named):
                if version := self._missing_from(route):
                    return protocol, f"a route that it changes has to lead to {version}, too"
        return None

    def _missing_from(self, route: Value) -> str:
        """Return the version of the Rollout's that a route does not lead to; empty where it leads to both."""
        found = [mapping(one, "destination") for one in mappings(route.get("route"))]
        canary = mapping(mapping(mapping(self.rollout.value, "spec"), "strategy"), "canary")
        rule = mapping(_istio(self.rollout), "destinationRule")
        if rule:
            there = {one.get("subset") for one in found}
            wanted = {f"the subset {rule.get(key)}": rule.get(key) for key in ("canarySubsetName", "stableSubsetName")}
        else:
            there = {str(one.get("host", "")).partition(".")[0] for one in found}
            wanted = {f"the Service {canary.get(key)}": canary.get(key) for key in ("canaryService", "stableService")}
        return next((said for said, name in wanted.items() if name and name not in there), "")


NAMED = {"http": "routes", "tls": "tlsRoutes", "tcp": "tcpRoutes"}  # where a Rollout names routes, by protocol


def _changed(protocol: str, routes: Sequence[Value], named: object) -> Sequence[Value]:
    """Return the routes of a protocol whose weights are set."""
    if protocol == "http":
        if not named:
            return routes[:1] if len(routes) == 1 else [one for one in routes if not one.get("name")][:1]
        by_name = {one.get("name"): one for one in reversed(routes)}
        return [by_name[name] for name in strings(named) if name in by_name]
    if not named:
        return routes[:1]
    wanted = [(one.get("port", 0), set(strings(one.get("sniHosts")))) for one in mappings(named)]
    return [route for route in routes for met in [_met(route)] if met and met in wanted]


def _met(route: Value) -> tuple[object, set[str]] | None:
    """Return the port and the SNI hosts of a route of TLS or TCP, as a Rollout names it; None for several ports."""
    matches = mappings(route.get("match"))
    ports = {match.get("port", 0) for match in matches}
    hosts = {host for match in matches for host in strings(match.get("sniHosts"))}
    return (next(iter(ports), 0), hosts) if len(ports) < 2 else None  # noqa: PLR2004 - not several


def routes(objects: Sequence[Object]) -> Iterator[RolloutRoute]:
    """Yield the VirtualServices that the Rollouts of a list name."""
    for one in _rollouts(objects):
        istio = _istio(one)
        managed = tuple(str(each.get("name")) for each in mappings(_routing(one).get("managedRoutes")))
        for named in [mapping(istio, "virtualService"), *mappings(istio.get("virtualServices"))]:
            if named:
                name, _, place = str(named.get("name")).partition(".")  # NAME, or NAME.NAMESPACE
                key = (place.partition(".")[0] or one.ref.namespace, name)
                yield RolloutRoute(one, key, named, managed)


def rules(objects: Sequence[Object]) -> set[Key]:
    """Return the DestinationRules that the Rollouts of a list write anew."""
    named = ((one.ref.namespace, mapping(_istio(one), "destinationRule").get("name")) for one in _rollouts(objects))
    return {(namespace, name) for namespace, name in named if isinstance(name, str)}


def _rollouts(objects: Iterable[Object]) -> list[Object]:
    return [one for one in objects if one.ref.kind == "Rollout" and one.group == "argoproj.io" and one.is_source]


def _istio(one: Object) -> Value:
    return mapping(_routing(one), "istio")


def _routing(one: Object) -> Value:
    canary = mapping(mapping(mapping(one.value, "spec"), "strategy"), "canary")
    return mapping(canary, "trafficRouting")
