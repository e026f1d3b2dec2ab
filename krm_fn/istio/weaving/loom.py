"""The user's own VirtualServices and DestinationRules: what must be added to them, and what they take over.

Istio uses one VirtualService per host of the mesh and reads subsets from one place, so environments are woven into
what is there. A user's objects keep their text; additions are marked by name, and taken out before new ones go in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from krm_fn.config.reader import Configs
from krm_fn.istio import rollouts
from krm_fn.istio.destinations import destinations
from krm_fn.istio.hosts import Hosts
from krm_fn.istio.lookup import Lookup
from krm_fn.istio.manifests import Weaving
from krm_fn.istio.subsets import Subsets, of_services
from krm_fn.istio.theirs import Theirs, VirtualService
from krm_fn.istio.weaving import connections, delegates, meant, openings, rules, wrong
from krm_fn.istio.weaving.changes import Needed, change, of_rules
from krm_fn.istio.weaving.http import HttpRoutes
from krm_fn.istio.weaving.neighbours import Neighbour, Neighbourhood, catches_all
from krm_fn.istio.weaving.previews import Previews, previews_of_routes
from krm_fn.istio.weaving.rivals import overlapping
from krm_fn.istio.weaving.rollouts import findings as rollout_findings
from krm_fn.istio.weaving.rollouts import of_flagger
from krm_fn.istio.weaving.shared import Shared
from krm_fn.istio.weaving.targets import Additions, Loomed, together
from krm_fn.objects import Object
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.controllers import claims
from krm_fn.plan.exposure import MESH, RULE
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mappings

_EXACT = -1000  # before every wildcard: no host is as long


class _Woven(NamedTuple):
    """A VirtualService of the user's: what is added to it, and for which Services it speaks."""

    one: VirtualService
    additions: Additions
    previews: Previews
    served: tuple[Key, ...]
    led_to: frozenset[Key]


class _Known(NamedTuple):
    """What is known of hosts: those of Services with routes, all others of the mesh, and by how many each is served."""

    hosts: Hosts
    others: Hosts
    entries: frozenset[str]
    times: Mapping[Key, int]

    def is_other(self, host: str, namespace: str, served: Collection[Key]) -> bool:
        """Tell whether a host speaks for anything known to Istio but those Services."""
        found = set(self.others.covered(host.lower(), namespace)) - set(served)
        return bool(found) or host in self.entries or (host.startswith("*") and bool(served))


def weave(theirs: Theirs, objects: Sequence[Object], plan: Plan, configs: Configs) -> Weaving:
    """Find what must be added to the user's own routes and rules so that they serve the plan."""
    owner, domain = configs.owner, configs.cluster_domain
    plans = {one.key: one for one in plan.services if one.needs_routes and (one.is_routed or one.is_elsewhere)}
    namespaces = {one.ref.namespace for one in objects if one.is_source}
    hosts = Hosts(plans.keys(), namespaces, domain)
    own_rules = rules.by_service(theirs, hosts)
    lookup = Lookup(own_rules, (one for one in theirs.rules if one.is_wildcard), configs.root_namespace, hosts)
    subsets = of_services(plans, {key: (own_rules.get(key, ()), lookup.wild(key)) for key in plans}, owner)
    every = {_key(one) for one in objects if one.ref.kind == "Service" and one.is_source}
    served = _served(theirs.routes, hosts)
    times = Counter(key for keys in served.values() for key in keys)
    known = _Known(hosts, Hosts(every, namespaces, domain), theirs.entry_hosts, times)
    handed = delegates.handings(theirs.routes)
    shared = Shared()
    looms = [
        _loomed(one, hosts, subsets, owner, handed)._replace(served=served[id(one)], shared=shared)
        for one in theirs.routes
    ]
    around = _Around(theirs, looms)
    woven = [_woven(one, known, subsets, around) for one in looms]
    needed = _needed(woven)
    changed = [
        *(change(one.one.object, one.one.stripped, one.additions, owner) for one in woven),
        *of_rules(own_rules, subsets, needed, owner),
    ]
    touched = frozenset(key for one in woven if one.additions.edits for key in (*one.led_to, *one.served))
    serving = _serving(woven)
    taken = {one.key: rules.taken(lookup, one.key) if one.needs_subsets else rules.NOTHING for one in plan.services}
    added = {_key(one.one.object): (one.one, one.additions) for one in woven}
    results = [
        *wrong.findings(theirs, hosts, are_exposed=any(one.exposure.is_exposed for one in plans.values())),
        *meant.findings(theirs, hosts, every),
        *(result for one in looms for result in _about_handing(one, handed)),
        *(result for one in woven for result in (*one.additions.results, *one.previews.results)),
        *(result for one in woven if one.additions.added for result in around.overlapping(one.one)),
        *(result for one in changed for result in one.results),
        *_taken_over(serving, plans),
        *(result for one in taken.values() for result in one.results),
        *rollout_findings(rollouts.routes(objects), added),
        *of_flagger(claims(objects), added),
    ]
    of_theirs = {key for key in subsets if key in touched or own_rules.get(key) or key in serving or taken[key].subsets}
    names = {key: one for key, one in subsets.items() if of_theirs & set(one.plan.together)}
    return Weaving(
        tuple(one.edit for one in changed if one.edit),
        tuple(preview for one in woven for preview in one.previews.routes),
        {
            key: rules.covered(found, names.get(key), needed.get(key, ()), has_routes=key in serving)
            for key, found in taken.items()
        },
        tuple(results),
    )


def _key(one: Object) -> Key:
    return (one.ref.namespace, one.ref.name)


