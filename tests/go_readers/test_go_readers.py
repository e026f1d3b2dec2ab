"""Go's readers of Kubernetes' manifests, in one small process, against ours: what they take, refuse, and read.

`kyaml` is go.yaml.in/yaml/v3, the reader of kustomize and kpt; `kubectl` is sigs.k8s.io/yaml. Where ours reads
otherwise, the case stands below with the reason.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from krm_fn.results import FunctionError
from krm_fn.text import yaml_reader
from tests.fuzz import texts
from tests.go_readers.asking import PROGRAM, plain, readers

TOOLS = Path(__file__).resolve().parents[2] / ".tools"
SUITE = TOOLS / "yaml-test-suite" / "data"

# Cases of the YAML test suite of one document, by id, that ours reads otherwise than kyaml.
OTHERWISE = {
    "27NA": "%YAML 1.2: libyaml reads it, Go's port knows 1.1 alone",
    "DK95": "as 27NA",
    "RTP8": "as 27NA",
    "3UYS": r"JSON's escape \/, which Go's port does not know",
    "HRE5": r"the escape \' between double quotes, which is no YAML, and Go's port takes",
    "JR7V": "a `?` within a word in brackets",
    "WZ62": "a tag before a comma or colon in brackets",
    "U99R": "a tag that ends with a comma, which is no YAML, and Go's port takes",
    "UGM3": "a time, which kyaml keeps as text, and this process writes out in full",
    "UKK6": "a lone `!`, which is an empty string in YAML 1.2 and null in Go's port",
}


def needed(path):
    """Skip where the part is missing; in CI it must be there, unless CI has said that it is not."""
    if not path.exists():
        missing = os.environ.get("CI") == "true" and "go_readers" not in os.environ.get("VENV_FN_MISSING", "").split()
        assert not missing, f"{path} is missing: .ci/parts/go_readers"
        pytest.skip(f"{path.name} is not there: .ci/parts/go_readers builds it")


@pytest.fixture(scope="module")
def ask():
    """Return what answers with what Go's readers make of a text."""
    needed(PROGRAM)
    with readers() as answer:
        yield lambda text: answer(text.encode())


def ours(text):
    """Return (value, whether it is refused) of a text of one document."""
    text = text.removeprefix("\ufeff")
    try:
        pages = yaml_reader.read(text, text.encode())
    except FunctionError:
        return None, True
    return (plain(pages[0].value) if pages else None), len(pages) > 1


def differs(text, answer):
    """Say in one word how ours differs from an answer; empty where it does not."""
    value, refused = ours(text)
    if refused != ("error" in answer):
        return "refuses" if refused else "reads"
    return "values" if not refused and value != plain(answer["value"]) else ""


def cases():
    for path in sorted(SUITE.glob("*.js")):
        text = path.read_text().partition("export default ")[2].rstrip().rstrip(";")
        if not text.startswith("{"):
            continue
        for case in json.loads(text)["cases"]:
            if "yaml" in case:
                yield path.stem, case["yaml"]


def test_the_yaml_test_suite_is_read_as_kyaml_reads_it(ask):
    """Every text of one document: taken, refused and read alike, but for those that are known with their reason."""
    needed(SUITE)
    found, alike = {}, 0
    for name, text in cases():
        answer = ask(text)["kyaml"]
        if "more than one document" in answer.get("error", ""):
            continue
        if differs(text, answer):
            found[name] = text
        else:
            alike += 1
    assert found.keys() == OTHERWISE.keys()
    assert alike > 300


@pytest.mark.parametrize("text", ["'1'", '"null"', "''", "|", "|\n  1", ">-\n  null", "'<<'"])
def test_a_quoted_text_behind_a_tag_is_a_text(ask, text):
    """`! '1'` is no number: libyaml calls it plain, and Go's readers look at its quotes."""
    for written in (f"b: ! {text}\n", f"b: &a ! {text}\nc: *a\n", f"b:\n- ! {text}\n", f"b: !!str {text}\n"):
        answer = ask(written)
        assert not differs(written, answer["kyaml"])
        assert not differs(written, answer["kubectl"])


def test_written_lists_are_read_as_kyaml_reads_them(ask):
    """Objects in odd texts: the same values; only keys given twice, which kyaml refuses and kubectl reads, are read."""
    reasons = []
    for seed in range(1500):
        rng = random.Random(seed)  # noqa: S311 - no secret: the same texts every time
        writer = texts.Writer(rng)
        writer.odd = rng.choice([0.02, 0.1, 0.3])
        text = "\n".join(writer.mapping(rng.choice(texts.objects(rng)), 0)) + "\n"
        if rng.random() < 0.3:
            text = texts.mutated(text, rng).replace("\0", "")
        answer = ask(text)
        if how := differs(text, answer["kyaml"]):
            error = answer["kyaml"].get("error", "")
            known = "already defined" in error or "did not find expected ',' or '}'" in error  # `{a: b? }`
            assert how == "reads", (seed, how, text)
            assert known, (seed, error, text)
            reasons.append(error)
    assert len(reasons) < 600


@pytest.mark.parametrize(
    "text",
    [
        "addresses: [10.1.0.9, 2001:db8:7::]\n",
        "[fd00::, 10.0.0.0/8]\n",
        "{cidr: 2001:db8::}\n",
        "[host:]\n",
        "{a:, b: 1}\n",
        "[a::, {\"b\":{c: 'd:,'}}, e:]\n",
        "[::1]\n",
        "[:8080]\n",
        "a: 1_000\nb: 0b11\nc: 0X1F\nd: 1e999\ne: !!binary aGk=\nf: 0o17\ng: 0644\nh: -0x_f\n",
        "a: 9223372036854775808\nb: 18446744073709551616\nc: -9223372036854775809\n",
        "a: +.5\nb: 1_0.5\nc: ._5\nd: 1__0\ne: 0b\nf: 0x\ng: 08\nh: .\n",
    ],
)
def test_what_libyaml_refuses_and_go_reads(ask, text):
    """Addresses in brackets, numbers in old notations: as kyaml has them."""
    assert differs(text, ask(text)["kyaml"]) == ""
