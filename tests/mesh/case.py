"""A case: a short list of a user's, the questions that tell right from wrong, and who has to answer them.

The first document of a file of cases/ is the case, the others are the user's objects:

    case: one sentence
    xfail: why it fails today        # left out as soon as it does not
    spec: {envLabel: {…}}            # the configuration; the base is `dev` unless this says else
    pods: {shop-ns/shop: [dev, dev.proj1]}   # a Service of port 80 and a Deployment SHOP-ENVIRONMENT for each
    or-refused: true                 # an error that names one of the user's objects is right, too
    finds:                           # what has to be said, each at least once: any of these keys
    - {about: VirtualService/shop, code: routes-twice, says: a word, severity: warning}
    ask:                             # all after the function
    - {from: client, labels: {…}, to: shop.shop-ns, port: 80, path: /, header: dev.proj1, answer: shop-dev-proj1}
    - {gateway: istio-ingress/edge, to: shop.example.com, answer: 404}    # or a list: these, all of them
    - {to: db, port: 5432, protocol: tcp, answer: db-dev}    # or tls, with `sni: NAME`

Pods are said without their namespace; `mirrored: POD` says who gets a row's mirrored requests. With
`during: {argo: ROLLOUT, weight: 50}` (or `flagger: CANARY`) a row is asked while the controller works (controllers.py);
with `or-told: {…}` it need not hold where there is such a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from krm_fn import function

from . import Mesh, controllers, outputs, worlds
from .model import NAMESPACE
from .questions import Client, Heard, Question, hear

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from krm_fn.results import Result

    from .model import Manifest

HEADER = "x-virtual-env"
_TIMES = 12  # a request that is spread over two passes for one of them once in 2**11
_KEYS = {"case", "xfail", "spec", "pods", "or-refused", "finds", "ask"}
_ROW = {"from", "labels", "gateway", "to", "port", "path", "header", "authority", "answer", "mirrored"}
_ROW |= {"during", "or-told", "protocol", "sni"}
_FINDING = {"about", "code", "says", "severity"}
_HTTP = {"name": "http", "port": 80, "targetPort": 8080}


@dataclass(frozen=True, slots=True)
class Row:
    """A question and who has to answer it."""

    question: Question
    answers: frozenset[str]
    mirrored: frozenset[str] | None = None  # who has to get the mirrored requests
    during: tuple[str, str, int] | None = None  # argo or flagger, the name of its object, the canary's weight
    or_told: Mapping[str, str] = field(default_factory=dict)  # a finding that is right instead


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its file has it."""

    says: str
    xfail: str
    config: Mapping[str, Any]
    manifests: tuple[Manifest, ...]
    rows: tuple[Row, ...]
    finds: tuple[Mapping[str, str], ...]
    or_refused: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """What the function made of a case."""

    manifests: list[Manifest] = field(repr=False)
    results: tuple[Result, ...]
    failed: bool


def read(path: Path) -> Case:
    """Read a case. ValueError: it has a key that nothing reads, or asks nothing."""
    head, *objects = yaml.safe_load_all(path.read_bytes())
    unknown = head.keys() - _KEYS
    for row in head.get("ask", ()):
        unknown |= row.keys() - _ROW
    for finding in head.get("finds", ()):
        unknown |= finding.keys() - _FINDING
    if unknown or not (head.get("ask") or head.get("finds")):
        raise ValueError(f"{path}: asks nothing, or has keys that nothing reads: {sorted(unknown)}")
    spec = {"envLabel": {"defaultSubset": "dev"}, **head.get("spec", {})}
    config = {
        "apiVersion": "virtual-env-fn.dev/v1alpha1",
        "kind": "VirtualEnvironment",
        "metadata": {"name": "virtual-env"},
        "spec": spec,
    }
    pods = [one for name, environments in head.get("pods", {}).items() for one in _app(name, environments)]
    rows = tuple(map(_row, head.get("ask", ())))
    finds = tuple(head.get("finds", ()))
    return Case(
        head["case"], head.get("xfail", ""), config, (*pods, *objects), rows, finds, bool(head.get("or-refused"))
    )


def run(case: Case) -> Ran:
    """Run the function on the case's list."""
    outcome = function.run(yaml.safe_dump_all(case.manifests, sort_keys=False).encode(), case.config)
    kept = not (outcome.failed or case.xfail)
    return Ran(outputs.read(outcome.output, kept=kept), outcome.results, outcome.failed)


