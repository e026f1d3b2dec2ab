"""What the function adds to a user's VirtualService or DestinationRule, known again by its name and taken out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from krm_fn.istio.destinations import destinations, with_destination
from krm_fn.names import dashed
from krm_fn.signatures import PREFIX, digest, is_intact, is_signed
from krm_fn.text.edits import Path
from krm_fn.values import Manifest, Value, mapping

TCP_PREFIX = f"{PREFIX}tcp--"  # a TCP route has no name, so the subset that it leads to has the mark
_MAX_SUBSET = 63


class Stripped(NamedTuple):
    """A user's object without what the function added.

    Attributes:
        value: the object as the user wrote it.
        removals: the places of what was taken out.
        emptied: the places of lists that have nothing else: they go with their key, where that is the function's, too.
        added: the entries that were taken out, as they were found.
    """

    value: Value
    removals: tuple[Path, ...]
    emptied: tuple[Path, ...]
    added: tuple[Value, ...]

    @property
    def is_marked(self) -> bool:
        """Whether anything was taken out."""
        return bool(self.removals or self.emptied)

    def strange(self, owner: str) -> list[Value]:
        """Return the entries that `owner` did not add like that: changed since, or another config's."""
        return [one for one in self.added if not _is_intact(one, owner)]


def signed_subset(subset: Value, stem: str, owner: str) -> Manifest:
    """Return a subset with a name that tells whose it is.

    Its digest parts environments of which the plain names would be the same.
    """
    return {"name": _subset_name(PREFIX, stem, digest(owner, dict(subset))), **subset}


def connection_subset(stem: str, route: Value, owner: str) -> str:
    """Return the name of the subset that an added TCP route leads to, as `signed` would name the route."""
    return _subset_name(TCP_PREFIX, stem, digest(owner, _without_subsets(route)))


def _subset_name(prefix: str, stem: str, mark: str) -> str:
    room = _MAX_SUBSET - len(prefix) - len(mark) - 1
    return f"{prefix}{dashed(stem)[:room].strip('-')}-{mark}"


def is_marked(entry: object) -> bool:
    """Tell whether a route or subset is the function's own."""
    return isinstance(entry, dict) and (is_signed(entry) or _is_connection(entry))


def _is_connection(entry: Value) -> bool:
    targets = entry.get("route")  # those of Services that need no care have no mark
    return isinstance(targets, list) and any(_subset(one).startswith(TCP_PREFIX) for one in targets)


def _is_intact(entry: Value, owner: str) -> bool:
    name = str(entry.get("name", ""))
    if name.startswith(TCP_PREFIX):  # a subset with the mark of the route that leads to it
        return entry.keys() == {"name", "labels"}
    if name:
        return is_intact(entry, owner)
    mark = digest(owner, _without_subsets(entry))
    marked = (subset for one in entry["route"] if (subset := _subset(one)).startswith(TCP_PREFIX))
    return all(subset.endswith(f"-{mark}") for subset in marked)


def _without_subsets(route: Value) -> Value:
    for path, destination in list(destinations(route)):
        route = with_destination(route, path, {key: part for key, part in destination.items() if key != "subset"})
    return route


def _subset(target: object) -> str:
    return str(mapping(target, "destination").get("subset", "")) if isinstance(target, dict) else ""


def strip(value: Value) -> Stripped:
    """Take the function's additions out of a VirtualService or DestinationRule."""
    spec = dict(mapping(value, "spec"))
    removals: list[Path] = []
    emptied: list[Path] = []
    added: list[Value] = []
    for key in ("http", "tls", "tcp", "subsets"):
        entries = spec.get(key)
        if not isinstance(entries, list):
            continue
        own = [place for place, entry in enumerate(entries) if is_marked(entry)]
        added += [entries[place] for place in own]
        if own and len(own) == len(entries):
            emptied.append(("spec", key))
            del spec[key]
            continue
        removals += [("spec", key, place) for place in own]
        pins = list(_pins(entries))
        removals += [("spec", key, *path) for path in pins]
        if own or pins:
            spec[key] = [_unpinned(entry) for entry in entries if not is_marked(entry)]
    stripped = {**value, "spec": spec} if removals or emptied else value
    return Stripped(stripped, tuple(removals), tuple(emptied), tuple(added))


def _pins(entries: Sequence[Any]) -> Iterator[Path]:
    """Yield the places of subsets that the function put into the user's own routes."""
    for place, entry in enumerate(entries):
        if not is_marked(entry) and isinstance(entry, dict):
            yield from ((place, *path, "subset") for path, target in destinations(entry) if _is_pin(target))


def _is_pin(destination: Value) -> bool:
    return str(destination.get("subset", "")).startswith(PREFIX)


def _unpinned(entry: Any) -> Any:  # noqa: ANN401 - a route as the user wrote it, of whatever type
    for path, destination in list(destinations(entry)) if isinstance(entry, dict) else ():
        if _is_pin(destination):
            entry = with_destination(entry, path, {key: part for key, part in destination.items() if key != "subset"})
    return entry
