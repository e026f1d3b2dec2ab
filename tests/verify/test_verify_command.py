"""The command: exit codes, forms of output, explain --proxy, and what docs/verify.md says of them."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from dumps import HOST, LIST, cluster_name, endpoint
from markdown_it import MarkdownIt

from krm_fn.command import main
from krm_fn.verify.causes import Cause

DOCS = (Path(__file__).resolve().parents[2] / "docs" / "verify.md").read_text()
BAD = """\
sidecar shop/client (Istio 1.30.0): 11 cells asked, 4 differ

  Service shop/app: the VirtualService that the proxy has lacks the route: VirtualService shop/app
    port 8080, header X-Virtual-Env 'dev.a': dev.a should answer; gets pods of dev, by route dev
    port 8080, header X-Virtual-Env 'dev.a.nobody-knows-this': dev.a should answer; gets pods of dev, by route dev
"""


@pytest.fixture
def bad(made):
    """A dump whose VirtualService lacks the route of dev.a, and whose dev has a pod of nobody's in its subset."""
    made.routes = made.routes[2:]
    return made


def test_a_difference_is_exit_code_1(run, bad):
    """Cells that differ stand below their cause and its object."""
    code, out, err = run(bad.raw())
    assert (code, err) == (1, "")
    assert out == BAD.replace("4 differ", "2 differ")


def test_json(run, bad, made):
    """`--format json` has every difference with its place and cause, and what cannot be told."""
    made.endpoints[cluster_name("dev")].append(endpoint("stranger", "10.0.0.9"))
    code, out, _ = run(bad.raw(), "--format", "json")
    said = json.loads(out)
    assert (code, said["kind"], said["apiVersion"]) == (1, "Verify", "views.virtual-env-fn.dev/v1")
    (proxy,) = said["proxies"]
    assert proxy["asked"] == 11
    assert {one["reason"] for one in proxy["untold"]} == {
        "pods of shop/stranger answer, and the list has no such workload"
    }
    assert len(proxy["untold"]) + len(proxy["differences"]) == 11
    _, out, _ = run(made.raw(), "--format", "json")
    assert not json.loads(out)["proxies"][0]["clean"]


def test_json_of_a_difference(run, bad):
    """Each field of a difference is as docs/verify.md says."""
    _, out, _ = run(bad.raw(), "--format", "json")
    assert json.loads(out)["proxies"][0]["differences"][0] == {
        "service": "app",
        "namespace": "shop",
        "port": 8080,
        "host": None,
        "path": "/",
        "carrier": "header X-Virtual-Env",
        "value": "dev.a",
        "cause": "route-missing",
        "sentence": "the VirtualService that the proxy has lacks the route: VirtualService shop/app",
        "object": "VirtualService shop/app",
        "expected": ["dev.a"],
        "found": "pods of dev",
        "route": "dev",
    }


def test_the_documentation_has_every_field_and_cause(run, bad):
    """docs/verify.md names every field of the JSON, and every cause once."""
    _, out, _ = run(bad.raw(), "--format", "json")
    (proxy,) = json.loads(out)["proxies"]
    table = DOCS.partition("## JSON")[2]
    for field in (*proxy, *proxy["differences"][0]):
        assert f"`{field}" in table or f".{field}[]`" in table, field
    causes = DOCS.partition("## Causes")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `([a-z-]+)`", causes, re.MULTILINE)) == sorted(one.slug for one in Cause)


def test_markdown(run, bad):
    """`--format md` is a table in which names stay text."""
    code, out, _ = run(bad.raw(), "--format", "md")
    html = MarkdownIt("commonmark").enable("table").render(out)
    assert code == 1
    assert html.count("<tr>") == 2
    assert "<code>VirtualService shop/app</code>" in html


def test_output_to_a_file(run, made, tmp_path):
    """`-o` writes the file, whole."""
    assert run(made.raw(), "-o", "out.txt")[:2] == (0, "")
    assert "all as the plan says" in (tmp_path / "out.txt").read_text()


def test_several_proxies_and_stdin(made, tmp_path, monkeypatch, capsys):
    """`--proxy` takes several; `-` is stdin; one that differs decides the exit code."""
    good = made.raw()
    made.routes = made.routes[2:]
    (tmp_path / "bad.json").write_bytes(made.raw())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(good)))
    (tmp_path / "list.yaml").write_text(LIST)
    assert main.main(["verify", "list.yaml", "--proxy", "-", "bad.json"]) == 1
    assert capsys.readouterr().out.count("sidecar shop/client") == 2


def test_a_file_that_is_not_there(tmp_path, monkeypatch, capsys):
    """A dump that cannot be read is an error of its own, and the others are asked all the same."""
    (tmp_path / "list.yaml").write_text(LIST)
    monkeypatch.chdir(tmp_path)
    assert main.main(["verify", "list.yaml", "--proxy", "nothing.json"]) == 1
    assert "nothing.json: cannot be read: No such file or directory [path-unreadable]" in capsys.readouterr().err


