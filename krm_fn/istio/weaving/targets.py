"""A VirtualService of the user's as it is woven into: what its destinations mean, and what is added to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.config.options import EnvHeader
from krm_fn.istio.destinations import MIRRORS, destinations
from krm_fn.istio.spoken import Spoken, of_mirrors, of_route
from krm_fn.istio.subsets import Place, Subsets
from krm_fn.istio.theirs import VirtualService
from krm_fn.istio.weaving.shared import Shared
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Key
from krm_fn.results import Code, Result
from krm_fn.signatures import signed
from krm_fn.text.edits import Insert, Path, Put
from krm_fn.values import NOTHING, Manifest, Value, mapping, mappings

Needed = tuple[Key, Value]  # a Service, and a subset that its DestinationRule must have
_REQUESTS = Spoken()  # the request's own environment


class Woven(NamedTuple):
    """A route, or an entry of one, as it is to be, and the subsets that it leads to. Without a value there is none."""

    value: Value
    needed: tuple[Needed, ...] = ()


class Target(NamedTuple):
    """A destination of a route, or of a mirror of it, and what is known of its Service.

    Attributes:
        destination: as the user wrote it.
        subsets: of its Service; None where its requests need no care.
        spoken: the environment that the route says from here on.
    """

    destination: Value
    subsets: Subsets | None
    spoken: Spoken = _REQUESTS

    @property
    def subset(self) -> str:
        return str(self.destination.get("subset") or "")

    @property
    def names_environment(self) -> bool:
        """Whether the user sent it to an environment other than the base's on purpose."""
        if self.subsets is None:
            return False
        labels = self.subsets.labels_of(self.subset) if self.subset else None
        named = (labels or {}).get(self.subsets.label)
        return named is not None and named != self.subsets.plan.base_answer

    @property
    def plan(self) -> ServicePlan | None:
        """The Service, where environments decide who answers there."""
        return self.subsets.plan if self.subsets and not self.names_environment else None

    @property
    def needs_pin(self) -> bool:
        """Whether requests without an environment would reach pods of any."""
        if self.subsets is None or self.subset:
            return self.is_moved
        plan = self.subsets.plan
        return plan.base_answer is not None or plan.config.unmatched == "reject"

    @property
    def is_moved(self) -> bool:
        """Whether it names a subset, and the base has its pods in another of the joined namespaces."""
        plan = self.plan if self.subset else None
        return bool(plan and plan.base_answer and plan.home(plan.base_answer) != plan.service.ref.namespace)

    @property
    def is_unmatched(self) -> bool:
        """Whether nothing answers there a request that names no environment."""
        plan = self.plan
        unanswered = plan is not None and plan.base_answer is None and plan.config.unmatched == "reject"
        return unanswered and not self.subset and not self.spoken.by_nobody

    def led(self, value: str | None) -> Woven | None:
        """Return where a request that carries `value` goes instead; None for nowhere."""
        if self.subsets is None or self.plan is None:
            return Woven(self.destination)
        environment = self.subsets.answer(value if self.spoken.value is None else self.spoken.value)
        if environment is None:
            return Woven(self.destination) if self.plan.config.unmatched == "anyPod" else None
        if self.subset and environment == self.plan.base_answer and not self.is_moved:
            return Woven(self.destination)  # as requests without an environment
        return self.at(self.subsets.narrowed(environment, self.subset) if self.subset else self.subsets.of(environment))

    def led_by_nobody(self) -> Woven | None:
        """Return where a request without an environment goes instead; None for nowhere."""
        if self.spoken.by_nobody:
            return self.led(self.spoken.by_nobody)
        if self.subsets is None or not self.needs_pin:
            return Woven(self.destination)
        base = self.subsets.plan.base_answer if self.is_moved else None
        return self.at(self.subsets.narrowed(base, self.subset) if base else self.subsets.of_base())

    def at(self, place: Place) -> Woven:
        """Return it with another subset, and the host that has it."""
        host = {"host": place.host} if place.host else {}
        if place.subset is None:
            return Woven({**self.destination, **host})
        destination = {**self.destination, **host, "subset": place.subset["name"]}
        return Woven(destination, ((place.key, place.subset),))


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
        served: the Services whose host in the mesh is this VirtualService's.
        domain: the cluster's.
        demands: of a delegate, what its matches must have for the routes that hand over to it.
        inherited: of a delegate, what its routes have of those, where they say nothing of their own.
        shared: what its copies have in common with those of all others.
    """

    one: VirtualService
    services: Mapping[str, Subsets]
    owner: str
    served: tuple[Key, ...] = ()
    domain: str = ""
    demands: Sequence[Value] = (NOTHING,)
    inherited: Value = NOTHING
    shared: Shared | None = None

    def http(self) -> list[Value]:
        """Return its HTTP routes; a delegate's with what they have of those that hand over."""
        routes = self.one.routes("http")
        if not self.inherited:
            return routes
        other = {key: part for key, part in self.inherited.items() if not key.startswith("mirror")}
        return [{**(other if any(key in one for key in MIRRORS) else self.inherited), **one} for one in routes]

    def targets(self, route: Value) -> list[Target]:
        """Return the destinations of a route, with what is known of them; as many as it has entries."""
        header = self._header
        spoken = of_route(route, header) if header else []
        return [
            self._target(mapping(one, "destination"), self._fixed(spoken[place]) if header else _REQUESTS)
            for place, one in enumerate(mappings(route.get("route")))
        ]

    def mirrors(self, route: Value) -> list[tuple[Path, Target]]:
        """Return the mirrors of a route with their places in it."""
        found = destinations({key: route[key] for key in MIRRORS if key in route})
        spoken = self._fixed(of_mirrors(route, self._header)) if self._header else _REQUESTS
        return [(path, self._target(one, spoken)) for path, one in found]

    @property
    def _header(self) -> EnvHeader | None:
        return next((subsets.plan.config.env_header for subsets in self.services.values()), None)

    def _fixed(self, spoken: Spoken) -> Spoken:
        """Return what a route says, but for what Envoy fills in for each request."""
        return _REQUESTS if "%" in (spoken.value or spoken.added or "") else spoken

    def _target(self, destination: Value, spoken: Spoken) -> Target:
        return Target(destination, self.services.get(str(destination.get("host", ""))), spoken)

    def signed(self, made: Value, environment: str, route: Value) -> Manifest:
        """Return a route with its name: the environment, and that of the route which it is a copy of."""
        own = route.get("name")
        digests = self.shared.digests if self.shared else None
        return signed(made, f"{environment}--{own}" if own else environment, self.owner, digests)

    def inserted(self, protocol: str, index: int, routes: Sequence[Woven]) -> Additions:
        """Return routes put before one of the user's, or behind the last; a list that is not there is made."""
        values = [one.value for one in routes if one.value]
        if not values:
            return Additions()
        there = self.one.spec.get(protocol)
        edit = Insert(("spec", protocol), index, values) if there else Put(("spec",), protocol, values)
        return Additions((edit,), tuple(values), tuple(needed for one in routes for needed in one.needed))

    def about(self, target: Target, field: str) -> Iterator[Result]:
        """Yield a finding where the subset of a destination at `field` spans environments."""
        if target.subsets is None or not target.subset:
            return
        plan, inside = target.subsets.plan, target.subsets.inside(target.subset)
        personal = ", ".join(sorted(inside - {plan.base_answer}))
        if personal and not target.is_moved:
            message = (
                f"sends requests without an environment to the subset {target.subset!r}, which has pods of personal "
                f"environments too: add the label {target.subsets.label}: {plan.base} to that subset"
            )
            if plan.base_answer not in inside:
                message = (
                    f"sends requests without an environment to the subset {target.subset!r}, which has pods of "
                    f"{personal} alone: lead to a subset that has pods of the base ({plan.base}), if that is not meant"
                )
            yield Result(Code.SUBSET_SPANS_ENVIRONMENTS, message, self.one.object.ref, f"{field}.subset")


def collapsed(targets: Iterable[Value]) -> list[Manifest]:
    """Return entries of a route, those that became the same as one with the sum of their weights."""
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
            same["weight"] = weight(same) + weight(target)
    if len(kept) == 1:
        kept[0].pop("weight", None)
    return kept


def weight(entry: Value) -> int:
    """Return the weight of an entry of a route."""
    found = entry.get("weight")
    return found if isinstance(found, int) else 0
