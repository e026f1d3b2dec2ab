"""Who asks what: clients of every kind, and the set of those that answer them."""

from __future__ import annotations

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from .asking import Answer
from .backends import ASK
from .model import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .mesh import Caller, Gateway, Mesh


DICE = "x-dice"  # where in the weights of a route the dice of a steady mesh fall (server/steady.go)
_GRPC_UNAVAILABLE = 14  # what a proxy's 503 is to a gRPC client
_AT_ONCE = 4  # a proxy is up in half a second, most of which it waits; so do those who ask it
_DICE = (10, 45, 90)  # falls on each of two or three destinations that have about the same weight, and on 30 of 100

PLACES = len(_DICE)
_hearings = count()  # one mesh may be asked several lists, and tells what arrived of all of them


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
    method: str = "GET"
    protocol: str = "http1"
    authority: str | None = None  # of a pod's request, where it is not the Service's name
    sni: str | None = None  # the name that a TLS client says; of a gateway's, the host where it is left out
    stranger: bool = False  # the authority is no name of a Service or a ServiceEntry

    def ask(self, mesh: Mesh, extra: Mapping[str, str] | None = None) -> Answer:
        """Ask once, with these headers besides."""
        headers = [*self.headers, *(extra or {}).items()]
        request = {"headers": headers, "path": self.path, "method": self.method, "protocol": self.protocol}
        request |= {"sni": self.sni} if self.protocol == "tls" else {}
        proxy = self.client.in_(mesh)
        try:
            if self.client.gateway:
                return proxy.ask(self.to, self.port or 80, **request)
            return proxy.ask(self.to, self.port or None, authority=self.authority, **request)
        except (FileNotFoundError, ConnectionRefusedError):
            return Answer(closed=True, body="no listener")

    def __str__(self) -> str:
        carried = "".join(f" {name}: {value}" for name, value in self.headers)
        asked = f"{self.to}:{self.port}" if self.port else self.to
        asked += f" as {self.authority}" if self.authority else ""
        asked += f" (SNI {self.sni})" if self.sni else ""
        method = "" if self.method == "GET" else f"{self.method} "
        return f"{self.client} asks {method}{asked}{self.path} ({self.protocol}){carried}"


def who(answer: Answer) -> str:
    """Return who answered: a pod as NAMESPACE/NAME, or what the proxy said: `closed`, or the status."""
    if answer.pod:
        return f"{answer.namespace}/{answer.pod}"
    if answer.grpc_status == _GRPC_UNAVAILABLE:
        return "503"
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
    """Ask each question so many times; a steady mesh's dice fall everywhere.

    Several proxies are asked at once, each one question after the other: it asks pods in turn.
    """
    if not questions:
        return []
    hearing = next(_hearings)
    asked: list[list[Answer]] = [[] for _ in questions]

    def ask(places: Sequence[int]) -> None:
        for place in places:
            for time in range(times):
                extra = {ASK: f"{hearing}.{place}.{time}", DICE: str(_DICE[time % PLACES])}
                asked[place].append(questions[place].ask(mesh, extra))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        clients = dict.fromkeys(question.client for question in questions)
        proxies = dict(zip(clients, pool.map(lambda client: client.in_(mesh).envoy, clients), strict=True))
        by_proxy: dict[int, list[int]] = defaultdict(list)  # two gateways may be the same pods
        for place, question in enumerate(questions):
            by_proxy[id(proxies[question.client])].append(place)
        list(pool.map(ask, by_proxy.values()))
    arrived = mesh.arrived() if mesh.mirrors else {}
    heard = []
    for place, answers in enumerate(asked):
        mirrored: set[str] = set()
        for time, answer in enumerate(answers):
            mirrored |= (arrived.get(f"{hearing}.{place}.{time}", Counter()) - Counter([who(answer)])).keys()
        heard.append(Heard({who(answer): answer for answer in answers}, frozenset(mirrored)))
    return heard
