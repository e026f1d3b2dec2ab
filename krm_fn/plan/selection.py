"""Which Services take part, and with which pods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from krm_fn.config.options import RouteConfig
from krm_fn.names import is_key_slip
from krm_fn.plan import controllers, list_findings, spaces
from krm_fn.plan.answers import Apart
from krm_fn.plan.controllers import Claim
from krm_fn.plan.environments import environment_problem
from krm_fn.plan.services import Key, Service, Workload
from krm_fn.plan.spaces import Space
from krm_fn.results import Code, Result


class Part(NamedTuple):
    """A Service that takes part, and the workloads that it selects; without a label they count as the base's."""

    service: Service
    pods: tuple[Workload, ...]


class Selection(NamedTuple):
    """What takes part of the namespaces that are planned together.

    Attributes:
        space: the namespaces.
        labelled: the workloads that name an environment.
        carried: every environment that they name.
        parts: the Services of which a workload does, by namespace and name.
        apart: all other Services, each with the reason.
        bare: the workloads of `parts` that are to get the base's label.
        results: what there is to say.
    """

    space: Space
    labelled: tuple[Workload, ...]
    carried: frozenset[str]
    parts: tuple[Part, ...]
    apart: tuple[Apart, ...]
    bare: tuple[Workload, ...]
    results: tuple[Result, ...]


class _Chosen(NamedTuple):
    service: Service
    selected: tuple[Workload, ...]


class _Together(NamedTuple):
    """Services that have the same pods: whether they take part, and what was found of them."""

    parts: tuple[Part, ...] = ()
    apart: tuple[Apart, ...] = ()
    bare: tuple[Workload, ...] = ()
    results: tuple[Result, ...] = ()


def select(
    space: Space, services: Iterable[Service], workloads: Iterable[Workload], claims: Mapping[Key, Claim]
) -> Selection:
    """Select the workloads of each Service.

    Args:
        space: the namespaces that are planned together.
        services: those of these namespaces.
        workloads: those of these namespaces.
        claims: the Services that controllers turn to pods of their own.
    """
    services = sorted(services, key=lambda one: (*one.key, one.ref.file))
    named, wrong = _named(sorted(workloads, key=_order), space.config)
    label = space.label
    labelled = tuple(one for one in named if label in one.labels)
    carried = frozenset(one.labels[label] for one in labelled)
    by_pair: dict[str, dict[tuple[str, str], list[Workload]]] = defaultdict(lambda: defaultdict(list))  # by namespace
    for workload in named:
        here = by_pair[workload.ref.namespace]
        for pair in workload.labels.items():
            here[pair].append(workload)
    chosen: list[_Chosen] = []
    taken: list[Result] = []
    seen: set[int] = set()
    for one in services:
        if one.selector and not one.external:
            selected = _selected(one.selector, by_pair[one.ref.namespace])
            claim = claims.get(one.key)
            kept = _kept(selected, claim)
            chosen.append(_Chosen(one, kept))
            seen.update(map(id, selected))  # of pods that a controller takes from it `taken` says more
            if claim:
                lost = [pods for pods in selected if pods not in kept and label in pods.labels and not pods.absent]
                taken += [controllers.finding(claim, lost, label)] if lost else []
    found = [_together(space, one) for one in _by_pods(space, chosen)]
    parts = tuple(part for one in found for part in one.parts)
    unselected = [one for one in labelled if id(one) not in seen]
    apart = [*_without_pods(services), *(each for one in found for each in one.apart)]
    bare = {id(workload): workload for one in found for workload in one.bare}
    results = [
        *wrong,
        *taken,
        *(_without_selector(services) if labelled else ()),  # a list without environments is left as it is, silently
        *(result for one in found for result in one.results),
        *list_findings.of_unselected(unselected, services, label),
        *list_findings.of_twins([part.service for part in parts]),
        *list_findings.of_workload_twins(named, label),
    ]
    return Selection(space, labelled, carried, parts, tuple(apart), tuple(bare.values()), tuple(results))


def _order(workload: Workload) -> tuple[str, str, str, str]:
    return (workload.ref.namespace, workload.ref.kind, workload.ref.name, workload.ref.file)


def _named(workloads: Iterable[Workload], config: RouteConfig) -> tuple[list[Workload], list[Result]]:
    """Return the workloads whose label, if they have it, names an environment, and findings about labels."""
    label, splitter = config.env_label.name, config.env_label.splitter
    named: list[Workload] = []
    results: list[Result] = []
    for workload in workloads:
        value = workload.labels.get(label)
        if value is not None and (problem := environment_problem(value, splitter)):
            message = f"{value!r} cannot name an environment: {problem}"
            results.append(Result(Code.LABEL_INVALID, message, workload.ref, f"{workload.labels_field}.{label}"))
            continue
        named.append(workload)
        if value is None and label in workload.object_labels:
            message = (
                f"the label {label!r} stands on the {workload.ref.kind} itself, not on its pods, which alone are "
                f"asked for it: put it into {workload.labels_field} as well"
            )
            results.append(Result(Code.LABEL_MISPLACED, message, workload.ref, f"metadata.labels.{label}"))
    return named, results


