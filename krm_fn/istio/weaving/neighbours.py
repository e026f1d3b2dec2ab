"""VirtualServices of one host on a gateway: Istio joins their routes, oldest first, and moves catch-alls to the end.

A copy of a catch-all asks for a header, so it is none any more, and would stand before the routes of all younger
VirtualServices. So the routes of the others stand before it, too, for the same requests: whoever is older, they stay
theirs (istio/istio, pilot/pkg/networking/core/route, SortVHostRoutes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.hosts import gateway_of, meeting
from krm_fn.istio.theirs import Theirs, VirtualService
from krm_fn.plan.exposure import MESH
from krm_fn.plan.services import Key
from krm_fn.values import Manifest, Value, mapping, mappings

_Place = tuple[Key, int, str]  # a gateway, a port of it (0 where the list does not show them), and a host there
_Listener = tuple[object, int, str]  # what Istio joins routes for: gateways of the same pods share a plain port
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
    """Another VirtualService of the same hosts on the same gateways.

    Attributes:
        one: the VirtualService.
        where: matches of the places that are shared, any of which is enough.
        gateways: for each gateway of its own, those of the other that share a listener with it.
        is_first: whether its routes come first.
        is_everywhere: whether it shares all places of the other.
    """

    one: VirtualService
    where: tuple[Value, ...]
    gateways: Mapping[Key, frozenset[Key]]
    is_first: bool
    is_everywhere: bool

    def routes(self) -> Iterator[tuple[Value, Sequence[Value]]]:
        """Yield its routes that take some requests only, with their matches, as others' would have to say them."""
        for route in self.one.routes("http"):
            matches = mappings(route.get("match"))
            some = [one for one in matches if not catches_all(one)]
            here = (self._here(where, one) for one in some for where in self.where)
            if found := [one for one in here if one is not None]:
                yield route, found
            if not matches or any(catches_all(one) and not one.keys() & _OF_PROXY for one in matches):
                return  # Istio makes no route of what stands behind it

    def _here(self, where: Value, match: Value) -> Value | None:
        """Return one of its matches as it holds at shared places; None where it holds at none of them.

        Istio reads no source beside gateways, and a gateway's own labels are not in the list.
        """
        if match.get("port") and where.get("port", match["port"]) != match["port"]:
            return None
        if not match.get("gateways"):
            return None if match.get("sourceLabels") or match.get("sourceNamespace") else {**where, **match}
        named = {gateway_of(name, self.one.namespace) for name in match["gateways"] if name != MESH}
        wanted = {_written(key) for name in named for key in self.gateways.get(name, ())}
        shared = sorted(wanted & set(where["gateways"]) if "gateways" in where else wanted)
        return {**where, **match, "gateways": shared} if shared else None

    @property
    def catches_all(self) -> bool:
        """Whether it takes all requests of its hosts that no other route takes."""
        return any(
            catches_all(match) for route in self.one.routes("http") for match in mappings(route.get("match")) or [{}]
        )


class Neighbourhood:
    """The VirtualServices of a list, by the hosts that they have on gateways."""

    def __init__(self, theirs: Theirs) -> None:
        self._gateways = {(one.object.ref.namespace, one.object.ref.name): one for one in theirs.gateways}
        self._listeners: dict[tuple[Key, int], object] = {
            (key, server.port): one.selector if server.is_plain else key
            for key, one in self._gateways.items()
            for server in one.servers
        }
        self._selectors: dict[int, set[frozenset[tuple[str, str]]]] = defaultdict(set)
        for (_, port), found in self._listeners.items():
            if isinstance(found, frozenset):
                self._selectors[port].add(found)
        self._places: dict[int, set[_Place]] = {id(one): self._own_places(one) for one in theirs.routes}
        self._at: dict[_Listener, list[VirtualService]] = defaultdict(list)
        for one in theirs.routes:
            for listener in {self._listener(place) for place in self._places[id(one)]}:
                self._at[listener].append(one)
        self._roots = _roots(theirs.routes)
        self._routes = theirs.routes
        self._by_host: dict[str, list[tuple[VirtualService, _Place]]] = defaultdict(list)

    def _own_places(self, one: VirtualService) -> set[_Place]:
        gateways = {gateway_of(name, one.namespace) for name in one.gateways if name != MESH}
        return {(key, port, host) for key in gateways for port, host in self._hosts(key, one)}

    def _hosts(self, key: Key, one: VirtualService) -> Iterator[tuple[int, str]]:
        """Yield the ports and hosts that a gateway has of a VirtualService; all, where the list does not have it."""
        for host in one.hosts:
            if key not in self._gateways:
                yield 0, host.lower()
                continue
            gateway = self._gateways[key]
            for server in gateway.servers:
                for served in gateway.hosts_of(server, one.namespace):
                    if found := meeting(served, host):
                        yield server.port, found

    def _listener(self, place: _Place) -> _Listener:
        key, port, host = place
        return (self._listeners.get((key, port), key), port, host)

    def _heard(self, place: _Place) -> Iterator[_Listener]:
        """Yield the listeners whose routes every pod of a gateway has: its own, and those of fewer labels."""
        key, port, host = place
        own = self._listeners.get((key, port), key)
        yield (own, port, host)
        if isinstance(own, frozenset):
            yield from ((other, port, host) for other in self._selectors[port] if other < own)

    def partly(self, one: VirtualService) -> Iterator[tuple[VirtualService, str]]:
        """Yield others that share a host with it on pods of its gateways, but for all we know not on every one."""
        places = self._places[id(one)]
        beside = {id(each) for place in places for heard in self._heard(place) for each in self._at.get(heard, ())}
        for key, port, host in places:
            own = self._listeners.get((key, port))
            for other, there in self._with_host(host):
                is_listed = key in self._gateways and there[0] in self._gateways
                may_meet = not is_listed or (port == there[1] and _fit(own, self._listeners.get(there[:2])))
                if id(other) not in beside and may_meet:
                    yield other, host

    def _with_host(self, host: str) -> list[tuple[VirtualService, _Place]]:
        if not self._by_host:
            for one in self._routes:
                for place in self._places[id(one)]:
                    self._by_host[place[2]].append((one, place))
        return self._by_host[host]

    def of(self, one: VirtualService) -> list[Neighbour]:
        """Return the neighbours of a VirtualService, in the order in which Istio joins them."""
        roots = self._roots.get((one.namespace, one.object.ref.name), ())
        places = self._places[id(one)].union(*(self._places[id(root)] for root in roots))
        listeners = {listener for place in places for listener in self._heard(place)}
        found = {id(other): other for listener in listeners for other in self._at.get(listener, ())}
        others = [other for other in found.values() if other is not one and other not in roots]
        own = roots or [one]
        return [
            self._neighbour(other, places, own, on_mesh=one.on_mesh and not roots)
            for other in sorted(others, key=_order)
            if any(_meet(other, each) for each in own)
        ]

    def _neighbour(
        self, other: VirtualService, places: set[_Place], own: Sequence[VirtualService], *, on_mesh: bool
    ) -> Neighbour:
        theirs: dict[_Listener, set[Key]] = defaultdict(set)
        for place in self._places[id(other)]:
            theirs[self._listener(place)].add(place[0])
        heard = {place: [one for one in self._heard(place) if one in theirs] for place in places}
        shared = {place for place, listeners in heard.items() if listeners}
        gateways: dict[Key, frozenset[Key]] = defaultdict(frozenset)
        for place in shared:
            for key in (key for listener in heard[place] for key in theirs[listener]):
                gateways[key] |= {place[0]}
        where = tuple(_where(places, shared, on_mesh=on_mesh))
        return Neighbour(other, where, gateways, _order(other) < min(map(_order, own)), shared == places)