def wrong(case: Case, ran: Ran) -> list[str]:
    """Return what is not as the case says, a line each: findings that are missing, then answers under a controller.

    Rows without one are asked in the mesh that test_before_after.py has of the same list; `answered` compares them.
    """
    if ran.failed and case.or_refused and _names_one_of(case.manifests, ran.results):
        return []
    if ran.failed:
        return [result.line() for result in ran.results]
    missing = [f"nothing says {wanted}" for wanted in case.finds if not any(_is(wanted, one) for one in ran.results)]
    said = [f"   it says: {result.line()}" for result in ran.results] if missing else []
    rows = [row for row in _untold(case, ran.results) if row.during]
    states = dict.fromkeys(row.during for row in rows if row.during)
    answers = [line for state in states for line in _asked(ran, state, [row for row in rows if row.during == state])]
    return [*missing, *said, *answers]


def plain(case: Case) -> list[Row]:
    """Return the rows that are asked while no controller works."""
    return [row for row in case.rows if not row.during]


def answered(case: Case, heard: Sequence[Heard], results: Sequence[Result]) -> list[str]:
    """Return what of `plain` was not answered as the case says, a line each."""
    right = _untold(case, results)
    return [line for row, one in zip(plain(case), heard, strict=True) if row in right for line in _compared(row, one)]


def _untold(case: Case, results: Sequence[Result]) -> list[Row]:
    return [row for row in case.rows if not (row.or_told and any(_is(row.or_told, one) for one in results))]


def _asked(ran: Ran, state: tuple[str, str, int], rows: list[Row]) -> list[str]:
    """Ask the rows of one state of a controller's."""
    controller, name, weight = state
    try:
        manifests = {"argo": controllers.argo, "flagger": controllers.flagger}[controller](ran.manifests, name, weight)
    except controllers.Stuck as stuck:
        return [f"{controller} is stuck: {stuck}", *(result.line() for result in ran.results)]
    with Mesh(manifests) as mesh:
        heard = hear(mesh, [row.question for row in rows], _TIMES)
    return [f"{state}: {line}" for row, one in zip(rows, heard, strict=True) for line in _compared(row, one)]


def _compared(row: Row, heard: Heard) -> Iterable[str]:
    found = {name.rpartition("/")[2] for name in heard.names}
    if found != row.answers:
        yield f"{row.question}: {sorted(found)}, expected {sorted(row.answers)}"
    got = {name.rpartition("/")[2] for name in heard.mirrored}
    if row.mirrored is not None and got != row.mirrored:
        yield f"{row.question}: mirrored to {sorted(got)}, expected {sorted(row.mirrored)}"


def _is(wanted: Mapping[str, str], result: Result) -> bool:
    about = f"{result.ref.kind}/{result.ref.name}" if result.ref else ""
    return (
        wanted.get("about", about) == about
        and wanted.get("code", result.code.slug) == result.code.slug
        and wanted.get("says", "").lower() in result.message.lower()
        and (result.severity == wanted["severity"] if "severity" in wanted else result.severity.rank < 2)
    )


def _names_one_of(manifests: Iterable[Manifest], results: Iterable[Result]) -> bool:
    named = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    return any(
        result.severity.rank == 0 and result.ref is not None and (result.ref.kind, result.ref.name) in named
        for result in results
    )


def _row(row: Mapping[str, Any]) -> Row:
    client = Client(row.get("from", NAMESPACE), tuple(sorted(row.get("labels", {}).items())), row.get("gateway", ""))
    headers = ((HEADER, row["header"]),) if "header" in row else ()
    further = {key: row[key] for key in ("authority", "protocol", "sni") if key in row}
    question = Question(client, row["to"], row.get("port", 0), row.get("path", "/"), headers, **further)
    mirrored = _names(row["mirrored"]) if "mirrored" in row else None
    during = None
    if state := dict(row.get("during", {})):
        weight = state.pop("weight")
        ((controller, name),) = state.items()
        during = (controller, name, weight)
    return Row(question, _names(row["answer"]), mirrored, during, row.get("or-told", {}))


def _names(said: Any) -> frozenset[str]:
    return frozenset(map(str, said if isinstance(said, list) else [said]))


def _app(name: str, environments: Iterable[str]) -> Iterable[Manifest]:
    namespace, _, app = name.rpartition("/")
    yield worlds.service(app, _HTTP, namespace=namespace)
    for one in environments:
        yield worlds.workload(app, one, namespace=namespace)
