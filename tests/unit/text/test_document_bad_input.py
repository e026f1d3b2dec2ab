"""Input that cannot be served: each message says what is wrong, where, and what to do."""

from __future__ import annotations

import pytest
import yaml

from krm_fn.results import Code, FunctionError
from krm_fn.text.document import parse

HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
BOMB = "- x0: &x0 [aaaaaaaaaa, aaaaaaaaaa]\n" + "".join(
    f"  x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 10)}]\n" for n in range(1, 10)
)
TALL = "- x0: &x0 [a]\n" + "".join(f"  x{n}: &x{n} [*x{n - 1}]\n" for n in range(1, 1000))


def failure(raw):
    with pytest.raises(FunctionError) as caught:
        parse(raw if isinstance(raw, bytes) else raw.encode())
    (result,) = caught.value.results
    return result


@pytest.mark.parametrize(
    ("raw", "code", "words"),
    [
        ("", Code.INPUT_EMPTY, "no object"),
        ("# only\n---\n# comments\n", Code.INPUT_EMPTY, "no object"),
        ("\ufeff", Code.INPUT_EMPTY, "no object"),
        ("a: 1".encode("utf-16"), Code.INPUT_SYNTAX, "UTF-16"),
        ("a: 1".encode("utf-16-be"), Code.INPUT_SYNTAX, "UTF-16"),
        (b"a: 1\nb: \0\n", Code.INPUT_SYNTAX, "line 2: a NUL"),
        (b"a: 1\nb: \xff\n", Code.INPUT_SYNTAX, "line 2: the byte 0xff"),
        ("a: \x07", Code.INPUT_SYNTAX, "line 1, column 4: this is not YAML"),
        ("a: é\nb: \x07", Code.INPUT_SYNTAX, "line 2, column 4: this is not YAML"),
        ("a: \x07", Code.INPUT_SYNTAX, "U+0007"),
        ("---\n\ufeffapiVersion: v1\nkind: A\n", Code.INPUT_SYNTAX, "byte order mark (U+FEFF)"),
        ('{"apiVersion": "v1", "kind": "A"},\n{}', Code.INPUT_SYNTAX, "part objects by a line of ---"),
        ("kind: A\n--- kind: B\nx: 1\n", Code.INPUT_SYNTAX, "write --- alone"),
        ("--- kind: B\n", Code.INPUT_SYNTAX, "write --- alone"),
        ("kind: A\n----\nkind: B\n", Code.INPUT_SYNTAX, "write --- alone"),
        ("kind: A\r\n--\r\nkind: B\r\n", Code.INPUT_SYNTAX, "write --- alone"),
        ("kind: {}\n ---\nkind: B\n", Code.INPUT_SYNTAX, "write --- alone"),
        ("kind: A\n--- # c\nx: [\n", Code.INPUT_SYNTAX, "correct the text there"),
        (f"{HEAD}items:\n- kind: A\n- kind: [B\n", Code.INPUT_SYNTAX, "in items[1]"),
        (f"{HEAD}items:\n- kind: A\n# a\u2028 b\n", Code.INPUT_SYNTAX, "U+2028"),
        (f"{HEAD}items:\n- kind: A # a\x85b\n", Code.INPUT_SYNTAX, "U+0085"),
        ("a: 1\n---\nb: [\n", Code.INPUT_SYNTAX, "document 2"),
        (f"{HEAD}items:\n- x: *gone\n", Code.INPUT_SYNTAX, "line 4: the alias *gone"),
        (f"{HEAD}items:\n- x: &a [*a]\n", Code.INPUT_SYNTAX, "inside its own anchor"),
        (f"{HEAD}items:\n- x: !!int abc\n", Code.INPUT_SYNTAX, "!!int"),
        (f"{HEAD}items:\n- x: {{{{ .Values.x }}}}\n", Code.INPUT_SYNTAX, "template"),
        (f"{HEAD}items:\n- <<: 5\n", Code.INPUT_SYNTAX, "merge key"),
        ('{"apiVersion":"v1","kind":"A","x":"\\ud83d"}', Code.INPUT_SYNTAX, "surrogate"),
        (f"{HEAD}items:\n- x: &a 1\n- y: *a\n", Code.SHARED_ALIAS, "line 5: the alias *a"),
        (f"{HEAD}items:\n- x: 1\n  y: &a 1\nfunctionConfig:\n  z: *a\n", Code.SHARED_ALIAS, "line 5"),
        (f"x: &a {{}}\n{HEAD}items:\n- y: *a\n", Code.SHARED_ALIAS, "another object"),
        (f"{HEAD}items: []\nitems: []\n", Code.DUPLICATE_KEY, "'items' twice"),
        (
            '{"items":[],"items":[],"kind":"ResourceList","apiVersion":"config.kubernetes.io/v1"}',
            Code.DUPLICATE_KEY,
            "twice",
        ),
        (HEAD, Code.INPUT_SHAPE, "has no items"),
        (f"{HEAD}items: {{}}\n", Code.INPUT_SHAPE, "items of the ResourceList is an object"),
        (f"{HEAD}items: 5\n", Code.INPUT_SHAPE, "is a number"),
        (f"x: &a []\n{HEAD}items: *a\n", Code.SHARED_ALIAS, "another object"),
        (f"{HEAD}items:\n- kind: A\n- text\n", Code.INPUT_SHAPE, "line 5: items[1] is a string"),
        (f"{HEAD}items:\n- kind: A\n-\n", Code.INPUT_SHAPE, "items[1] is empty"),
        (f"{HEAD}items: []\nresults: no\n", Code.INPUT_SHAPE, "results"),
        (f"{HEAD}items: []\nfunctionConfig: []\n", Code.INPUT_SHAPE, "functionConfig is a list"),
        ("apiVersion: config.kubernetes.io/v2\nkind: ResourceList\nitems: []", Code.INPUT_SHAPE, "known are"),
        ("apiVersion: v1\nkind: ResourceList\nitems: []", Code.INPUT_SHAPE, "known are"),
        ("kind: ResourceList\nitems: []", Code.INPUT_SHAPE, "known are"),
        (
            "apiVersion: config.kubernetes.io/v1\nkind: Resourcelist\nitems: []",
            Code.INPUT_SHAPE,
            "was ResourceList meant",
        ),
        (f"{HEAD}items: []\n---\napiVersion: v1\nkind: A\n", Code.INPUT_SHAPE, "beside other documents"),
        (f"apiVersion: v1\nkind: A\n---\n{HEAD}items: []\n", Code.INPUT_SHAPE, "beside other documents"),
        ("apiVersion: v1\nkind: A\n---\ntext\n", Code.INPUT_SHAPE, "document 2, line 4: a string"),
        ("apiVersion: v1\nkind: A\n---\n- a\n", Code.INPUT_SHAPE, "document 2, line 4: a list"),
        (
            "apiVersion: v1\nkind: A\n---\nkind: B\n",
            Code.INPUT_SHAPE,
            "document 2, line 4: the object has no apiVersion",
        ),
        ("apiVersion: v1\nkind: 5\n", Code.INPUT_SHAPE, "no kind that is a string"),
        ("{{ .Values.x }}", Code.INPUT_SYNTAX, "template"),
        (f"{HEAD}items:\n{BOMB}", Code.INPUT_LIMIT, "written out"),
        (f"{HEAD}items:\n{TALL}", Code.INPUT_LIMIT, "deep"),
        (f"{HEAD}items:\n- x: {'[' * 300}{']' * 300}", Code.INPUT_LIMIT, "line 4: nested more than 256 deep"),
        ("".join(" " * n + "a:\n" for n in range(300)), Code.INPUT_LIMIT, "deep"),
        ('{"a":' * 300 + "1" + "}" * 300, Code.INPUT_LIMIT, "deep"),
        ('{"a":' + "[" * 100_000, Code.INPUT_LIMIT, "deep"),
        ('{"a":' + "[" * 100_000 + "]" * 100_000 + "}", Code.INPUT_LIMIT, "deep"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_the_message_says_what_and_where(raw, code, words):
    """Each kind of bad input has its stable code, and a message that names the place."""
    result = failure(raw)
    assert result.code is code
    assert words in result.message


def test_deep_brackets_fail_at_once():
    """libyaml takes quadratic time for deep brackets (44 s for these): the guard stops it near the start."""
    assert "line 1: nested more than 256 deep" in failure("[" * 100_000).message


def test_a_pyyaml_without_libyaml_is_named(monkeypatch):
    """PyYAML's own parser is far too slow, so its absence is an error that says what to install."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    result = failure("apiVersion: v1\nkind: A\n")
    assert result.code is Code.NO_LIBYAML
    assert "install" in result.message
