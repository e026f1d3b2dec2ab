"""Every folder of examples/ is a test: what the command prints, its plan, and who answers each request."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import gateway_reading
import istio_reading
import pytest
import yaml
from istio_reading import CLOSED, SPREAD, Request

from krm_fn import function
from krm_fn.command import files
from krm_fn.function import Computation
from krm_fn.plan.answers import ServicePlan
from krm_fn.plan.services import Port, Traffic
from krm_fn.text import document

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
CASES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())
FAILING = [name for name in CASES if not (EXAMPLES / name / "requests.yaml").exists()]
ANSWERED = [name for name in CASES if name not in FAILING]
COMMAND = Path(sys.executable).with_name("virtual-env-fn")
FIELDS = {"service", "chain", "port", "namespace", "protocol", "header", "headers", "from", "answer"}
FIELDS |= {"gateway", "path"}
HTTP_PROTOCOLS = ("http", "http2", "grpc")


@dataclass(frozen=True, slots=True)
class Row:
    """One hop of a row of requests.yaml, and who answers it."""

    example: str
    number: int
    asked: Request
    header: str | None  # the value of the environment header, whatever its name
    answer: str | int

    def __str__(self):
        place = f"{self.example}-{self.number}"
        return f"{place}-{self.asked.service}-{self.header if self.header is not None else 'none'}"


@cache
def load(name):
    """Return what the example holds; skip where its build needs a tool that is missing."""
    folder = EXAMPLES / name
    needs_build = not (folder / "Kptfile").exists()
    if needs_build and not (shutil.which("kustomize") or shutil.which("kubectl")):
        reason = "neither kustomize nor kubectl is installed; .ci/parts/kustomize says how to get it"
        if os.environ.get("CI") and "kustomize" not in os.environ.get("VENV_FN_MISSING", "").split():
            pytest.fail(reason)
        pytest.skip(reason)
    return files.load([str(folder)])


@cache
def computed(name, options=()) -> Computation:
    loaded = load(name)
    return function.compute(loaded.objects, loaded.function_config, dict(options))


@cache
def rows(name) -> list[Row]:
    """Return the rows of an example; a chain is a row for each hop."""
    found = []
    for number, row in enumerate(yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes()) or (), 1):
        unknown = row.keys() - FIELDS
        assert not unknown, f"{name}, row {number}: {unknown}"
        hops = [hop.partition(":")[::2] for hop in row.get("chain", ())] or [(row["service"], row.get("port", 0))]
        answers = row["answer"] if "chain" in row else [row["answer"]]
        caller = {"virtual-env": row["from"]} if "from" in row else {}
        assert len(hops) == len(answers), f"{name}, row {number}"
        if "gateway" in row:
            found.append(Row(name, number, from_outside(row, hops[0]), row.get("header"), answers[0]))
            continue  # behind a gateway the headers may be its own, which the mesh shows
        for (host, port), answer in zip(hops, answers, strict=True):
            service, _, namespace = host.partition(".")
            asked = Request(
                service,
                namespace or row.get("namespace", ""),
                int(port or 0),
                row.get("protocol", "http"),
                row.get("headers", {}),
                caller,
            )
            found.append(Row(name, number, asked, row.get("header"), answer))
    return found


def from_outside(row, hop) -> Request:
    namespace, _, gateway = row["gateway"].rpartition("/")
    place, headers = namespace or row.get("namespace", ""), row.get("headers", {})
    return Request(hop[0], place, int(hop[1] or 80), headers=headers, gateway=gateway, path=row.get("path", "/"))


def all_rows(*, inside=False):
    found = [row for name in ANSWERED for row in rows(name) if not (inside and row.asked.gateway)]
    return [pytest.param(row, id=str(row)) for row in found]


def run(folder, verb):
    assert COMMAND.exists(), f"{COMMAND} is missing: install the project (pip install -e .)"
    return subprocess.run([COMMAND, verb, "."], cwd=folder, capture_output=True, encoding="utf-8", check=False)


def compare(path, text, *, update):
    if update:
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"{path.relative_to(EXAMPLES)} is missing; `pytest --update` writes it: then read it"
    assert text == path.read_text(encoding="utf-8")


def test_there_are_examples():
    """The suite is not empty: a wrong path cannot pass as success."""
    assert ANSWERED
    assert FAILING


def test_the_index_names_every_example():
    """examples/README.md has one line for each folder, and for no other."""
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\| \[([^]]+)\]\(\1\) \|", index, re.MULTILINE)) == CASES


@pytest.mark.parametrize("name", ANSWERED)
def test_generate_prints_the_expected_routes(name, request):
    """`virtual-env-fn generate .` prints expected.yaml, and its warnings are those of expected-warnings.txt."""
    load(name)
    folder, update = EXAMPLES / name, request.config.getoption("--update")
    done = run(folder, "generate")
    assert done.returncode == 0, done.stderr
    compare(folder / "expected.yaml", done.stdout, update=update)
    warnings = folder / "expected-warnings.txt"
    if done.stderr or warnings.exists():
        compare(warnings, done.stderr, update=update)


@pytest.mark.parametrize("name", ANSWERED)
def test_explain_prints_the_plan(name, request):
    """`virtual-env-fn explain .` prints plan.txt."""
    load(name)
    done = run(EXAMPLES / name, "explain")
    assert done.returncode == 0, done.stderr
    compare(EXAMPLES / name / "plan.txt", done.stdout, update=request.config.getoption("--update"))


@pytest.mark.parametrize("name", FAILING)
def test_generate_prints_the_expected_errors(name, request, tmp_path):
    """What cannot be served ends with code 1, no routes, and all errors on stderr."""
    package = shutil.copytree(EXAMPLES / name, tmp_path / name)
    (package / "Kptfile.example").rename(package / "Kptfile")
    done = run(package, "generate")
    assert done.returncode == 1
    assert done.stdout == ""
    compare(EXAMPLES / name / "expected-errors.txt", done.stderr, update=request.config.getoption("--update"))


@pytest.mark.parametrize("name", CASES)
def test_an_example_is_whole(name):
    """An example has its README, and either errors, or output, plan and at least one request.

    One that fails is no package before its Kptfile.example is: kpt renders every package below a folder.
    """
    have = {path.name for path in (EXAMPLES / name).iterdir()}
    assert {"README.md", "kustomization.yaml"} <= have
    if name in ANSWERED:
        assert {"expected.yaml", "plan.txt"} <= have
        assert "expected-errors.txt" not in have
        assert rows(name)
    else:
        assert {"expected-errors.txt", "Kptfile.example"} <= have
        assert not {"expected.yaml", "plan.txt", "Kptfile"} & have


@pytest.mark.parametrize("row", all_rows(inside=True))
def test_the_plan_answers_the_request(row):
    """The plan says for each request who answers it, as requests.yaml does."""
    plan = service_plan(row)
    assert planned(plan, row, port_of(plan, row)) == row.answer


@pytest.mark.parametrize("row", all_rows())
@pytest.mark.parametrize("options", [(), (("routes", "all"), ("applyOrder", "list"))], ids=["split", "all"])
def test_the_routes_answer_the_request(row, options):
    """The generated routes, read as their API says, lead each request to who answers it by requests.yaml.

    So they do where every Service that takes part has routes, and each subset a rule of its own.
    """
    outside = bool(row.asked.gateway)
    plan = computed(row.example).plan.services[0] if outside else service_plan(row)
    port = row.asked.port if outside else port_of(plan, row).number
    request = replace(row.asked, port=port, headers=sent(plan, row))
    written = rewritten(row.example, options)
    objects = [
        written.get(one.position, one.value)
        for one in load(row.example).objects
        if one.is_source or (one.ref.kind == "Service" and not one.owner)
    ]
    manifests = [dict(one) for one in computed(row.example, options).made.manifests]
    reading = gateway_reading if plan.config.output == "gatewayAPI" else istio_reading
    assert reading.answer([*objects, *manifests], request, plan.config.env_label.name) == row.answer


@cache
def rewritten(name, options):
    """Return the user's objects that change, by position, as they then are."""
    changes = computed(name, options).changes
    return {position: document.parse(text.encode()).items[0].value for position, text in changes.rewritten.items()}


