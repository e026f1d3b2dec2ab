"""What the function puts into a user's list, and takes out when nobody needs it any more: the user's bytes are back."""

from __future__ import annotations

import re

import pytest

from krm_fn import function

AROUND = """\
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{name: http, port: 80}, {name: tcp-db, port: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {app: app, virtual-env: dev}}
---
apiVersion: v1
kind: Pod
metadata: {name: b, labels: {app: app, virtual-env: dev.x}}
"""
ROUTES = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: app}\nspec:"
RULE = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: app}\nspec:"
EMPTY = ["[]", " []", "[ ]", "[\n  ]", "[ # c\n  ]", "[]  # c", "&a []", "!!seq []"]
NULL = ["", "null", "~", "Null", "null # c", "    null   # c", "# c"]


def in_and_out(text):
    """Weave a stream, then take the labels away: the text in between, and that in the end."""
    first = function.run(text.encode())
    assert not first.failed, [result.line() for result in first.results]
    unlabelled = re.sub(rb"(app: app), virtual-env: [a-z.]+", rb"\1", first.output)
    second = function.run(unlabelled)
    assert not second.failed, [result.line() for result in second.results]
    return first.output.decode(), second.output.decode()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "spec",
    [
        *(f"\n  hosts: [app]\n  http: {text}\n" for text in (*EMPTY, *NULL)),
        *(f"\n  http: {text}\n  # c\n  hosts: [app]\n" for text in (*EMPTY, *NULL)),
        "\n  hosts: [app]\n  ? http\n  : null\n",
        "\n  hosts: [app]\n  ? http\n  :\n",
        "\n  hosts: [app]\n  http : null\n",
        '\n  hosts: [app]\n  "http": null\n',
        " {hosts: [app], http: []}\n",
        " {http: [ ], hosts: [app]}\n",
        ' {"hosts": ["app"], "http": []}\n',
        *(f" {{hosts: [app], http: {text}}}\n" for text in ("", "null", "~", "Null", "NULL")),
        *(f" {{http: {text}, hosts: [app]}}\n" for text in ("", "null", "~")),
        ' {"http": null, "hosts": ["app"]}\n',
        ' {"http":null,"hosts":["app"]}\n',
        "\n  hosts: [app]\n",
        " {hosts: [app]}\n",
    ],
)
def test_a_list_that_was_there_and_empty_stays_as_it_was(spec, end):
    """A list that is filled and emptied again has its brackets, its null and its comments; one that is made goes."""
    text = f"{ROUTES}{spec}---\n{AROUND}".replace("\n", end)
    woven, back = in_and_out(text)
    assert "name: virtual-env--" in woven.replace('"', "")
    assert back == re.sub(r"(app: app), virtual-env: [a-z.]+", r"\1", text)


@pytest.mark.parametrize("text", [*EMPTY, *NULL])
def test_an_empty_list_of_subsets_stays_as_it_is(text):
    """Istio's empty list of subsets is filled by nobody: the function's own rule stands beside it."""
    raw = f"{RULE}\n  host: app\n  subsets: {text}\n---\n{AROUND}"
    woven, back = in_and_out(raw)
    assert woven.startswith(raw)
    assert back == re.sub(r"(app: app), virtual-env: [a-z.]+", r"\1", raw)


ENDS = ["", "\n", "\n\n", "\n# end", "\n# end\n"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_last_line_without_an_end_has_none_afterwards(end, newline):
    """New documents end as the text ended, and go with what parted them from it."""
    raw = f"{AROUND.rstrip()}{end}".replace("\n", newline)
    woven, back = in_and_out(raw)
    assert woven.count("kind: VirtualService") == 1
    assert woven.endswith("\n") == raw.endswith("\n")
    assert back == re.sub(r"(app: app), virtual-env: [a-z.]+", r"\1", raw)


SELECTED = """\
apiVersion: virtual-env-fn.dev/v1alpha1
kind: VirtualEnvironment
metadata: {name: c}
spec: {output: gatewayAPI, base: selector}
---
"""


@pytest.mark.parametrize(
    "metadata",
    [
        *(f"\n  name: app\n  annotations: {text}" for text in ("{}", "{ }", "{\n  }", "{ # c\n  }", "&a {}", "{} # c")),
        "\n  annotations: {}\n  name: app",
        " {name: app, annotations: {}}",
        " {annotations: { }, name: app}",
        "\n  name: app",
        " {name: app}",
    ],
)
def test_an_empty_mapping_stays_as_it_was(metadata):
    """The annotation that says what was added to a selector goes with its mapping only where it made that, too."""
    raw = SELECTED + AROUND.replace(" {name: app}", metadata)
    woven, back = in_and_out(raw)
    assert "virtual-env-fn.dev/selector" in woven
    assert back == re.sub(r"(app: app), virtual-env: [a-z.]+", r"\1", raw)
