"""Reading: what an item means, where it stands, and that nothing changes when nobody changes anything."""

from __future__ import annotations

import math

import pytest

from krm_fn.results import FunctionError
from krm_fn.text.document import Form, parse

HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
NOTHING = {"replaced": {}, "removed": (), "added": (), "results": ()}


def of_list(items, rest=""):
    return parse(f"{HEAD}items:\n{items}{rest}".encode())


def value_of(text):
    """The value that a scalar has inside an item."""
    return of_list(f"- apiVersion: v1\n  kind: A\n  x: {text}\n").items[0].value["x"]


UNTOUCHED = {
    "comments": f"# top\n{HEAD}items: # the list\n# of A\n- # head\n  apiVersion: v1 # c\n  kind: A\n# end\n",
    "quoting": f'{HEAD}items:\n- {{apiVersion: \'v1\', "kind": "A"}}\n',
    "CRLF": f"{HEAD}items:\n- kind: A\n  x: |\n    a\n\n    b\n".replace("\n", "\r\n"),
    "CR alone": f"{HEAD}items:\n- kind: A\n".replace("\n", "\r"),
    "indented dashes": f"{HEAD}items:\n    - kind: A\n    -   kind: B\n        x: 1\n",
    "a BOM": f"\ufeff{HEAD}items:\n- kind: A\n",
    "no final newline": f"{HEAD}items:\n- kind: A",
    "an empty list": f"{HEAD}items: []",
    "a null list": f"{HEAD}items:\nfunctionConfig:\n  kind: C\n",
    "functionConfig first": f"functionConfig: {{kind: C}}\nitems:\n- kind: A\n{HEAD}",
    "results there": f"{HEAD}items: []\nresults:\n- message: hi\n",
    "unknown keys": f"{HEAD}owner: me\nitems: []\nmetadata: {{name: x}}\n",
    "markers": f"---\n{HEAD}items:\n- kind: A\n...\n",
    "a directive": f"%YAML 1.1\n---\n{HEAD}items: []\n",
    "an empty document behind": f"{HEAD}items: []\n---\n# nothing\n",
    "JSON": '{"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": [{"a": 1}]}',
    "a flow list": f"{HEAD}items: [{{kind: A}}, # one\n  {{kind: B}},\n]\n",
    "documents": "# head\n---\napiVersion: v1\nkind: A\n---\n# nothing\n---\napiVersion: v1\nkind: B\n...\n",
    "JSON documents": '{"apiVersion": "v1", "kind": "A"}\n{"apiVersion": "v1", "kind": "B"}',
    "anchors": f"{HEAD}items:\n- kind: A\n  x: &a {{b: 1}}\n  y: *a\n- kind: B\n  x: &a 1\n  y: *a\n",
    "separators inside quotes": f'{HEAD}items:\n- kind: "A\u2028B"\n  x: "\f\x0b"\n'.replace("\f\x0b", "\\f\\v"),
}


@pytest.mark.parametrize("text", UNTOUCHED.values(), ids=UNTOUCHED)
def test_no_edit_returns_the_very_input(text):
    """Whoever changes nothing gets the same bytes object back, because hosts and people compare."""
    raw = text.encode()
    assert parse(raw).apply(**NOTHING) is raw


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "y",
        "yes",
        "12:30:45",
        "2020-01-01",
        "=",
        "<<",
        "1e999",
        "nul",
        "1e",
        "-x",
        "'1'",
        '"true"',
        "!!str 5",
        "v1.2",
        "0x",
        "._",
    ],
)
def test_what_only_old_yaml_takes_for_something_else_is_a_string(text):
    """Label values such as `on` and times are text, as are quoted and !!str ones, and a number that no float holds."""
    assert value_of(text) == text.removeprefix("!!str ").strip("'\"")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0o17", 15),
        ("0x1F", 31),
        ("0644", 420),
        ("1_000", 1000),
        ("0b11", 3),
        ("-0B1", -1),
        ("0X1F", 31),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("1e3", 1000.0),
        ("08", 8.0),
        ("-1", -1),
        ("+3", 3),
        (".5", 0.5),
        ("~", None),
        ("", None),
        ("Null", None),
        ("True", True),
        ("false", False),
        (".inf", math.inf),
        ("0", 0),
        ('!!int "7"', 7),
        ("!!float 1", 1.0),
        ("!!bool 'true'", True),
        ("!custom 5", "5"),
        ("!!binary aGk=", "hi"),
    ],
)
def test_numbers_and_constants_are_what_kubernetes_reads(text, value):
    """Numbers, booleans and null come as such, so that a wrong label value is noticed; tags are honoured."""
    read = value_of(text)
    assert (read, type(read)) == (value, type(value))


def test_keys_are_strings():
    """Kubernetes' JSON has string keys only, so `8080:` and `true:` come as text."""
    assert value_of("{8080: a, true: b, on: c, ~: d}") == {"8080": "a", "true": "b", "on": "c", "null": "d"}


def test_merge_keys_are_read_merged():
    """`<<` takes in its mappings; the item's own keys win, then the earlier mapping, as in Go."""
    item = of_list(
        "- a: &a {x: 1, y: 1}\n  b: &b {y: 2, z: 2}\n  c:\n    <<: [*a, *b]\n    x: 3\n  d:\n    <<: *b\n"
    ).items[0]
    assert item.value["c"] == {"x": 3, "y": 1, "z": 2}
    assert item.value["d"] == {"y": 2, "z": 2}


def test_a_quoted_merge_key_is_an_ordinary_key():
    """Only the plain `<<` merges; quoted it is a key, and in a list it is a text."""
    assert value_of('{"<<": 1, l: [<<, a]}') == {"<<": 1, "l": ["<<", "a"]}


