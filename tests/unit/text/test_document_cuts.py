"""Objects that are cut, and read only where somebody asks, against the same read whole: the same values and places."""

from __future__ import annotations

import itertools
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yaml.cyaml import CParser

from krm_fn.results import FunctionError
from krm_fn.text import document, yaml_ends, yaml_list, yaml_reader, yaml_shapes, yaml_stream
from krm_fn.text.readback import same
from krm_fn.text.yaml_shapes import EACH, ENTRIES, All, Whole

HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
BELOW = {"a": None, "b": {"a": None, "on": None}, "d.e/f": EACH, "q": None}
TREE = {"apiVersion": None, "kind": None, "a": BELOW, "b": {"c": BELOW, "a": None}, "c": EACH, "y": None}
WHOLE = Whole(a=Whole(a=ENTRIES, b=Whole(c=ENTRIES)), b=ENTRIES, c=Whole(a=ENTRIES, c=ENTRIES), q=ENTRIES)
ALL = All(a=All(a=EACH, b=All(c=EACH)), b=EACH, c=All())


def asked(_api_version, kind):
    """Some of an object of kind X, of any other everything, cut further where it is of kind W or A."""
    return {"X": TREE, "W": WHOLE, "A": ALL}.get(kind)


def pruned(value, tree=TREE):
    """What a tree asks for of a value that was read whole."""
    if not isinstance(value, dict) or tree is None or tree is EACH:
        return value
    return {key: pruned(child, tree[key]) for key, child in value.items() if key in tree}


def agree(cut, text):
    """A text that was cut says what it says as a whole, and stands where it stands."""
    try:
        full = yaml_reader.read(text, text.encode())
    except FunctionError:
        CParser(text).raw_parse()  # YAML it is: what Kubernetes could not read is where nobody asks
        return
    assert len(cut) == len(full)
    for one, other in zip(cut, full, strict=True):
        entries = zip(
            one.listings["items"].entries if "items" in one.listings else [one],
            other.listings["items"].entries if "items" in one.listings else [other],
            strict=True,
        )
        for quick, whole in entries:
            assert (quick.start, quick.end, quick.column) == (whole.start, whole.end, whole.column)
            if quick.partial:
                assert same(pruned(quick.value), pruned(whole.value))
            else:
                assert same(quick.value, whole.value)
                assert repr(quick.value) == repr(whole.value)  # the order of keys
                assert quick.duplicates == whole.duplicates


# Words and lines near the edge of what can be cut.
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


# Mostly right objects, so that there is something to cut.
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
    key = st.sampled_from(["a", "b", "c", "d.e/f", "on", "q", "y"])
    return st.dictionaries(key, child, min_size=1, max_size=4).map(
        lambda mapping: [line for key, (rest, below) in mapping.items() for line in (f"{key}:{rest}", *below)]
    )


KIND = st.sampled_from(
    [["apiVersion: v1", "kind: X"], ["apiVersion: v1", "kind: W"], ["apiVersion: v1", "kind: A"]] * 3
    + [["apiVersion: v1", "kind: Y"], ["kind: X", "apiVersion: 'v1' # c"]]
)
LEADS = st.sampled_from(["- ", "- ", "- # head\n  ", "-   ", "-\n  ", "- \n\n  # c\n  "])
BODY_LINES = st.one_of(nested(3), nested(3), st.lists(LINE, max_size=6))


@st.composite
def objects(draw, lead=LEADS):
    """The text of an object in a list, or in a stream, with comments and blank lines."""
    dash = draw(lead)
    kind, body = draw(KIND), draw(BODY_LINES)
    lines = draw(st.sampled_from([[*kind, *body], [*body, *kind]]))
    for place in draw(st.sets(st.integers(1, len(lines)), max_size=2)):
        lines.insert(place, draw(st.sampled_from(["", "# c", "  # c", "s: |", "    deeper", "z: 'a"])))
    blanks = "\n" + " " * (4 if dash == "-   " else len(dash.rpartition("\n")[2]))
    return dash + blanks.join(lines) + "\n" + draw(st.sampled_from(["", "\n", "# c\n", "  # own\n"]))


