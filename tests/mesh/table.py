"""A table of requests and who answers them (`requests.yaml`), asked through a mesh.

Each row is one sentence: a request to this Service and port, carrying this, is answered by that environment.

    - service: app-js            # name, or name.namespace
      port: 8080                 # may be left out where the Service has one
      namespace: default         # of the caller; else the Service's own
      protocol: http             # or http2, grpc, tcp, tls
      header: dev.proj1          # value of the environment header
      headers: {cookie: a=b}     # further ones
      sni: app-js.example.com    # tls: the name that the client says
      from: dev.proj1            # environment of the calling pod
      answer: dev.proj1          # or an HTTP status, `closed`, or `spread` over several environments
    - chain: [app-js:8080, app-go]     # or a chain: each hop from the pod that answered the one before,
      header: dev.proj1                # with the headers copied
      answer: [dev.proj1, dev]
    - gateway: dev/shop          # NAMESPACE/NAME of an Istio Gateway, or NAME in the caller's namespace: the request,
      service: shop.example.com  # or the first hop of a chain, comes from outside, for this host
      path: /cart                # of the request, or of the first hop
      answer: dev
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .model import NAMESPACE, name_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .asking import Answer
    from .mesh import Caller, Gateway, Mesh

SPREAD, CLOSED = "spread", "closed"
_TIMES = 6  # a request that is spread over two environments passes for one of them once in 2**6
_AT_ONCE = 4
_TIMES_SPREAD = 60  # and one over two for no spread once in 2**59
_GRPC_UNAVAILABLE = 14  # what a proxy's 503 is to a gRPC client
_FIELDS = {"service", "chain", "port", "namespace", "protocol", "header", "headers", "sni", "from", "answer"}
_FIELDS |= {"gateway", "path"}
_PROTOCOLS = {"http": "http1", "http2": "http2", "grpc": "grpc", "tcp": "tcp", "tls": "tls"}

Outcome = str | int


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the hops (host and port, 0 where there is but one) and what each is answered by."""

    text: str
    hops: tuple[tuple[str, int], ...]
    answers: tuple[Outcome, ...]
    namespace: str
    protocol: str = "http1"
    header: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    sni: str | None = None
    caller: str | None = None
    gateway: str = ""
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Cell:
    """One hop that was asked: what the table says, and what happened."""

    row: Row
    hop: tuple[str, int]  # host and port
    expected: Outcome
    found: Outcome
    answer: Answer  # the last one

    @property
    def right(self) -> bool:
        return self.expected == self.found

    def __str__(self) -> str:
        says = f"{self.row.text}: {self.hop[0]} → {self.found or 'a pod without environment'}"
        return says if self.right else f"{says}, expected {self.expected}; the last answer: {self.answer}"


def rows(table: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Read the rows. ValueError: one has an unknown field, or a chain with another number of answers."""
    return [_row(number, row) for number, row in enumerate(table, 1)]


def ask(mesh: Mesh, table: Iterable[Row], header: str | Mapping[str, str], times: int = _TIMES) -> list[Cell]:
    """Ask every row, each hop so many times; return each hop that was asked.

    `header` is the name of the environment header, or of each namespace's (`""`: of the rest's); in a chain
    the namespace of the first hop decides.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # rows at once: none knows of another
        asked = list(pool.map(lambda row: _ask_row(mesh, row, header, times), table))
    return [cell for cells in asked for cell in cells]


def printed(cells: Iterable[Cell]) -> str:
    """Return the cells as a text table, a line each; a wrong one has what the table expects, and the last answer."""
    lines = [("", "row", "request to", "as", "carries", "answered by")]
    last: Row | None = None
    for cell in cells:
        row, (host, port) = cell.row, cell.hop
        carried = [f"from {row.caller}"] * bool(row.caller) + [f"sni {row.sni}"] * bool(row.sni)
        carried += [f"at {row.gateway}{row.path}"] if row.gateway and row is not last else []
        carried += [row.header or "an empty header"] if row.header is not None else []
        carried += [f"{name}: {value}" for name, value in row.headers.items()]
        answered = str(cell.found or "a pod without environment")
        answered += "" if cell.right else f"  expected {cell.expected}; {cell.answer}"
        target = ("→ " if row is last else "") + (f"{host}:{port}" if port else host)
        mark = "ok" if cell.right else "WRONG"
        lines.append((mark, row.text.partition(".")[0], target, row.protocol, ", ".join(carried) or "-", answered))
        last = row
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    return "\n".join(
        "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[5]]) for line in lines
    )


