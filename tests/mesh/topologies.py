"""Random lists of Services and workloads, and who answers each request, by a reading of the contract in a few lines.

One seed is one topology: a tree of environments, a configuration, Services with ports of every kind, and workloads.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .model import Manifest

# Port name, appProtocol → what a user knows of it (Istio's documentation, "Protocol Selection").
PORTS = [
    ("http", None, "http"),
    ("HTTP-web", None, "http"),
    ("http2", None, "http"),
    ("grpc", None, "grpc"),
    ("grpc-web-x", None, "http"),
    ("tcp-old", "http", "http"),
    ("redis-x", "kubernetes.io/h2c", "http"),
    ("https-x", "kubernetes.io/ws", "http"),
    ("web", None, "sniffed"),
    ("httpx", None, "sniffed"),
    ("tcp", "example.com/own", "sniffed"),
    ("tcp-raw", None, "tcp"),
    ("redis", None, "tcp"),
    ("mongo", None, "tcp"),
    ("mysql-x", None, "tcp"),
    ("http-x", "TCP", "tcp"),
    ("tls", None, "tls"),
    ("https-api", None, "tls"),
    ("http-y", "kubernetes.io/wss", "tls"),
    ("udp-probe", None, "udp"),
]
WELL_KNOWN = 3306  # TCP, unless it says something else
ASKED_AS = {
    "http": ("http", "http2"),
    "grpc": ("grpc",),
    "sniffed": ("http", "http2", "grpc", "tcp"),
    "tcp": ("tcp",),
    "tls": ("tls",),
    "udp": (),
}
KINDS = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "CronJob", "Rollout", "CloneSet"]
SCALED = {"Deployment", "StatefulSet", "ReplicaSet", "Rollout", "CloneSet"}
GROUPS = {"Pod": "v1", "CronJob": "batch/v1", "Rollout": "argoproj.io/v1alpha1", "CloneSet": "apps.kruise.io/v1alpha1"}
LABELS = ["virtual-env", "env", "example.com/virtual-env", "a-b.example.org/Env.Name_1"]
HEADERS = ["X-Virtual-Env", "ali-env-mark", "x_env", "E"]
SPLITTERS = [".", ".", "-", "_", "--", "._.", "9"]
WORDS = ["dev", "Test", "a", "b", "A1", "proj1", "proj10", "user-1", "user_1", "x.y", "l" * 20]


@dataclass(slots=True)
class App:
    """A Service: its ports (number → kind) and, by environment, its workloads that have pods."""

    name: str
    ports: dict[int, str]
    own: set[str]


@dataclass(slots=True)
class Topology:
    """A list, its configuration, and what is known of it without any product."""

    seed: int
    splitter: str
    label: str
    header: str
    namespace: str
    base: str
    matching: str
    unmatched: str
    tcp: str
    known: set[str] = field(default_factory=set)  # every environment that a workload carries
    apps: list[App] = field(default_factory=list)
    manifests: list[Manifest] = field(default_factory=list)

    @property
    def config(self) -> Manifest:
        spec = {
            "envLabel": {"name": self.label, "splitter": self.splitter, "defaultSubset": self.base},
            "envHeader": {"name": self.header},
            "matching": self.matching,
            "unmatched": self.unmatched,
            "tcp": self.tcp,
        }
        kind = {"apiVersion": "virtual-env-fn.dev/v1alpha1", "kind": "VirtualEnvironment"}
        return {**kind, "metadata": {"name": "virtual-env"}, "spec": spec}


def answer(top: Topology, app: App, *, port: int, protocol: str, header: str | None, caller: str | None) -> str | int:
    """Say who answers, as the contract does: the deepest environment that fits, else the base, else nobody."""

    def fits(value: str | None) -> str | None:
        found = [one for one in app.own if value == one or (value or "").startswith(one + top.splitter)]
        return max(found, key=len, default=None)

    if app.ports[port] == "tls":
        return _any(app, "closed")
    if protocol == "tcp":
        return (top.tcp == "callerLabels" and caller in top.known and fits(caller)) or fits(top.base) or "closed"
    if app.ports[port] == "tcp":  # HTTP over a port of TCP
        return fits(top.base) or "closed"
    found = fits(header) if top.matching == "prefix" or header in top.known else None
    return found or fits(top.base) or (503 if top.unmatched == "reject" else _any(app, 503))


def _any(app: App, nobody: str | int) -> str | int:
    return nobody if not app.own else "spread" if len(app.own) > 1 else next(iter(app.own))


def make(seed: int) -> Topology:
    """Return the topology of a seed."""
    rng = random.Random(seed)  # noqa: S311 - the same for everybody
    splitter = rng.choice(SPLITTERS)
    names = _names(rng, splitter)
    top = Topology(
        seed,
        splitter,
        rng.choice(LABELS),
        rng.choice(HEADERS),
        rng.choice(["", "shop"]),
        base=names[0] if rng.random() < 0.8 else rng.choice(names),
        matching=rng.choice(["prefix", "prefix", "prefix", "exact"]),
        unmatched=rng.choice(["reject", "reject", "anyPod"]),
        tcp=rng.choice(["base", "base", "callerLabels"]),
    )
    for number in range(rng.randint(1, 3)):
        _add(rng, top, names, f"{rng.choice(['a', 'x1-y', 's' * 40])}{number}")
    if rng.random() < 0.3:  # another Service of the same pods
        first = top.apps[0]
        _service(rng, top, App(f"{first.name}-too", {}, first.own), first.name)
    if top.base not in top.known:
        _workload(rng, top, "elsewhere", top.base, 1)
    rng.shuffle(top.manifests)
    return top


def requests(top: Topology) -> Iterator[dict[str, Any]]:
    """Yield rows of a table (table.py): each port of each Service, with values that are like those that there are."""
    rng = random.Random(top.seed)  # noqa: S311 - the same for everybody
    callers = [None, *rng.sample([*sorted(top.known), "stranger"], 1 if top.tcp == "base" else 2)]
    for app in top.apps:
        for port, kind in app.ports.items():
            protocols = (*ASKED_AS[kind], "http") if kind == "tcp" and rng.random() < 0.3 else ASKED_AS[kind]
            for protocol in protocols:
                values = [None] if protocol in ("tcp", "tls") else _values(rng, top)
                for header in values:
                    for caller in callers if protocol == "tcp" else callers[:1]:
                        yield {
                            "service": app.name,
                            "port": port,
                            **({"namespace": top.namespace} if top.namespace else {}),
                            "protocol": protocol,
                            **({"header": header} if header is not None else {}),
                            **({"from": caller} if caller else {}),
                            "answer": answer(top, app, port=port, protocol=protocol, header=header, caller=caller),
                        }


def _names(rng: random.Random, splitter: str) -> list[str]:
    """Return environments, the first one a root; some differ by their punctuation only."""
    words = [word for word in WORDS if not set(word) & set(splitter)]
    names = [rng.choice(words)]
    while len(names) < rng.randint(2, 8):
        parent = rng.choice([*names, ""])
        name = f"{parent}{splitter}{rng.choice(words)}" if parent else rng.choice(words)
        names += [name] if len(name) <= 60 and name not in names else []
    for name in list(names):
        twin = name.translate(str.maketrans({mark: rng.choice("-_.") for mark in "-_." if mark not in splitter}))
        names += [twin] if rng.random() < 0.3 and twin not in names else []
    return names


def _add(rng: random.Random, top: Topology, names: list[str], name: str) -> None:
    app = App(name, {}, set())
    wanted = rng.sample(names, rng.randint(1, len(names)))
    if top.base not in wanted and rng.random() < 0.7:
        wanted.append(top.base)
    for environment in wanted:
        for _ in range(rng.choice([1, 1, 2])):
            if _workload(rng, top, name, environment, rng.choice([0, 1, 1, 1, 2])):
                app.own.add(environment)
    _service(rng, top, app, name)


def _service(rng: random.Random, top: Topology, app: App, selected: str) -> None:
    count = rng.choice([1, 1, 2, 3, 12])
    listed = []
    for number, (name, protocol, kind) in enumerate(rng.sample(PORTS, count)):
        port = {"name": name.lower(), "port": 7000 + number}
        if kind == "udp":
            port["protocol"] = "UDP"
        listed.append(port | ({"appProtocol": protocol} if protocol else {}))
        app.ports[7000 + number] = kind
    if count == 1 and rng.random() < 0.3:
        number, kind = rng.choice([(7000, "sniffed"), (WELL_KNOWN, "tcp")])
        listed, app.ports = [{"port": number}], {number: kind}
    spec = {"selector": {"app": selected}, "ports": listed}
    top.apps.append(app)
    top.manifests.append({"apiVersion": "v1", "kind": "Service", "metadata": _metadata(top, app.name), "spec": spec})


def _workload(rng: random.Random, top: Topology, app: str, environment: str, replicas: int) -> bool:
    """Add a workload; tell whether it has pods."""
    top.known.add(environment)
    kind = rng.choice(KINDS)
    labels = {"app": app, top.label: environment}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
    spec: Manifest = {"template": template}
    if kind == "CronJob":
        spec = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
    metadata = _metadata(top, f"w{len(top.manifests)}")
    if kind == "Pod":
        metadata, spec = {**metadata, "labels": labels}, template["spec"]
    elif kind in SCALED and (replicas != 1 or rng.random() < 0.5):
        spec["replicas"] = replicas
    made = {"apiVersion": GROUPS.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, "spec": spec}
    top.manifests.append(made)
    return replicas > 0 or kind not in SCALED


def _values(rng: random.Random, top: Topology) -> list[str | None]:
    """Return values of the header: nothing, what there is, what is below it, and what looks like it."""
    some, other = rng.choice(sorted(top.known)), rng.choice(sorted(top.known))
    split = top.splitter
    alike = [f"{other}0", f"x{other}", other.swapcase(), other[:-1], f"{split}{other}", f"{other}-x", "stranger", ""]
    values = [None, some, f"{some}{split}new", f"{some}{split}", f"{other}{split}a{split}b", *rng.sample(alike, 3)]
    return list(dict.fromkeys(values))


def _metadata(top: Topology, name: str) -> dict[str, Any]:
    return {"name": name, **({"namespace": top.namespace} if top.namespace else {})}