def _needed(woven: Iterable[_Woven]) -> Needed:
    needed: dict[Key | None, list[Value]] = defaultdict(list)
    for one in woven:
        for key, subset in (*one.additions.needed, *one.previews.needed):
            needed[key].append(subset)
    return needed


def _loomed(
    one: VirtualService,
    hosts: Hosts,
    subsets: Mapping[Key, Subsets],
    owner: str,
    handed: Mapping[Key, Sequence[delegates.Handing]],
) -> Loomed:
    handing = handed.get(_key(one.object), ())
    inherited = delegates.inherited(handing, hosts.domain)
    written = [each.host for each in one.destinations()]
    written += [str(each.get("host")) for _, each in destinations(inherited)]
    named = {host: hosts.find(host, one.namespace) for host in written}
    services = {host: subsets[key] for host, key in named.items() if key}
    return Loomed(one, services, owner, (), hosts.domain, delegates.demanded(handing), inherited)


def _about_handing(loomed: Loomed, handed: Mapping[Key, Sequence[delegates.Handing]]) -> Iterator[Result]:
    for subsets in list(loomed.services.values())[:1]:
        yield from delegates.findings(handed.get(_key(loomed.one.object), ()), subsets.plan.config.env_header)


def _woven(loomed: Loomed, known: _Known, subsets: Mapping[Key, Subsets], around: _Around) -> _Woven:
    one, served = loomed.one, loomed.served
    routes = HttpRoutes(loomed, partial(around.of, one))
    completed = _completed(loomed, known, [subsets[key] for key in served])
    additions = together([routes.woven(), connections.woven(loomed), *completed])
    previews = previews_of_routes(routes) if loomed.services else Previews()
    led_to = frozenset(each.plan.key for each in loomed.services.values())
    return _Woven(one, additions, previews, served, led_to)


class _Around:
    """The neighbours of VirtualServices on gateways, looked for where one is asked for."""

    def __init__(self, theirs: Theirs, looms: Iterable[Loomed]) -> None:
        self._theirs = theirs
        self._looms = {id(one.one): one for one in looms}
        self._found: Neighbourhood | None = None

    @property
    def _all(self) -> Neighbourhood:
        self._found = self._found or Neighbourhood(self._theirs)
        return self._found

    def of(self, one: VirtualService) -> list[tuple[Neighbour, HttpRoutes]]:
        return [(each, HttpRoutes(self._looms[id(each.one)])) for each in self._all.of(one)]

    def overlapping(self, one: VirtualService) -> Iterator[Result]:
        matches = (match for route in one.routes("http") for match in mappings(route.get("match")) or [{}])
        if set(one.gateways) - {MESH} and any(map(catches_all, matches)):
            yield from overlapping(one, self._all.partly(one))


def _served(routes: Sequence[VirtualService], hosts: Hosts) -> dict[int, tuple[Key, ...]]:
    """Return the Services whose host in the mesh is a VirtualService's, by its id: the most specific host is used."""
    ranks: dict[int, dict[Key, int]] = {}
    best: dict[Key, int] = {}
    for one in routes:
        of_one: dict[Key, int] = {}
        for host in one.on_mesh * one.hosts:
            rank = -len(host) if host.startswith("*") else _EXACT
            of_one |= {key: min(rank, of_one.get(key, 0)) for key in hosts.covered(host.lower(), one.namespace)}
        ranks[id(one)] = of_one
        if one.is_for_all:
            best |= {key: min(rank, best.get(key, 0)) for key, rank in of_one.items()}
    return {
        place: tuple(sorted(key for key, rank in of_one.items() if rank <= best.get(key, 0)))
        for place, of_one in ranks.items()
    }


def _completed(loomed: Loomed, known: _Known, served: Sequence[Subsets]) -> Iterator[Additions]:
    """Yield the routes of what a VirtualService for Services' hosts leaves open, or why there are none."""
    one = loomed.one
    others = [host for host in one.hosts if known.is_other(host, one.namespace, loomed.served)]
    if len(served) > 1 or others:
        why, advice = "speaks for other hosts than its Service's", "give each Service a VirtualService of its own"
        yield Additions(results=tuple(openings.told(loomed, served, why, advice)))
    elif served and known.times[served[0].plan.key] > 1:
        why, advice = "is not the only VirtualService for its host", "join them to one"
        yield Additions(results=tuple(openings.told(loomed, served, why, advice)))
    elif served:
        yield from openings.closed(loomed, served[0])


def _serving(woven: Iterable[_Woven]) -> Mapping[Key, list[VirtualService]]:
    """Return the VirtualServices that speak for each Service to all clients."""
    serving: dict[Key, list[VirtualService]] = defaultdict(list)
    for one in woven:
        for key in one.served if one.one.is_for_all else ():
            serving[key].append(one.one)
    return serving


def _taken_over(serving: Mapping[Key, Sequence[VirtualService]], plans: Mapping[Key, ServicePlan]) -> Iterator[Result]:
    """Yield findings about Services whose routes are the user's."""
    for key, found in serving.items():
        routes = sorted(found, key=lambda one: (one.created, one.object.ref.name, one.namespace))  # as Istio does
        if plans[key].exposure.rule:
            message = (
                f"the annotation {RULE} changes generated routes only, and {routes[0].object.ref} has those of this "
                "Service: say there what the rule says"
            )
            yield Result(Code.NOT_EXPOSED, message, plans[key].service.ref)
        if len(routes) > 1:
            names = ", ".join(str(one.object.ref) for one in routes)
            message = (
                f"{len(routes)} VirtualServices have the host of Service {key[1]} ({names}): Istio uses the oldest "
                "alone"
            )
            yield Result(Code.ROUTES_TWICE, message, routes[-1].object.ref, "spec.hosts")
