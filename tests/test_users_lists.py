"""Random lists of a user's own routes: neither the order of the items matters, nor how they are written."""

from __future__ import annotations

import json
import random

import pytest

from krm_fn import function
from tests.fuzz.invariants import broken

pytest.importorskip("h2", reason="the lists are those of the mesh's tests, which need h2: .ci/parts/envoy installs it")

from tests.mesh.users_texts import OPTIONS, configured, text

LISTS = 40  # of each option


def answer(items):
    """The user's objects as a set, the new ones in their order, and the findings in theirs."""
    outcome = function.run(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode())
    found = json.loads(outcome.output)["items"]
    theirs = sorted(json.dumps(one, sort_keys=True) for one in found[: len(items)])
    return outcome.failed, theirs, found[len(items) :], [result.line() for result in outcome.results]


@pytest.mark.parametrize("number", range(len(OPTIONS)))
def test_the_order_of_the_items_does_not_matter(number):
    """Edits, new objects, their order, and what is said of them: all the same."""
    changed = 0
    for seed in range(number * LISTS, (number + 1) * LISTS):
        items = configured(seed, OPTIONS[number])
        shuffled = list(items)
        random.Random(seed).shuffle(shuffled)  # noqa: S311 - the same for everybody
        first = answer(items)
        assert answer(shuffled) == first, f"seed {seed}"
        changed += bool(first[2]) or first[1] != sorted(json.dumps(one, sort_keys=True) for one in items)
    assert changed > LISTS / 4


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_routes_in_any_text(first):
    """What holds of any input (tests/fuzz): woven or refused, read back, twice is once, in and out is nothing."""
    faults = {seed: fault for seed in range(first, first + 50) if (fault := broken(text(seed)))}
    assert not faults, "python -m tests.fuzz --routes --show NUMBER"
