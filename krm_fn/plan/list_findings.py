"""Findings about the list as a whole: what is there twice, what nobody reaches, what a configuration says to nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import pairwise

from krm_fn.config.reader import KIND, Configs, Source
from krm_fn.plan import kinds
from krm_fn.plan.inventory import Inventory
from krm_fn.plan.mixed import ONE_NAMESPACE
from krm_fn.plan.services import Service, Workload
from krm_fn.plan.spaces import elsewhere
from krm_fn.results import Code, Result, Severity

_SHOWN = 3  # objects that a message names
# Findings about something that is not there: none where it may be among what was left out because of a mistake.
_OF_ABSENCE = {
    Code.BASE_ABSENT,
    Code.BASE_AMBIGUOUS,
    Code.BASE_ASSUMED,
    Code.BASE_UNKNOWN,
    Code.CONFIG_UNUSED,
    Code.NO_HEADER_PORT,
    Code.NOTHING_LABELLED,
    Code.TCP_WITHOUT_BASE,
    Code.UNSELECTED_PODS,
}


def without_follow_ups(results: Sequence[Result]) -> Iterator[Result]:
    """Leave out what may be so only because an object with a mistake was left out.

    A base belongs to all namespaces, and so does a finding about the configuration; all others are about their own.
    """
    causes = [
        one.ref.namespace if one.ref else ""
        for one in results
        if one.severity is Severity.ERROR and one.code not in _OF_ABSENCE
    ]
    for one in results:
        of_config = one.ref is None or one.ref.kind in ("", KIND, "ConfigMap")
        caused = bool(causes) if of_config else one.ref is not None and one.ref.namespace in causes
        if not (caused and one.code in _OF_ABSENCE):
            yield one


def of_configs(configs: Configs, inventory: Inventory, has_environments: bool) -> Iterator[Result]:
    """Yield findings about configurations that have no effect."""
    label = configs.default.config.env_label
    if not has_environments and label.default_subset and inventory.services and inventory.workloads:
        message = f"no pod template in the list carries the label {label.name!r}: there is nothing to route"
        yield Result(Code.NOTHING_LABELLED, message, configs.default.ref, "spec.envLabel.name")
    present = {one.ref.namespace for one in inventory.services} | {one.ref.namespace for one in inventory.workloads}
    for name, source in configs.by_namespace.items():
        if name not in present:
            yield Result(Code.CONFIG_UNUSED, _unused(name, present), source.ref)
    for source in (configs.default, *configs.by_namespace.values()):
        yield from _dead_aliases(source)


def _unused(namespace: str, present: Collection[str]) -> str:
    if not namespace and present:
        return (
            f"has no namespace, so it configures what has none, and the list has nothing without one: {ONE_NAMESPACE}"
        )
    message = "configures a namespace of which the list has no Service and no workload"
    return f"{message}; what the list has stands in none: {ONE_NAMESPACE}" if present == {""} else message


def _dead_aliases(source: Source) -> Iterator[Result]:
    for place, alias in enumerate(source.config.env_header.aliases):
        if alias.pattern is not None and alias.placeholder not in alias.pattern:
            message = (
                f"the alias {alias.name!r} never names an environment: its pattern {alias.pattern!r} has no "
                f"placeholder {alias.placeholder!r} where one would stand"
            )
            yield Result(Code.ALIAS_DEAD, message, source.ref, f"spec.envHeader.aliases[{place}].pattern")


def of_twins(services: Sequence[Service]) -> Iterator[Result]:
    """Yield a finding for each Service that stands beside one of its name and namespace."""
    for one, other in pairwise(services):
        if one.key == other.key:
            files = " and ".join(sorted({ref.file for ref in (one.ref, other.ref) if ref.file}))
            message = f"stands in the list twice{f' ({files})' if files else ''}: remove one, or set their namespaces"
            yield Result(Code.OBJECT_TWICE, message, other.ref, "metadata.name")


def of_workload_twins(workloads: Sequence[Workload], label: str) -> Iterator[Result]:
    """Yield a finding for each workload beside one of its identity, of which a cluster has but one.

    Those that make the same pods change no answer: a file that two paths lead to is one object. `workloads` are sorted
    by identity, and pods without `label` are nobody's business where all of them lack it.
    """
    seen: dict[tuple[str, str, str, str], Workload] = {}
    for one in workloads:
        ref = one.ref
        other = seen.setdefault((ref.api_version.partition("/")[0], ref.kind, ref.namespace, ref.name), one)
        alike = (one.labels, one.absent) == (other.labels, other.absent)
        if not ref.name or alike or not (label in one.labels or label in other.labels):
            continue
        files = " and ".join(sorted({each.file for each in (other.ref, ref) if each.file}))
        pods = [f"of {each.labels[label]!r}" if label in each.labels else "of no environment" for each in (other, one)]
        made = f"with pods {' and '.join(pods)}" if pods[0] != pods[1] else "with different pods"
        message = (
            f"stands in the list twice{f' ({files})' if files else ''}, {made}, and a cluster has one of them: remove "
            "one, give it another name, or set their namespaces"
        )
        yield Result(Code.OBJECT_TWICE, message, ref, "metadata.name")


def of_unselected(workloads: Iterable[Workload], services: Sequence[Service], label: str) -> Iterator[Result]:
    """Yield a finding for each labelled workload that none of the Services selects, and say which one nearly does."""
    narrow = [one for one in services if one.selector and label in one.selector]
    for workload in workloads:
        # A machine mostly is a ServiceEntry's.
        if workload.absent or not workload.serves or workload.ref.kind in kinds.MACHINES:
            continue
        message = f"no Service selects these pods of {workload.labels[label]!r}: no request reaches them"
        labels = workload.labels.items()
        message += elsewhere(workload, services)
        for service in (one for one in narrow if one.ref.namespace == workload.ref.namespace):
            if {pair for pair in (service.selector or {}).items() if pair[0] != label} <= labels:
                message += (
                    f"; {service.ref} would, if its selector did not name one environment: "
                    f"remove {label!r} from spec.selector"
                )
        yield Result(Code.UNSELECTED_PODS, message, workload.ref, workload.labels_field)


def of_mixed(inventory: Inventory, configs: Configs) -> Iterator[Result]:
    """Yield a finding for each Service that would select labelled pods, if one of the two did not lack a namespace.

    Pods that a Service of their own namespace selects are where they belong.
    """
    by_pair: dict[tuple[bool, tuple[str, str]], list[Workload]] = defaultdict(list)
    refs = [*(one.ref for one in inventory.services), *(one.ref for one in inventory.workloads)]
    lacking = {bool(ref.namespace) for ref in refs}
    for one in inventory.workloads if len(lacking) > 1 else ():
        if one.serves and not one.absent and configs.of(one.ref.namespace).config.env_label.name in one.labels:
            for pair in one.labels.items():
                by_pair[bool(one.ref.namespace), pair].append(one)
    for service in inventory.services if by_pair else ():
        pairs = [(not service.ref.namespace, pair) for pair in (service.selector or {}).items()]
        candidates: list[Workload] = min((by_pair.get(pair, []) for pair in pairs), key=len, default=[])
        apart = sorted((one for one in candidates if _is_apart(service, one)), key=lambda one: str(one.ref))
        apart = [one for one in apart if not any(_selects(other, one) for other in inventory.services)]
        for namespace in sorted({one.ref.namespace for one in apart}):
            pods = [one for one in apart if one.ref.namespace == namespace]
            named = ", ".join(str(one.ref) for one in pods[:_SHOWN]) + (", …" if len(pods) > _SHOWN else "")
            where = "has no namespace" if not service.ref.namespace else "has one"
            theirs = f"stand in namespace {namespace!r}" if namespace else "have none"
            message = (
                f"{where}, and the pods that its selector fits {theirs} ({named}): they are kept apart, and nothing is "
                f"routed; {ONE_NAMESPACE}"
            )
            yield Result(Code.NAMESPACE_MIXED, message, service.ref, "metadata.namespace")


def _selects(service: Service, workload: Workload) -> bool:
    selector = service.selector or {}
    here = service.ref.namespace == workload.ref.namespace
    return here and bool(selector) and selector.items() <= workload.labels.items()


def _is_apart(service: Service, workload: Workload) -> bool:
    one, other = service.ref.namespace, workload.ref.namespace
    selector = service.selector or {}
    return bool(one) != bool(other) and bool(selector) and selector.items() <= workload.labels.items()


def without_wrong_cause(results: Iterable[Result], inventory: Inventory, mixed: Sequence[Result]) -> Iterator[Result]:
    """Leave out that nobody selects pods, where a Service does but for its namespace."""
    if not mixed:
        return iter(results)
    named = {one.ref for one in mixed}
    services = [one for one in inventory.services if one.ref in named]
    known = {one.ref for one in inventory.workloads if any(_is_apart(service, one) for service in services)}
    return (one for one in results if one.code is not Code.UNSELECTED_PODS or one.ref not in known)