def _selected(selector: Mapping[str, str], by_pair: Mapping[tuple[str, str], list[Workload]]) -> tuple[Workload, ...]:
    pairs = selector.items()
    candidates = min((by_pair.get(pair, []) for pair in pairs), key=len)
    return tuple(one for one in candidates if pairs <= one.labels.items())


def _kept(selected: tuple[Workload, ...], claim: Claim | None) -> tuple[Workload, ...]:
    """Return the workloads that a Service has in the cluster: where a controller takes it, its own alone."""
    own = tuple(one for one in selected if claim and claim.takes(one))
    return own or selected


def _without_pods(services: Iterable[Service]) -> Iterator[Apart]:
    for service in services:
        if service.external:
            yield Apart(service, "is an ExternalName, an alias without pods of its own")
        elif service.selector is None:
            yield Apart(service, "has no selector, so no pods of its own")


def _without_selector(services: Iterable[Service]) -> Iterator[Result]:
    for service in services:
        if service.selector is None and not service.external:
            message = "has no selector, so no pods of its own: nothing is routed"
            yield Result(Code.NO_SELECTOR, message, service.ref)


def _by_pods(space: Space, chosen: Sequence[_Chosen]) -> Iterable[Sequence[_Chosen]]:
    """Return the Services that have the same pods: in joined namespaces all of one name."""
    if not space.is_joined:
        return [[one] for one in chosen]
    by_name: dict[str, list[_Chosen]] = defaultdict(list)
    for one in chosen:
        by_name[one.service.ref.name].append(one)
    return by_name.values()


def _together(space: Space, chosen: Sequence[_Chosen]) -> _Together:
    """Return the Services with all their pods if they take part, and else why they do not."""
    label = space.label
    pods = tuple(workload for one in chosen for workload in one.selected)
    labelled = tuple(one for one in pods if label in one.labels)
    bare = [(one.service, workload) for one in chosen for workload in _bare(one, label)]
    adopts = space.config.unlabelled == "adopt"
    # Whatever environments there are: a label that came with the first and went with the last would restart the pods.
    if not labelled and not (adopts and bare):
        return _Together(apart=_apart(chosen, label))
    results = tuple(_refused(bare, label) if adopts else (_unlabelled(*one, label) for one in bare))
    if results:
        return _Together(apart=_apart(chosen, label), results=results)
    services = [one.service for one in chosen]
    parts = tuple(Part(one, labelled if one.headless else pods) for one in services)
    differing = tuple(spaces.differences(services)) if space.is_joined else ()
    return _Together(parts, bare=tuple(workload for _, workload in bare), results=differing)


def _bare(one: _Chosen, label: str) -> list[Workload]:
    return [] if one.service.headless else [pod for pod in one.selected if label not in pod.labels]


def _refused(bare: Sequence[tuple[Service, Workload]], label: str) -> Iterator[Result]:
    """Yield a finding for each workload that is not to be adopted, because its label is one slip away."""
    for _, workload in bare:
        for key in workload.labels:
            if is_key_slip(key, label):
                message = (
                    f"the label {key!r} looks like {label!r} with a slip: its pods, of {workload.labels[key]!r}, would "
                    f"count as the base's; write {label!r}, or rename the label if it means something else"
                )
                yield Result(Code.LABEL_SLIP, message, workload.ref, f"{workload.labels_field}.{key}")


def _unlabelled(service: Service, workload: Workload, label: str) -> Result:
    message = (
        f"{service.ref} selects its pods, and they carry no label {label!r} while others of the Service "
        "do: no route could tell who reaches them; add the label (the base's value if it is the base)"
    )
    slip = next((key for key in workload.labels if is_key_slip(key, label)), "")
    message += f"; they do carry {slip!r}: was {label!r} meant?" if slip else ""
    return Result(Code.UNLABELLED_WORKLOAD, message, workload.ref, workload.labels_field)


def _apart(chosen: Sequence[_Chosen], label: str) -> tuple[Apart, ...]:
    return tuple(Apart(one.service, *_reason(one.selected, label)) for one in chosen)


def _reason(pods: Sequence[Workload], label: str) -> tuple[str, tuple[Workload, ...]]:
    """Return why the Service of these workloads takes no part, and those that have pods."""
    present = tuple(pod for pod in pods if not pod.absent)
    if any(label in pod.labels for pod in pods):
        return f"is left out, because some of its pods carry the label {label!r} and some do not", present
    if present:
        return f"has no pods that carry the label {label!r}: its requests reach any of its pods", present
    return "has no pods: nobody answers it", present
