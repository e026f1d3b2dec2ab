"""HTTPMatchRequests of Istio: the carriers of an environment as such, and two of them as one.

Fields: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from krm_fn.config.options import EnvHeader
from krm_fn.plan.answers import Route
from krm_fn.plan.carriers import Carrier, carriers, matches
from krm_fn.values import Manifest, Value, mapping, mappings

# Where a request carries its environment → the fields of a match that speak of it; the first one demands a value.
_FIELDS = {"header": ("headers", "withoutHeaders")}


@cache  # of most Services the same; nothing of it may change
def carried(header: EnvHeader, route: Route) -> Sequence[Manifest]:
    """Return the matches of a route's environment: any of them is enough."""
    return tuple(
        {_FIELDS[one.carrier.where][0]: {one.carrier.name: {one.how: one.text}}} for one in matches(header, route)
    )


def both(one: Value, other: Value) -> Manifest | None:
    """Return the match of what meets both; None where both name the same header: a match names it once."""
    together: Manifest = {**one, **other}
    for field, *_ in _FIELDS.values():
        parts, others = mapping(one, field), mapping(other, field)
        if parts and others:
            if {str(name).lower() for name in parts} & {str(name).lower() for name in others}:
                return None
            together[field] = {**parts, **others}
    return together


def of_carriers(matches: object, header: EnvHeader) -> Iterator[tuple[str, str, Carrier]]:
    """Yield the path below a list of matches, and the name as written, of each carrier that they speak of."""
    known: dict[tuple[str, str], Carrier] = {}  # made only where a match speaks of anything like it
    for place, match in enumerate(mappings(matches)):
        for where, fields in _FIELDS.items():
            for field in fields:
                for name in mapping(match, field):
                    known = known or {(one.where, one.name): one for one in carriers(header)}
                    if carrier := known.get((where, str(name).lower())):
                        yield f"[{place}].{field}.{name}", str(name), carrier


def combined(matches: object, carriers: Sequence[Value]) -> list[Manifest]:
    """Return a route's matches, each with each carrier; those that cannot be one are left out."""
    return [
        found
        for match in mappings(matches) or [{}]
        for carrier in carriers
        if (found := both(match, carrier)) is not None
    ]
