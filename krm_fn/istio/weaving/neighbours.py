"""VirtualServices of one host on a gateway: Istio joins their routes, oldest first, and moves catch-alls to the end.

A copy of a catch-all asks for a header, so it is none any more, and would stand before the routes of all younger
VirtualServices. So the routes of the others stand before it, too, for the same requests: whoever is older, they stay
theirs (istio/istio, pilot/pkg/networking/core/route, SortVHostRoutes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.destinations import destinations, with_destination
from krm_fn.istio.hosts import gateway_of, meeting
from krm_fn.istio.theirs import Theirs, VirtualService
from krm_fn.names import full_name
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Manifest, Value, mapping, mappings

_Place = tuple[Key, str]  # a gateway, and a host there
# What of a match leaves it a catch-all.
_SETTLED = {"gateways", "port", "sourceLabels", "sourceNamespace", "name", "statPrefix", "ignoreUriCase", "uri"}
_OF_PROXY = {"gateways", "port", "sourceLabels", "sourceNamespace"}
_EVERY_URI = ({"prefix": "/"}, {"regex": ".*"})


def catches_all(match: Value) -> bool:
    """Tell whether Istio moves a route with this match to the end of its host."""
    given = {key for key, part in match.items() if part not in (None, {}, [])}
    uri = match.get("uri")
    return given <= _SETTLED and (not uri or uri in _EVERY_URI)


class Neighbour(NamedTuple):
    """Another VirtualService of the same hosts on the same gateways, and where: matches, any of which is enough."""

    one: VirtualService
    where: tuple[Value, ...]
    is_first: bool
    is_everywhere: bool

    def routes(self) -> Iterator[tuple[Value, Sequence[Value]]]:
        """Yield its routes that take some requests only, with their matches, as others' would have to say them."""
        for route in self.one.routes("http"):
            matches = mappings(route.get("match"))
            some = [one for one in matches if not catches_all(one)]
            here = (_here(where, one, self.one.namespace) for one in some for where in self.where)
            if found := [one for one in here if one is not None]:
                yield route, found
            if not matches or any(catches_all(one) and not one.keys() & _OF_PROXY for one in matches):
                return  # Istio makes no route of what stands behind it

    @property
    def catches_all(self) -> bool:
        """Whether it takes all requests of its hosts that no other route takes."""
        return any(
            catches_all(match) for route in self.one.routes("http") for match in mappings(route.get("match")) or [{}]
        )


class Neighbourhood:
    """The VirtualServices of a list, by the hosts that they have on gateways."""

    def __init__(self, theirs: Theirs) -> None:
        self._servers = {(one.object.ref.namespace, one.object.ref.name): one for one in theirs.gateways}
        self._places: dict[int, set[_Place]] = {id(one): self._own_places(one) for one in theirs.routes}
        self._at: dict[_Place, list[VirtualService]] = defaultdict(list)
        for one in theirs.routes:
            for place in self._places[id(one)] if one.is_for_all else ():
                self._at[place].append(one)
        self._roots = _roots(theirs.routes)

    def _own_places(self, one: VirtualService) -> set[_Place]:
        gateways = {gateway_of(name, one.namespace) for name in one.gateways if name != MESH}
        return {(key, host) for key in gateways for host in self._hosts(key, one)}

    def _hosts(self, key: Key, one: VirtualService) -> Iterator[str]:
        """Yield the hosts that a gateway has of a VirtualService; all, where the list does not have the gateway."""
        for host in one.hosts:
            if key not in self._servers:
                yield host.lower()
                continue
            for served in self._servers[key].hosts_for(one.namespace):
                if found := meeting(served, host):
                    yield found

    def of(self, one: VirtualService) -> list[Neighbour]:
        """Return the neighbours of a VirtualService, in the order in which Istio joins them."""
        roots = self._roots.get((one.namespace, one.object.ref.name), ())
        places = self._places[id(one)].union(*(self._places[id(root)] for root in roots))
        found = {id(other): other for place in places for other in self._at.get(place, ())}
        others = [other for other in found.values() if other is not one and other not in roots]
        return [
            Neighbour(
                other,
                tuple(_where(places, places & self._places[id(other)], on_mesh=one.on_mesh and not roots)),
                _order(other) < min(map(_order, roots or [one])),
                places <= self._places[id(other)],
            )
            for other in sorted(others, key=_order)
        ]


def _here(where: Value, match: Value, namespace: str) -> Value | None:
    """Return a match of a neighbour's as it holds at shared places; None where it holds at no gateway.

    Istio reads no source beside gateways, and a gateway's own labels are not in the list.
    """
    if not match.get("gateways"):
        return None if match.get("sourceLabels") or match.get("sourceNamespace") else {**where, **match}
    wanted = {"/".join(gateway_of(name, namespace)) for name in match["gateways"] if name != MESH}
    shared = sorted(wanted & set(where["gateways"]) if "gateways" in where else wanted)
    return {**where, **match, "gateways": shared} if shared else None


def _roots(routes: Iterable[VirtualService]) -> Mapping[Key, Sequence[VirtualService]]:
    """Return the VirtualServices that hand all requests over to each delegate."""
    found: dict[Key, list[VirtualService]] = defaultdict(list)
    for one in routes:
        for route in one.routes("http"):
            delegate = mapping(route, "delegate")
            if delegate and any(map(catches_all, mappings(route.get("match")) or [{}])):
                found[str(delegate.get("namespace") or one.namespace), str(delegate.get("name"))].append(one)
    return found


def _order(one: VirtualService) -> tuple[str, str, str]:
    return (one.created, one.object.ref.name, one.namespace)


def _where(places: set[_Place], shared: set[_Place], *, on_mesh: bool) -> Iterator[Value]:
    """Yield matches of just the shared places among those of a VirtualService; an empty one for all of them."""
    if shared == places and not on_mesh:
        yield {}
        return
    for gateway in sorted({key for key, _ in shared}):
        hosts = {host for key, host in shared if key == gateway}
        match: Manifest = {"gateways": ["/".join(gateway) if gateway[0] else gateway[1]]}
        if hosts != {host for key, host in places if key == gateway} and "*" not in hosts:
            names = "|".join(map(_expression, sorted(hosts)))
            match["authority"] = {"regex": f"(?i)(?:{names})(?::[0-9]+)?"}
        yield match


def _expression(host: str) -> str:
    return (".*" if host.startswith("*") else "") + host.removeprefix("*").replace(".", "[.]")


def theirs_elsewhere(route: Value, namespace: str, domain: str) -> Value:
    """Return a route of a namespace as another one's VirtualService says it."""
    for path, destination in list(destinations(route)):
        host = str(destination.get("host", ""))
        if host and "." not in host:
            route = with_destination(route, path, {**destination, "host": full_name(namespace, host, domain)})
    if delegate := mapping(route, "delegate"):
        route = {**route, "delegate": {"namespace": namespace, **delegate}}
    return route


def twins(one: VirtualService, neighbours: Iterable[Neighbour]) -> Iterator[Result]:
    """Yield a finding where another VirtualService takes all requests of the same host, and may be the older one."""
    for other in neighbours:
        if other.catches_all and other.is_first:
            message = (
                f"takes all requests of a host on a gateway, and so does {other.one.object.ref}: Istio uses the older "
                "one's routes alone, and the list does not show which that is; the first by name is taken for it; give "
                "each a host, or a path, of its own"
            )
            yield Result(Code.HOST_SHARED, message, one.object.ref, "spec.hosts")
