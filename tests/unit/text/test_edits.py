"""Edits as data: an object with them made, as a value, beside what they make of its text."""

import random

import pytest

from krm_fn.text import document
from krm_fn.text.edits import Edit, Insert, Put, made
from krm_fn.text.rewrite import rewrite

TEXT = """\
apiVersion: v1
kind: X
spec:
  http:
  - name: a
    route: [{destination: {host: x}}]
  - name: b
"""
CASES = {
    "before, between and behind": [
        Insert(("spec", "http"), 0, [{"name": "1"}, {"name": "2"}]),
        Insert(("spec", "http"), 1, [{"name": "3"}]),
        Insert(("spec", "http"), 2, [{"name": "4"}]),
        Insert(("spec", "http"), 2, [{"name": "5"}]),
    ],
    "a key in an entry that moves": [
        Put(("spec", "http", 0, "route", 0, "destination"), "subset", "s", after="host"),
        Insert(("spec", "http"), 0, [{"name": "1"}]),
        Put(("spec", "http", 1), "timeout", "1s"),
    ],
    "a list of its own": [Put(("spec",), "tcp", [{"route": []}])],
    "mappings that are missing": [Put(("metadata", "annotations"), "k", "v")],
}


@pytest.mark.parametrize("additions", CASES.values(), ids=CASES)
def test_the_value_is_what_the_text_becomes(additions):
    """Additions make the same of a value as of its text, and leave the given value as it was."""
    value = document.parse(TEXT.encode()).items[0].value
    text = rewrite(TEXT, 0, value, Edit(0, (), tuple(additions))).text
    assert made(value, additions) == document.parse(text.encode()).items[0].value
    assert value == document.parse(TEXT.encode()).items[0].value


@pytest.mark.parametrize("seed", range(400))
def test_at_once_is_as_one_after_the_other(seed):
    """What goes and what comes give the same bytes in one edit as in two: additions find the user's own text."""
    rng = random.Random(seed)  # noqa: S311 - the same for everybody
    keys = rng.sample(["a", "b", "c", "d"], rng.randint(1, 4))
    values = ["'1'", "x # behind", '"q"', "", "{}", "{b: 1}", "\n      deeper: 1", "|\n      two\n      lines\n"]
    lines = [f"{'    # of it' + chr(10) if rng.random() < 0.3 else ''}    {key}: {rng.choice(values)}" for key in keys]
    labels = "{app: a, env: old}" if rng.random() < 0.2 else "\n    env: old\n    app: a"
    text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations:\n"
    text += "\n".join([*lines, "spec:", f"  selector: {labels}", ""])
    stays = rng.choice(keys)
    removals = [("metadata", "annotations", key) for key in keys if key != stays and rng.random() < 0.6]
    removals += [("spec", "selector", "env")] if rng.random() < 0.5 or not removals else []
    puts = (
        Put(("spec", "selector"), "new", "dev", rng.choice([None, "app", "env"])),
        Put(("metadata", "annotations"), "mark", "o l", rng.choice([None, *keys])),
    )
    value = document.parse(text.encode()).items[0].value
    first = rewrite(text, 0, value, Edit(0, tuple(removals), ()))
    second = rewrite(first.text, 0, first.value, Edit(0, (), puts))
    once = rewrite(text, 0, value, Edit(0, tuple(removals), puts))
    assert once == second
