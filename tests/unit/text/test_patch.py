"""Edits of an object's own text: what is added can be read, what is taken out leaves the very bytes."""

import copy

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from styles import decorated, styles

from krm_fn.results import FunctionError
from krm_fn.text import document
from krm_fn.text.patch import Text

OURS = [{"name": "virtual-env--x", "match": [{"headers": {"h": {"exact": "on"}}}]}, {"name": "virtual-env--y", "n": 1}]


def value_of(text):
    return document.parse(text.encode()).items[0].value


word = st.sampled_from(
    ["a", "host: x", "on", "1e3", "two words", "line\nbreak\n", "", "x # y", "'", '"', "- d", "end\n\n"]
)
leaf = st.one_of(word, st.integers(0, 99), st.none(), st.booleans())
tree = st.recursive(
    leaf,
    lambda one: st.one_of(
        st.lists(one, min_size=1, max_size=3), st.dictionaries(st.sampled_from("abcd"), one, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
route = st.dictionaries(st.sampled_from(["name", "match", "route"]), tree, min_size=1, max_size=3)


@st.composite
def documents(draw):
    """An object with a list of routes, in any style, and what follows it."""
    value = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}}
    value["spec"] = {
        "http": draw(st.lists(route, min_size=1, max_size=3)),
        **draw(st.dictionaries(st.sampled_from(["tcp", "z"]), tree, max_size=2)),
    }
    text = draw(st.sampled_from(list(styles(value))))
    return decorated(text, draw)


@settings(max_examples=400, deadline=None)
@given(text=documents(), data=st.data())
def test_an_insertion_can_be_read_and_leaves_no_trace(text, data):
    """Entries put before any entry of a list are read there; taken out, the text is the very same."""
    value = value_of(text)
    places = sorted(data.draw(st.sets(st.integers(0, len(value["spec"]["http"])), min_size=1)))
    edit = Text(text, 0, data.draw(st.sampled_from([None, [("spec", "http")]])))
    wanted = copy.deepcopy(value)
    for place in reversed(places):
        wanted["spec"]["http"][place:place] = OURS
    for place in places:
        edit.insert(("spec", "http"), place, OURS)
    woven = edit.result()
    assert value_of(woven) == wanted
    back = Text(woven, 0, data.draw(st.sampled_from([None, [("spec", "http")]])))
    for place, entry in enumerate(wanted["spec"]["http"]):
        if isinstance(entry, dict) and str(entry.get("name")).startswith("virtual-env--"):
            back.remove(("spec", "http", place))
    assert back.result() == text


@settings(max_examples=400, deadline=None)
@given(
    text=documents(),
    value=st.one_of(st.just("virtual-env--dev"), st.just([OURS[1]]), st.just({"k": {"l": "off"}})),
    data=st.data(),
)
def test_a_key_can_be_put_and_leaves_no_trace(text, value, data):
    """A key put at the end of any mapping is read there; taken out, the text is the very same."""
    before = value_of(text)
    paths = [(), ("metadata",), ("spec",)]
    paths += [("spec", "http", place) for place in range(len(before["spec"]["http"]))]
    path = data.draw(st.sampled_from(paths))
    edit = Text(text, 0, data.draw(st.sampled_from([None, [path]])))
    edit.put(path, "added", value)
    after = edit.result()
    wanted = copy.deepcopy(before)
    at = wanted
    for step in path:
        at = at[step]
    at["added"] = value
    assert value_of(after) == wanted
    back = Text(after, 0, data.draw(st.sampled_from([None, [path]])))
    back.remove((*path, "added"))
    assert back.result() == text


@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("m:\n  labels:\ns: 1\n", ("m", "labels"), {"m": {"labels": {"k": "v"}}, "s": 1}),
        ("m:\n  labels: null # none\ns: 1\n", ("m", "labels"), {"m": {"labels": {"k": "v"}}, "s": 1}),
        ("m:\n  labels: {}\ns: 1\n", ("m", "labels"), {"m": {"labels": {"k": "v"}}, "s": 1}),
        ("m: {a: 1}\n", ("m", "labels"), {"m": {"a": 1, "labels": {"k": "v"}}}),
        ("m: {labels: }\n", ("m", "labels"), {"m": {"labels": {"k": "v"}}}),
        ("m: {labels: null, a: 1}\n", ("m", "labels"), {"m": {"labels": {"k": "v"}, "a": 1}}),
        ("m:\n  a: 1\n", ("m", "n", "labels"), {"m": {"a": 1, "n": {"labels": {"k": "v"}}}}),
        ("m:\n", ("m", "n"), {"m": {"n": {"k": "v"}}}),
        ("m: # c\n\n# d\ns: |\n  x\n\n", ("m",), {"m": {"k": "v"}, "s": "x\n"}),
        ("m: &a\n  x: 1\ns: *a\n", ("s",), {"m": {"x": 1, "k": "v"}, "s": {"x": 1, "k": "v"}}),
    ],
)
def test_mappings_that_are_missing_or_empty_are_made(text, path, wanted):
    """A key can be put where its mapping is missing, null or empty, in block and flow style."""
    edit = Text(text, 0, [path])
    edit.put(path, "k", "v")
    assert yaml.safe_load(edit.result()) == wanted