def test_neither_proxy_nor_live_is_a_wrong_command_line(capsys):
    """Without dumps there is nothing to compare with: usage, exit code 2."""
    assert main.main(["verify", "list.yaml"]) == 2
    assert "verify takes --proxy DUMP, or --live" in capsys.readouterr().err


def test_a_list_with_errors_is_not_compared(made, tmp_path, capsys):
    """What the function refuses has no routes that a proxy could have: its errors, and exit code 1."""
    (tmp_path / "dump.json").write_bytes(made.raw())
    (tmp_path / "bad.yaml").write_text(LIST.replace("virtual-env: dev}", "other: dev}"))
    assert main.main(["verify", str(tmp_path / "bad.yaml"), "--proxy", str(tmp_path / "dump.json")]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "[unlabelled-workload]" in said.err


def test_explain_shows_the_way_in_the_proxy(run, made):
    """`explain --proxy` adds listener, route table, virtual host, route, cluster and pods, with the proxy's names."""
    code, out, _ = run(made.raw(), "--env", "dev.a.x", command="explain")
    assert code == 0
    assert out.partition("\nThrough ")[2] == (
        "sidecar shop/client\n\n"
        "shop/app port 8080\n"
        f"  listener 0.0.0.0_8080, routes 8080, virtual host {HOST}:8080\n"
        f"  route dev.a of VirtualService shop/app → {cluster_name('dev-a')} of DestinationRule shop/app"
        " → pods of dev.a (app-a 10.0.0.2:8080)\n"
        "  as the plan says\n"
    )


def test_explain_says_where_the_proxy_parts_from_the_plan(run, bad):
    """A proxy that does something else is told with the cause, and exit code 1; JSON has the same."""
    code, out, _ = run(bad.raw(), "--env", "dev.a", command="explain")
    assert code == 1
    assert "not as the plan says: the VirtualService that the proxy has lacks the route: VirtualService shop/app" in out
    code, out, _ = run(bad.raw(), "--env", "dev.a", "--format", "json", command="explain")
    ((hop,),) = [one["hops"] for one in json.loads(out)["proxies"]]
    assert (code, hop["cause"], hop["virtualHost"]) == (1, "route-missing", f"{HOST}:8080")
    assert hop["outcomes"][0]["who"] == "pods of dev (app-dev 10.0.0.1:8080)"


@pytest.mark.parametrize("share", [40, 60])
def test_shares_that_are_not_the_list_s(run, made, share):
    """Half of the requests to somebody else is a difference, whichever half it is."""
    parts = [{"name": cluster_name("dev"), "weight": share}, {"name": cluster_name("dev-a"), "weight": 100 - share}]
    made.routes[2]["route"] = {"weighted_clusters": {"clusters": parts}}
    code, out, _ = run(made.raw())
    assert code == 1
    assert "the proxy has an object of the list with other content" in out


def test_the_page_shows_it(run, bad, tmp_path, capsys):
    """`page --verify` takes what `--format json` wrote, and puts each cell with its words into the page's data."""
    run(bad.raw(), "--format", "json", "-o", "found.json")
    assert main.main(["page", "list.yaml", "--verify", "found.json", "-o", "page.html"]) == 0
    html = (tmp_path / "page.html").read_text()
    data = json.loads(html.partition('id="data">')[2].partition("</script>")[0])
    assert data["mesh"] == [
        {
            "summary": "sidecar shop/client: 11 cells asked, 2 differ, 0 cannot be told",
            "cells": [
                {
                    "service": "shop/app",
                    "value": value,
                    "differs": True,
                    "text": "port 8080, header X-Virtual-Env: dev.a should answer; gets pods of dev: "
                    "the VirtualService that the proxy has lacks the route: VirtualService shop/app",
                }
                for value in ("dev.a", "dev.a.nobody-knows-this")
            ],
        }
    ]
    for text, message in (("{}", "is no result of verify"), ("x", "is no JSON")):
        (tmp_path / "found.json").write_text(text)
        assert main.main(["page", "list.yaml", "--verify", "found.json", "-o", "page.html"]) == 1
        assert f"found.json: {message}" in capsys.readouterr().err


def test_members_of_lists_and_a_namespace_to_come(made, tmp_path, capsys):
    """Objects of a v1 List without a namespace are in the one that --set says, or else where the proxy knows them."""
    bare = LIST.replace(", namespace: shop", "").split("---\n")
    items = "".join(f"- {one.strip()}\n".replace("\n", "\n  ").rstrip(" ") for one in bare)
    (tmp_path / "list.yaml").write_text(f"apiVersion: v1\nkind: List\nitems:\n{items}")
    (tmp_path / "dump.json").write_bytes(made.raw())
    command = ["verify", str(tmp_path / "list.yaml"), "--proxy", str(tmp_path / "dump.json")]
    assert main.main(command) == 0
    assert main.main([*command, "--set", "namespace=shop"]) == 0
    capsys.readouterr()
    assert main.main([*command, "--set", "namespace=other"]) == 1
    assert "the proxy does not know the Service" in capsys.readouterr().out
