"""What Go's readers find in the output: all that they found in the input, and what is new."""

from __future__ import annotations

import json

import pytest

from krm_fn import function
from tests.fuzz import texts
from tests.fuzz.invariants import broken
from tests.go_readers import inputs
from tests.go_readers.asking import PROGRAM, not_passed_on, readers
from tests.go_readers.test_go_readers import needed


@pytest.fixture(scope="module")
def ask():
    """Return what answers with the objects that Go's readers find in an input."""
    needed(PROGRAM)
    with readers() as answer:
        yield answer


def test_every_form_is_passed_on(ask):
    """Each form of an input is read, gets its routes, and kubectl, kustomize and kpt find all of it in the output."""
    count = 0
    for count, (name, text) in enumerate(inputs.every(), 1):  # noqa: B007 - asserted below
        raw = text.encode()
        outcome = function.run(raw)
        assert not outcome.failed, (name, [result.line() for result in outcome.results])
        assert outcome.output.count(b"virtual-env-fn.dev/owner") == 2, name
        assert not_passed_on(ask, raw, outcome) == "", name
        assert broken(raw) == "", name
    assert count > 600


def test_random_lists_are_passed_on(ask):
    """Lists in odd texts, the same every time: whoever read the input reads the output, and finds what is new."""
    changed = 0
    for seed in range(1_000):
        raw = texts.text(seed)
        outcome = function.run(raw)
        assert not_passed_on(ask, raw, outcome) == "", seed
        changed += not outcome.failed and outcome.output != raw
    assert changed > 50


@pytest.mark.parametrize(
    "text",
    [
        "{one}\n---\n{two}\n{three}\n",
        "---\n{one}\n{two}\n{three}\n",
        "{one}\n{two}\n{three}\n---\n",
        "{one},\n{two},\n{three}\n",
    ],
)
def test_what_kubectl_reads_the_first_part_of_is_refused(ask, text):
    """JSON objects of which some have `---` between: kubectl reads the first behind each, so exit 0 would lose some."""
    written = dict(zip(("one", "two", "three"), map(json.dumps, inputs.VALUES), strict=True))
    raw = text.format(**written).encode()
    outcome = function.run(raw)
    assert outcome.failed
    assert "part objects by a line of ---" in outcome.results[0].message
    assert outcome.output == raw
    found = ask(raw, whole=True)["kubectl"]
    assert "error" in found or len(found["value"]) < len(inputs.VALUES)
