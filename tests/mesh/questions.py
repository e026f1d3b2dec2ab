"""Who asks what: clients of every kind, and the set of those that answer them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .backends import ASK
from .model import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .asking import Answer
    from .mesh import Caller, Gateway, Mesh


@dataclass(frozen=True, slots=True)
class Client:
    """A pod of a namespace with these labels, or, with `gateway` (NAMESPACE/NAME), somebody outside."""

    namespace: str = NAMESPACE
    labels: tuple[tuple[str, str], ...] = ()
    gateway: str = ""

    def in_(self, mesh: Mesh) -> Caller | Gateway:
        """Return its proxy in a mesh. LookupError: the gateway is not there."""
        if self.gateway:
            namespace, _, name = self.gateway.rpartition("/")
            return mesh.gateway(name, namespace or NAMESPACE)
        return mesh.sidecar(self.namespace, dict(self.labels))

    def __str__(self) -> str:
        labels = ",".join(f"{name}={value}" for name, value in self.labels)
        return (
            f"gateway {self.gateway}" if self.gateway else f"a pod of {self.namespace}" + f" ({labels})" * bool(labels)
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One request: to a Service (for a gateway: a host), on a port, as what `protocol` says (asking.py)."""

    client: Client
    to: str
    port: int = 0  # 0 where there is but one
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    protocol: str = "http1"
    authority: str | None = None  # of a pod's request, where it is not the Service's name

    def ask(self, mesh: Mesh, extra: Mapping[str, str] | None = None) -> Answer:
        """Ask once, with these headers besides."""
        request = {"headers": [*self.headers, *(extra or {}).items()], "path": self.path, "protocol": self.protocol}
        proxy = self.client.in_(mesh)
        if self.client.gateway:
            return proxy.ask(self.to, self.port or 80, **request)
        return proxy.ask(self.to, self.port or None, authority=self.authority, **request)

    def __str__(self) -> str:
        carried = "".join(f" {name}: {value}" for name, value in self.headers)
        asked = f"{self.to}:{self.port}" if self.port else self.to
        asked += f" as {self.authority}" if self.authority else ""
        return f"{self.client} asks {asked}{self.path} ({self.protocol}){carried}"


def who(answer: Answer) -> str:
    """Return who answered: a pod as NAMESPACE/NAME, or what the proxy said: `closed`, or the status."""
    if answer.pod:
        return f"{answer.namespace}/{answer.pod}"
    return "closed" if answer.closed else str(answer.status)


@dataclass(frozen=True, slots=True)
class Heard:
    """Who answered a question that was asked several times, and who got its mirrored requests."""

    answers: Mapping[str, Answer]  # by who(), one of each
    mirrored: frozenset[str]  # pods, as NAMESPACE/NAME

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.answers)


def hear(mesh: Mesh, questions: Sequence[Question], times: int) -> list[Heard]:
    """Ask each question so many times."""
    asked: list[list[Answer]] = [
        [question.ask(mesh, {ASK: f"{place}.{time}"}) for time in range(times)]
        for place, question in enumerate(questions)
    ]
    arrived = mesh.arrived()
    heard = []
    for place, answers in enumerate(asked):
        mirrored: set[str] = set()
        for time, answer in enumerate(answers):
            mirrored |= (arrived.get(f"{place}.{time}", Counter()) - Counter([who(answer)])).keys()
        heard.append(Heard({who(answer): answer for answer in answers}, frozenset(mirrored)))
    return heard
