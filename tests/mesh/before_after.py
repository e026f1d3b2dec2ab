"""For requests that carry nothing, whatever was, is: a user's list as it is against the function's output.

Both are asked the same (probes.py). What is right, for one question: let B be who answered before, A who answers after.

- A = B. Where A has pods of several environments of one Service, a warning says so. Of a route to several Services that
  may be so for some of them.
- Or, where B has personal pods (of an environment that is not the base): A is B without them; where nothing is left,
  A is the 503 that names what is missing (of TCP: closed). A part of a route's weights may be a 503, too, where a
  Service has no pods of the base; nothing can say why there.

The same holds for who gets mirrored requests; of a request that gets such a 503, nobody. What pods see of a request
(path, headers) and what the proxy answers itself (status, body, where a redirect leads) is equal, and so is the policy
of what leads to them: each cluster of a host and port after has the policy of one before.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import Mesh
from .questions import PLACES, hear

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .asking import Answer
    from .model import Manifest, Pod, Service
    from .questions import Client, Heard, Question

_VOLATILE = {"x-request-id", "x-ask", "x-dice", "content-length", "date", "x-envoy-upstream-service-time"}
_VOLATILE |= {"x-envoy-attempt-count", "x-forwarded-for", "x-envoy-peer-metadata-id"}
_VOLATILE |= {"x-envoy-decorator-operation"}  # for traces: the Service led to, which may be one environment's alone
_DRAWN = 48  # of connections the dice of weights are Envoy's own: one of four pods is missed once in 900,000 times
_MISSING = "has no pods of the base"


@dataclass(frozen=True, slots=True)
class Facts:
    """What tells personal pods from the base's: the label and the base of each namespace (`""`: of the rest)."""

    label: Mapping[str, str]
    base: Mapping[str, str]
    carriers: tuple[str, ...] = ("x-virtual-env",)
    joined: bool = False  # environments in namespaces of their own: the base's pods may be of another namespace
    any_pod: bool = False  # `unmatched: anyPod`: who finds no base gets anybody
    callers: bool = False  # `tcp: callerLabels`: a connection is the calling pod's own environment's

    def environment(self, pod: Pod) -> str:
        return pod.labels.get(self.label.get(pod.namespace, self.label[""]), "")

    def spoken(self, question: Question) -> list[str]:
        """Return the environment that a connection is of by who makes it."""
        label = self.label.get(question.client.namespace, self.label[""])
        labels = dict(question.client.labels) if self.callers and question.protocol == "tcp" else {}
        return [labels[label]] if label in labels else []

    def personal(self, pod: Pod) -> bool:
        return self.environment(pod) not in ("", self.base.get(pod.namespace, self.base[""]))


@dataclass(slots=True)
class Compared:
    """What a comparison found: differences, each with the question that shows it (None: of a cluster), and counts."""

    differences: list[tuple[Question | None, str]] = field(default_factory=list)
    questions: int = 0
    asked: int = 0
    clusters: int = 0

    @property
    def lines(self) -> list[str]:
        return [f"{question}: {line}" if question else line for question, line in self.differences]


@dataclass(frozen=True, slots=True)
class World:
    """What a mesh answered: each question, and the policies of each client's clusters."""

    heard: list[Heard]
    policies: dict[Client, dict[tuple[str, str], dict[str, str]]]
    pods: dict[str, Pod]  # as NAMESPACE/NAME
    services: list[Service]
    asked: int  # requests


def ask(
    manifests: Sequence[Manifest], extra: Sequence[Manifest], facts: Facts, *asked: Sequence[Question]
) -> list[World]:
    """Ask lists of questions in one mesh, each so often that everybody has answered who ever does."""
    with Mesh(manifests, extra=extra, label=facts.label, steady=True) as mesh:
        pods = {f"{pod.namespace}/{pod.name}": pod for pod in mesh.cluster.pods}
        services = list(mesh.cluster.services.values())
        most = max((len(mesh.cluster.pods_of(service)) for service in services), default=1)
        times = (most + 1) * (PLACES if _weighs(manifests, "http") else 1)  # one more: server/steady.go, oddly
        times = max(times, _DRAWN) if _weighs(manifests, "tcp", "tls") else times
        return [
            World(hear(mesh, some, times), _policies(mesh, some), pods, services, times * len(some)) for some in asked
        ]


