"""What is known of an HTTP route of the user's before it is woven into, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from krm_fn.istio.matches import of_carriers
from krm_fn.istio.spoken import said
from krm_fn.istio.weaving.targets import Loomed, Target
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.carriers import Carrier
from krm_fn.results import Code, Result
from krm_fn.text.edits import Path
from krm_fn.values import Value, mappings


class Known(NamedTuple):
    """What is known of a route: its destinations, its mirrors with their places, and both together.

    `plans` are the Services of several environments among them, `carriers` what its matches say of the environment.
    """

    targets: Sequence[Target]
    mirrors: Sequence[tuple[Path, Target]]
    everyone: Sequence[Target]
    plans: Sequence[ServicePlan]
    carriers: Sequence[tuple[str, str, Carrier]]

    @classmethod
    def of(cls, loomed: Loomed, route: Value) -> Known:
        targets, mirrors = loomed.targets(route), loomed.mirrors(route)
        everyone = [*targets, *(target for _, target in mirrors)]
        return cls(targets, mirrors, everyone, plans(everyone), ()).with_matches(route)

    def with_matches(self, route: Value) -> Known:
        """Return what is known of a route that leads to the same, and has other matches."""
        header = self.plans[0].config.env_header if self.plans else None
        return self._replace(carriers=list(of_carriers(route.get("match"), header)) if header else [])


def plans(targets: Iterable[Target]) -> list[ServicePlan]:
    """Return the Services of several environments among destinations."""
    return [plan for target in targets if (plan := target.plan)]


def findings(loomed: Loomed, route: Value, known: Known, path: str) -> Iterator[Result]:
    """Yield findings about a route at `path`."""
    if whole := [name for _, name, carrier in known.carriers if not carrier.shared]:
        message = (
            f"matches the header {whole[0]}, which carries the environment, so it is left as it is: an "
            "environment's requests that it takes go where it says; leave the environments to this function and "
            "remove that match, if it was meant for them"
        )
        yield Result(Code.ROUTE_READS_ENVIRONMENT, message, loomed.one.object.ref, f"{path}.match")
        return
    yield from _about(loomed, route, known, path)
    for below, name, _ in known.carriers:
        message = _shared(name, known.plans[0])
        yield Result(Code.ROUTE_READS_ENVIRONMENT, message, loomed.one.object.ref, f"{path}.match{below}")


def _about(loomed: Loomed, route: Value, known: Known, path: str) -> Iterator[Result]:
    for number, target in enumerate(known.targets):
        yield from loomed.about(target, f"{path}.route[{number}].destination")
    for place, target in known.mirrors:
        field = path + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
        yield from loomed.about(target, field)
    for number, part in enumerate([route, *mappings(route.get("route"))]):
        header = next(iter(loomed.services.values())).plan.config.env_header
        for action, value in said(part, header):
            field = f"{path}.route[{number - 1}].headers" if number else f"{path}.headers"
            if message := _said_unsurely(action, value):
                yield Result(Code.ROUTE_SETS_ENVIRONMENT, message, loomed.one.object.ref, field)


def _said_unsurely(action: str, value: str) -> str:
    """Say why it is not sure who answers from here on; empty where it is."""
    if "%" in value:
        return (
            f"sets the environment's header to {value!r}, which Envoy fills in for each request: from here on "
            "requests may name another environment than the one that answers them; set it to a fixed value"
        )
    if action == "add":
        return (
            f"adds {value!r} to the environment's header: a request that names an environment is answered by that one "
            "here, and names both from here on, of which each proxy takes what it finds; set the header instead"
        )
    return ""


def _shared(name: str, plan: ServicePlan) -> str:
    return (
        f"matches the header {name}, which may carry the environment, too, and a match names a header once: requests "
        "that it takes have their environment read from the other carriers only, such as "
        f"{plan.config.env_header.name}"
    )
