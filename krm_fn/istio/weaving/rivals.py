"""What there is to say about VirtualServices of one host on a gateway whose order the list does not show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from krm_fn.istio.theirs import VirtualService
from krm_fn.istio.weaving.neighbours import Neighbour
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping


def rivals(one: VirtualService, neighbours: Iterable[Neighbour]) -> Iterator[Result]:
    """Yield a finding where two others have routes for the same requests, and the list does not show who is older."""
    others = [(other, [match for _, matches in other.routes() for match in matches]) for other in neighbours]
    for (first, own), (second, theirs) in combinations(others, 2):
        same_age = first.one.created == second.one.created and first.one.is_for_all == second.one.is_for_all
        if same_age and any(_may_meet(match, other) for match in own for other in theirs):
            message = (
                f"takes all requests of a host on a gateway that {first.one.object.ref} and {second.one.object.ref} do "
                "not, which have routes for the same ones: Istio asks the older of the two first, and the list does "
                "not show which that is; for environments it is the first by name; give each a path of its own"
            )
            yield Result(Code.HOST_SHARED, message, one.object.ref, "spec.hosts")


def _may_meet(one: Value, other: Value) -> bool:
    """Tell whether a request may fit both matches, by their paths."""
    paths = [mapping(match, "uri") for match in (one, other)]
    if any(not path or "regex" in path for path in paths):
        return True
    (how, text), (other_how, other_text) = ((key, str(part)) for path in paths for key, part in path.items())
    if how == other_how == "exact":
        return text == other_text
    return (other_how == "prefix" and text.startswith(other_text)) or (how == "prefix" and other_text.startswith(text))


def overlapping(one: VirtualService, others: Iterable[tuple[VirtualService, str]]) -> Iterator[Result]:
    """Yield a finding for each VirtualService whose routes may stand beside on some of a gateway's pods only."""
    for other, host in {id(other): (other, host) for other, host in others}.values():
        message = (
            f"takes all requests of the host {host!r} on a gateway, some of whose pods may be another Gateway's, too, "
            f"for which {other.object.ref} has routes for that host: there, an environment's requests for them may be "
            "answered here; give Gateways of the same pods the same selector, and have them in the list, or give each "
            "a host of its own"
        )
        yield Result(Code.HOST_SHARED, message, one.object.ref, "spec.hosts")


def twins(one: VirtualService, neighbours: Iterable[Neighbour]) -> Iterator[Result]:
    """Yield a finding where another VirtualService takes all requests of the same host, and may be the older one."""
    for other in neighbours:
        if not other.where:
            message = (
                f"shares a wildcard host on a gateway with {other.one.object.ref}, and has a host under it alone: an "
                "environment's requests for paths of that one's may be answered here; give each host a VirtualService "
                "of its own"
            )
            yield Result(Code.HOST_SHARED, message, one.object.ref, "spec.hosts")
        if other.catches_all and other.is_first:
            is_known = "~" not in (one.created, other.one.created) and one.created != other.one.created
            which = (
                "which is the older one: Istio uses its routes alone"
                if is_known
                else "and Istio uses the older one's routes alone; the list does not show which that is, and the first "
                "by name is taken for it"
            )
            message = (
                f"takes all requests of a host on a gateway, and so does {other.one.object.ref}, {which}; give each a "
                "host, or a path, of its own"
            )
            yield Result(Code.HOST_SHARED, message, one.object.ref, "spec.hosts")
