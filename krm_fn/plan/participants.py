"""Whose mistakes matter: those in what takes part in environments, or may once it is filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence

from krm_fn.config.reader import Configs
from krm_fn.plan.reading import Reader
from krm_fn.plan.services import Service
from krm_fn.results import Code, Result
from krm_fn.values import mapping


class _Pods:
    """Workloads, found by what selects their pods, in whatever namespace."""

    def __init__(self, workloads: Iterable[Reader]) -> None:
        self._by_pair: dict[tuple[str, str | None], list[Reader]] = defaultdict(list)  # None: whatever the value
        for one in workloads:
            for key, value in one.labels.items():
                self._by_pair[key, value].append(one)
                self._by_pair[key, None].append(one)

    def selected(self, selector: Mapping[str, object]) -> Iterator[Reader]:
        """Yield those that a selector fits; a value in it that is no text may come to be any."""
        wanted = {
            key: value if isinstance(value, str) else "" if value is None else None for key, value in selector.items()
        }
        for one in min((self._by_pair.get(pair, []) for pair in wanted.items()), key=len, default=[]):
            if all(key in one.labels and value in (None, one.labels[key]) for key, value in wanted.items()):
                yield one


def of_services(wrong: Sequence[Reader], workloads: Sequence[Reader], configs: Configs) -> Iterator[Result]:
    """Yield what was found in Services that may have pods of environments, and all keys given twice.

    In joined namespaces that is every Service: one may stand for another of its name.
    """
    if not wrong:
        return
    pods = _Pods(one for one in workloads if _may_take_part(one, configs))
    for reader in wrong:
        concerned = configs.default.config.namespaces or _may_select(reader, pods)
        yield from (one for one in reader.results if concerned or one.code is Code.DUPLICATE_KEY)


def of_workloads(workloads: Sequence[Reader], services: Sequence[Service], configs: Configs) -> Iterator[Result]:
    """Yield what was found in workloads that name an environment, or share a Service with such ones."""
    wrong = [one for one in workloads if one.results]
    if not wrong:
        return
    pods = _Pods(one for one in workloads if _may_take_part(one, configs))
    selectors: dict[tuple[str, tuple[str, str]], list[ItemsView[str, str]]] = defaultdict(list)  # by one of their pairs
    for service in services:
        namespace = service.ref.namespace
        if service.selector and any(one.one.ref.namespace == namespace for one in pods.selected(service.selector)):
            pairs = service.selector.items()
            selectors[namespace, next(iter(pairs))].append(pairs)
    for reader in wrong:
        namespace, labels = reader.one.ref.namespace, reader.labels.items()
        candidates = (pairs for pair in labels for pairs in selectors.get((namespace, pair), ()))
        if _is_labelled(reader, configs) or any(pairs <= labels for pairs in candidates):
            yield from reader.results


def _is_labelled(workload: Reader, configs: Configs) -> bool:
    return configs.of(workload.one.ref.namespace).config.env_label.name in workload.labels


def _may_take_part(workload: Reader, configs: Configs) -> bool:
    """Tell whether a workload names an environment, or is to get the base's label where a Service selects it."""
    return configs.of(workload.one.ref.namespace).config.unlabelled == "adopt" or _is_labelled(workload, configs)


def _may_select(service: Reader, pods: _Pods) -> bool:
    """Tell whether a Service selects pods, as far as it can be read."""
    own = mapping(service.one.value, "metadata").get("namespace", "")
    spec = service.one.value.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else spec
    if not isinstance(selector, dict):
        return selector is not None
    known = own if isinstance(own, str) else ""
    found = (one.one.ref.namespace for one in pods.selected(selector))
    return any(not known or not namespace or namespace == known for namespace in found)