def compare(
    asked: Sequence[Question], before: World, after: World, facts: Facts, *, warned: bool, spoken: Iterable[str] = ()
) -> Compared:
    """Compare the answers before and after.

    `warned` says whether the function had a warning; `spoken` are the environments that routes set in the header:
    such a route may be answered as they are.
    """
    personal = {name for name, pod in before.pods.items() if facts.personal(pod)}

    def spans(names: Collection[str]) -> bool:
        found = [(name, before.pods[name]) for name in names if name in before.pods]
        return any(
            len({facts.environment(pod) for _, pod in found if service.selects(pod)}) > 1 for service in before.services
        )

    clusters = sum(map(len, after.policies.values()))
    found = Compared(questions=len(asked), asked=before.asked + after.asked, clusters=clusters)
    for question, old, new in zip(asked, before.heard, after.heard, strict=True):
        if question.stranger and old.names == {"503"}:
            continue  # it goes on to wherever the name leads, which a VirtualService of that name always changes
        moved = facts.joined and new.names and new.names <= before.pods.keys() - personal
        as_set = [_of_environment(value, old.names, before, facts) for value in (*spoken, *facts.spoken(question))]
        if not moved and not (new.names and new.names in as_set):
            of_service = [names for service in before.services if (names := _pods_of(service, before, old.names))]
            mixed = warned and _is_mixed(old.names, new.names, personal, of_service)
            found.differences += [(question, line) for line in _differ(old, new, personal, mixed=mixed)]
        if facts.any_pod:
            continue
        if old.names == new.names and spans(new.names) and not warned:
            found.differences.append((question, f"{_shown(new.names)} still answer, and nothing says so"))
    for client, policies in after.policies.items():
        lines = _policies_differ(before.policies[client], policies)
        found.differences += [(None, f"{client}: {line}") for line in lines]
    return found


def _of_environment(value: str, names: Collection[str], world: World, facts: Facts) -> set[str]:
    """Return those pods of the names that answer an environment; of joined Services all are one Service's."""
    found = set()
    of = {service.name for service in world.services if facts.joined and _pods_of(service, world, names)}
    joined = [service for service in world.services if service.name in of]
    for name in {*names, *(name for service in joined for name in _pods_of(service, world, world.pods))}:
        pod = world.pods.get(name)
        service = next((one for one in world.services if pod and one.selects(pod)), None)
        if pod and service:
            together = [service, *(one for one in joined if one.name == service.name)]
            own = {facts.environment(one) for one in world.pods.values() if any(each.selects(one) for each in together)}
            fits = [one for one in own if one and (value == one or value.startswith(f"{one}."))]
            base = facts.base.get(pod.namespace, facts.base[""])
            found |= {name} if facts.environment(pod) in ("", max(fits, key=len, default=base)) else set()
    return found


def _pods_of(service: Service, world: World, names: Iterable[str]) -> set[str]:
    return {name for name in names if name in world.pods and service.selects(world.pods[name])}


def _is_mixed(old: frozenset[str], new: frozenset[str], personal: set[str], of_service: Iterable[set[str]]) -> bool:
    """Tell whether each Service of a route keeps all of its pods, or just those that are nobody's own."""
    pods = set().union(*of_service)
    return new - pods == old - pods and all(new & one in (old & one, (old & one) - personal) for one in of_service)