IN_BRACES = st.sampled_from(
    ["- {apiVersion: v1, kind: X, a: 1}", "- {kind: Y,\n  b: 1} # c", '-\n  {"kind": "X"}', "- 'a'"]
)
BEHIND = st.lists(st.sampled_from(["", "# c", "  # own", "    # own"]), max_size=3)
BRACED = st.tuples(IN_BRACES, BEHIND).map(lambda parts: "".join(f"{line}\n" for line in (parts[0], *parts[1])))
LISTS = st.lists(st.one_of(objects(), objects(), BRACED), min_size=1, max_size=4).map("".join)
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


@given(START, st.one_of(LISTS, LISTS, st.tuples(LISTS, ANY_LIST).map("".join)), REST, st.sampled_from(["", "  "]))
@settings(max_examples=1000, deadline=None)
def test_what_is_cut_of_a_list_is_what_it_says_as_a_whole(start, items, rest, indent):
    """Values, types, places and keys given twice are the same, whatever the list; or cutting declines."""
    items = "".join(f"{indent}{line}\n" if line else "\n" for line in items.removesuffix("\n").split("\n"))
    text = f"{start}items:\n{items}{rest}"
    cut = yaml_list.read(text, asked)
    if cut is not None:
        agree(cut, text)


@example("", ["apiVersion: v1\nkind: X\n - \nitems:\n"], "---\n", "")
@given(
    st.sampled_from(["", "---\n", "# c\n---\n", "--- # c\n", "\n\n"]),
    st.lists(st.one_of(objects(st.just("")), objects(st.just("")), ANY_LIST), min_size=1, max_size=4),
    st.sampled_from(["---\n", "---\n", "--- # c\n", "---\n---\n", "---\n# c\n---\n", "...\n", "---  \n"]),
    st.sampled_from(["", "---\n", "# c\n", "---\n# c"]),
)
@settings(max_examples=1000, deadline=None)
def test_what_is_cut_of_a_stream_is_what_it_says_as_a_whole(start, documents, marker, rest):
    """Values, types, places and keys given twice are the same, whatever the documents; or cutting declines."""
    text = start + marker.join(documents) + rest
    cut = yaml_stream.read(text, asked)
    if cut is not None:
        agree(cut, text)


@pytest.mark.parametrize("lead", ["  ", "  - ", "    ", "      "])
@pytest.mark.parametrize("key", KEYS)
def test_every_line_that_is_cut_is_read_right(lead, key):
    """Each key with each value, in a mapping, in a list, and too deep; asked for, beside it, and where nobody asks."""
    places = [("X", "a"), ("X", "z"), ("X", "b:\n    c"), ("W", "a:\n    b"), ("W", "b"), ("A", "b")]
    for (kind, above), gap, value in itertools.product(places, ["", " ", "  "], VALUES):
        text = f"{HEAD}items:\n- apiVersion: v1\n  kind: {kind}\n  {above}:\n{lead}{key}:{gap}{value}\n  y: 1\n"
        cut = yaml_list.read(text, asked)
        if cut is not None:
            agree(cut, text)


ALMOST = st.lists(st.tuples(st.integers(0, 20), st.one_of(st.none(), LINE, KEYED.map("  {}".format))), max_size=3)


@given(KIND, nested(3), st.lists(ALMOST, min_size=2, max_size=5), st.sampled_from(["list", "stream"]))
@settings(max_examples=1000, deadline=None)
def test_what_is_almost_of_a_shape_is_read_right(kind, body, copies, form):
    """Objects in the lines of one before, with a line twice, or with one more: as they are read whole."""
    texts = []
    for almost in [[], *copies]:
        lines = [*kind, *body]
        for place, line in almost:
            lines.insert(2 + place % (len(lines) - 1), lines[2 + place % (len(lines) - 2)] if line is None else line)
        texts.append(lines)
    items = "".join("- " + "\n  ".join(lines) + "\n" for lines in texts)
    documents = "---\n".join("\n".join(lines) + "\n" for lines in texts)
    text = f"{HEAD}items:\n{items}" if form == "list" else documents
    with patch.object(yaml_shapes, "OFTEN", 1):
        cut = (yaml_list if form == "list" else yaml_stream).read(text, asked)
    if cut is not None:
        agree(cut, text)


