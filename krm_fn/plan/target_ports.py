"""Ports that a Service leads to by name, and pods that have none of that name: they are no endpoints there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from krm_fn.objects import Object
from krm_fn.plan.answers import Plan, ServicePlan
from krm_fn.plan.services import Workload
from krm_fn.results import Code, Result
from krm_fn.values import Value, mapping, mappings


def find(objects: Sequence[Object], plan: Plan) -> Iterator[Result]:
    """Yield a finding for each environment none of whose pods has a port that its Service leads to.

    Kubernetes makes no endpoint of such a pod, so that a route to it answers 503; without routes others answered. Where
    none of the Service's pods has the port, nobody did, and routes change nothing.
    """
    split = {one.key: one for one in plan.services if one.is_split and not one.is_copy}
    by_position = {one.position: one for one in objects} if split else {}
    for one in objects if split else ():
        if one.ref.kind == "Service" and one.ref.api_version == "v1" and one.is_source:
            service = split.get((one.ref.namespace, one.ref.name))
            for place, port in enumerate(mappings(mapping(one.value, "spec").get("ports")) if service else ()):
                target = port.get("targetPort")
                if service and isinstance(target, str) and not target.isdecimal():
                    field = f"spec.ports[{place}].targetPort"
                    yield from _missing(one, service, target, field, by_position)


def _missing(
    one: Object, service: ServicePlan, target: str, field: str, objects: dict[int, Object]
) -> Iterator[Result]:
    answering = [own for own in service.here if own.workloads]
    without = [own for own in answering if all(_lacks(objects[pod.position], pod, target) for pod in own.workloads)]
    for own in without if len(without) < len(answering) else ():
        refs = tuple(pod.ref for pod in own.workloads)
        message = (
            f"leads to the port {target!r} of its pods, and {', '.join(map(str, refs))} ({own.name}) has none of that "
            f"name: requests that {own.name} answers get a 503; give a container's port that name, or write the number "
            "here"
        )
        yield Result(Code.TARGET_PORT, message, one.ref, field, refs)


_NUMBER = r"[\"']?containerPort[\"']?: \d+"
_PROTOCOL = r"[\"']?protocol[\"']?: [\"']?\w+[\"']?"
_NEXT = rf"(?:\n *{_PROTOCOL})?\n *{_NUMBER}$"
_LAST = re.compile(rf"^ *(?:- +)?{_NUMBER}\n(?: *{_PROTOCOL}\n)? *\Z", re.MULTILINE)
_LINES = 120  # characters that the lines above a name take at most, as tools write them


@cache
def _name(target: str, below: str = "$") -> re.Pattern[str]:
    # Its first letters are sought fast; what stands before them is looked at afterwards.
    key = r"name(?:(?<=[ -] name)|(?<=[ -] [\"']name)[\"'])"
    return re.compile(rf"{key}: [\"']?{re.escape(target)}[\"']?{below}", re.MULTILINE)


def _says_plainly(text: str, target: str) -> bool:
    """Tell whether a template has a container's port of that name as tools write it, one line to each of its keys."""
    if _name(target, _NEXT).search(text):
        return True
    starts = [found.start() for found in _name(target).finditer(text)]
    return any(_LAST.search(text[max(0, start - _LINES) : start].rstrip("\"'")) for start in starts)


def _lacks(one: Object, pod: Workload, target: str) -> bool:
    """Tell whether pods are known to have no port of that name; a template without containers tells nothing.

    Templates are not read: it takes as long again as all else. Most of them say plainly that they have the port.
    """
    text = one.item.source if one.item and one.item.partial else ""
    if target in text:
        if "initContainers" not in text and _says_plainly(text, target):
            return False
    elif "\\" not in text and "containers:" in text:
        return True
    at: Value = one.whole
    for step in pod.labels_field.split(".")[:-2]:
        at = mapping(at, step)
    spec = mapping(at, "spec")
    containers = mappings(spec.get("containers"))
    sidecars = [each for each in mappings(spec.get("initContainers")) if each.get("restartPolicy") == "Always"]
    named = {port.get("name") for each in (*containers, *sidecars) for port in mappings(each.get("ports"))}
    return bool(containers) and target not in named
