"""Inventory and configuration → plan, with a finding for everything that a user must know about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from krm_fn.config.reader import Configs
from krm_fn.names import nearest
from krm_fn.plan import exposure, list_findings, service_findings, spaces
from krm_fn.plan.answers import Adoption, Copy, NamespacePlan, OwnEnvironment, Plan, Route, ServicePlan
from krm_fn.plan.environments import deepest_first, depth, levels
from krm_fn.plan.inventory import Inventory
from krm_fn.plan.selection import Part, Selection, select
from krm_fn.plan.services import Key, Service, Workload
from krm_fn.plan.spaces import Space
from krm_fn.results import Code, Result

_FIELD = "spec.envLabel.defaultSubset"

_Named = TypeVar("_Named", Service, Workload)


class _Planned(NamedTuple):
    """The plan of namespaces that are planned together."""

    services: tuple[ServicePlan, ...]
    namespaces: tuple[NamespacePlan, ...]
    adoptions: tuple[Adoption, ...]
    copies: tuple[Copy, ...]
    results: tuple[Result, ...]


def make(inventory: Inventory, configs: Configs) -> Plan:
    """Compute the answers of every Service of which a workload carries the environment label.

    Where there are errors among the results, the Services that they concern are left out.
    """
    services = _by_namespace(inventory.services)
    workloads = _by_namespace(inventory.workloads)
    selections = [
        select(
            space,
            [one for name in space.names for one in services[name]],
            [one for name in space.names for one in workloads[name]],
            inventory.claims,
        )
        for space in spaces.spaces(inventory, configs)
    ]
    carried: dict[str, set[str]] = defaultdict(set)  # label name → every environment in the list
    for selection in selections:
        carried[selection.space.label] |= selection.carried
    planned = [_planned(selection, carried[selection.space.label]) for selection in selections]
    apart = sorted((each for selection in selections for each in selection.apart), key=lambda one: one.service.key)
    mixed = tuple(list_findings.of_mixed(inventory, configs))
    results = [
        *inventory.results,
        *mixed,
        *spaces.findings(inventory, configs),
        *(result for selection in selections for result in selection.results),
        *(result for one in planned for result in one.results),
        *list_findings.of_configs(configs, inventory, any(carried.values()) or any(one.bare for one in selections)),
        *(result for each in apart for result in service_findings.about_apart(each)),
    ]
    return Plan(
        tuple(sorted((one for each in planned for one in each.services), key=lambda one: one.key)),
        tuple(sorted((one for each in planned for one in each.namespaces), key=lambda one: one.name)),
        tuple(list_findings.without_wrong_cause(list_findings.without_follow_ups(results), inventory, mixed)),
        tuple(apart),
        tuple(one for each in planned for one in each.adoptions),
        tuple(sorted((one for each in planned for one in each.copies), key=lambda one: one.service.key)),
    )


def _by_namespace(named: Iterable[_Named]) -> dict[str, list[_Named]]:
    found: dict[str, list[_Named]] = defaultdict(list)
    for one in named:
        found[one.ref.namespace].append(one)
    return found


def _planned(selection: Selection, carried: set[str]) -> _Planned:
    """Plan the Services that take part; `carried` is every environment of the whole list."""
    space, bare = selection.space, selection.bare
    base, results = _base(selection, carried) if selection.parts else (None, ())
    known = selection.carried | ({base} if base and bare else set())
    services: list[ServicePlan] = []
    copies: list[Copy] = []
    if base is not None:
        if space.is_joined:
            there = [*(part.service for part in selection.parts), *(one.service for one in selection.apart)]
            copies = spaces.copies(space, there, [part.service for part in selection.parts])
        parts = [*selection.parts, *_copied(copies, selection.parts)]
        services = [_service(space, part, base, known) for part in parts]
    adoptions = tuple(Adoption(workload, space.label, base) for workload in bare) if base else ()
    about = [result for one in services for result in _findings(space, one)]
    namespaces = tuple(_namespaces(selection, known, base or ""))
    return _Planned(tuple(services), namespaces, adoptions, tuple(copies), (*results, *about))


def _namespaces(selection: Selection, known: frozenset[str], base: str) -> Iterator[NamespacePlan]:
    """Yield the namespaces of labelled pods, and of those that are to be."""
    space = selection.space
    for name in space.names:
        here = known
        if space.is_joined:
            labelled = (*selection.labelled, *(selection.bare if base else ()))
            here = frozenset(one.labels.get(space.label, base) for one in labelled if one.ref.namespace == name)
        if here:
            yield NamespacePlan(name, here, space.config)


def _copied(copies: Sequence[Copy], parts: Sequence[Part]) -> Iterator[Part]:
    """Yield what is missing in a member namespace of the Services that take part."""
    pods: dict[Key, tuple[Workload, ...]] = {part.service.key: part.pods for part in parts} if copies else {}
    for copy in copies:
        if not copy.is_alias:
            yield Part(copy.service, pods[copy.original.key])


def _base(selection: Selection, carried: set[str]) -> tuple[str | None, tuple[Result, ...]]:
    """Return the base of the namespaces, or None beside an error."""
    space = selection.space
    ref, splitter = space.source.ref, space.config.env_label.splitter
    wanted = space.config.env_label.default_subset
    if wanted:
        if wanted in carried or selection.bare:
            return wanted, ()
        close = nearest(carried, wanted)
        message = f"no workload carries the base {wanted!r}" + (f"; did you mean {close!r}?" if close else "")
        return None, (Result(Code.BASE_UNKNOWN, message, ref, _FIELD),)
    if selection.bare:
        message = (
            f"{space} has pods to adopt and no base: who that is must not depend on the environments that are there; "
            f"set {_FIELD}"
        )
        return None, (Result(Code.BASE_AMBIGUOUS, message, ref, _FIELD),)
    roots = sorted(name for name in selection.carried if depth(name, splitter) == 1)
    if not roots:  # the base may live in another namespace of the list
        roots = sorted({levels(name, splitter)[-1] for name in selection.carried} & carried)
    if len(roots) == 1:
        message = f"the base of {space} is {roots[0]!r}, its only root environment; set {_FIELD} to choose it yourself"
        return roots[0], (Result(Code.BASE_ASSUMED, message, ref),)
    found = f"it has several root environments: {', '.join(roots)}" if roots else "it has no root environment"
    message = f"{space} has no base, and {found}; set {_FIELD} to the one that answers when a request names nobody"
    return None, (Result(Code.BASE_AMBIGUOUS, message, ref, _FIELD),)


def _service(space: Space, part: Part, base: str, known: frozenset[str]) -> ServicePlan:
    present: dict[str, list[Workload]] = defaultdict(list)
    absent: dict[str, list[Workload]] = defaultdict(list)
    label, splitter = space.label, space.config.env_label.splitter
    for workload in part.pods:
        (absent if workload.absent else present)[workload.labels.get(label, base)].append(workload)
    own = {name: OwnEnvironment(name, tuple(present[name]), present[name][0].ref.namespace) for name in sorted(present)}
    base_answer = next((name for name in levels(base, splitter) if name in own), None)
    return ServicePlan(
        part.service,
        space.config,
        base,
        base_answer,
        own,
        {name: tuple(absent[name]) for name in sorted(absent)},
        known,
        _routes(space, own.keys(), base_answer, known),
        exposure.read(part.service),
        space.names if space.is_joined else (),
    )


def _routes(space: Space, own: Iterable[str], base_answer: str | None, known: frozenset[str]) -> tuple[Route, ...]:
    own, splitter = set(own), space.config.env_label.splitter
    # The base's own route may go only where no shallower one would catch its requests.
    above = set(levels(base_answer, splitter)[1:]) if base_answer else set()
    routed = own if above & own else own - {base_answer}
    if space.config.matching == "prefix":
        return tuple(Route(one, (one,), one + splitter) for one in deepest_first(routed, splitter))
    answers: dict[str, list[str]] = defaultdict(list)
    for value in known:
        answer = next((name for name in levels(value, splitter) if name in own), base_answer)
        if answer is not None and answer != base_answer:
            answers[answer].append(value)
    return tuple(Route(one, tuple(sorted(answers[one])), "") for one in deepest_first(answers, splitter))


def _findings(space: Space, plan: ServicePlan) -> Iterator[Result]:
    for workloads in plan.absent.values():
        for one in workloads:
            if one.ref.namespace == plan.service.ref.namespace:
                message = f"has no pods ({one.absent}): {plan.service.ref} routes as if it were not there"
                field = f"spec.{one.absent.partition(':')[0]}"
                yield Result(Code.SCALED_TO_ZERO, message, one.ref, field)
    if space.is_joined:
        yield from spaces.environments_twice(plan, space.label)
    yield from exposure.findings(plan.service, plan.exposure)
    yield from service_findings.about(plan)
