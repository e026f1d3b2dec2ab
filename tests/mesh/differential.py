"""One random list before and after the function, asked; and the smallest list that shows the same fault."""

from __future__ import annotations

import copy
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from krm_fn import function

from . import MeshRejected, joined_lists, outputs, probes
from .before_after import Compared, Facts, World, ask, compare
from .worlds import LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from .model import Manifest
    from .questions import Heard, Question

HEADER = "x-virtual-env"
FACTS = Facts({"": LABEL}, {"": "dev"}, (HEADER,))
_LIMIT = 48  # questions of a list; there may be a thousand, most of which ask the same
_LIMIT_VIEW = 16  # of them, asked of an environment and of its view
_SECONDS = 60.0  # for making a list smaller
_MESHES = 2  # of a list that stand at once
_DEEPEST = 9  # levels of an object that are looked into
_KEPT = ("template", "selector", "servers")  # what is never left out of an object, nor anything in it


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a list: `asked`, `refused` by the function, or `invalid` to Istio as it came."""

    what: str
    compared: Compared = field(default_factory=Compared)
    views: int = 0  # questions asked of an environment and of its view
    said: tuple[str, ...] = ()  # codes of the findings
    further: tuple[Heard, ...] = ()  # what was heard of the questions that were asked after besides

    @property
    def lines(self) -> list[str]:
        return self.compared.lines


def check(
    manifests: Sequence[Manifest],
    config: Mapping[str, Any],
    value: str = "",
    *,
    only: Question | None = None,
    seed: int = 0,
    further: Sequence[Question] = (),
) -> Outcome:
    """Ask a list before and after, and, with a value, what the environment's view of it says.

    With `only` nothing but that question is asked. `further` ones are asked after, in the same mesh.
    """
    spec = config["spec"]
    facts = replace(FACTS, joined="namespaces" in spec, callers=spec.get("tcp") == "callerLabels")
    gateways = probes.missing_gateways(manifests)
    found = [only] if only else probes.questions([*manifests, *gateways], facts.carriers)
    if len(found) > _LIMIT:
        found = sorted(random.Random(seed).sample(found, _LIMIT), key=str)  # noqa: S311 - the same for everybody
    outcome = function.run(yaml.safe_dump_all(manifests, sort_keys=False).encode(), config)
    said = tuple(result.code.slug for result in outcome.results)
    if outcome.failed:
        return Outcome("refused", said=said)
    viewed = _with(found, value) if value and not _sets_the_header(manifests) else []
    with ThreadPoolExecutor(_MESHES) as pool:
        was = pool.submit(ask, manifests, gateways, facts, found)
        now = pool.submit(_after, manifests, outcome.output, gateways, facts, (found, viewed, further))
        seen = pool.submit(ask, _viewed(manifests, config, value), gateways, facts, viewed) if viewed else None
    try:
        (before,) = was.result()
    except MeshRejected:
        return Outcome("invalid", said=said)
    try:
        after, after_of_value, besides = now.result()
    except (MeshRejected, outputs.Refused) as error:
        return Outcome("asked", Compared([(None, f"the output is refused: {error}")]), said=said)
    warned = any(result.severity.rank < 2 for result in outcome.results)
    compared = compare(found, before, after, facts, warned=warned, spoken=_set_values(manifests))
    if seen:
        (view_,) = seen.result()
        compared.asked += view_.asked + after_of_value.asked
        nobody = {str(question): heard.names for question, heard in zip(found, after.heard, strict=True)}
        for question, old, new in zip(viewed, view_.heard, after_of_value.heard, strict=True):
            as_nobody = warned and new.names == nobody[str(_replaced(question, question.headers[:-1]))]
            if not (as_nobody or (question.stranger and old.names == {"503"})):
                compared.differences += [(question, line) for line in _unlike(old, new, view_, joined=facts.joined)]
    return Outcome("asked", compared, len(viewed), said, tuple(besides.heard))


def _viewed(manifests: Sequence[Manifest], config: Mapping[str, Any], value: str) -> list[Manifest]:
    """Return the list as an environment sees it with this configuration."""
    known = {_labels(one).get(LABEL) for one in manifests}
    exact = config["spec"].get("matching") == "exact" and value not in known
    found = view(manifests, None if exact else value)
    joined = config["spec"].get("namespaces")
    return joined_lists.gathered(found, {joined["base"], *joined["members"]}) if joined else found


def _after(
    before: Sequence[Manifest],
    output: bytes,
    gateways: Sequence[Manifest],
    facts: Facts,
    lists: Sequence[Sequence[Question]],
) -> list[World]:
    return ask(later(before, outputs.read(output)), gateways, facts, *lists)


def later(before: Sequence[Manifest], after: Sequence[Manifest]) -> list[Manifest]:
    """Return the list after, in which what is new was made after what was there: Istio has the older one first."""
    there = {_identity(one) for one in before}
    return [
        one
        if _identity(one) in there
        else {**one, "metadata": {**one["metadata"], "creationTimestamp": "2026-01-02T00:00:00Z"}}
        for one in after
    ]


def view(manifests: Sequence[Manifest], value: str | None) -> list[Manifest]:
    """Return the list as an environment sees it: of each app only the workloads that answer it."""
    own: dict[str, set[str]] = {}
    for one in manifests:
        if labels := _labels(one):
            own.setdefault(labels["app"], set()).add(labels.get(LABEL, ""))
    return [
        copy.deepcopy(one)
        for one in manifests
        if LABEL not in (labels := _labels(one)) or labels[LABEL] == _answer(value, own[labels["app"]])
    ]


def smallest(
    manifests: Sequence[Manifest],
    config: Mapping[str, Any],
    value: str,
    outcome: Outcome,
    *,
    seconds: float = _SECONDS,
) -> tuple[list[Manifest], str]:
    """Drop objects, routes and fields while a fault of the same kind stays; return what is left, and that fault.

    It stops after some seconds, with what it has by then.
    """
    question, line = outcome.compared.differences[0]
    wanted, until = _kind(line), time.monotonic() + seconds
    if question:
        headers = tuple(pair for pair in question.headers if pair[0] != HEADER)
        value = value if headers != question.headers else ""
        question = replace(question, headers=headers)
    faults = [outcome.lines[0]]

    def shows(smaller: list[Manifest]) -> bool:
        hit = _fault(smaller, config, value, question, wanted) if time.monotonic() < until else ""
        faults.extend([hit] if hit else [])
        return bool(hit)

    return least(manifests, shows), faults[-1]


def least(manifests: Sequence[Manifest], shows: Callable[[list[Manifest]], bool]) -> list[Manifest]:
    """Leave out objects, then parts of their specs, while what is left shows what it has to."""
    best = list(manifests)
    size = len(best) // 2
    while size:
        place = 0
        while place < len(best):
            smaller = [*best[:place], *best[place + size :]]
            if shows(smaller):
                best = smaller
            else:
                place += size
        size //= 2
    for depth in range(1, _DEEPEST):
        for number, one in enumerate(best):
            spec = _shrink(one["spec"], depth, lambda less, at=number, all_=best: shows(_with_spec(all_, at, less)))
            best = _with_spec(best, number, spec)
    return best


def _fault(
    manifests: list[Manifest], config: Mapping[str, Any], value: str, question: Question | None, wanted: str
) -> str:
    """Return the first fault of the wanted kind that a list shows, or an empty text."""
    try:
        now = check(manifests, config, value, only=question)
    except Exception:  # noqa: BLE001 - a list so reduced that it cannot be asked shows nothing
        return ""
    pairs = zip(now.lines, now.compared.differences, strict=True)
    return next((text for text, (_, line) in pairs if _kind(line) == wanted), "")


def _with_spec(manifests: list[Manifest], place: int, spec: Any) -> list[Manifest]:
    return [*manifests[:place], {**manifests[place], "spec": spec}, *manifests[place + 1 :]]


def _shrink(value: Any, depth: int, shows: Callable[[Any], bool]) -> Any:
    """Leave out each part at a depth that is not needed; return what is left."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in reversed(keys):
        if key in _KEPT:
            continue
        if depth == 1:
            less = _without(value, key)
            value = less if shows(less) else value
        else:
            part = _shrink(value[key], depth - 1, lambda less, at=key, of=value: shows(_put(of, at, less)))
            value = _put(value, key, part)
    return value