def _fit(one: object, other: object) -> bool:
    """Tell whether a pod may have the labels of two selectors."""
    if not (isinstance(one, frozenset) and isinstance(other, frozenset)):
        return False
    labels = dict(one)
    return all(labels.get(key, text) == text for key, text in other)


def _meet(other: VirtualService, one: VirtualService) -> bool:
    """Tell whether a gateway's pods may see both, and the other one's routes not all before this one's."""
    if one.is_for_all:
        return other.is_for_all  # Istio has those that are exported to some namespaces first
    return other.is_for_all or bool(_exported(one) & _exported(other))


def _exported(one: VirtualService) -> set[str]:
    return {one.namespace if name == "." else name for name in one.exported}


def _roots(routes: Iterable[VirtualService]) -> Mapping[Key, Sequence[VirtualService]]:
    """Return the VirtualServices that hand all requests over to each delegate."""
    found: dict[Key, list[VirtualService]] = defaultdict(list)
    for one in routes:
        for route in one.routes("http"):
            delegate = mapping(route, "delegate")
            if delegate and any(map(catches_all, mappings(route.get("match")) or [{}])):
                found[str(delegate.get("namespace") or one.namespace), str(delegate.get("name"))].append(one)
    return found


def _order(one: VirtualService) -> tuple[bool, str, str, str]:
    return (one.is_for_all, one.created, one.object.ref.name, one.namespace)


def _written(gateway: Key) -> str:
    return "/".join(gateway) if gateway[0] else gateway[1]


def _where(places: set[_Place], shared: set[_Place], *, on_mesh: bool) -> Iterator[Value]:
    """Yield matches of just the shared places among those of a VirtualService; an empty one for all of them."""
    if shared == places and not on_mesh:
        yield {}
        return
    for gateway in sorted({key for key, _, _ in shared}):
        match: Manifest = {"gateways": [_written(gateway)]}
        ports = sorted({port for key, port, _ in places if key == gateway})
        found = {port: _hosts_at(places, shared, gateway, port) for port in ports}
        if all(one == found[ports[0]] for one in found.values()):
            yield from _at_hosts(match, *found[ports[0]])
        else:
            for port in ports:
                yield from _at_hosts({**match, "port": port}, *found[port])


def _hosts_at(places: set[_Place], shared: set[_Place], gateway: Key, port: int) -> tuple[set[str], set[str]]:
    """Return the hosts at a port of a gateway that are shared, and those that are not."""
    hosts = {host for key, number, host in shared if (key, number) == (gateway, port)}
    return hosts, {host for key, number, host in places if (key, number) == (gateway, port)} - hosts


def _at_hosts(match: Value, hosts: set[str], alone: set[str]) -> Iterator[Value]:
    if not hosts or any(meeting(wide, host) == host for wide in hosts if wide.startswith("*") for host in alone):
        return  # no match says a wildcard's hosts but one: rivals.py tells it
    if alone:
        names = "|".join(map(_expression, sorted(hosts)))
        match = {**match, "authority": {"regex": f"(?i)(?:{names})(?::[0-9]+)?"}}
    yield match


def _expression(host: str) -> str:
    return (".*" if host.startswith("*") else "") + host.removeprefix("*").replace(".", "[.]")