@pytest.mark.parametrize("first", [0, 29])
def test_a_key_given_twice_in_an_object_of_a_known_shape_is_found(first):
    """Whether its lines were met before or not: the last one counts, and the object says that it has two."""
    items = [f"- apiVersion: v1\n  kind: X\n  c:\n    q: 1\n    a: {number % 2}\n" for number in range(30)]
    items.insert(first, "- apiVersion: v1\n  kind: X\n  c:\n    a: 1\n    a: 0\n")
    read = document.parse(f"{HEAD}items:\n{''.join(items)}".encode(), asked).items
    assert [item.index for item in read if item.duplicates] == [first]
    assert (read[first].value["c"], read[first].duplicates) == ({"a": 0}, ("c.a",))


@pytest.mark.parametrize("rest", ["a: b", "- b", "? b", "a:", "b]", '"b', "'b", "|\n", "- - b", "\t- b", "%b", "@b"])
def test_scalars_of_a_key_are_read_together_only_where_that_says_the_same(rest):
    """What may stand behind a dash and not behind a colon is a mistake still, with a place in the message."""
    names = ["a", rest, "b", 'c"', "d'"]
    text = f"{HEAD}items:\n" + "".join(f"- apiVersion: v1\n  kind: X\n  y: {name}\n" for name in names)
    cut = yaml_list.read(text, asked)
    if cut is not None:
        agree(cut, text)


