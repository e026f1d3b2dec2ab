"""A VirtualService of the user's as it is woven into: what its destinations mean, and what is added to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.istio.subsets import Subsets
from krm_fn.istio.theirs import VirtualService
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.signatures import signed
from krm_fn.text.edits import Insert, Put
from krm_fn.values import Manifest, Value, mapping, mappings

Needed = tuple[Key, Value]  # a Service, and a subset that its DestinationRule must have


class Woven(NamedTuple):
    """A route, or an entry of one, as it is to be, and the subsets that it leads to. Without a value there is none."""

    value: Value
    needed: tuple[Needed, ...] = ()


class Target(NamedTuple):
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

    def led_to(self, subset: Value | None) -> Woven:
        """Return it with another subset; as it is for None."""
        if subset is None or self.subsets is None:
            return Woven(self.value)
        destination = {**mapping(self.value, "destination"), "subset": subset["name"]}
        return Woven({**self.value, "destination": destination}, ((self.subsets.plan.key, subset),))


class Additions(NamedTuple):
    """What is added to a VirtualService, the subsets that this needs, and what there is to say."""

    edits: tuple[Insert | Put, ...] = ()
    added: tuple[Value, ...] = ()
    needed: tuple[Needed, ...] = ()
    results: tuple[Result, ...] = ()


def together(additions: Iterable[Additions]) -> Additions:
    """Return several additions as one, in their order."""
    additions = list(additions)
    return Additions(
        tuple(edit for one in additions for edit in one.edits),
        tuple(value for one in additions for value in one.added),
        tuple(needed for one in additions for needed in one.needed),
        tuple(result for one in additions for result in one.results),
    )


class Loomed(NamedTuple):
    """A VirtualService with what is known of it.

    Attributes:
        one: the VirtualService.
        services: the Services with routes that its hosts can name, by host as written.
        owner: the config whose additions are made.
    """

    one: VirtualService
    services: Mapping[str, Subsets]
    owner: str

    def targets(self, route: Value) -> list[Target]:
        """Return the destinations of a route, with what is known of them."""
        return [
            Target(one, self.services.get(str(mapping(one, "destination").get("host", ""))))
            for one in mappings(route.get("route"))
        ]

    def signed(self, made: Value, environment: str, route: Value) -> Manifest:
        """Return a route with its name: the environment, and that of the route which it is a copy of."""
        own = route.get("name")
        return signed(made, f"{environment}--{own}" if own else environment, self.owner)

    def inserted(self, protocol: str, index: int, routes: Sequence[Woven]) -> Additions:
        """Return routes put before one of the user's, or behind the last; a list that is not there is made."""
        values = [one.value for one in routes if one.value]
        if not values:
            return Additions()
        there = self.one.spec.get(protocol)
        edit = Insert(("spec", protocol), index, values) if there else Put(("spec",), protocol, values)
        return Additions((edit,), tuple(values), tuple(needed for one in routes for needed in one.needed))

    def leaks(self, targets: Sequence[Target], path: str) -> Iterator[Result]:
        """Yield a finding for each subset of the user's that spans environments."""
        for number, target in enumerate(targets):
            if target.subsets and target.subset and target.subsets.leaks(target.subset):
                message = (
                    f"sends requests without an environment to the subset {target.subset!r}, which has pods of "
                    f"personal environments too: add the label {target.subsets.label}: {target.subsets.plan.base} to "
                    "that subset"
                )
                place = f"{path}.route[{number}].destination.subset"
                yield Result(Code.SUBSET_SPANS_ENVIRONMENTS, message, self.one.object.ref, place)


def plans(targets: Sequence[Target]) -> list[ServicePlan]:
    """Return the Services of several environments among destinations."""
    return [target.subsets.plan for target in targets if target.subsets and not target.names_environment]


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
