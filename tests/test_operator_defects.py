"""The operator's defects that no request can show, by their numbers in docs/leaving-the-operator.md.

The others are in tests/mesh/test_operator_defects.py, which has a test of every number that is missing here.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from lists import base, codes, compute, of_kind, service, workload

from krm_fn import function
from krm_fn.text import document

ROOT = Path(__file__).resolve().parents[1]
GENERATED = {"VirtualService", "DestinationRule", "EnvoyFilter", "Service", "HTTPRoute", "GRPCRoute", "ReferenceGrant"}
TESTS = (Path(__file__), ROOT / "tests" / "mesh" / "test_operator_defects.py")


def stream(*manifests):
    return yaml.safe_dump_all(manifests, sort_keys=False).encode()


def test_defect_16_a_service_without_a_selector():
    """A Service without a selector gets nothing and an info says so; the operator let it match every workload."""
    listed = [service("outside", selector={}), service(), workload("a", "dev"), workload("b", "dev.a")]
    computed = compute(listed, base())
    assert {one["metadata"]["name"] for one in computed.made.manifests} == {"app"}
    (finding,) = (one for one in computed.results if one.code.slug == "no-selector")
    assert (finding.ref.name, str(finding.severity)) == ("outside", "info")


def test_defect_17_an_empty_label_value():
    """An empty label value is an error, and the list comes back as it was.

    The operator made of it a match of any header value, which sent everybody there.
    """
    raw = stream(service(), workload("a", "dev"), workload("b", ""))
    outcome = function.run(raw, base())
    assert outcome.failed
    assert outcome.output == raw
    assert "label-invalid" in codes(outcome.results)


def test_defect_19_the_last_environment_goes():
    """Routes that nobody needs any more are removed; the operator left them when the last workload went."""
    kept, gone = (service(), workload("a", "dev")), workload("b", "dev.a")
    before = [item.value for item in document.parse(function.run(stream(*kept, gone), base()).output).items]
    assert of_kind(before, "VirtualService")
    without = stream(*(one for one in before if one["metadata"]["name"] != "b"))
    after = [item.value for item in document.parse(function.run(without, base()).output).items]
    assert after == list(kept)
    nobody = stream(*(one for one in before if one["kind"] != "Deployment"))
    assert [item.value["kind"] for item in document.parse(function.run(nobody, base()).output).items] == ["Service"]


def test_defect_22_nothing_is_shared():
    """Runs at the same time give what each gives alone; the operator wrote to shared maps under a read lock."""
    lists = [stream(service(), workload("a", "dev"), workload("b", f"dev.p{number}")) for number in range(16)]
    alone = [function.run(one, base()).output for one in lists]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda one: function.run(one, base()).output, lists * 4))
    assert together == alone * 4
    assert len(set(alone)) == len(lists)


def test_defect_24_no_webhook_and_no_key():
    """Nothing generated is a webhook or a Secret, and no committed file holds a private key.

    The operator's webhook shipped with the same TLS key for everybody, and no pod started while it was down.
    """
    listed = [service(), workload("a", "dev"), workload("b", "dev.a")]
    everything = base(envHeader={"autoInject": True}, tcp="callerLabels", unmatched="anyPod")
    kinds = {one["kind"] for one in compute(listed, everything).made.manifests}
    kinds |= {
        one["kind"]
        for path in ROOT.glob("examples/*/expected.yaml")
        for one in yaml.safe_load_all(path.read_bytes())
        if one and one["metadata"].get("annotations", {}).get("virtual-env-fn.dev/owner")
    }
    assert {"VirtualService", "DestinationRule", "EnvoyFilter"} <= kinds <= GENERATED
    key = re.compile(rb"BEGIN [A-Z ]*PRIVATE KEY|kind: *MutatingWebhookConfiguration")
    shipped = [path for folder in ("krm_fn", "examples") for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert [path for path in (*shipped, ROOT / "Dockerfile") if key.search(path.read_bytes())] == []


def test_every_defect_has_a_test_and_a_row():
    """The 24 defects have one test each, and the table of the document names each of them with its file."""
    named = {
        match: path.relative_to(ROOT).as_posix()
        for path in TESTS
        for match in re.findall(r"^def (test_defect_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    numbers = sorted(int(name.split("_")[2]) for name in named)
    assert numbers == list(range(1, 25))
    document_ = (ROOT / "docs" / "leaving-the-operator.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\| \[`(\w+)`\]\(\.\./(\S+)\) \|$", document_, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 25))
    assert {name: path for _, name, path in rows} == named
    assert all(int(number) == int(name.split("_")[2]) for number, name, _ in rows)