def _without(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        return {name: part for name, part in value.items() if name != key}
    return [*value[:key], *value[key + 1 :]]


def _put(value: Any, key: Any, part: Any) -> Any:
    return {**value, key: part} if isinstance(value, dict) else [*value[:key], part, *value[key + 1 :]]


def _kind(line: str) -> str:
    """Return what a fault is, without its names and figures."""
    line = re.sub(r"'[^']*'|\{.*\}|\d+\|.*\|\S+", "_", line)
    line = re.sub(r"[a-z]+/[a-z][a-z0-9.-]*", "POD", line)
    return re.sub(r"POD(, POD)+", "PODS", re.sub(r"a pod of .*?:", "", line))


def _unlike(old: Heard, new: Heard, seen: World, *, joined: bool) -> Iterator[str]:
    """Say how an environment is answered otherwise than in its view.

    A subset of the user's without pods there means all that the environment has: the view has a 503. Requests that
    no environment of a Service's answers are as those of nobody, whose own subsets stay as they are, with a warning.
    In joined namespaces the pods that answer are all the same, wherever they are.
    """
    there, by_view, after = (
        {name.rpartition("/")[2] if joined else name for name in names} for names in (seen.pods, old.names, new.names)
    )
    if after != by_view and not ("503" in by_view and after - by_view <= there):
        yield f"by its view {', '.join(sorted(old.names))}, but {', '.join(sorted(new.names))} after"


def _with(found: Sequence[Question], value: str) -> list[Question]:
    http = [question for question in found if question.protocol not in ("tcp", "tls")]
    some = http[:: max(1, len(http) // _LIMIT_VIEW)]
    return [_replaced(question, (*question.headers, (HEADER, value))) for question in some]


def _replaced(question: Question, headers: tuple[tuple[str, str], ...]) -> Question:
    return replace(question, headers=headers)


def _sets_the_header(manifests: Sequence[Manifest]) -> bool:
    return any(True for _ in _changes(manifests))


def _set_values(manifests: Sequence[Manifest]) -> list[str]:
    """Return the environments that routes, and their destinations, put into the header."""
    return [
        value
        for change in _changes(manifests)
        for action in ("set", "add")
        for name, value in (change.get(action) or {}).items()
        if name.lower() == HEADER
    ]


def _changes(manifests: Sequence[Manifest]) -> Iterator[dict[str, Any]]:
    """Yield what routes, and their destinations, do to the header of requests."""
    routes = [route for one in manifests if one["kind"] == "VirtualService" for route in one["spec"].get("http") or ()]
    for part in [*routes, *(entry for route in routes for entry in route.get("route") or ())]:
        change = (part.get("headers") or {}).get("request") or {}
        named = [*(change.get("set") or ()), *(change.get("add") or ()), *(change.get("remove") or ())]
        if HEADER in map(str.lower, named):
            yield change


def _identity(one: Manifest) -> tuple[str, str, str]:
    return (one["kind"], one["metadata"].get("namespace") or "", one["metadata"].get("name") or "")


def _labels(one: Manifest) -> dict[str, str]:
    labels: dict[str, str] = one["spec"].get("template", {}).get("metadata", {}).get("labels", {})
    return labels


def _answer(value: str | None, own: set[str]) -> str | None:
    """Return the contract's answer, in a few lines."""
    fits = [one for one in own if value and (value == one or value.startswith(one + "."))]
    return max(fits, key=len, default="dev" if "dev" in own else None)