def service_plan(row: Row) -> ServicePlan:
    wanted = (row.asked.namespace, row.asked.service)
    plans = {(one.service.ref.namespace, one.service.ref.name): one for one in computed(row.example).plan.services}
    assert wanted in plans, f"no Service {wanted} takes part"
    return plans[wanted]


def port_of(plan: ServicePlan, row: Row) -> Port:
    ports = [port for port in plan.service.ports if row.asked.port in (0, port.number)]
    assert len(ports) == 1, f"which port of {plan.service.ref}?"
    return ports[0]


def sent(plan: ServicePlan, row: Row) -> dict[str, str]:
    header = plan.config.env_header
    own = {} if row.header is None else {header.name: row.header}
    injected = row.asked.caller.get(plan.config.env_label.name) if header.auto_inject and not own else None
    return own | dict(row.asked.headers) | ({header.name: injected} if injected else {})


def carried(plan: ServicePlan, headers: Mapping[str, str]) -> list[str | None]:
    """Return every environment that a request names, each carrier read in the simplest way."""
    lower = {name.lower(): value for name, value in headers.items()}
    values = [lower.get(plan.config.env_header.name.lower())]
    for alias in plan.config.env_header.aliases:
        text = lower.get((alias.name or ("cookie" if alias.cookie else "baggage")).lower(), "")
        if alias.pattern:
            found = re.fullmatch(alias.pattern.replace(alias.placeholder, "(?P<environment>[^;]*)"), text)
            values.append(found["environment"] if found else None)
        elif alias.name:
            values.append(text)
        else:
            members = text.split(";" if alias.cookie else ",")
            pairs = [one.strip().partition(";")[0].partition("=")[::2] for one in members]
            values += [value for name, value in pairs if name == (alias.cookie or alias.baggage)]
    return values


def planned(plan: ServicePlan, row: Row, port: Port) -> str | int:
    """Return who answers by the plan: by the header where the port shows one, else where the port is pinned."""
    if plan.service.headless or port.traffic in (Traffic.TLS, Traffic.UDP):
        return SPREAD
    if row.asked.protocol not in HTTP_PROTOCOLS:
        return plan.base_answer or CLOSED
    answers = [plan.answer(value).environment for value in carried(plan, sent(plan, row))]
    order = [route.environment for route in plan.routes]
    answer = min(answers, key=lambda one: order.index(one) if one in order else len(order))
    return answer or (503 if plan.config.unmatched == "reject" else SPREAD)
