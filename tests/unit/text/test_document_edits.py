"""Editing: what an edit touches, and what it leaves."""

from __future__ import annotations

import json

import pytest

from krm_fn.text.document import parse

HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
NEW = {"kind": "New", "on": ["1e3", {"a": None}]}
OWN = {"message": "m", "tags": {"function": "virtual-env-fn"}}


def edit(text, *, replaced=None, removed=(), added=(), results=()):
    """The text after an edit, which must read as the edit says."""
    document = parse(text.encode())
    raw = document.apply(replaced=replaced or {}, removed=removed, added=added, results=results)
    after = parse(raw)
    kept = [(replaced or {}).get(item.index, item.value) for item in document.items if item.index not in removed]
    if not any(isinstance(value, str) for value in kept):
        assert [item.value for item in after.items] == [*kept, *added]
    return raw.decode()


BLOCK = '- kind: New\n  "on":\n  - "1e3"\n  - a: null\n'
DEEPER = BLOCK.replace("- kind", "  - kind").replace("\n  ", "\n    ")
FLOW = '{"kind": "New", "on": ["1e3", {"a": null}]}'


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("items:\n- kind: A\n", f"items:\n- kind: A\n{BLOCK}"),
        ("items:\n  - kind: A\n# end\n", f"items:\n  - kind: A\n{DEEPER}# end\n"),
        ("items:\n- kind: A", f"items:\n- kind: A\n{BLOCK}"),
        ("items: []", f"items:\n{BLOCK}"),
        ("items: [] # none\nx: 1\n", f"items: # none\n{BLOCK}x: 1\n"),
        ("items:\nx: 1\n", f"items:\n{BLOCK}x: 1\n"),
        ("items: null\nx: 1\n", f"items:\n{BLOCK}x: 1\n"),
        ("items: [{kind: A}]\n", f"items: [{{kind: A}}, {FLOW}]\n"),
        ("items: [\n  {kind: A}, # c\n]\n", f"items: [\n  {{kind: A}},\n  {FLOW}, # c\n]\n"),
    ],
)
def test_a_new_item_takes_the_style_of_its_list(items, expected):
    """Added items stand at the list's own dashes, or in its brackets, before the next key."""
    assert edit(HEAD + items, added=[NEW]) == HEAD + expected


def test_new_lines_end_as_the_list_ends_its_own():
    """A list with CRLF keeps it, also in what is added and in texts of several lines."""
    text = f"{HEAD}items:\n- kind: A\n".replace("\n", "\r\n")
    after = edit(text, added=[{"kind": "New", "lua": "a\n  b\n"}], results=[OWN])
    assert after.count("\r\n") == after.count("\n") == 12


def test_a_json_list_stays_json():
    """What was JSON can be read as JSON afterwards, with items and results added, items removed."""
    text = '{"apiVersion":"config.kubernetes.io/v1","kind":"ResourceList","items":[\n {"a":1},\n {"b":2}\n]}'
    after = edit(text, removed=[0], added=[NEW, {"x": "😀\u2028"}], results=[OWN])
    assert json.loads(after)["items"] == [{"b": 2}, NEW, {"x": "😀\u2028"}]
    assert json.loads(after)["results"] == [OWN]
    assert after.startswith(text[: text.index("[") + 1] + '\n {"b":2},\n {"kind"')


def test_an_empty_json_list_stays_json():
    """Brackets without entries are filled on their line."""
    text = '{"items":[],"kind":"ResourceList","apiVersion":"config.kubernetes.io/v1"}'
    assert json.loads(edit(text, added=[NEW]))["items"] == [NEW]
    assert json.loads(edit(text.replace("[]", "null"), added=[NEW]))["items"] == [NEW]


@pytest.mark.parametrize(
    "text",
    [
        "{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items}",
        "{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items: }",
        "{items: [], apiVersion: config.kubernetes.io/v1, kind: ResourceList, }\n",
    ],
)
def test_a_list_in_braces_is_filled_in_braces(text):
    """A whole list in flow style stays valid when items and results come in."""
    after = edit(text, added=[NEW], results=[OWN])
    assert parse(after.encode()).results == [OWN]


def test_a_removed_item_takes_its_comments_and_leaves_its_neighbours():
    """Comments above the dash, behind it and deeper below go; those of the next and the previous stay."""
    text = f"{HEAD}items:\n# A\n- kind: A\n  # A below\n\n# B\n- # B head\n  kind: B # b\n  # B below\n# C\n- kind: C\n"
    assert edit(text, removed=[1]) == f"{HEAD}items:\n# A\n- kind: A\n  # A below\n# C\n- kind: C\n"
    assert edit(text, removed=[0]) == f"{HEAD}items:\n\n# B\n- # B head\n  kind: B # b\n  # B below\n# C\n- kind: C\n"
    assert edit(text, removed=[2]) == text[: text.index("# C")]