def test_an_anchor_may_be_used_again():
    """YAML lets a later anchor take over a name; each alias means the one before it."""
    assert of_list("- a: &x 1\n  b: *x\n  c: &x [2]\n  d: *x\n").items[0].value == {"a": 1, "b": 1, "c": [2], "d": [2]}


def test_repeated_keys_are_reported_where_they_stand():
    """A key given twice with different values is named by its dotted path; equal values change nothing."""
    item = of_list("- m: {labels: {a: 1, a: 2, b: 1, b: 1}}\n  l:\n  - x: 1\n  - x: 1\n    x: true\n- m: 1\n").items
    assert item[0].duplicates == ("m.labels.a", "l[1].x")
    assert item[0].value["m"]["labels"]["a"] == 2
    assert item[1].duplicates == ()


def test_repeated_keys_in_json_are_reported_too():
    """JSON has the same trouble with keys given twice."""
    text = '{"apiVersion":"config.kubernetes.io/v1","kind":"ResourceList","items":[{"a":{"b":1,"b":2}}]}'
    assert parse(text.encode()).items[0].duplicates == ("a.b",)


GIVEN = {
    "block": "functionConfig:\n  kind: A\n  spec:\n    a: x\n    a: y\n",
    "braces": "functionConfig: {kind: A, spec: {a: x, a: y}}\n",
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN.keys())
def test_a_function_config_gives_no_key_twice(given):
    """Which of the two is meant nobody can say, wherever the functionConfig stands; equal ones are one."""
    items = "items:\n- kind: A\n- kind: B\n"
    for text in (HEAD + given + items, HEAD + items + given, given + HEAD + items):
        with pytest.raises(FunctionError, match=r"functionConfig\.spec\.a is given twice"):
            parse(text.encode())
        assert parse(text.replace("a: y", "a: x").encode()).function_config["spec"] == {"a": "x"}


def test_a_function_config_of_json_gives_no_key_twice():
    """JSON has the same trouble, before its items and behind them."""
    head = '{"apiVersion":"config.kubernetes.io/v1","kind":"ResourceList",'
    given, items = '"functionConfig":{"spec":{"a":1,"a":2}}', '"items":[{"kind":"A"}]'
    for text in (f"{head}{given},{items}}}", f"{head}{items},{given}}}"):
        with pytest.raises(FunctionError, match=r"functionConfig\.spec\.a is given twice"):
            parse(text.encode())
        assert parse(text.replace("2", "1").encode()).function_config == {"spec": {"a": 1}}


def test_source_is_the_item_without_its_neighbours_comments():
    """A comment at the dash's column belongs to the next item; deeper ones to the item above."""
    document = of_list(
        "# of A\n- # head\n  kind: A # c\n  # A's own\n\n# of B\n- kind: B\n  x: |\n    # text\n\n- kind: C\n",
        "# of the config\nfunctionConfig: {kind: X}\n",
    )
    assert [item.source for item in document.items] == [
        "kind: A # c\n  # A's own\n",
        "kind: B\n  x: |\n    # text\n\n",
        "kind: C\n",
    ]
    assert [item.column for item in document.items] == [2, 2, 2]


def test_a_missing_last_value_does_not_reach_into_the_next_item():
    """libyaml marks a missing value at the next token; the item still ends on its own line."""
    document = of_list("- kind: A\n  ? x\n# of B\n- kind: B\n  y:\n# end\n")
    assert [item.source for item in document.items] == ["kind: A\n  ? x\n", "kind: B\n  y:\n"]
    assert document.items[0].value == {"kind": "A", "x": None}


def test_places_count_characters_not_bytes():
    """Text before an item may be of any alphabet; its place is still exact."""
    document = of_list("- kind: Ä # 日本 😀\n- kind: B\n")
    assert [item.source for item in document.items] == ["kind: Ä # 日本 😀\n", "kind: B\n"]


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_every_version_of_the_specification_is_read(version):
    """kpt and kustomize have sent three versions of the same list."""
    assert parse(f"apiVersion: config.kubernetes.io/{version}\nkind: ResourceList\nitems: []".encode()).items == ()


def test_a_list_has_its_config_and_results():
    """functionConfig (null is none) and the results of functions before this one come with the list."""
    document = parse(f"{HEAD}items: []\nfunctionConfig: {{a: 1}}\nresults:\n- message: m\n".encode())
    assert document.form is Form.RESOURCE_LIST
    assert document.function_config == {"a": 1}
    assert document.results == [{"message": "m"}]
    assert parse(f"{HEAD}items: []\nfunctionConfig: null\n".encode()).function_config is None


def test_a_stream_has_an_item_per_document_that_holds_one():
    """Helm's empty documents, comments only, are no items."""
    document = parse(UNTOUCHED["documents"].encode())
    assert document.form is Form.STREAM
    assert [item.value["kind"] for item in document.items] == ["A", "B"]
    assert document.items[1].source == "apiVersion: v1\nkind: B\n"


def test_json_may_hold_what_libyaml_refuses():
    """Surrogate pairs and keys of any length are JSON, as Python and JavaScript write it."""
    key = "k" * 2000
    text = f'{{"apiVersion":"v1","kind":"A","x":"\\ud83d\\ude00","{key}":1}}'
    assert parse(text.encode()).items[0].value["x"] == "😀"
    assert parse(text.encode()).items[0].value[key] == 1


def test_text_that_only_begins_like_json_is_yaml():
    """A flow mapping may have plain words and comments."""
    assert parse(b"{apiVersion: v1, kind: A} # no JSON").items[0].value == {"apiVersion": "v1", "kind": "A"}
