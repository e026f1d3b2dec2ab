"""Objects → Services and Workloads: plain typed data, with every mistake in them as a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from krm_fn.config.reader import Configs
from krm_fn.objects import Object, added_label, is_list
from krm_fn.plan import kinds, owners, participants
from krm_fn.plan.controllers import Claim, claims
from krm_fn.plan.reading import Reader
from krm_fn.plan.services import Key, Service, Workload
from krm_fn.results import Code, Ref, Result
from krm_fn.text.document import Item
from krm_fn.values import mapping


class Inventory(NamedTuple):
    """What a list holds, in the order of the list.

    `namespaces` are those that it has anything in, or defines; `claims` the Services that controllers take.
    """

    services: tuple[Service, ...]
    workloads: tuple[Workload, ...]
    results: tuple[Result, ...]
    namespaces: frozenset[str] = frozenset()
    claims: Mapping[Key, Claim] = MappingProxyType({})


def read(objects: Sequence[Object], configs: Configs) -> Inventory:
    """Read every source among the objects; configurations may name further kinds of workloads.

    The result's findings hold every mistake in what was read; an object with mistakes is left out. A mistake in a
    Service or workload that takes no part in environments is nobody's business here.
    """
    results = [found for one in objects for found in _given_twice(one)]
    services: list[Service] = []
    wrong: list[Reader] = []  # of Services
    drafts: list[tuple[Reader, Workload | None]] = []
    templates = kinds.templates(configs)
    unforeseen = {key for key, path in templates.items() if path != kinds.TEMPLATES.get(key)}
    woken = _woken(objects)
    made = owners.made(objects, (one for one in objects if (one.group, one.ref.kind) in templates and one.is_source))
    for one in objects:
        key = (one.group, one.ref.kind)
        if one.position in made:
            continue
        if one.ref.kind == "Service" and one.ref.api_version == "v1" and one.is_source:
            reader = Reader(one)
            service = reader.service(added_label(one.value, configs.owner))
            services += [service] if service else []
            wrong += [reader] if reader.results else []
        elif key in templates and one.is_source:
            # Of a kind with another template than we know, more may be asked for than was read.
            reader = Reader(one._replace(value=one.whole) if key in unforeseen else one)
            drafts.append((reader, reader.workload(templates[key], _named(one.ref) in woken)))
        elif one.is_source and not is_list(one.value):
            results += _label_unread(one, configs.of(one.ref.namespace).config.env_label.name)
    readers = [reader for reader, _ in drafts]
    results += participants.of_services(wrong, readers, configs)
    results += participants.of_workloads(readers, services, configs)
    workloads = tuple(workload for _, workload in drafts if workload)
    refs = (one.ref for one in objects if one.is_source)
    namespaces = {ref.name if ref.kind == "Namespace" else ref.namespace for ref in refs}
    return Inventory(tuple(services), workloads, tuple(results), frozenset(namespaces), claims(objects))


def _given_twice(one: Object) -> Iterator[Result]:
    """Yield findings about what an object of any kind must say once: what it is, and what a List holds."""
    for path in one.duplicates:
        if path in ("apiVersion", "kind"):
            message = (
                "is given twice with different values: readers disagree on what the object is; keep one, or part two "
                "objects by a line of ---"
            )
            yield Result(Code.DUPLICATE_KEY, message, one.ref, path)
        elif path == "items" and one.ref.kind.endswith("List"):
            message = "is given twice with different values: readers disagree on which objects there are; keep one"
            yield Result(Code.DUPLICATE_KEY, message, one.ref, path)


def _label_unread(one: Object, label: str) -> Iterator[Result]:
    """Yield a finding if an object of a kind that is not read has a pod template with the label."""
    if one.item and (one.item.partial or not _may_be_labelled(one.item, label)):
        return  # a look into the text is fast
    path = next(_labelled(one.value, label, ""), None)
    if path is not None:
        message = (
            f"pods made of it carry the label {label!r}, and {one.ref.kind} of {one.ref.api_version} is not read: name "
            "it in the option workloads (apiVersion, kind, templatePath), or make plain objects of it before"
        )
        yield Result(Code.LABEL_UNREAD, message, one.ref, f"{path}.metadata.labels")


def _may_be_labelled(item: Item, label: str) -> bool:
    """Tell whether an item's text has the label, and metadata beside the object's own."""
    if item.text.find(label, item.start, item.end) < 0:
        return False
    return item.text.count("metadata", item.start, item.end) > ("metadata" in item.value)


def _labelled(value: object, label: str, path: str) -> Iterator[str]:
    """Yield the paths below an object where something has metadata with the label."""
    if isinstance(value, dict):
        for key, child in value.items():
            below = f"{path}.{key}".lstrip(".")
            metadata = child.get("metadata") if isinstance(child, dict) else None
            labels = metadata.get("labels") if isinstance(metadata, dict) else None
            if isinstance(labels, dict) and label in labels:
                yield below
            yield from _labelled(child, label, below)
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from _labelled(child, label, f"{path}[{place}]")


def _named(ref: Ref) -> tuple[str, str, str]:
    return (ref.namespace, ref.kind, ref.name)


def _woken(objects: Iterable[Object]) -> set[tuple[str, str, str]]:
    """Return (namespace, kind, name) of workloads that something else scales up from zero."""
    woken: set[tuple[str, str, str]] = set()
    for one in objects:
        kind = one.ref.kind
        if kind not in ("ScaledObject", "HorizontalPodAutoscaler", "Rollout"):
            continue
        spec = mapping(one.value, "spec")
        target = spec.get("workloadRef" if kind == "Rollout" else "scaleTargetRef")
        acts_at_zero = kind != "HorizontalPodAutoscaler" or spec.get("minReplicas") == 0
        rollout_absent = kind == "Rollout" and spec.get("replicas") == 0
        if isinstance(target, dict) and acts_at_zero and not rollout_absent:
            woken.add((one.ref.namespace, str(target.get("kind", "Deployment")), str(target.get("name"))))
    return woken
