"""The environments of a list, one by one: what each answers itself, what it inherits, and what looks like a mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from krm_fn.names import is_key_slip
from krm_fn.plan.answers import NamespacePlan, Plan
from krm_fn.plan.environments import levels, likely_typos
from krm_fn.plan.services import Workload
from krm_fn.results import Code, Ref, Result
from krm_fn.views.facts import Json, natural
from krm_fn.views.who import ANY_POD, CLOSED, NO_ADDRESS, answers, word

_SHOWN = 6
# What becomes of requests that no environment answers, by the words of krm_fn/views/who.py.
_OTHERWISE = {
    "503": "has nobody for {}",
    CLOSED: "has nobody for {}, whose connections close",
    NO_ADDRESS: "has nobody for {}, whose names have no address",
    ANY_POD: "reaches pods of any environment at {}",
}


class Environment(NamedTuple):
    """An environment of a namespace.

    Attributes:
        namespace: where its pods are.
        name: its name.
        base: who answers there when a request names nobody; empty where no Service takes part.
        workloads: the workloads that make its pods, of Services that take part.
        overrides: the Services that it answers itself.
        inherits: the Services that it does not answer itself, each with who does, and if no environment does, what
            becomes of its requests, in a word (krm_fn/views/who.py).
        alike: the environments of the namespace one slip of the finger away.
        left_out: the Services without a part, because of an error, that select pods of it.
    """

    namespace: str
    name: str
    base: str
    workloads: tuple[str, ...]
    overrides: tuple[str, ...]
    inherits: tuple[tuple[str, str | None, str], ...]
    alike: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def environments(plan: Plan) -> list[Environment]:
    """Return the environments of every namespace that has labelled pods, by namespace and name."""
    return [one for namespace in plan.namespaces for one in _of_namespace(namespace, plan)]


def _of_namespace(namespace: NamespacePlan, plan: Plan) -> Iterator[Environment]:
    services = [one for one in plan.services if one.service.ref.namespace == namespace.name]
    who = [(one, answers(one)) for one in services]
    alike = likely_typos(namespace.known, namespace.config.env_label.splitter)
    for name in sorted(namespace.known, key=natural):
        found = [(one, answer(name).environment) for one, answer in who]
        workloads = {str(pod.ref) for one in services if name in one.own for pod in one.own[name].workloads}
        yield Environment(
            namespace.name,
            name,
            services[0].base if services else "",
            tuple(sorted(workloads)),
            tuple(one.service.ref.name for one, answer in found if answer == name),
            tuple(
                (one.service.ref.name, answer, "" if answer is not None else word(one))
                for one, answer in found
                if answer != name
            ),
            tuple(alike.get(name, ())),
            tuple(_left_out(namespace, name, plan)),
        )


def _left_out(namespace: NamespacePlan, name: str, plan: Plan) -> Iterator[str]:
    label = namespace.config.env_label.name
    for one in plan.apart:
        here = (pod for pod in one.workloads if pod.ref.namespace == namespace.name)
        if any(pod.labels.get(label) == name for pod in here):
            yield one.service.ref.name


def as_text(found: Sequence[Environment]) -> str:
    """Return a line for each environment, below its namespace."""
    lines: list[str] = []
    width = max((len(one.name) for one in found), default=0)
    for place, one in enumerate(found):
        if not place or found[place - 1].namespace != one.namespace:
            where = f" of namespace {one.namespace}" if one.namespace else ""
            lines.append(f"environments{where}" + (f", base {one.base}:" if one.base else ":"))
        lines.append(f"  {one.name:{width}}  {'; '.join(_said(one))}")
    return "".join(f"{line}\n" for line in lines)


def _said(one: Environment) -> Iterator[str]:
    if one.overrides:
        yield f"answers {_some(one.overrides)}"
    elif one.workloads:
        yield "answers nothing: no header leads to its pods"
    elif not one.left_out:
        yield "answers nothing: no Service has pods of it"
    if one.left_out:
        yield f"pods of it are left out with {_some(one.left_out)}, of which an error stands above"
    by_answer: dict[tuple[str | None, str], list[str]] = {}
    for service, answer, otherwise in one.inherits:
        by_answer.setdefault((answer, otherwise), []).append(service)
    for (answer, otherwise), services in sorted(by_answer.items(), key=str):
        if answer is not None:
            yield f"inherits from {answer}: {_some(services)}"
        else:
            yield _OTHERWISE[otherwise].format(_some(services))


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def as_json(found: Sequence[Environment]) -> list[Json]:
    """Return the environments as docs/views.md describes them."""
    return [
        {
            "namespace": one.namespace,
            "environment": one.name,
            "base": one.base,
            "workloads": list(one.workloads),
            "overrides": list(one.overrides),
            "inherits": [
                {"service": service, "answer": answer, "otherwise": otherwise or None}
                for service, answer, otherwise in one.inherits
            ],
            "alike": list(one.alike),
        }
        for one in found
    ]


def slips(plan: Plan) -> Iterator[Result]:
    """Yield a finding for each environment that is, or stands below, what may be a slip of another's name.

    Of two names that are alike, the one with fewer workloads at and below it is taken for the slip; never the base.
    """
    splitters = {one.config.env_label.splitter for one in plan.namespaces}
    for splitter in sorted(splitters):
        spaces = [one for one in plan.namespaces if one.config.env_label.splitter == splitter]
        carriers = _carriers(plan, {name for one in spaces for name in one.known}, splitter)
        weights: Counter[str] = Counter()
        for name, workloads in carriers.items():
            weights.update(dict.fromkeys(levels(name, splitter), max(1, len(workloads))))
        bases = {level for one in plan.services for level in levels(one.base, splitter)}
        alike = likely_typos(weights, splitter)
        rank = {name: (name in bases, weights[name], name) for name in weights}
        for name, workloads in carriers.items():
            for level in levels(name, splitter)[::-1]:
                meant = [other for other in alike.get(level, ()) if rank[other] > rank[level]]
                if meant:
                    yield from _slip(name, level, meant, workloads)
                    break


def key_slips(plan: Plan, label_of: Callable[[str], str]) -> Iterator[Result]:
    """Yield a finding for each workload without the environment label that carries one of nearly that name.

    They are those of Services without a part; beside labelled ones of a Service they are an error of the plan.
    `label_of` says what the label is called in a namespace.
    """
    told: set[Ref] = set()
    for one in plan.apart:
        label = label_of(one.service.ref.namespace)
        for workload in one.workloads:
            slip = next((key for key in workload.labels if is_key_slip(key, label)), "")
            if slip and label not in workload.labels and workload.ref not in told:
                told.add(workload.ref)
                message = (
                    f"the label {slip!r} looks much like {label!r}, which names environments: a typing mistake? Its "
                    "pods are of no environment; envLabel.name says what the label is called"
                )
                yield Result(Code.LIKELY_SLIP, message, workload.ref, f"{workload.labels_field}.{slip}")


def _slip(name: str, level: str, meant: Sequence[str], workloads: Sequence[Workload]) -> Iterator[Result]:
    stands = "" if level == name else f" stands below {level!r}, which"
    message = f"{name!r}{stands} looks much like {', '.join(map(repr, meant))}: a typing mistake?"
    for one in workloads:
        yield Result(Code.LIKELY_SLIP, message, one.ref, one.labels_field)
    if not workloads:
        yield Result(Code.LIKELY_SLIP, message)


def _carriers(plan: Plan, names: Collection[str], splitter: str) -> dict[str, list[Workload]]:
    """Return the environments with the workloads of Services that take part and carry them."""
    found: dict[str, dict[tuple[str, ...], Workload]] = {name: {} for name in sorted(names, key=natural)}
    for service in plan.services:
        if service.splitter == splitter:
            own = [(name, one) for name, there in service.own.items() for one in there.workloads]
            absent = [(name, one) for name, there in service.absent.items() for one in there]
            for name, one in (*own, *absent):
                ref = one.ref
                found.setdefault(name, {})[ref.namespace, ref.kind, ref.name, ref.file] = one
    return {name: list(workloads.values()) for name, workloads in found.items()}
