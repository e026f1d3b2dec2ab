"""Destinations of a route of a VirtualService: those of its requests and those of its mirrors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krm_fn.names import full_name
from krm_fn.text.edits import Path
from krm_fn.values import Value, mapping, mappings

MIRRORS = ("mirrors", "mirror")


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


def theirs_elsewhere(route: Value, namespace: str, domain: str) -> Value:
    """Return a route of a namespace as another one's VirtualService says it."""
    for path, destination in list(destinations(route)):
        host = str(destination.get("host", ""))
        if host and "." not in host:
            route = with_destination(route, path, {**destination, "host": full_name(namespace, host, domain)})
    if delegate := mapping(route, "delegate"):
        route = {**route, "delegate": {"namespace": namespace, **delegate}}
    return route
