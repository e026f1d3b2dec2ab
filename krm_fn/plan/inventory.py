"""Objects → Services and Workloads: plain typed data, with every mistake in them as a finding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from krm_fn.config.options import RouteConfig
from krm_fn.config.reader import Configs
from krm_fn.objects import Object, added_label, is_list
from krm_fn.plan import kinds, owners
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
    results += _of_services(wrong, [reader for reader, _ in drafts], configs)
    results += _of_participants(drafts, services, configs)
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


def _of_services(wrong: Sequence[Reader], workloads: Sequence[Reader], configs: Configs) -> Iterator[Result]:
    """Yield what was found in Services that may have pods of environments, and all keys given twice.

    In joined namespaces that is every Service: one may stand for another of its name.
    """
    for reader in wrong:
        concerned = configs.default.config.namespaces or any(
            _may_select(reader.one, one.one.ref.namespace, one.labels)
            for one in workloads
            if _may_take_part(one.labels, configs.of(one.one.ref.namespace).config)
        )
        yield from (one for one in reader.results if concerned or one.code is Code.DUPLICATE_KEY)


def _may_take_part(labels: Mapping[str, str], config: RouteConfig) -> bool:
    return config.env_label.name in labels or config.unlabelled == "adopt"


def _may_select(service: Object, namespace: str, labels: Mapping[str, str]) -> bool:
    """Tell whether a Service selects pods, as far as it can be read: what is no text may come to be any."""
    own = mapping(service.value, "metadata").get("namespace", "")
    if isinstance(own, str) and own and namespace and own != namespace:
        return False
    spec = service.value.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else spec
    if isinstance(selector, dict):
        return bool(selector) and all(
            key in labels and (labels[key] == (value or "") or not _is_text(value)) for key, value in selector.items()
        )
    return selector is not None


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _of_participants(
    drafts: Sequence[tuple[Reader, Workload | None]], services: Sequence[Service], configs: Configs
) -> Iterator[Result]:
    """Yield what was found in workloads that name an environment, or share a Service with such ones."""
    if not any(reader.results for reader, _ in drafts):
        return
    named = [(reader.one.ref.namespace, reader.labels, configs.of(reader.one.ref.namespace)) for reader, _ in drafts]
    labelled = [(name, labels) for name, labels, source in named if source.config.env_label.name in labels]
    selectors = [
        (one.ref.namespace, one.selector.items())
        for one in services
        if one.selector and any(name == one.ref.namespace and _fits(one.selector, has) for name, has in labelled)
    ]
    for reader, _ in drafts:
        namespace, labels = reader.one.ref.namespace, reader.labels
        has_label = configs.of(namespace).config.env_label.name in labels
        if has_label or any(name == namespace and pairs <= labels.items() for name, pairs in selectors):
            yield from reader.results


def _fits(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return selector.items() <= labels.items()


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
