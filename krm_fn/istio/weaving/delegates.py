"""Delegates: what the routes that hand over to a VirtualService demand of its own.

Istio joins each match of a delegate's with those of the route that hands over; a route that has one which fits none of
them is left out whole (istio/istio, pilot/pkg/model/virtualservice.go, mergeHTTPMatchRequests).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.config.options import EnvHeader
from krm_fn.istio.destinations import theirs_elsewhere
from krm_fn.istio.matches import of_carriers
from krm_fn.istio.theirs import VirtualService
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings

# What of a match must be the same on both sides.
_EQUAL = ("sourceNamespace", "ignoreUriCase")
# What a delegate's route has of the one that hands over, where it says nothing of its own, and environments care for.
_INHERITED = ("headers", "mirror", "mirrors", "mirrorPercentage", "mirrorPercent")


class Handing(NamedTuple):
    """A route that hands over to a delegate, and its place among the HTTP routes of a VirtualService."""

    by: VirtualService
    place: int
    route: Value


def handings(routes: Iterable[VirtualService]) -> Mapping[Key, Sequence[Handing]]:
    """Return the routes that hand over to each delegate."""
    found: dict[Key, list[Handing]] = defaultdict(list)
    for one in routes:
        for place, route in enumerate(one.routes("http")):
            if delegate := mapping(route, "delegate"):
                key = (str(delegate.get("namespace") or one.namespace), str(delegate.get("name")))
                found[key].append(Handing(one, place, route))
    return found


def demanded(handed: Iterable[Handing]) -> list[Value]:
    """Return what a match of the delegate's must have to fit any of those that hand over: each is another route's."""
    found: list[Value] = []
    for one in handed:
        for match in mappings(one.route.get("match")) or [{}]:
            demand = {key: match[key] for key in _EQUAL if match.get(key)}
            if demand not in found:
                found.append(demand)
    return found or [{}]


def inherited(handed: Sequence[Handing], domain: str) -> Value:
    """Return what the routes of a delegate have of those that hand over, as the delegate's own namespace says it."""
    found = [_passed_on(one, domain) for one in handed]
    return found[0] if found and all(one == found[0] for one in found) else {}


def _passed_on(one: Handing, domain: str) -> Value:
    parts = {key: one.route[key] for key in _INHERITED if one.route.get(key)}
    return theirs_elsewhere(parts, one.by.namespace, domain) if parts else parts


def findings(handed: Iterable[Handing], header: EnvHeader) -> Iterator[Result]:
    """Yield a finding for each match of the environment's carriers that no match of an environment fits.

    And one where several routes hand over, and what a delegate's routes have of them is not the same.
    """
    handed = list(handed)
    if any(_passed_on(one, "") != _passed_on(handed[0], "") for one in handed):
        message = (
            "hands over to a delegate that others hand over to with other headers or mirrors: which hold for a request "
            "there, its routes cannot tell, so environments are not read from those headers, and such mirrors reach "
            "pods of any environment; give each a delegate of its own"
        )
        last = handed[-1]
        yield Result(Code.ROUTE_SETS_ENVIRONMENT, message, last.by.object.ref, f"spec.http[{last.place}]")
    for one in handed:
        for path, name, carrier in of_carriers(one.route.get("match"), header):
            place = int(path[1:].partition("]")[0])
            text = mapping(mapping(mappings(one.route.get("match"))[place], "headers"), name)
            if ".headers." not in path or (text.get("prefix") and not carrier.shared):
                continue
            message = (
                f"matches the header {name}, which carries the environment, and hands over to a delegate: Istio joins "
                "no other match of that header with it, so the requests that it takes are answered there as those "
                "that name no environment; leave the environments to this function and remove that match"
            )
            field = f"spec.http[{one.place}].match{path}"
            yield Result(Code.ROUTE_READS_ENVIRONMENT, message, one.by.object.ref, field)
