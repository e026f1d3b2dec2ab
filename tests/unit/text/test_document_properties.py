"""What holds for any input: nothing is lost, nothing else changes, nobody sees a traceback."""

from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from krm_fn.results import FunctionError
from krm_fn.text.document import dump, parse

WHOLE = """\
# head
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
# A
- # in A
  apiVersion: v1 # c
  kind: A
  text: |
    # one

    two
  flow: {a: [1, on], "b": 'c'}
- apiVersion: v1
  kind: "B\\n"
  x: &x [1]
  y: *x
  <<: {z: 1}

# C
- {kind: C} # c 日本
functionConfig:
  kind: F
results:
- message: m
""".encode()

# Pieces that make the ends of items hard to find.
PIECES = [
    "kind: A\n",
    "x:\n",
    "? y\n",
    "t: |\n    # no\n",
    "t: |+\n    a\n\n\n",
    "t: >-\n    a\n\n    # b\n",
    "q: 'a\n\n  # b'\n",
    "f: {\n    a: 1 # c\n  # c\n  }\n",
    "l:\n  - 1\n  -\n",
    "# own\n",
    "s: !!str\n",
    "a: &a\n",
    "e: ''\n",
    "\n",
    "#\n",
]
BELOW = ["", "\n", "# next\n", "\n# next\n\n", "# next\n  # deep\n", "\n\n"]

ITEM = st.tuples(st.lists(st.sampled_from(PIECES), max_size=4, unique=True), st.sampled_from(BELOW))
ITEMS = st.lists(ITEM, min_size=1, max_size=5)
NEWLINES = st.sampled_from(["\n", "\r\n"])
INDENTS = st.sampled_from([0, 2])
ENDS = st.sampled_from(["", "functionConfig: {a: 1}\n"])
NEW = {"kind": "New", "x": ["1e3"]}


def list_of(drawn, *, newline, indent, final):
    text = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
    for number, (pieces, below) in enumerate(drawn):
        lines = f"n: {number}\n" + "".join(piece if piece == "\n" else f"  {piece}" for piece in pieces)
        item = f"- {lines}{below}".splitlines(keepends=True)
        text += "".join(" " * indent + line if line.strip() else line for line in item)
    text += final
    return text.replace("\n", newline).encode()


def values(document):
    return [item.value for item in document.items]


def sources(document):
    return [item.source for item in document.items]


