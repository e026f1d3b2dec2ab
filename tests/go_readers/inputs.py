"""Whole inputs in the forms that people and tools write, by name: each with a Service and two environments of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80}
"""
WORKLOAD = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-%s
spec:
  template:
    metadata:
      labels:
        app: web
        virtual-env: %s
"""
BASE, OWN = WORKLOAD % ("dev", "dev"), WORKLOAD % ("own", "dev.x")
MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: m\n"
LIST = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
VALUES = [
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}}},
    *(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": f"web-{env}"},
            "spec": {"template": {"metadata": {"labels": {"app": "web", "virtual-env": env}}}},
        }
        for env in ("dev", "dev.x")
    ),
]
VALUES[0]["spec"]["ports"] = [{"name": "http", "port": 80}]

# What may stand in an object that nobody edits.
BODIES = {
    "keep": "data:\n  a: |+\n    x\n\n\n",
    "strip": "data:\n  a: |-\n    x\n\n\n",
    "explicit indentation": "data:\n  a: |2\n      x\n    y\n",
    "keep and indentation": "data:\n  a: |1+\n    x\n   y\n\n",
    "folded": "data:\n  a: >-\n    x\n    y\n\n    z\n",
    "empty block": "data:\n  a: |\n",
    "empty kept block": "data:\n  a: |+\n\n\n",
    "tab in a block": "data:\n  a: |\n    x\n    \ty\n",
    "marks in a block": "data:\n  a: |\n    %YAML\n    ---\n    ...\n    # none\n  # one\n",
    "folded key": "data:\n  ? |\n    many\n    lines\n  : v\n",
    "explicit key": "data:\n  ? a\n  : b\n",
    "empty keys": 'data:\n  "": x\n',
    "numbers": "data: {a: 0x1F, b: 1_000, c: 0o17, d: ~, i: 0644, j: 1e3, k: .5, l: 1.}\n",
    "words": "data: {a: yes, b: no, c: on, d: off, e: y, f: n}\n",
    "times": "data:\n  a: 2001-12-14t21:59:43.10-05:00\n  b: 2001-12-14\n",
    "huge": "data: {a: 123456789012345678901234567890, b: 1e400, c: -1e400, d: 1e-400, e: 9007199254740993}\n",
    "binary": "binaryData:\n  a: !!binary aGVsbG8=\n  b: !!binary |\n    aGVs\n    bG8=\n",
    "tags": "data:\n  a: !!str 1\n  b: !custom x\n  c: !<tag:x,2000:y> z\n  d: !!float 3\n",
    "merge": "x: &x {a: b}\ndata:\n  <<: *x\n  c: d\n",
    "merged list": "data:\n  <<: [{a: b}, {c: d}]\n",
    "aliases": "data: &d\n  a: &a x\n  b: *a\nother: *d\n",
    "escapes": 'data:\n  a: "\\0\\u2028\\x85\\U0001F600"\n',
    "emoji": "data:\n  a: 😀 é\n",
    "separators in quotes": "data:\n  a: 'x\u2029y\u2028z\u0085w'\n",
    "addresses": "data: {a: [2001:db8::, http://x/y:z], b: {c:: d}}\n",
    "a key twice": "data:\n  a: x\n  a: x\n",
    "comments": "data:\n# zero\n  a: b # kpt-set: ${x}\n  c: # d\n    e\n    # deep\n",
    "quotes over lines": "data:\n  a: \"x\n    y\n\n    z\"\n  b: 'x\n\n    - y\n    k: v'\n",
    "words over lines": "data:\n  a: x\n    - y\n    z\n",
    "other keys": "data:\n  1: x\n  true: y\n  1.5: z\n",
    "braces over lines": "data: {\n  a: b,\n  # c\n  d: e,\n}\n",
    "tabs": "data:\n  a:\tx\t# c\n  b: x\ty\n",
    "blanks": "data:   \n  a:   b   \n",
}
BETWEEN = {
    "comment at the edge": "# zero\n",
    "comment": "  # two\n",
    "deep comment": "      # deep\n",
    "blank lines": "\n\n  \n",
    "blank lines and comment": "\n# z\n\n",
}
PARTED = {
    "dots": "...\n---\n",
    "comment": "--- # c\n",
    "blanks": "---   \n",
    "twice": "---\n---\n",
    "version": "...\n%YAML 1.1\n---\n",
    "mark of UTF-8": "---\n\ufeff",
    "nothing but comments": "---\n# nothing\n---\n",
    "null": "---\nnull\n---\n",
}
ITEMS = {
    "tag": "items: !!seq\n",
    "anchor": "items: &i\n",
    "comment": "items: # c\n",
    "quotes": '"items":\n',
    "blank": "items :\n",
    "explicit": "? items\n:\n",
}
TAILS = {
    "results": "results:\n- message: hi\n  severity: info\n",
    "results in brackets": "results: [{message: hi}]\n",
    "results null": "results:\n",
    "unknown": "foo: {a: b}\n",
    "configuration": "functionConfig:\n  apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: f}\n",
}
JSON_PARTED = {"a row": "", "lines": "\n", "blanks": " ", "blank lines": "\n\n", "CRLF": "\r\n", "marks": "\n---\n"}


def item(text: str, column: int = 0) -> str:
    """An object as an item of a list, its dash at a column."""
    blank = " " * column
    first, *rest = text.splitlines(keepends=True)
    return f"{blank}- {first}" + "".join(f"{blank}  {line}" if line.strip() else line for line in rest)


def listed(*texts: str, column: int = 0) -> str:
    return f"{LIST}items:\n" + "".join(item(text, column) for text in texts)


_TEXTS = (SERVICE, BASE, OWN, MAP)


def every() -> Iterator[tuple[str, str]]:
    """Yield all of them."""
    yield from _bodies()
    yield from _between()
    yield from _documents()
    yield from _lists()
    yield from _json()


def _bodies() -> Iterator[tuple[str, str]]:
    for name, body in BODIES.items():
        texts = (SERVICE, BASE, OWN, MAP + body)
        for form, text in (
            ("list", listed(*texts)),
            ("list in", listed(*texts, column=2)),
            ("first", listed(*texts[::-1])),
            ("stream", "---\n".join(texts)),
            ("stream first", "---\n".join(texts[::-1])),
        ):
            yield f"{name}, {form}", text
            yield f"{name}, {form}, no line end", text.rstrip("\n")
            yield f"{name}, {form}, CRLF", text.replace("\n", "\r\n")


def _between() -> Iterator[tuple[str, str]]:
    for name, between in BETWEEN.items():
        for column in (0, 2):
            items = [item(text, column) for text in _TEXTS]
            for form, text in (
                ("between", between.join(items)),
                ("behind", "".join(items) + between),
                ("before", between + "".join(items)),
                ("before the next key", "".join(items) + between + TAILS["configuration"] + between),
            ):
                yield f"{name}, {form}, {column}", f"{LIST}items:\n{text}"
                yield f"{name}, {form}, {column}, no line end", f"{LIST}items:\n{text}".rstrip("\n")
        yield f"{name}, documents", (between + "---\n" + between).join(_TEXTS) + between


def _documents() -> Iterator[tuple[str, str]]:
    for name, mark in PARTED.items():
        for form, text in (("between", mark.join(_TEXTS)), ("behind", "---\n".join(_TEXTS) + mark)):
            yield f"{name}, {form}", text
            yield f"{name}, {form}, CRLF", text.replace("\n", "\r\n")


def _lists() -> Iterator[tuple[str, str]]:
    items_text = "".join(map(item, _TEXTS))
    for name, key in ITEMS.items():
        yield f"items with {name}", LIST + key + items_text
        yield f"items first with {name}", key + items_text + LIST
        yield f"v1 List with {name}", f"apiVersion: v1\nkind: List\n{key}{items_text}"
    for name, tail in TAILS.items():
        yield f"{name} behind", f"{LIST}items:\n{items_text}{tail}"
        yield f"{name} before", f"{LIST}{tail}items:\n{items_text}"
    nested = f"apiVersion: v1\nkind: List\nitems:\n{items_text}"
    yield "a List in a List", f"apiVersion: v1\nkind: List\nitems:\n{item(nested)}"
    yield "a List in a ResourceList", listed(nested)
    yield "CR alone", "---\n".join(_TEXTS).replace("\n", "\r")
    yield "a List, CR alone", nested.replace("\n", "\r")
    yield "mixed line ends", "---\n".join(_TEXTS).replace("\n", "\r\n", 7)
    yield "mixed line ends, the last CR alone", "---\n".join(_TEXTS) + "---\r"
    yield "mark of UTF-8", "\ufeff" + "---\n".join(_TEXTS)


def _json() -> Iterator[tuple[str, str]]:
    for indent in (None, 2):
        written = [json.dumps(value, indent=indent) for value in VALUES]
        for name, between in JSON_PARTED.items():
            for form, text in (("", between.join(written)), (" and end", between.join(written) + "\n")):
                yield f"JSON, {name}{form}, {indent}", text
                yield f"JSON, {name}{form}, {indent}, mark of UTF-8", "\ufeff" + text
        for kind, version in (("List", "v1"), ("ResourceList", "config.kubernetes.io/v1")):
            value = {"apiVersion": version, "kind": kind, "items": VALUES}
            yield f"JSON {kind}, {indent}", json.dumps(value, indent=indent)
        brackets = ", ".join(json.dumps(value, indent=indent) for value in VALUES)
        yield f"items in brackets, {indent}", f"{LIST}items: [{brackets}]\n"
    yield "items in brackets, lines", LIST + "items: [ # c\n  " + ",\n  ".join(map(json.dumps, VALUES)) + ", # d\n]\n"
