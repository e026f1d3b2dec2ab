"""The quick reader of kustomize's and kpt's own lines against libyaml's events: the same, or nothing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krm_fn.results import FunctionError
from krm_fn.text import yaml_list, yaml_reader
from krm_fn.text.yaml_lines import Lines

HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"

# Words and lines near the edge of what the quick reader takes.
VALUES = [
    "",
    "a",
    "1",
    "on",
    "'x'",
    '"y"',
    "'it''s'",
    '"a\\n"',
    "a b",
    "a  b",
    "a: b",
    "a:b",
    "a:",
    "a #c",
    "a#c",
    "#c",
    "- a",
    "-1",
    "-a",
    "--",
    "---",
    "-",
    "~",
    "null",
    "1e3",
    "0644",
    "{}",
    "[]",
    "{a: 1}",
    "{a: b, 1: c}",
    "{a: 1, a: 2}",
    "[a, 2]",
    "[a,b]",
    "{a: {b: c}}",
    "{a}",
    "[a: b]",
    "|",
    "|-",
    ">",
    "&x 1",
    "*x",
    "!!str 1",
    "? a",
    "a, b",
    "@a",
    "%a",
    "`a",
    "a'b",
    'a"b',
    "<<",
    "=",
    "日本",
    "a # 日本",
    "a # \u2028",
    "a # \x85",
    "'\t'",
    "a\tb",
    "a # \t",
    "a ",
    "a\r",
    ".5",
    "/x",
    "http://a:80/b#c",
    "'a' b",
    "'a'#",
    "[a] b",
    "{{ a }}",
    "a{b}",
    "a]",
    "\x07",
    "*",
    "&",
    "k" * 1100,
    "''",
    '""',
    '"\\"',
    "a\x00",
    "\ufeff",
    "{a: 'b'}",
    "{a: b,}",
    "[a, b,]",
    "{a:1}",
    "[~]",
    "{~: 1}",
    "[null, .5]",
    "{a: b }",
    ".",
    "a:b:c",
    "a :b",
]
KEYS = [
    "a",
    "b",
    "apiVersion",
    "y",
    "null",
    "true",
    "nan",
    "1",
    "'q'",
    '"q"',
    "<<",
    "a.b/c",
    "f:x",
    "-x",
    "",
    "k" * 250,
    "k" * 1100,
    "_a",
    "/a",
    "a b",
    "~",
]
KEYED = st.tuples(st.sampled_from(KEYS), st.sampled_from(["", " ", "  "]), st.sampled_from(VALUES)).map(
    lambda parts: f"{parts[0]}:{parts[1]}{parts[2]}"
)
BODY = st.one_of(KEYED, KEYED, KEYED, st.sampled_from(VALUES), st.sampled_from(["# c", "", "---", "...", "items:"]))
LINE = st.tuples(st.integers(0, 6), st.sampled_from(["", "", "", "- ", "-   ", "- - ", "-\n   "]), BODY).map(
    lambda parts: " " * parts[0] + parts[1] + parts[2]
)
ANY_LIST = st.lists(LINE, max_size=12).map("\n".join)

# Mostly right lists, so that the quick reader has something to read.
SIMPLE = st.sampled_from(
    ["a", "1", "on", "'x'", '"y"', "a b", "a # c", "null", "{}", "{a: 1, b: x}", "[a, 2]", "a:b", "'' # 日本"]
)
WORD = SIMPLE.filter(lambda value: value[0] not in "{[")


def nested(depth):
    """Lines of a block mapping, indented from 0, with unique keys."""
    scalar = SIMPLE.map(lambda value: (f" {value}", []))
    if depth == 0:
        child = scalar
    else:
        inner = nested(depth - 1)
        child = st.one_of(
            scalar,
            st.just(("", [])),
            inner.map(lambda lines: ("", [f"  {line}" for line in lines])),
            st.tuples(st.sampled_from(["", "  "]), st.lists(inner | WORD.map(lambda value: [value]), max_size=3)).map(
                lambda drawn: (
                    "",
                    [
                        drawn[0] + ("  " if number else "- ") + line
                        for lines in drawn[1]
                        for number, line in enumerate(lines)
                    ],
                )
            ),
        )
    key = st.sampled_from(["a", "b", "c", "d.e/f", "on"])
    return st.dictionaries(key, child, min_size=1, max_size=4).map(
        lambda mapping: [line for key, (rest, below) in mapping.items() for line in (f"{key}:{rest}", *below)]
    )


DASHES = st.sampled_from(["- ", "- # head\n  ", "-   "])
ITEM = st.tuples(DASHES, nested(3), st.sampled_from(["", "\n", "# c\n", "  # own\n"])).map(
    lambda parts: parts[0] + ("\n" + " " * (4 if parts[0] == "-   " else 2)).join(parts[1]) + "\n" + parts[2]
)
GOOD_LIST = st.lists(ITEM, min_size=1, max_size=4).map("".join)
REST = st.sampled_from(
    [
        "",
        "functionConfig: {a: 1}\n",
        "# end\nresults:\n- message: m\n  # own\n# c\n",
        "...\n",
        "---\n",
        "---\na: 1\n",
        "x",
        "items: []\n",
        "kind: X\n",
        "results: [{a: 1}]",
    ]
)
START = st.sampled_from(
    [
        HEAD,
        f"# top\n---\n{HEAD}",
        f"results:\n- a: 1\n{HEAD}",
        "",
        f"{HEAD}x: '\n",
        f"{HEAD}x: |\n  a\n",
        f"x: &x 1\n{HEAD}",
        "--- |\n",
        f"%TAG !! tag:x,2000:\n---\n{HEAD}",
    ]
)


def both(text):
    """What the two readers say of a text, None where they refuse it."""
    quick = yaml_list.read(text)
    try:
        full = yaml_reader.read(text, text.encode())
    except FunctionError:
        full = None
    for page in [*(quick or []), *(full or [])]:
        page.last = 0  # used in flow style only
    return quick, full


@given(START, st.one_of(ANY_LIST, GOOD_LIST, st.tuples(GOOD_LIST, ANY_LIST).map("".join)), REST)
@settings(max_examples=500, deadline=None)
def test_what_is_read_quickly_is_what_libyaml_reads(start, items, rest):
    """Values, types, places and repeated keys are the same, whatever the list; or the quick reader declines."""
    quick, full = both(f"{start}items:\n{items}{rest}")
    if quick is not None:
        assert repr(quick) == repr(full)


def by_libyaml(text):
    """What libyaml reads in one item, None where it refuses it or finds a key twice."""
    try:
        (page,) = yaml_reader.read(f"items:\n{text}", f"items:\n{text}".encode())
    except (FunctionError, ValueError):
        return None
    entries = page.listings["items"].entries if "items" in page.listings else []
    return entries[0].value if len(entries) == 1 and len(page.value) == 1 and not entries[0].duplicates else None


@pytest.mark.parametrize("lead", ["  ", "  - ", "    "])
@pytest.mark.parametrize("key", KEYS)
def test_every_line_read_quickly_is_read_right(lead, key):
    """Each key with each value, in a mapping, in a list, and one step too deep."""
    for gap, value in itertools.product(["", " ", "  "], VALUES):
        text = f"- x:\n{lead}{key}:{gap}{value}\n  z: 1\n"
        quick = Lines().item(" " + text[1:])
        assert quick is None or repr(quick) == repr(by_libyaml(text)), text


@pytest.mark.parametrize("value", VALUES)
def test_every_word_of_a_list_read_quickly_is_read_right(value):
    """Each value as an entry of a list."""
    text = f"- x:\n  - {value}\n  - b\n"
    quick = Lines().item(" " + text[1:])
    assert quick is None or repr(quick) == repr(by_libyaml(text))


FORMS = ["{}:", "{}: v", "- {}: v", "- {}:", "- {}", "#", "x: 1"]


@pytest.mark.parametrize("first", FORMS)
def test_every_shape_read_quickly_is_read_right(first):
    """Each sequence of three more lines, at each depth: what is opened, closed and continued is the same."""
    quickly = 0
    depths = [2, 3, 4]
    for (one, two, three), (form_two, form_three) in itertools.product(
        itertools.product(depths, repeat=3),
        itertools.product(FORMS, repeat=2),
    ):
        lines = [" " * one + first.format("a"), " " * two + form_two.format("b"), " " * three + form_three.format("c")]
        text = "- x:\n" + "\n".join(lines) + "\n"
        quick = Lines().item(" " + text[1:])
        if quick is not None:
            quickly += 1
            assert repr(quick) == repr(by_libyaml(text)), text
    assert quickly > 20


@given(GOOD_LIST, st.sampled_from(["", "functionConfig: {a: 1}\n", "results:\n- message: m\n"]))
@settings(max_examples=300, deadline=None)
def test_an_ordinary_list_is_read_quickly(items, rest):
    """The quick reader does not decline what kustomize and kpt write."""
    text = f"{HEAD}items:\n{items}{rest}"
    _, (page,) = both(text)
    for entry in page.listings["items"].entries:
        item = " " * entry.column + text[entry.start : entry.end]
        assert repr(Lines().item(item)) == repr(entry.value)


@pytest.mark.parametrize(
    "items",
    [
        "- a: &x 1\n- b: *x\n",
        "- a: 'x\n- b: y'\n",
        "- a: [1,\n- b]\n",
        "- a: 1\n- b: [\n",
        "-\n  a: 1\n- b: 1\n- c: |\n    x\n",
    ],
)
def test_what_reaches_over_items_is_left_to_the_full_reader(items):
    """An alias to another item, a text or bracket over a cut: the quick reader declines the whole list."""
    assert yaml_list.read(f"{HEAD}items:\n{items}") is None


def test_no_two_items_share_a_value():
    """Lines that are alike are read once, yet each item has mappings of its own."""
    quick, _ = both(f"{HEAD}items:\n- a: {{b: 1}}\n- a: {{b: 1}}\n")
    first, second = quick[0].value["items"]
    assert first == second
    assert first["a"] is not second["a"]