def test_a_removed_items_blank_lines_do_not_become_text():
    """A `|+` text takes in all blank lines below it: those of a removed neighbour must not be left there."""
    text = f"{HEAD}items:\n- x: |+\n    a\n\n- kind: B\n\n- kind: C\n\n# end\n"
    assert edit(text, removed=[1, 2]) == f"{HEAD}items:\n- x: |+\n    a\n\n# end\n"


def test_a_comment_that_stands_apart_is_nobodys():
    """A section's heading, with a blank line below it, survives the item that follows."""
    text = f"{HEAD}items:\n- kind: A\n# Section\n\n# B\n- kind: B\n"
    assert edit(text, removed=[1]) == f"{HEAD}items:\n- kind: A\n# Section\n\n"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("items: # c\n- kind: A\n- kind: B\nx: 1\n", "items: [] # c\nx: 1\n"),
        ("items:\n- kind: A\n- kind: B", "items: []\n"),
        ("items: [{kind: A}, {kind: B},]\n", "items: []\n"),
    ],
)
def test_without_items_the_list_is_there_and_empty(items, expected):
    """Hosts take a list without items for "delete everything": removing all leaves an explicit []."""
    assert edit(HEAD + items, removed=[0, 1]) == HEAD + expected


def test_all_items_may_give_way_to_new_ones():
    """Removing all and adding one leaves one."""
    assert edit(f"{HEAD}items:\n- kind: A\n", removed=[0], added=[{"kind": "New"}]) == f"{HEAD}items:\n- kind: New\n"
    assert edit(f"{HEAD}items: [{{kind: A}}]\n", removed=[0], added=[{"a": 1}]) == f'{HEAD}items: [{{"a": 1}}]\n'


@pytest.mark.parametrize(
    ("removed", "expected"),
    [
        ([0], "[b, c]"),
        ([1], "[a, c]"),
        ([2], "[a, b]"),
        ([1, 2], "[a]"),
        ([0, 1], "[c]"),
        ([0, 2], "[b]"),
    ],
)
def test_a_comma_goes_with_its_entry(removed, expected):
    """Whatever entries of a flow list go, the commas between the others stay right."""
    text = f"{HEAD}items: [{{x: a}}, {{x: b}}, {{x: c}}]\n"
    short = "".join(f"{{x: {letter}}}" if letter in "abc" else letter for letter in expected)
    assert edit(text, removed=removed) == f"{HEAD}items: {short}\n"


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("- # head\n  kind: A\n  # below\n", "- # head\n  kind: New\n"),
        ("-   kind: A\n    x: 1\n", "-   kind: New\n"),
        ("- {kind: A} # c\n", "- kind: New\n"),
        ("-\n   kind: A\n", "-\n   kind: New\n"),
    ],
)
def test_a_new_value_stands_where_the_old_one_stood(item, expected):
    """The dash, its column and the comment behind it stay; the item's text is the new one."""
    text = f"{HEAD}items:\n{item}# of B\n- kind: B\n"
    assert edit(text, replaced={0: {"kind": "New"}}) == f"{HEAD}items:\n{expected}# of B\n- kind: B\n"


def test_a_tagged_item_is_replaced_whole():
    """A tag before the first key goes with the old text, and the new lines stand in one column."""
    new = {"kind": "New", "y": {"z": 1}}
    after = edit(f"{HEAD}items:\n-   !!map\n  kind: A\n  x: 1\n- kind: B\n", replaced={0: new})
    assert after.endswith("\n- kind: B\n")


def test_a_new_text_is_taken_as_it_is():
    """A text in the shape of `source` replaces the item's text, comments and all."""
    text = f"{HEAD}items:\n- kind: A\n  x: 1 # c\n- kind: B"
    assert edit(text, replaced={0: "kind: A\n  x: 2 # c\n"}) == text.replace("x: 1", "x: 2")
    assert edit(text, replaced={1: "kind: C"}) == text.replace("kind: B", "kind: C")


def test_results_of_others_stay():
    """Own results give way to the new ones; what other functions said stays as they wrote it."""
    text = f"{HEAD}items: []\nresults:\n- message: other # c\n- message: old\n  tags: {{function: virtual-env-fn}}\n"
    assert edit(text, results=[OWN]) == (
        f"{HEAD}items: []\nresults:\n- message: other # c\n- message: m\n  tags:\n    function: virtual-env-fn\n"
    )
    assert edit(text) == f"{HEAD}items: []\nresults:\n- message: other # c\n"


