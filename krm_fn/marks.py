"""What the function adds to a user's own object: marked by name, so that a later run takes it out again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krm_fn.edits import Path, Put
from krm_fn.objects import annotations_of
from krm_fn.parts import mappings

PREFIX = "virtual-env--"
TCP_PREFIX = f"{PREFIX}tcp--"  # a TCP route has no name, so the subset that it leads to has the mark
ANNOTATION = "virtual-env-fn.dev/woven"
_ANNOTATIONS = ("metadata", "annotations")

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stripped:
    """A user's object without what the function added.

    Attributes:
        value: the object as the user wrote it.
        removals: the places of what was taken out.
        added: the entries that were taken out, as they were found.
        owner: the config that had added them, empty for none.
        digest: of what that config had added, empty for none.
    """

    value: Value
    removals: tuple[Path, ...]
    added: tuple[Value, ...]
    owner: str
    digest: str

    @property
    def was_edited(self) -> bool:
        """Whether somebody changed what the function had added."""
        return bool(self.digest) and self.digest != digest(self.added)


def is_marked(entry: object) -> bool:
    """Tell whether a route or subset is the function's own."""
    if not isinstance(entry, dict):
        return False
    if str(entry.get("name", "")).startswith(PREFIX):
        return True
    targets = entry.get("route")
    return isinstance(targets, list) and bool(targets) and all(_subset(one).startswith(TCP_PREFIX) for one in targets)


def _subset(target: object) -> str:
    destination = target.get("destination") if isinstance(target, dict) else None
    return str(destination.get("subset", "")) if isinstance(destination, dict) else ""


def digest(added: Sequence[Value]) -> str:
    """Return a short digest of added entries, free of their order and that of their keys."""
    texts = sorted(json.dumps(one, sort_keys=True) for one in added)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def seal(owner: str, added: Sequence[Value]) -> Put:
    """Return the edit that notes who added what."""
    return Put(_ANNOTATIONS, ANNOTATION, f"{owner} {digest(added)}")


def strip(value: Value) -> Stripped:
    """Take the function's additions out of a VirtualService or DestinationRule."""
    spec = value.get("spec")
    spec = dict(spec) if isinstance(spec, dict) else {}
    removals: list[Path] = []
    added: list[Value] = []
    for key in ("http", "tls", "tcp", "subsets"):
        entries = spec.get(key)
        if not isinstance(entries, list):
            continue
        own = [place for place, entry in enumerate(entries) if is_marked(entry)]
        added += [entries[place] for place in own]
        if own and len(own) == len(entries):  # a list of its own, key and all
            removals.append(("spec", key))
            del spec[key]
            continue
        removals += [("spec", key, place) for place in own]
        pins = list(_pins(entries))
        removals += [("spec", key, *path) for path in pins]
        if own or pins:
            spec[key] = [_unpinned(entry) for entry in entries if not is_marked(entry)]
    annotations = annotations_of(value)
    owner, _, found = str(annotations.get(ANNOTATION, "")).rpartition(" ")
    if not removals and not found:
        return Stripped(value, (), (), "", "")
    metadata = dict(value["metadata"]) if isinstance(value.get("metadata"), dict) else {}
    if found:
        alone = len(annotations) == 1
        removals.append(_ANNOTATIONS if alone else (*_ANNOTATIONS, ANNOTATION))
        rest = {key: text for key, text in annotations.items() if key != ANNOTATION}
        metadata = {key: part for key, part in metadata.items() if key != "annotations"} | (
            {} if alone else {"annotations": rest}
        )
    return Stripped({**value, "metadata": metadata, "spec": spec}, tuple(removals), tuple(added), owner, found)


def _pins(entries: Sequence[Any]) -> Iterator[Path]:
    """Yield the places of subsets that the function put into the user's own routes."""
    for place, entry in enumerate(entries):
        if not is_marked(entry) and isinstance(entry, dict):
            yield from ((place, *path, "subset") for path, target in destinations(entry) if _is_pin(target))


def destinations(route: Value) -> Iterator[tuple[Path, Value]]:
    """Yield the place in a route, and the value, of each destination: of its requests, then of its mirrors."""
    for key in ("route", "mirrors"):
        for number, target in enumerate(mappings(route.get(key))):
            if isinstance(target.get("destination"), dict):
                yield (key, number, "destination"), target["destination"]
    if isinstance(route.get("mirror"), dict):
        yield ("mirror",), route["mirror"]


def with_destination(route: Any, path: Path, destination: Value) -> Any:  # noqa: ANN401 - a tree of any values
    """Return a route with another destination at a place that `destinations` gave."""
    if not path:
        return destination
    if isinstance(route, list):
        return [
            with_destination(one, path[1:], destination) if place == path[0] else one for place, one in enumerate(route)
        ]
    return {**route, path[0]: with_destination(route[path[0]], path[1:], destination)}


def _is_pin(destination: Value) -> bool:
    return str(destination.get("subset", "")).startswith(PREFIX)


def _unpinned(entry: Any) -> Any:  # noqa: ANN401 - a route as the user wrote it, of whatever type
    for path, destination in list(destinations(entry)) if isinstance(entry, dict) else ():
        if _is_pin(destination):
            rest = {key: part for key, part in destination.items() if key != "subset"}
            entry = with_destination(entry, path, rest)
    return entry
