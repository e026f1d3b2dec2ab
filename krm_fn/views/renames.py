"""Environments that two plans know by different names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from krm_fn.names import dashed
from krm_fn.plan.answers import Plan

_Pods = frozenset[tuple[str, str, str, str]]  # the Service, and kind, namespace and name of each workload


def renames(old: Plan, new: Plan) -> dict[str, str]:
    """Return the environments that are gone, each with the one that has come in its place.

    That is the only one whose workloads, of the same Services, have the same names, but for the environment's name in
    them.
    """
    before, after = _pods(old), _pods(new)
    gone, come = before.keys() - _known(new), after.keys() - _known(old)
    places = _inverse({name: after[name] for name in come})
    found: dict[str, str] = {}
    for pods, here in _inverse({name: before[name] for name in gone}).items():
        there = places.get(pods, [])
        if len(here) == len(there) == 1:
            found[here[0]] = there[0]
    return dict(sorted(found.items()))


def _known(plan: Plan) -> frozenset[str]:
    return frozenset(name for space in plan.namespaces for name in space.known)


def _inverse(pods: Mapping[str, _Pods]) -> dict[_Pods, list[str]]:
    found: dict[_Pods, list[str]] = defaultdict(list)
    for name, one in pods.items():
        found[one].append(name)
    return found


def _pods(plan: Plan) -> dict[str, _Pods]:
    found: dict[str, set[tuple[str, str, str, str]]] = defaultdict(set)
    for service in plan.services:
        for name, own in service.own.items():
            forms = _forms(name, service.splitter)
            for one in own.workloads:
                key = f"{service.service.ref.namespace}/{service.service.ref.name}"
                found[name].add((key, one.ref.kind, one.ref.namespace, _stem(one.ref.name, forms)))
    return {name: frozenset(pods) for name, pods in found.items()}


def _forms(name: str, splitter: str) -> list[str]:
    """Return what a workload's name may hold of its environment's, longest first: dev-proj1-me, proj1-me, me."""
    parts = name.split(splitter)
    return [dashed(splitter.join(parts[place:])).lower() for place in range(len(parts))]


def _stem(name: str, forms: Collection[str]) -> str:
    for form in forms:
        before, found, after = name.rpartition(form)
        if found:
            return f"{before}*{after}"
    return name
