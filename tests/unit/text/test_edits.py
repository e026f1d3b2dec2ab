"""Edits as data: an object with them made, as a value, beside what they make of its text."""

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
