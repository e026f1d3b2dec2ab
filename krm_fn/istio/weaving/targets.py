"""The edits of one VirtualService of the user's, as they are collected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from krm_fn.istio.weaving.marks import signed
from krm_fn.istio.weaving.subsets import Subsets
from krm_fn.objects import Object
from krm_fn.plan.answers import ServicePlan
from krm_fn.results import Code, Result
from krm_fn.text.edits import Insert, Put
from krm_fn.values import mapping, mappings

Value = Mapping[str, Any]
Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """A destination of a route, and what is known of its Service: None where its requests need no care."""

    value: Value
    subsets: Subsets | None

    @property
    def subset(self) -> str:
        return str(mapping(self.value, "destination").get("subset", ""))

    @property
    def names_environment(self) -> bool:
        """Whether the user sent it to an environment other than the base's on purpose."""
        if self.subsets is None:
            return False
        labels = self.subsets.labels_of(self.subset) if self.subset else None
        named = (labels or {}).get(self.subsets.label)
        return named is not None and named != self.subsets.plan.base_answer


class Draft:
    """What is to be added to one VirtualService of the user's, and what there is to say about it.

    Args:
        one: the VirtualService.
        spec: its spec, without this function's additions.
        service_of: the Services with routes that its hosts can name, by host as written.
        owner: the config whose additions these are.
    """

    def __init__(self, one: Object, spec: Value, service_of: Mapping[str, Subsets], owner: str) -> None:
        self.one = one
        self.spec = spec
        self.service_of = service_of
        self.owner = owner
        self.edits: list[Insert | Put] = []
        self.added: list[Value] = []
        self.results: list[Result] = []

    def insert(self, protocol: str, index: int, routes: Sequence[Value]) -> None:
        """Put routes before one of the user's, or behind the last; a list that is not there is made."""
        if not routes:
            return
        self.added += routes
        if isinstance(self.spec.get(protocol), list) and self.spec[protocol]:
            self.edits.append(Insert(("spec", protocol), index, routes))
        else:
            self.edits.append(Put(("spec",), protocol, list(routes)))

    def targets(self, route: Value) -> list[Target]:
        """Return the destinations of a route, with what is known of them."""
        return [
            Target(one, self.service_of.get(str(mapping(one, "destination").get("host", ""))))
            for one in mappings(route.get("route"))
        ]

    def plans(self, targets: Sequence[Target]) -> list[ServicePlan]:
        """Return the Services of several environments among the destinations."""
        return [target.subsets.plan for target in targets if target.subsets and not target.names_environment]

    def signed(self, made: Value, environment: str, route: Value) -> Manifest:
        """Return a route with its name: the environment, and that of the route which it is a copy of."""
        own = route.get("name")
        return signed(made, f"{environment}--{own}" if own else environment, self.owner)

    def warn_about_leaks(self, targets: Sequence[Target], path: str) -> None:
        """Report subsets of the user's that span environments."""
        for number, target in enumerate(targets):
            if target.subsets and target.subset and target.subsets.leaks(target.subset):
                message = (
                    f"sends requests without an environment to the subset {target.subset!r}, which has pods of "
                    f"personal environments too: add the label {target.subsets.label}: {target.subsets.plan.base} to "
                    "that subset"
                )
                place = f"{path}.route[{number}].destination.subset"
                self.results.append(Result(Code.SUBSET_SPANS_ENVIRONMENTS, message, self.one.ref, place))


def collapsed(targets: Iterable[Value]) -> list[Manifest]:
    """Return destinations, those that became the same as one with the sum of their weights."""
    kept: list[Manifest] = []
    unweighted: list[Manifest] = []
    for target in targets:
        rest = {key: part for key, part in target.items() if key != "weight"}
        if rest not in unweighted:
            kept.append(dict(target))
            unweighted.append(rest)
            continue
        same = kept[unweighted.index(rest)]
        if "weight" in same or "weight" in target:
            same["weight"] = same.get("weight", 0) + target.get("weight", 0)
    if len(kept) == 1:
        kept[0].pop("weight", None)
    return kept
