"""The whole function on random lists, and on each input that ever broke it."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from krm_fn import function
from krm_fn.text import document

from .invariants import broken
from .texts import text

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_an_input_that_once_broke_it(path):
    """It ends, its output is read as meant, nothing is lost or written twice, and twice is once."""
    assert broken(path.read_bytes()) == ""


def test_random_lists(request):
    """Inputs for `--fuzz SECONDS`, from a new number each time (in CI always the same); a fault names its own."""
    end = time.monotonic() + request.config.getoption("--fuzz")
    # A fault found by chance is no change's own: CI tries what was tried before, `python -m tests.fuzz` goes further.
    first = 5_000_000 if os.environ.get("CI") else random.SystemRandom().randrange(2**40)
    number = 0
    while time.monotonic() < end:
        assert broken(text(first + number)) == "", f"python -m tests.fuzz --show {first + number}"
        number += 1
    assert number


def run(name):
    return function.run((Path(__file__).parent / "corpus" / name).read_bytes())


@pytest.mark.parametrize(
    "name",
    [
        "cr-only.yaml",
        "explicit-key.yaml",
        "explicit-key-tcp.yaml",
        "explicit-first-key.yaml",
        "flow-empty-value.yaml",
        "inf-in-flow-list.yaml",
        "json-emoji-escape.json",
        "subsets-empty.yaml",
        "subsets-null.yaml",
        "null-anchor.yaml",
        "merge-key.yaml",
    ],
)
def test_what_is_written_oddly_is_woven_all_the_same(name):
    """A VirtualService or DestinationRule in an odd form gets its additions, and is not refused."""
    outcome = run(name)
    assert not outcome.failed
    values = [item.whole for item in document.parse(outcome.output).items]
    assert any(
        "virtual-env--" in str(value["spec"])
        for value in values
        if value["kind"] in ("VirtualService", "DestinationRule")
    )


@pytest.mark.parametrize("name", ["adopt-key-given-twice.yaml", "adopt-merge-key.yaml"])
def test_a_label_goes_where_it_is_read(name):
    """Adoption in a mapping that is given twice, or brought by a merge key: every reader finds the label."""
    output = run(name).output
    values = {item.whole["metadata"]["name"]: item.whole for item in document.parse(output).items}
    pods = values["w0"]["spec"]["template"] if "template" in values["w0"].get("spec", {}) else values["w0"]
    assert pods["metadata"]["labels"] == {"app": "web", "virtual-env": "dev"}
    assert output.count(b"virtual-env: dev}") >= 1


def test_aliases_are_not_multiplied_by_copies():
    """Aliases that grow to a million values in a few lines are refused before anybody copies them."""
    outcome = run("bomb-through-copies.yaml")
    assert [result.code.slug for result in outcome.results] == ["input-limit"]


def test_a_scalar_is_what_go_reads():
    """`0b11` and `1_000` are numbers, so a label of that value is refused, as Kubernetes would."""
    outcome = run("scalars.yaml")
    assert {result.code.slug for result in outcome.results} >= {"object-invalid", "config-invalid"} or outcome.failed


def test_comments_behind_a_last_item_in_braces_stay_with_it():
    """Deeper than the dash they are the item's, however the list is read; what is added comes behind them."""
    output = run("comment-behind-braces.yaml").output.decode()
    own, added, lists = (output.index(text) for text in ("# and this", "kind: VirtualService", "# the list's"))
    assert own < added < lists