def _differ(old: Heard, new: Heard, personal: set[str], *, mixed: bool = False) -> Iterable[str]:
    kept = old.names - personal
    right = [old.names, new.names] if mixed else [old.names]
    if kept != old.names:
        right += [kept, kept | {"503"}] if any("/" in name for name in kept) else [kept | {"503"}, kept | {"closed"}]
    if new.names not in right:
        yield f"{_shown(old.names)} before, {_shown(new.names)} after"
        return
    alone = new.names == {"503"} and "503" not in old.names
    if alone and _MISSING not in new.answers["503"].body and not _grpc(new.answers["503"]):
        yield f"{_shown(old.names)} before, a 503 that does not say why after: {new.answers['503'].body!r}"
    if new.mirrored not in (old.mirrored, old.mirrored - personal, *([frozenset()] if alone else [])):
        yield f"mirrored to {_shown(old.mirrored)} before, to {_shown(new.mirrored)} after"
    for name in old.names & new.names:
        was, now = _seen(old.answers[name]), _seen(new.answers[name])
        if was != now:
            changed = {
                key: (was.get(key), now.get(key)) for key in was.keys() | now.keys() if was.get(key) != now.get(key)
            }
            yield f"{name} before and after, but {changed}"


def _seen(answer: Answer) -> dict[str, Any]:
    """Return what a pod saw, and what came back with its answer, or what the proxy answered itself."""
    back = {f"answer {name.lower()}": value for name, value in answer.headers if name.lower() not in _VOLATILE}
    if answer.pod:
        seen = {name.lower(): value for name, value in answer.headers_seen if name.lower() not in _VOLATILE}
        return {**back, **seen, ":path": answer.path, ":port": answer.port, ":protocol": answer.protocol}
    if answer.status >= 500 or _grpc(answer):
        return {}
    return {**back, ":body": answer.body}


def _grpc(answer: Answer) -> bool:
    return answer.grpc_status is not None


def _policies(mesh: Mesh, asked: Iterable[Question]) -> dict[Client, dict[tuple[str, str], dict[str, str]]]:
    """Return, for each client, each cluster's policy: by port and host, then by subset."""
    found: dict[Client, dict[tuple[str, str], dict[str, str]]] = {}
    for client in dict.fromkeys(question.client for question in asked):
        dump = json.loads(client.in_(mesh).envoy.admin("/config_dump?resource=dynamic_active_clusters"))
        for config in dump.get("configs", ()):
            name = config["cluster"]["name"]
            if name.count("|") != 3:
                continue
            _, port, subset, host = name.split("|")
            found.setdefault(client, {}).setdefault((port, host), {})[subset] = _policy(config["cluster"], subset)
        found.setdefault(client, {})
    return found


def _policy(cluster: dict[str, Any], subset: str) -> str:
    """Return a cluster without what names it."""
    metadata = (cluster.get("metadata") or {}).get("filter_metadata") or {}
    kept = {key: value for key, value in cluster.items() if key not in ("name", "@type", "alt_stat_name", "metadata")}
    kept["metadata"] = {key: value for key, value in metadata.items() if key != "istio"}
    # A cluster says which rule it is of in its metadata; which that is may change, what it says may not.
    text = json.dumps(kept, sort_keys=True)
    if subset:
        text = text.replace(f"|{subset}|", "||").replace(f"_.{subset}_.", "_._.")
    return re.sub(r"127\.\d+\.", "127.N.", text)


def _policies_differ(
    old: Mapping[tuple[str, str], Mapping[str, str]], new: Mapping[tuple[str, str], Mapping[str, str]]
) -> Iterable[str]:
    for (port, host), clusters in new.items():
        before = old.get((port, host), {})
        for subset, policy in clusters.items() if before else ():
            right = {before[subset]} if subset in before else set(before.values())
            if policy not in right:
                yield f"cluster {port}|{subset}|{host} has another policy: {_difference(min(right), policy)}"


def _difference(one: str, other: str) -> str:
    old, new = json.loads(one), json.loads(other)
    keys = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
    return "; ".join(f"{key} {old.get(key)} before, {new.get(key)} after" for key in keys)


def _weighs(manifests: Iterable[Manifest], *sections: str) -> bool:
    return any(
        len(route.get("route") or ()) > 1
        for one in manifests
        if one["kind"] == "VirtualService"
        for section in sections
        for route in one["spec"].get(section) or ()
    )


def _shown(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nobody"
