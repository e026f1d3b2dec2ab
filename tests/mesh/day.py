"""What the views print, read back line by line and asked of a mesh. A line that nothing here can read is a mistake."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from .table import CLOSED, outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .mesh import Mesh

_TREE = re.compile(r"  ([│├└ ]*)(\S.*?) +→ (\S+)(?: {2,}(\S.*))?")
_WORDS = {"503": 503, "closed": CLOSED}


class State:
    """A list as it stands, in a mesh: who answers, by the mesh."""

    def __init__(self, mesh: Mesh, manifests: Iterable[Mapping[str, Any]]) -> None:
        self._caller = mesh.sidecar("default")
        self.services = {one["metadata"]["name"]: one["spec"]["ports"] for one in manifests if one["kind"] == "Service"}
        self._found: dict[tuple[str, int, str | None], tuple[Any, frozenset[str]]] = {}

    def port(self, service: str) -> tuple[int, str]:
        """The first port of a Service and its protocol."""
        port = self.services[service][0]
        return port["port"], "tcp" if port["name"].startswith("tcp") else "http1"

    def who(self, service: str, value: str | None, port: int = 0, protocol: str = "") -> Any:
        """The environment that answers a request that carries `value`, 503, or closed; several asked times agree."""
        return self._ask(service, value, port, protocol)[0]

    def workloads(self, service: str, value: str | None) -> frozenset[str]:
        """The pods that did."""
        return self._ask(service, value)[1]

    def _ask(self, service: str, value: str | None, port: int = 0, protocol: str = "") -> tuple[Any, frozenset[str]]:
        number, usual = self.port(service)
        key = (service, port or number, value)
        if key not in self._found:
            headers = {} if value is None else {"x-virtual-env": value}
            said = [self._caller.ask(service, key[1], headers=headers, protocol=protocol or usual) for _ in range(6)]
            answers = {outcome(one) for one in said}
            assert len(answers) == 1, f"{service} {value}: {answers}"
            self._found[key] = (answers.pop(), frozenset(one.pod for one in said))
        return self._found[key]


class Reader:
    """Reads output and holds each line against the states before and after; counts the lines that it has read."""

    def __init__(self, now: State, before: State | None, values: Iterable[str]) -> None:
        self.now, self.before = now, before
        self.values = [None, *values]
        self.lines = 0
        self._service = ""
        self._columns: list[str | None] = []
        self._asked: str | None = None
        self._listed: set[str] = set()
        self._names_now: dict[object, str] = {}

    def read(self, text: str) -> None:
        """Read every line; AssertionError for one that is not so, or that nothing here knows."""
        for line in text.splitlines():
            if not line:
                continue
            for pattern, holds in self._rules():
                found = re.fullmatch(pattern, line)
                if found:
                    holds(*found.groups())
                    break
            else:
                raise AssertionError(f"nothing checks this line: {line!r}")
            self.lines += 1

    def _rules(self) -> list[tuple[str | re.Pattern[str], Callable[..., None]]]:
        return [
            # diff
            (r"! Requests without an environment are answered differently|! No answer any more", lambda: None),
            (r"Environments by another name|Answered by another environment|Answered now", lambda: None),
            (r"Services that take part now", lambda: None),
            (r"  (\S+) now answers (\S+) itself \(was (\S+)\)(?:; also for (.+))?", self._takes),
            (r"  (\S+) has no pods of (\S+) any more: (\S+) answers(?:; also for (.+))?", self._ends),
            (r"  (\S+) is answered by (\S+) \(was ([^)]+)\)(?:; also for (.+))?", self._base),
            (r"  (\S+) has no answer any more: (\S+) \(was (\S+)\)(?:; also for (.+))?", self._lost),
            (r"  (\S+): (\S+) answers (.+) \(was any pod\)", self._joins),
            (r"  (\S+) is called (\S+) now: requests that carry \1 are answered by (\S+) \((.+)\)", self._renamed),
            (r"(\d+) of (\d+) cells change, in (\d+) of (\d+) Services?\.", self._count),
            (r"No answer changes: (\d+) cells of (\d+) Services are as they were\.", self._same),
            (r"virtual-env-fn: --fail-on base: (\d+) changes?", self._stopped),
            # matrix
            (r"base (\S+)", self._base_is),
            (r" +((?:\S+  +)+\(none\))", self._heads),
            (r"● its own pods   name or number the environment that answers instead   503 nobody", lambda: None),
            (r"(\d+) Services? gets? the base's answer in every environment; --all shows all", self._left_out),
            (r"(\S+): no port that follows the header", self._no_header),
            # explain
            (r"Service (\S+), base (\S+)", self._starts),
            (r"  port (\d+) \S+ \(\w+\): by header", self._by_header),
            (r"  port (\d+) \S+ \(\w+\): to the base", self._to_base),
            (r"  not routed: all its pods are of (\S+)", self._only),
            (r"  every connection → (\S+)  Deployment (\S+) \(\S+\)", self._every),
            (r"A request that carries (\S+)", self._asks),
            (r"No pod carries (\S+); did you mean (\S+)\?", self._nobody_carries),
            (r"(\S+) → (\S+)", self._answered),
            (r"  (\S+) +no pod", lambda name: self._is_not(name, self.now.who(self._service, self._asked))),
            (r"  (\S+) +Deployment (\S+) \(\S+\)", self._level),
            (r"  port (\d+) \S+ \(\w+\): by header → (\S+)", self._port_answers),
            (r"  route (\S+): .+", lambda name: self._is(name, self.now.who(self._service, self._asked))),
            # check
            (
                r"environments, base (\S+):",
                lambda base: self._is(base, *(self.now.who(one, None) for one in self._alive())),
            ),
            (r"  (\S+) +answers (.+)", self._environment),
            (
                r"info: \S+: Deployment (\S+) .+: '(\S+)' looks much like '(\S+)': a typing mistake\? \[likely-slip\]",
                self._slip,
            ),
            (
                r"warning: \S+: Service (\S+) spec\.ports: has .+ the base '(\S+)', .+ \[no-header-port\]",
                self._all_of,
            ),
            (r"::notice file=.+title=likely-slip::Deployment (\S+) .+ '(\S+)' looks much like '(\S+)'.+", self._slip),
            (r"warning: (\d+) Services, none labelled: .+ \[nothing-checked\]", self._none_labelled),
            (r"(\d+) Services(, none labelled)?, \d errors?, \d warnings?, \d infos?", self._services),
            (_TREE, self._row_of_tree),
            # a row of the matrix: last, for it looks like anything
            (r"(\S+)  +(.+)", self._row),
        ]

    def _is(self, expected: Any, *found: Any) -> None:
        assert {_WORDS.get(expected, expected)} >= set(found), (expected, found)

    def _is_not(self, name: str, found: Any) -> None:
        assert name != found

    def _base_is(self, base: str) -> None:
        self._is(base, *(self.now.who(one, None) for one in self._alive()))

    def _alive(self) -> list[str]:
        return [one for one in self.now.services if isinstance(self.now.who(one, None), str)]

    def _old(self) -> State:
        assert self.before
        return self.before

    def _both(self, service: str, values: Iterable[str | None], old: str, new: str) -> None:
        for value in values:
            self._is(old, self._old().who(service, value))
            self._is(new, self.now.who(service, value))

    def _takes(self, name: str, service: str, was: str, also: str | None) -> None:
        self._both(service, [name, *_names(also)], was, name)

    def _ends(self, name: str, service: str, who: str, also: str | None) -> None:
        self._both(service, [name, *_names(also)], name, who)

    def _base(self, service: str, who: str, was: str, also: str | None) -> None:
        self._both(service, [None, *_names(also)], was, who)

    def _lost(self, service: str, word: str, was: str, also: str | None) -> None:
        self._both(service, [None, *_names(also)], was, word)

    def _joins(self, service: str, who: str, values: str) -> None:
        for value in _names(values):
            self._is(who, self.now.who(service, None if value == "(no environment)" else value))
            assert self._old().who(service, None) == ""  # a pod that names no environment

    def _renamed(self, name: str, other: str, who: str, services: str) -> None:
        self._names_now[name] = other  # cells of it are compared by the new name
        for service in _names(services):
            self._is(name, self._old().who(service, name))
            self._is(other, self.now.who(service, other))
            self._is(who, self.now.who(service, name))

    def _cells(self) -> list[tuple[str, str | None]]:
        return [(service, value) for service in self.now.services for value in self.values]

    def _changed(self) -> list[tuple[str, str | None]]:
        found = []
        for service, value in self._cells():
            asked = {other: name for name, other in self._names_now.items()}.get(str(value), value)
            answer = self._old().who(service, asked)
            if self._names_now.get(answer, answer) != self.now.who(service, value):
                found.append((service, value))
        return found

    def _count(self, changed: str, cells: str, touched: str, services: str) -> None:
        moved = self._changed()
        assert (int(cells), int(services)) == (len(self._cells()), len(self.now.services))
        assert (int(changed), int(touched)) == (len(moved), len({service for service, _ in moved}))

    def _same(self, cells: str, services: str) -> None:
        assert self._changed() == []
        assert (int(cells), int(services)) == (len(self._cells()), len(self.now.services))

    def _stopped(self, changes: str) -> None:
        assert int(changes) == len({service for service, value in self._changed() if value is None})

    def _heads(self, text: str) -> None:
        self._columns = [None if name == "(none)" else name for name in text.split()]
        self._listed = set()

    def _row(self, service: str, text: str) -> None:
        cells = text.split()
        self._listed.add(service)
        for name, cell in zip(self._columns, cells, strict=True):
            self._is(str(name) if cell == "●" else cell, self.now.who(service, name))

    def _left_out(self, count: str) -> None:
        left = self.now.services.keys() - self._listed
        assert len(left) == int(count)
        for service in left:
            self._is(self.now.who(service, None), *(self.now.who(service, name) for name in self._columns))

    def _no_header(self, service: str) -> None:
        self._is(self.now.who(service, None), *(self.now.who(service, value) for value in self.values))

    def _starts(self, service: str, base: str) -> None:
        self._service = service
        self._is(base, self.now.who(service, None))

    def _by_header(self, port: str) -> None:
        found = {self.now.who(self._service, value, int(port)) for value in self.values}
        assert len(found) > 1

    def _to_base(self, port: str) -> None:
        found = (self.now.who(self._service, value, int(port), "tcp") for value in self.values)
        self._is(self.now.who(self._service, None), *found)

    def _every(self, who: str, workload: str) -> None:
        self._is(who, *(self.now.who(self._service, value) for value in self.values))
        assert all(pod.startswith(workload) for pod in self.now.workloads(self._service, None))

    def _all_of(self, service: str, who: str) -> None:
        self._is(who, *(self.now.who(service, value) for value in self.values))

    def _only(self, who: str) -> None:
        self._is(who, *(self.now.who(self._service, value) for value in self.values))

    def _asks(self, value: str) -> None:
        self._asked = value

    def _nobody_carries(self, value: str, close: str) -> None:
        assert value not in self.values
        assert close in self.values
        assert value not in {self.now.who(service, value) for service in self.now.services}

    def _answered(self, service: str, who: str) -> None:
        self._service = service
        self._is(who, self.now.who(service, self._asked))

    def _level(self, name: str, workload: str) -> None:
        self._is(name, self.now.who(self._service, self._asked))
        assert all(pod.startswith(workload) for pod in self.now.workloads(self._service, self._asked))

    def _port_answers(self, port: str, who: str) -> None:
        self._is(who, self.now.who(self._service, self._asked, int(port)))

    def _row_of_tree(self, _: str, name: str, who: str, why: str | None) -> None:
        value = None if name == "(no environment)" else name
        self._is(who, self.now.who(self._service, value))
        named = set(re.findall(r"Deployment (\S+) \(", why or ""))
        assert {pod for pod in self.now.workloads(self._service, value) if pod} <= named or not named

    def _environment(self, name: str, text: str) -> None:
        for part in text.split("; "):
            inherited = re.fullmatch(r"inherits from (\S+): (.+)", part)
            who, services = inherited.groups() if inherited else (name, part)
            for service in _names(services):
                self._is(who, self.now.who(service, name))

    def _slip(self, workload: str, name: str, meant: str) -> None:
        reached = [one for one in self.now.services if workload in self.now.workloads(one, name)]
        assert reached
        assert not any(workload in self.now.workloads(one, meant) for one in reached)

    def _none_labelled(self, count: str) -> None:
        self._services(count)
        for service in self.now.services:
            assert {self.now.who(service, value) for value in self.values} == {""}

    def _services(self, count: str, none: str | None = None) -> None:
        assert int(count) == len(self.now.services)
        assert not none or {self.now.who(one, None) for one in self.now.services} == {""}


def _names(text: str | None) -> list[str]:
    return [name for name in (text or "").split(", ") if name]


def sentence(counts: Counter[str]) -> str:
    """What was read, for the end of a day."""
    return ", ".join(f"{count} lines of {name}" for name, count in counts.items())