def outcome(answer: Answer) -> Outcome:
    """Return what a row would say of an answer."""
    if answer.closed:
        return CLOSED
    if answer.pod:
        return answer.environment or ""
    return 503 if answer.grpc_status == _GRPC_UNAVAILABLE else answer.status


def _row(number: int, row: Mapping[str, Any]) -> Row:
    unknown = row.keys() - _FIELDS
    if unknown or ("service" in row) == ("chain" in row) or "answer" not in row:
        raise ValueError(f"row {number}: needs `service` or `chain`, and `answer`; unknown: {sorted(unknown)}")
    named = [hop.partition(":") for hop in row.get("chain") or [f"{row['service']}:{row.get('port', 0)}"]]
    hops = tuple((host, int(port or 0)) for host, _, port in named)
    answers = tuple(row["answer"]) if "chain" in row else (row["answer"],)
    if len(answers) != len(hops):
        raise ValueError(f"row {number}: {len(hops)} hops and {len(answers)} answers")
    place, _, gateway = row.get("gateway", "").rpartition("/")
    namespace = place or row.get("namespace") or ("" if gateway else _namespace(hops[0][0])) or NAMESPACE
    said = {key: value for key, value in row.items() if key != "answer"}
    return Row(
        f"{number}. " + ", ".join(f"{key} {value}" for key, value in said.items()),
        hops,
        answers,
        namespace,
        _PROTOCOLS[row.get("protocol", "http")],
        row.get("header"),
        row.get("headers") or {},
        row.get("sni"),
        row.get("from"),
        gateway,
        row.get("path", "/"),
    )


def _namespace(host: str) -> str:
    return host.partition(".")[2].partition(".")[0]


def _ask_row(mesh: Mesh, row: Row, headers: str | Mapping[str, str], times: int) -> list[Cell]:
    header = name_for(headers, ("" if row.gateway else _namespace(row.hops[0][0])) or row.namespace)
    carried = [*([(header, row.header)] if row.header is not None else []), *row.headers.items()]
    copied = {header.lower(), *(name.lower() for name, _ in carried)}
    caller: Caller | Gateway
    if row.gateway:
        caller = mesh.gateway(row.gateway, row.namespace)
    else:
        caller = mesh.sidecar(row.namespace, {mesh.label_in(row.namespace): row.caller} if row.caller else {})
    cells: list[Cell] = []
    for (host, port), expected in zip(row.hops, row.answers, strict=True):
        request = {"headers": carried, "protocol": row.protocol, "path": "/" if cells else row.path, "sni": row.sni}
        found, answer = _ask_hop(caller, (host, port), request, expected, times)
        cells.append(Cell(row, (host, port), expected, found, answer))
        if not answer.pod:
            break
        carried = [pair for pair in answer.headers_seen if pair[0].lower() in copied]
        caller = mesh.sidecar(answer.namespace, pod=answer.pod) if len(row.hops) > 1 else caller
    return cells


def _ask_hop(
    caller: Caller | Gateway, hop: tuple[str, int], request: Mapping[str, Any], expected: Outcome, times: int
) -> tuple[Outcome, Answer]:
    """Ask one hop until it is certain enough what happens."""
    host, port = hop
    found: set[Outcome] = set()
    for _ in range(_TIMES_SPREAD if expected == SPREAD else times):
        answer = caller.ask(host, port, **request) if port else caller.ask(host, **request)
        found.add(outcome(answer))
        if len(found) > 1:
            return SPREAD, answer
    return found.pop(), answer
