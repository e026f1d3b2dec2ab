"""JSON through the function, from and to real tools: kubectl and jq read what it hands on, each object once."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from host_tools import part, run

OBJECTS = [
    {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]},
    },
    *(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": env, "labels": {"app": "web", "virtual-env": env}},
            "spec": {"containers": [{"name": "app", "image": f"{env}:\u2028 ☃ 😀"}]},
        }
        for env in ("dev", "dev.x")
    ),
]
LIST = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": OBJECTS}
FOUND = Counter(["Service", "Pod", "Pod", "VirtualService", "DestinationRule"])
FORMS = {
    "a list": json.dumps(LIST),
    "a list, as kubectl writes it": json.dumps(LIST, indent=4, ensure_ascii=False) + "\n",
    "one a line": "\n".join(map(json.dumps, OBJECTS)),
    "one a line, and a last line end": "".join(json.dumps(one) + "\n" for one in OBJECTS),
    "in a row": "".join(json.dumps(one, indent=2) for one in OBJECTS),
    "apart by blanks": "  \n\n ".join(json.dumps(one, indent=2) for one in OBJECTS) + " ",
    "CRLF": "".join(json.dumps(one, indent=2).replace("\n", "\r\n") + "\r\n" for one in OBJECTS),
    "two lists": "\n".join(json.dumps({**LIST, "items": part}) for part in (OBJECTS[:1], OBJECTS[1:])),
    "a list and more": json.dumps({**LIST, "items": OBJECTS[:2]}) + json.dumps(OBJECTS[2], indent="\t"),
}


@pytest.fixture
def through(tmp_path, env):
    """Return what sends a text through the function, and the function's output through a tool."""

    def send(text, *tool):
        done = run(part("virtual-env-fn"), cwd=tmp_path, env=env, stdin=text)
        return run(part(tool[0]), *tool[1:], cwd=tmp_path, env=env, stdin=done.stdout).stdout

    return send


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "mark of UTF-8"])
@pytest.mark.parametrize("form", FORMS)
def test_kubectl_reads_all_of_it(through, form, mark):
    """kubectl finds the input's objects and the new ones, whatever form of JSON went in."""
    names = through(mark + FORMS[form], "kubectl", "annotate", "--local", "-f", "-", "a=b", "-o", "name")
    kinds = {
        "service": "Service",
        "pod": "Pod",
        "virtualservice.networking.istio.io": "VirtualService",
        "destinationrule.networking.istio.io": "DestinationRule",
    }
    assert Counter(kinds[name.partition("/")[0]] for name in names.split()) == FOUND


@pytest.mark.parametrize("form", FORMS)
def test_jq_reads_all_of_it(through, form):
    """jq, too, which knows JSON alone; and what went in comes out, in its order."""
    objects = through(FORMS[form], "jq", "-c", "if .items then .items[] else . end")
    read = [json.loads(line) for line in objects.rstrip("\n").split("\n")]
    assert Counter(one["kind"] for one in read) == FOUND
    assert [one for one in read if one in OBJECTS] == OBJECTS


@pytest.mark.parametrize("options", [("-c",), (), ("--tab",), ("-S",), ("-a", "-c")], ids=" ".join)
def test_what_jq_writes_is_read(through, tmp_path, env, options):
    """However jq lays out the objects of a list, a second jq finds them and the new ones behind the function."""
    written = run(part("jq"), *options, ".items[]", cwd=tmp_path, env=env, stdin=json.dumps(LIST)).stdout
    kinds = through(written, "jq", "-r", ".kind")
    assert Counter(kinds.split()) == FOUND


def test_utf_16_is_named(tmp_path, env):
    """JSON in UTF-16, as old PowerShell writes it into a pipe's file, is refused by what it is."""
    (tmp_path / "in.json").write_bytes(json.dumps(LIST).encode("utf-16"))
    script = f"{part('virtual-env-fn')} < in.json > out.json"
    assert "is UTF-16" in run("sh", "-c", script, cwd=tmp_path, env=env, code=1).stderr
