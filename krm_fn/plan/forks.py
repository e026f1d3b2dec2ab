"""A new environment from an old one: which workload is copied, and what its copy has otherwise. Pure: no text."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from krm_fn.names import dashed, nearest
from krm_fn.objects import Object
from krm_fn.plan import fork_places as places
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.environments import environment_problem
from krm_fn.plan.fork_findings import Copied, Path, at, findings, key_of, target_of
from krm_fn.plan.fork_places import refused
from krm_fn.plan.kinds import MACHINES
from krm_fn.plan.services import Workload
from krm_fn.results import Code, FunctionError, Ref, Result
from krm_fn.values import mapping

_LONGEST = 63  # characters of a name that is also a label's value and part of a host


class Wanted(NamedTuple):
    """What is asked for: an environment, a workload as [NAMESPACE/][KIND/]NAME, and images by container."""

    environment: str
    workload: str
    images: Mapping[str, str]


class Fork(NamedTuple):
    """A copy to be made.

    Attributes:
        source: the workload that is copied.
        name: the copy's name.
        put: scalars that the copy has otherwise or besides, by place.
        removals: what it does not get.
        results: what to know about it.
    """

    source: Object
    name: str
    put: Mapping[Path, str]
    removals: tuple[Path, ...]
    results: tuple[Result, ...]


def fork(objects: Sequence[Object], plan: Plan, wanted: Wanted) -> Fork:
    """Find what is to be copied for an environment, and how the copy differs.

    Raises:
        FunctionError: for a workload that is not there, an environment that is, and what cannot be copied right.
    """
    service, ancestor = _ancestor(plan, wanted)
    source = next(one for one in objects if one.position == ancestor.position and one.ref == ancestor.ref)
    label, named = service.config.env_label, ancestor.labels.get(service.config.env_label.name, service.base)
    name = _name(ancestor.ref.name or _generated(source), named, wanted.environment)
    _is_free(objects, ancestor.ref, name)
    put: dict[Path, str] = {("metadata", "name"): name}
    template: Path = tuple(ancestor.labels_field.split("."))[:-2]
    labels: list[Path] = [(*template, "metadata", "labels")]
    selector = next(places.selectors(source, template, label.name), ())
    labels += [selector] if selector else []
    if label.name in mapping(mapping(source.whole, "metadata"), "labels"):
        labels.append(("metadata", "labels"))
    labels += places.about_itself(source, (*template, "spec"), ancestor, label.name)
    labels += places.of_claims(source, label.name)
    put |= {(*path, label.name): wanted.environment for path in labels}
    put |= dict(places.images_of(source, (*template, "spec"), wanted.images))
    both = at(source.whole, selector) if selector else {}
    copied = Copied(source, name, ancestor.labels, {**ancestor.labels, label.name: wanted.environment})
    pod: Path = (*template, "spec")
    results = tuple(findings(objects, copied, pod, {} if label.name in both else both))
    return Fork(source, name, put, tuple(places.left_out(source, template)), results)


def of_environment(objects: Sequence[Object], plan: Plan, environment: str) -> list[tuple[Object, str]]:
    """Return what is an environment's alone, each with the reason: its workloads, and what names them.

    Raises:
        FunctionError: if no workload carries the environment.
    """
    carried = {name for one in plan.namespaces for name in one.known}
    pods = {
        workload.ref
        for one in plan.services
        for workload in (*_own(one, environment), *one.absent.get(environment, ()))
    }
    if not pods:
        raise FunctionError(_not_found("ENV", environment, sorted(carried), "no workload carries the environment"))
    found = [(one, f"its pods are of {environment}") for one in objects if one.ref in pods]
    for one in objects:
        spec = mapping(one.whole, "spec")
        target = target_of(one)
        if target in {key_of(ref) for ref in pods}:
            found.append((one, f"is about {target[-1]}"))
        selector = mapping(mapping(spec, "selector"), "matchLabels")
        labels = {namespace.config.env_label.name for namespace in plan.namespaces}
        if one.ref.kind == "PodDisruptionBudget" and any(selector.get(label) == environment for label in labels):
            found.append((one, f"is about pods of {environment}"))
    return found


def _own(service: ServicePlan, environment: str) -> tuple[Workload, ...]:
    return service.own[environment].workloads if environment in service.own else ()


def _ancestor(plan: Plan, wanted: Wanted) -> tuple[ServicePlan, Workload]:
    """Return the Service, and the workload that answers the environment today in place of the one to be."""
    found = [
        (service, pod)
        for service in plan.services
        if not service.is_copy
        for own in service.own.values()
        for pod in own.workloads
        if _is_named(pod.ref, wanted.workload)
    ]
    if not found:
        raise FunctionError(_no_workload(plan, wanted.workload))
    places = sorted({str(pod.ref) for _, pod in found})
    if len(places) > 1:
        message = f"{wanted.workload!r} is the name of several: {', '.join(places)}; give NAMESPACE/KIND/NAME"
        raise FunctionError(refused(message))
    service, pod = found[0]
    if problem := environment_problem(wanted.environment, service.splitter):
        raise FunctionError(refused(f"{wanted.environment!r} cannot name an environment: {problem}"))
    there = (*_own(service, wanted.environment), *service.absent.get(wanted.environment, ()))
    if there:
        message = f"{service.service.ref} has pods of {wanted.environment!r} already: change these"
        raise FunctionError(Result(Code.ENVIRONMENT_EXISTS, message, there[0].ref, there[0].labels_field))
    answer = service.answer(wanted.environment).environment
    pods = _own(service, answer) if answer else ()
    same = [one for one in pods if one.ref == pod.ref] or [one for one in pods if one.ref.kind == pod.ref.kind]
    if len(same) != 1:
        names = ", ".join(str(one.ref) for one in pods) or "nobody"
        message = f"{service.service.ref} is answered for {wanted.environment!r} by {names}: name the one to copy"
        raise FunctionError(refused(message, pod.ref))
    if same[0].ref.kind in MACHINES:
        raise FunctionError(refused("is a machine, which no copy makes another one: name a workload of pods", pod.ref))
    return service, same[0]


def _is_named(ref: Ref, wanted: str) -> bool:
    *rest, name = wanted.split("/")
    kind = rest[-1] if rest else ref.kind
    namespace = rest[-2] if len(rest) > 1 else ref.namespace
    return (ref.namespace, ref.kind.lower(), ref.name) == (namespace, kind.lower(), name)


def _no_workload(plan: Plan, wanted: str) -> Result:
    pods = [pod for one in plan.services for own in one.own.values() for pod in own.workloads]
    names = {f"{pod.ref.kind}/{pod.ref.name}" for pod in pods}
    apart = {f"{pod.ref.kind}/{pod.ref.name}": one for one in plan.apart for pod in one.workloads}
    for name, one in apart.items():
        if name.lower() == wanted.lower() or name.rpartition("/")[2] == wanted:
            return refused(f"{wanted} cannot be copied: {one.service.ref} {one.reason}")
    return _not_found("WORKLOAD", wanted, sorted(names), "no Service that takes part has a workload")


def _not_found(argument: str, wanted: str, names: Sequence[str], what: str) -> Result:
    close = nearest(names, wanted)
    message = f"{what} {wanted!r}" + (f"; did you mean {close!r}?" if close else "")
    return Result(Code.NOT_FOUND, message, Ref(kind=argument))


def _generated(source: Object) -> str:
    """Return the name without what the cluster would have put behind it."""
    return str(mapping(source.whole, "metadata").get("generateName")).rstrip("-")


def _name(source: str, named: str, environment: str) -> str:
    """Return the copy's name: the source's with the new environment in place of the old one, or at its end."""
    old, new = dashed(named).lower(), dashed(environment).lower()
    at = f"-{source}-".rfind(f"-{old}-")
    name = f"{source[:at]}{new}{source[at + len(old) :]}" if at >= 0 else f"{source}-{new}"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - 9].rstrip('-')}-{digest}"


def _is_free(objects: Sequence[Object], ref: Ref, name: str) -> None:
    for one in objects:
        if (one.group, one.ref.kind, one.ref.namespace, one.ref.name) == (_group(ref), ref.kind, ref.namespace, name):
            message = f"has the name {name!r} that the copy of {ref} would get: rename it"
            raise FunctionError(refused(message, one.ref, "metadata.name"))


def _group(ref: Ref) -> str:
    return ref.api_version.rpartition("/")[0]