@given(st.binary() | st.text().map(str.encode) | st.text(alphabet=" \n\t-:{}[]\"'&*!|>%@#?,a1~<").map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_input_is_read_or_refused(raw):
    """Whatever arrives, it is read, and then leaves as it came, or refused with a message."""
    try:
        document = parse(raw)
    except FunctionError:
        return
    assert document.apply(replaced={}, removed=(), added=(), results=()) is raw


@pytest.mark.parametrize("raw", [WHOLE, WHOLE.replace(b"\n", b"\r\n")])
def test_a_list_cut_at_any_byte_is_read_or_refused(raw):
    """A broken pipe cuts anywhere: no place gives a traceback."""
    for end in range(len(raw)):
        part = raw[:end]
        try:
            document = parse(part)
        except FunctionError:
            continue
        assert document.apply(replaced={}, removed=(), added=(), results=()) is part


@given(ITEMS, NEWLINES, INDENTS, ENDS, st.data())
@settings(max_examples=400, deadline=None)
def test_an_edit_leaves_all_other_items(drawn, newline, indent, final, data):
    """Whatever is replaced, removed and added, the other items keep their text, and the list its meaning."""
    raw = list_of(drawn, newline=newline, indent=indent, final=final)
    before = parse(raw)
    indices = st.sets(st.integers(0, len(drawn) - 1))
    removed, replaced = data.draw(indices), data.draw(indices)
    added = data.draw(st.sampled_from([[], [NEW], [NEW, NEW]]))
    once = before.apply(replaced=dict.fromkeys(replaced, NEW), removed=removed, added=added, results=())
    after = parse(once)
    kept = [item for item in before.items if item.index not in removed]
    assert values(after) == [NEW if item.index in replaced else item.value for item in kept] + added
    for old, new in zip(kept, after.items, strict=False):
        if old.index not in replaced:
            assert new.source.rstrip() == old.source.rstrip()
    assert after.function_config == before.function_config


@given(ITEMS, NEWLINES, INDENTS)
@settings(max_examples=200, deadline=None)
def test_an_item_may_be_replaced_by_its_own_text(drawn, newline, indent):
    """`source` is exactly what `replaced` takes: putting an item's text in its own place changes no byte."""
    raw = list_of(drawn, newline=newline, indent=indent, final="")
    document = parse(raw)
    own = dict(enumerate(sources(document)))
    assert document.apply(replaced=own, removed=(), added=(), results=()) == raw


@given(ITEMS, NEWLINES, INDENTS, ENDS)
@settings(max_examples=200, deadline=None)
def test_what_was_added_can_be_taken_away_again(drawn, newline, indent, final):
    """Adding items and removing them gives back the very bytes (but for blank lines below a `|+` text)."""
    raw = list_of(drawn, newline=newline, indent=indent, final=final)
    more = parse(parse(raw).apply(replaced={}, removed=(), added=[NEW, NEW], results=()))
    last = len(more.items)
    again = more.apply(replaced={}, removed=[last - 2, last - 1], added=(), results=())
    assert values(parse(again)) == values(parse(raw))
    assert again == raw or (b"|+" in raw and again.split() == raw.split())


WORDS = [
    "on",
    "y",
    "n",
    "=",
    "<<",
    "~",
    "1e3",
    "0o17",
    "08",
    "1E3",
    "12e03",
    "1_000",
    "12:30:45",
    "2020-01-01",
    "null",
    "0x1F",
    ".inf",
    "-",
    "- a",
    "a: b",
    "a #b",
    " a",
    "a ",
    "",
    "\n",
    "a\nb",
    "a\n\n",
    "  a\nb",
    "a\n b\n",
    "---",
    "...",
    "%a",
    "@a",
    "`a",
    "!a",
    "&a",
    "*a",
    "?",
    "? a",
    "{a}",
    "[a]",
    "a,b",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\u007f",
    "😀",
    "日本",
    "\t",
    "a\tb",
    "'",
    '"',
    "1:2",
    "+1",
    "0b1",
    "1.",
    "_1",
    "0_1",
    "yes",
    "No",
    "TRUE",
    "nan",
    ".NaN",
    "Infinity",
    "a\r\nb",
    "#",
    "a:",
    ":a",
    "-a",
]
TEXTS = st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8", exclude_characters="\0"))
LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=20
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
@example({"k" * 2000: {"k" * 2000: ["a"]}})
@example({word: word for word in WORDS})
@example({"a": math.inf, "b": 1e16, "c": 1e-7, "d": [[[]], {}, [{}]]})
@settings(max_examples=400, deadline=None)
def test_what_is_written_reads_the_same_in_old_and_new_yaml(value):
    """YAML 1.1 (PyYAML) and Kubernetes' reading of 1.2 give back every value, type for type."""
    text = dump(value)
    own = parse(f"apiVersion: v1\nkind: A\nx:\n{_indented(text)}".encode()).items[0].value["x"]
    assert _typed(yaml.load(text, yaml.CSafeLoader)) == _typed(value)
    assert _typed(own) == _typed(value)


@given(
    st.dictionaries(
        TEXTS, st.recursive(st.integers(-(2**63), 2**64 - 1) | TEXTS, st.lists, max_leaves=10), min_size=1, max_size=5
    )
)
@settings(max_examples=300, deadline=None)
def test_what_is_written_in_braces_is_json_and_yaml(value):
    """An item added to a flow list reads the same as JSON and as YAML."""
    text = '{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": []}'
    raw = parse(text.encode()).apply(replaced={}, removed=(), added=[value], results=())
    assert json.loads(raw)["items"] == [value]
    assert values(parse(raw.replace(b'"kind"', b"kind"))) == [value]


def _indented(text):
    return "".join(f"  {line}\n" for line in text.removesuffix("\n").split("\n"))


def _typed(value):
    """The value with its types, as 1 == True == 1.0 in Python."""
    if isinstance(value, dict):
        return {key: _typed(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_typed(child) for child in value]
    return type(value).__name__, value