def test_results_come_last():
    """Where there are none yet, results stand behind everything else of the list."""
    assert edit(f"{HEAD}items: []\nx: 1\n...\n", results=[OWN]) == (
        f"{HEAD}items: []\nx: 1\nresults:\n- message: m\n  tags:\n    function: virtual-env-fn\n...\n"
    )


def test_the_same_results_again_change_nothing():
    """A run whose findings are in the list already returns the very input."""
    raw = edit(f"{HEAD}items: []\n", results=[OWN]).encode()
    assert parse(raw).apply(replaced={}, removed=(), added=(), results=[OWN]) is raw


def test_a_stream_grows_at_its_end():
    """New objects are documents of their own behind the others, and end as they end; results have no place there."""
    text = "apiVersion: v1\nkind: A"
    new = {"apiVersion": "v1", "kind": "New"}
    assert edit(text, added=[new], results=[OWN]) == f"{text}\n---\napiVersion: v1\nkind: New"
    assert edit(f"{text}\n", added=[new]) == f"{text}\n---\napiVersion: v1\nkind: New\n"


def test_a_stream_of_json_grows_by_json():
    """JSON documents get JSON neighbours, parted as they are, and can be read again."""
    text = '{"apiVersion": "v1", "kind": "A", "x": "\\ud83d\\ude00"}'
    new = {"apiVersion": "v1", "kind": "New"}
    after = edit(text, added=[new])
    assert after == f'{text}\n{{"apiVersion": "v1", "kind": "New"}}'
    assert edit(after, removed=[0]) == '{"apiVersion": "v1", "kind": "New"}'
    assert edit(f"---\n{text}", added=[new]) == f'---\n{text}\n---\n{{"apiVersion": "v1", "kind": "New"}}'


@pytest.mark.parametrize("between", ["", " ", "\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "\n"])
def test_a_json_document_goes_alone(between, end):
    """Removing one of several on a line leaves the others, which jq and kubectl part without a line end."""
    objects = [f'{{"apiVersion":"v1","kind":"{kind}"}}' for kind in "ABC"]
    for removed in (0, 1, 2):
        left = edit(between.join(objects) + end, removed=[removed])
        assert left.count("kind") == 2
        assert left.endswith("\n") == bool(end)
    assert edit(objects[0] + between + objects[1] + end, removed=[1]).rstrip() == objects[0]


@pytest.mark.parametrize("removed", [[0], [0, 1], [1]])
@pytest.mark.parametrize("start", ["", "---\n", "# c\n---\n"])
def test_the_end_of_a_first_document_goes_with_it(start, removed):
    """A stream cannot begin with the `...` of a document that is not there any more."""
    documents = [f"apiVersion: v1\nkind: {kind}\n... # end\n" for kind in "ABC"]
    left = edit(start + "---\n".join(documents), removed=removed)
    assert not left.startswith("...")
    assert left.count("kind") == 3 - len(removed)


def test_a_new_item_before_the_last_leaves_its_comments_to_it():
    """Where the last line is a text's, new items stand before the last item, above the comments that belong to it."""
    text = f"{HEAD}items:\n- kind: A\n\n# B\n# b\n- kind: B\n  x: |\n    a"
    assert edit_before_last(text) == text.replace("# B", f"{BLOCK}# B")


def edit_before_last(text):
    """The text with a new item, which stands before the last."""
    document = parse(text.encode())
    raw = document.apply(replaced={}, removed=(), added=[NEW], results=())
    assert [item.value["kind"] for item in parse(raw).items] == ["A", "New", "B"]
    return raw.decode()


def test_a_document_goes_with_its_marker():
    """Removing a document leaves its neighbours' bytes, comments and markers."""
    text = "# a\napiVersion: v1\nkind: A\n---\n# b\napiVersion: v1\nkind: B\n---\n# c\napiVersion: v1\nkind: C\n"
    assert edit(text, removed=[1]) == text.replace("---\n# b\napiVersion: v1\nkind: B\n", "")
    assert edit(text, removed=[0]) == text[text.index("---") :]


def test_a_document_is_replaced_between_its_markers():
    """A document keeps its marker and the comment above it; one on the marker's line moves below it."""
    new = {"apiVersion": "v1", "kind": "New"}
    assert edit("--- {apiVersion: v1, kind: A}\n---\n# b\napiVersion: v1\nkind: B\n", replaced={0: new, 1: new}) == (
        "--- \n    apiVersion: v1\n    kind: New\n---\n# b\napiVersion: v1\nkind: New\n"
    )


def test_a_bom_stays_in_front():
    """The byte order mark is no part of the text, and stays its first three bytes."""
    raw = parse(f"\ufeff{HEAD}items: []".encode()).apply(replaced={}, removed=(), added=[NEW], results=())
    assert raw.startswith(b"\xef\xbb\xbfapiVersion")
    assert raw.count(b"\xef\xbb\xbf") == 1