@given(st.lists(nested(3), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_ordinary_objects_are_cut(bodies):
    """What tools write is cut: nobody waits for what nobody asks for."""
    lines = [["- apiVersion: v1", "  kind: X", *(f"  {line}" for line in body)] for body in bodies]
    text = f"{HEAD}items:\n" + "".join(f"{line}\n" for item in lines for line in item)
    entries = yaml_list.read(text, asked)[0].listings["items"].entries
    assert all(entry.partial for entry in entries)
    agree(yaml_list.read(text, asked), text)


ROUTES = """\
- apiVersion: v1
  kind: W
  a:
    b:
      c:
      # first
      - name: x{0}
        match:
        - {{a: 1}}
        to: |
          text

      - match: # why
        - {{a: 1}}
        name: x{0}

  b:
    - to: |
          text
      name: y
"""


def test_what_whole_objects_say_alike_is_read_once():
    """Equal parts of the entries of lists are one value, in one object and among several; the order stays."""
    text = f"{HEAD}items:\n" + "".join(map(ROUTES.format, range(2)))
    agree(yaml_list.read(text, asked), text)
    one, other = (entry.value for entry in yaml_list.read(text, asked)[0].listings["items"].entries)
    first, second = one["a"]["b"]["c"]
    assert (list(first), list(second)) == (["name", "match", "to"], ["match", "name"])
    assert first["match"] is other["a"]["b"]["c"][0]["match"]
    assert first["to"] == "text\n" == one["b"][0]["to"]


@pytest.mark.parametrize("twice", ["name: x\n    match: 1", "z: 1\n    z: 1"])
def test_a_whole_object_that_gives_a_key_twice_says_so(twice):
    """Its entries are read as they stand, and the other objects' as ever."""
    text = f"{HEAD}items:\n- apiVersion: v1\n  kind: W\n  b:\n  - match: 2\n    {twice}\n" + ROUTES.format(1)
    page = yaml_list.read(text, asked)
    agree(page, text)
    assert page[0].listings["items"].entries[0].duplicates == (("b[0].match",) if "match" in twice else ())


@pytest.mark.parametrize(
    "items",
    [
        "- a: &x 1\n- b: *x\n",
        "- a: 'x\n- b: y'\n",
        "- a: [1,\n- b]\n",
        "- a: 1\n- b: [\n",
        "- apiVersion: v1\n  kind: X\n  z: 'x\n  y: 1'\n",
        "- apiVersion: v1\n  kind: X\n  z: {\n  y: 1}\n",
        "- apiVersion: v1\n  kind: X\n  a:\n    z: [\n    q: 1]\n",
        "- apiVersion: v1\n  kind: W\n  b:\n  - z: 'x\n  - y: 1'\n",
        "- apiVersion: v1\n  kind: W\n  b:\n  - z: [\n    y: 1]\n",
        "- apiVersion: v1\n  kind: W\n  a:\n    b:\n      c:\n      - z: [\n      - y: 1]\n",
    ],
)
def test_what_reaches_over_a_cut_is_read_in_one_pass(items):
    """An alias to another item, a text or bracket over a cut: the whole list is read as it stands."""
    assert yaml_list.read(f"{HEAD}items:\n{items}", asked) is None


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\x85 "])
def test_an_entry_behind_a_line_separator_takes_no_other_ones_place(separator):
    """A dash in a line that only YAML takes for one, and a text over two items: as many entries as dashes."""
    text = f"{HEAD}items:\n- a: 1 # c{separator}- b: 2\n- c: 'x\n- d: y'\n"
    assert yaml_list.read(text, asked) is None


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_a_document_that_ends_behind_a_line_separator_ends_there(separator):
    """`...` in a line that only YAML takes for one."""
    text = f"apiVersion: v1\nkind: Y # c{separator}...\n---\napiVersion: v1\nkind: X\n"
    assert [item.end for item in document.parse(text.encode(), asked).items] == [text.index("..."), len(text)]


@pytest.mark.parametrize("indent", ["", " ", "  "])
def test_an_entry_in_a_document_takes_no_other_ones_place(indent):
    """A dash that stands before the keys of its document, and a text over two documents: this is no YAML."""
    text = f"{indent}a: 1\n- b: 2\n---\n{indent}c: 'x\n---\n{indent}d: y'\n"
    assert yaml_stream.read(text, asked) is None
    with pytest.raises(FunctionError):
        yaml_reader.read(text, text.encode())


@pytest.mark.parametrize("properties", ["!!map", "!x", "&x", "&x !!map # c"])
def test_a_first_key_below_a_tag_stands_where_it_stands(properties):
    """The column of an object is that of its first key, not that of its tag or anchor."""
    text = f"{HEAD}items:\n- {properties}\n    a: 1\n    b: 2\n"
    assert [item.column for item in document.parse(text.encode(), asked).items] == [4]
    text = f"{properties}\n  apiVersion: v1\n  kind: X\n"
    assert [item.column for item in document.parse(text.encode(), asked).items] == [2]


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"])
def test_a_first_key_behind_a_line_separator_stands_where_it_stands(separator):
    """Before the first key, or in a comment above what looks like it."""
    for above in (f"{separator}  ", f"# c{separator}  a: 1\n  ", f"# c\n  {separator}# d\n  "):
        text = f"{HEAD}items:\n- a: 1\n- {above}b: 2\n"
        start = text.index("a: 1" if "a: 1" in above else "b: 2", text.index("- a: 1") + 6)
        assert document.parse(text.encode(), asked).items[1].start == start
        text = f"apiVersion: v1\nkind: X\n---\n{above.replace('  ', '')}apiVersion: v1\nkind: X\n"
        start = text.index("a: 1") if "a: 1" in above else text.rindex("apiVersion")
        assert document.parse(text.encode(), asked).items[1].start == start


@pytest.mark.parametrize("line", ["a: 1", "a: &x 1"])
def test_a_comment_right_behind_the_mark_parts_documents_however_they_are_read(line):
    """To libyaml `---# c` is a word, and would be the end of the value before it; Go begins a document there."""
    text = f"apiVersion: v1\nkind: Y\n{line}\n---# c\n"
    assert [item.value["a"] for item in document.parse(text.encode(), asked).items] == [1]


def test_a_tag_means_in_an_item_what_the_directive_says():
    """`!!` may stand for other tags than YAML's own."""
    text = f"%TAG !! tag:x,2000:\n---\n{HEAD}items:\n- a: !!int '1'\n"
    assert [item.value for item in document.parse(text.encode(), asked).items] == [{"a": "1"}]


@pytest.mark.parametrize("items", ["items: []", "items : \n- a: 1", "items:\n- a: 1", "items: [{a: 1}]"])
def test_a_resource_list_is_one_however_it_is_written(items):
    """Its kind with an escape, and its items not as kustomize sends them."""
    text = f'apiVersion: config.kubernetes.io/v1\nkind: "Resource\\x4cist"\n{items}\n'
    read = document.parse(text.encode(), asked)
    assert (read.form, len(read.items)) == (document.Form.RESOURCE_LIST, int("a" in items.removeprefix("items")))


@pytest.mark.parametrize("kind", ["|\n  X", ">\n  X", "|+\n  X\n"])
def test_a_kind_with_a_line_end_is_another_kind(kind):
    """What is asked for goes by the kind that the object is read with."""
    text = f"kind: {kind}\napiVersion: v1\nz: 1\ny: 2\n"
    (page,) = yaml_stream.read(text, asked)
    assert not page.partial
    agree([page], text)


def test_many_lines_with_a_colon_before_a_comma_are_read_in_few_passes():
    """libyaml refuses each of them; in what is read with them, an alias before a colon is one still."""
    text = f"{HEAD}items:\n- k: &k a\n" + "  b: [fd00::, {*k:, c:: d}, 'e:,']\n  f: |\n    g:]\n- k: &k a\n" * 200
    with patch.object(yaml_ends, "open_parser", wraps=yaml_ends.open_parser) as opened:
        assert len(yaml_ends.tolerant(text)) == len(text)
    assert opened.call_count < 20
    first = document.parse(text.encode(), asked).items[0].value
    assert first == {"k": "a", "b": ["fd00::", {"a": None, "c:": "d"}, "e:,"], "f": "g:]\n"}


def test_what_has_very_many_keys_is_cut_by_no_expression():
    """To make one takes longer than to read the objects; they are read right."""
    keys = "".join(f"  k{number}: 1\n" for number in range(300))
    text = f"{HEAD}items:\n" + f"- apiVersion: v1\n  kind: A\n{keys}" * 3
    with patch.object(yaml_shapes, "OFTEN", 1), patch.object(yaml_shapes, "_Cutting") as made:
        cut = yaml_list.read(text, asked)
    made.assert_not_called()
    agree(cut, text)


def test_what_nobody_asks_for_must_be_yaml():
    """A mistake where nobody asks is a mistake of the list."""
    text = f"{HEAD}items:\n- apiVersion: v1\n  kind: X\n  z: a: b\n"
    assert yaml_list.read(text, asked) is None
    with pytest.raises(FunctionError):
        yaml_reader.read(text, text.encode())


def test_an_odd_line_costs_its_object_only():
    """An anchor, a key given twice or an odd key makes its own object be read whole; the others are cut."""
    odd = ["z: &x 1", "a: 1\n  a: 2", "? z\n  : 1", "'a b': 1", "z: {{ x }}", "z: a\x85  y: b"]
    items = "".join(f"- apiVersion: v1\n  kind: X\n  {line}\n" for line in ["z: 1", *odd, "y: 1"])
    text = f"{HEAD}items:\n{items}".replace("{{ x }}", "'{{ x }}'")
    cut = yaml_list.read(text, asked)
    agree(cut, text)
    assert [entry.partial for entry in cut[0].listings["items"].entries] == [True, *[False] * len(odd), True]


@pytest.mark.parametrize(
    "odd",
    [
        "<<: text",
        "x: {<<: [a]}",
        "x: !!int many",
        "x: [!!float a]",
        "x: !!binary '?'",
        "x: !!bool on",
        "{a: b}: c",
        "[a]: b",
        "? {a: b}\n  : c",
        "? - a\n  : c",
        "x: {? [a] : b}",
        "x: {[a] : b}",
    ],
)
def test_what_no_reader_takes_is_refused_where_nobody_asks_too(odd):
    """A merge of no mapping, a wrong tag, a key that is a mapping: one answer, whether the text is cut or not."""
    text = f"apiVersion: v1\nkind: X\nz:\n  {odd}\n"
    with pytest.raises(FunctionError):
        yaml_reader.read(text, text.encode())
    assert yaml_stream.read(f"{text}---\napiVersion: v1\nkind: X\n", asked) is None
    lines = text.rstrip().replace("\n", "\n  ")
    assert yaml_list.read(f"{HEAD}items:\n- {lines}\n", asked) is None