@settings(max_examples=400, deadline=None)
@given(text=documents(), data=st.data())
def test_what_is_beside_the_paths_may_be_passed_over(text, data):
    """An edit is the same whether the text was read in full or only along its path."""
    value = value_of(text)
    places = [("spec", "http", place) for place in range(len(value["spec"]["http"]))]
    path = data.draw(st.sampled_from([("metadata",), ("spec",), *places]))
    at = value
    for step in path:
        at = at[step]
    key = data.draw(st.sampled_from(sorted(at)))
    edits = [Text(text, 0), Text(text, 0, [path])]
    for edit in edits:
        edit.put(path, "added", [{"k": "v"}], after=key)
        edit.remove((*path, key))
    assert edits[0].result() == edits[1].result()


@settings(max_examples=400, deadline=None)
@given(text=documents(), data=st.data())
def test_entries_may_be_looked_at_as_their_lines_stand(text, data):
    """Edits of a list are the same text, or one that says something else, which its reader notices."""
    entries = value_of(text)["spec"]["http"]
    place = data.draw(st.integers(0, len(entries)))
    quick, whole = (Text(text, 0, [("spec", "http")], masks=masks) for masks in (True, False))
    wanted = [*entries[:place], *OURS, *entries[place:]]
    whole.insert(("spec", "http"), place, OURS)
    try:
        quick.insert(("spec", "http"), place, OURS)
        woven = quick.result()
        read = value_of(woven)["spec"]["http"]
    except (FunctionError, LookupError):
        return
    assert woven == whole.result() or read != wanted
    quick = Text(whole.result(), 0, [("spec", "http")], masks=True)
    for index in range(len(OURS)):
        quick.remove(("spec", "http", place + index))
    assert quick.result() == text or value_of(quick.result())["spec"]["http"] != entries


def test_added_lines_only():
    """In a text written in lines an edit only adds lines, with the list's own indentation."""
    first = "spec:\n    http:\n"
    entry = "      # first\n      - name: a # keep\n        route: [{destination: {host: x}}]\n\n"
    second = "      # second\n      - name: b\n"
    text = first + entry + second
    edit = Text(text, 0)
    edit.insert(("spec", "http"), 0, [{"name": "new"}])
    edit.insert(("spec", "http"), 1, [{"name": "newer"}])
    assert edit.result() == first + "      - name: new\n" + entry + "      - name: newer\n" + second


def test_an_item_of_a_list_keeps_its_indentation():
    """The source of an item of a ResourceList stands deeper from its second line on; added lines do too."""
    listed = document.parse(
        b"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
        b"  -   apiVersion: v1\n      kind: X\n      spec:\n        http:\n        - name: a\n"
    )
    item = listed.items[0]
    edit = Text(item.source, item.column)
    edit.insert(("spec", "http"), 0, [{"name": "new"}])
    edit.put(("spec",), "k", "v")
    output = listed.apply(replaced={0: edit.result()}, removed=(), added=(), results=())
    assert document.parse(output).items[0].value["spec"] == {"http": [{"name": "new"}, {"name": "a"}], "k": "v"}


def test_what_ends_at_one_place_goes_in_from_the_inside_out():
    """A new entry of a mapping's last list stands in that list, also where the mapping gets a new key behind it."""
    source = "spec:\n  tcp:\n  - route:\n    - to: {host: a}\n      weight: 1\n"
    text = Text(source, 0)
    text.put(("spec",), "http", [{"name": "h"}])
    text.insert(("spec", "tcp"), 1, [{"name": "t"}])
    text.put(("spec", "tcp", 0, "route", 0), "subset", "s")
    assert text.result() == source + "      subset: s\n  - name: t\n  http:\n  - name: h\n"
