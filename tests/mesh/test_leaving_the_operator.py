"""Leaving the operator as docs/leaving-the-operator.md says: no request fails on the way, at any step.

A cluster that goes from the operator's objects to the function's is in one state after another, an object at a time.
In each of them a request is answered as it was before, or as it will be at the end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from . import Mesh, parts, table
from .package import rendered
from .worlds import istio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .table import Outcome, Row

EXAMPLE = parts.ROOT / "examples" / "leaving-the-operator"
HEADER, LABEL, BASE = "ali-env-mark", "virtual-env", "dev"
ROUTES = ("VirtualService", "DestinationRule", "EnvoyFilter")
OWNER = "virtual-env-fn.dev/owner"

Manifest = dict[str, Any]
Key = tuple[str, str]


def key(manifest: Manifest) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


@cache
def package() -> tuple[list[Manifest], dict[Key, Manifest]]:
    """Return the example's own manifests, and what the function generates for them in the order that it prints."""
    manifests = [one for one in rendered(EXAMPLE).manifests if one["kind"] != "VirtualEnvironment"]
    ours = {key(one): one for one in manifests if OWNER in one["metadata"].get("annotations", {})}
    return [one for one in manifests if key(one) not in ours], ours


@cache
def operators() -> dict[Key, Manifest]:
    """Return what the operator 0.6.0 has in the cluster for the example, with all that is wrong with it.

    Read from its router, not run: a route for each value of the namespace that a Service has pods or ancestors for,
    then the default; the rule's first match in each of them; gateways and hosts beside the Service's own.
    """
    made: dict[Key, Manifest] = {}
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in package()[0] if one["kind"] == "Deployment"]
    for one in package()[0]:
        if one["kind"] == "Service":
            selector = one["spec"].get("selector", {})
            own = sorted({pod[LABEL] for pod in labels if selector.items() <= pod.items()})
            for manifest in _of_service(one, own, sorted({pod[LABEL] for pod in labels})):
                made[key(manifest)] = manifest
    return made


def _of_service(service: Manifest, own: list[str], known: list[str]) -> Iterator[Manifest]:
    name, notes = service["metadata"]["name"], service["metadata"].get("annotations", {})
    port = service["spec"]["ports"][0]["port"]
    rule = yaml.safe_load(notes.get("kt-virtual-environment/rule", "{}").lower())
    values = [value for value in known if _answer(value, own) not in (None, BASE)]
    http = [
        {
            "match": [
                {
                    "port": port,
                    **({"headers": {HEADER: {"exact": value}}} if value else {}),
                    **rule.get("match", [{}])[0],
                }
            ],
            **({"rewrite": rule["rewrite"]} if rule else {}),
            "route": [_to(name, _answer(value, own) if value else BASE, port)],
        }
        for value in (*values, None)
    ]
    subsets = [{"name": one.replace(".", "-"), "labels": {LABEL: one}} for one in own]
    gateways = ["mesh", *_names(notes.get("kt-virtual-environment/gateways", ""))]
    hosts = [name, *_names(notes.get("kt-virtual-environment/hosts", ""))]
    yield istio("DestinationRule", name, "demo", host=name, subsets=subsets)
    yield istio("VirtualService", name, "demo", gateways=gateways, hosts=hosts, http=http)


def _names(text: str) -> list[str]:
    return text.split(",") if text else []


def _answer(value: str, own: list[str]) -> str | None:
    while value not in own and "." in value:
        value = value.rpartition(".")[0]
    return value if value in own else None


def _to(host: str, environment: str | None, port: int) -> Manifest:
    subset = (environment or "").replace(".", "-")
    return {"destination": {"host": host, "subset": subset, "port": {"number": port}}, "weight": 100}


def states() -> Iterator[tuple[str, dict[Key, Manifest]]]:
    """Yield the cluster's routes after each object of the documented order, with what was done last."""
    before, after = operators(), package()[1]
    cluster = dict(before)
    yield "the operator stopped", dict(cluster)
    for name in [one for one in after if one not in before]:
        cluster[name] = after[name]
        yield f"created {'/'.join(name)}", dict(cluster)
    for name in [one for one in after if one in before]:
        cluster[name] = after[name]
        yield f"replaced {'/'.join(name)}", dict(cluster)
    for kind in ROUTES:  # routes before the subsets that they name
        for name in [one for one in before if one not in after and one[0] == kind]:
            del cluster[name]
            yield f"deleted {'/'.join(name)}", dict(cluster)
    assert cluster == after


def asked(routes: dict[Key, Manifest]) -> dict[str, Outcome]:
    """Ask every single request of the example's table in a cluster with these routes."""
    with Mesh([*package()[0], *routes.values()]) as mesh:
        return {cell.row.text: cell.found for cell in table.ask(mesh, requests(), HEADER)}


def requests() -> list[Row]:
    found = table.rows(yaml.safe_load((EXAMPLE / "requests.yaml").read_bytes()))
    return [row for row in found if len(row.hops) == 1]


def test_no_request_fails_on_the_way():
    """After each step every request is answered as by the operator, or as it will be; at the end, as it should be."""
    expected = {row.text: row.answers[0] for row in requests()}
    before: dict[str, Outcome] = {}
    found: dict[str, Outcome] = {}
    for step, routes in states():
        found = asked(routes)
        before = before or found
        assert {text: answer for text, answer in found.items() if answer not in (before[text], expected[text])} == {}, (
            step
        )
    assert found == expected
    better = [text for text in expected if before[text] != expected[text]]
    assert len(better) == 2, "the rows of requests.yaml that say what was wrong before"


def test_deleting_the_resource_first_spreads_requests_over_everybody():
    """What the order is for: the operator's objects go with its resource, and then nobody's requests reach anybody."""
    assert "spread" in asked({}).values()


def test_a_gateway_needs_its_routes_before_the_operator_s_are_replaced():
    """What the order is for: without the new VirtualService for its hosts first, a gateway knows them no more."""
    early = {**operators(), ("VirtualService", "app-js"): package()[1]["VirtualService", "app-js"]}
    assert 404 in asked(early).values()


# Stands in for kubectl and the API server behind it: the few calls of the document, on a file of objects.
STAND_IN = """\
import json, sys, yaml
state, log, argv = {state!r}, {log!r}, sys.argv[1:]
objects = json.load(open(state))
say = lambda words: print(words, file=open(log, "a"))
argv = argv[2:] if argv[0] == "-n" else argv
verb, code = argv[0], 0
named = [one for one in argv[1:] if "/" in one and not one.startswith("-")]
if verb == "get":
    for name, one in objects.items():
        print(f"{{name}} owner={{one['owner']}} ours={{one['ours']}}")
elif verb in ("create", "replace"):
    for one in yaml.safe_load_all(open(argv[argv.index("-f") + 1])):
        name = one["kind"] + "/" + one["metadata"]["name"]
        if (name in objects) == (verb == "create"):
            code = 1  # exists already, or not yet: this one stays as it is, the others are done
        elif verb == "create" or objects[name]["ours"] == "":
            objects[name] = dict(owner="", ours=one["metadata"]["annotations"]["virtual-env-fn.dev/owner"])
            say(f"{{verb}}d {{name}}")
elif verb == "delete" and named:
    for name in named:
        del objects[name]
        say(f"deleted {{name}}")
elif verb == "delete" and argv[1].startswith("virtualenvironments"):
    orphan = "--cascade=orphan" in argv
    objects = {{name: dict(one, owner="") for name, one in objects.items() if orphan or not one["owner"]}}
elif verb not in ("scale", "label", "delete"):
    sys.exit(f"the stand-in for kubectl does not know {{argv}}")
json.dump(objects, open(state, "w"))
sys.exit(code)
"""


def test_the_commands_of_the_document_go_through_these_states(tmp_path):
    """The document's commands, run as they stand, change the routes in the order that is tested above."""
    text = (parts.ROOT / "docs" / "leaving-the-operator.md").read_text(encoding="utf-8")
    block = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    assert "# 1. Stop the operator" in block
    state, log = tmp_path / "state.json", tmp_path / "log"
    objects = {"/".join(one): {"owner": "VirtualEnvironment", "ours": ""} for one in operators()}
    users = {"VirtualService/users": {"owner": "", "ours": ""}}
    state.write_text(json.dumps({**objects, **users}))
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!{sys.executable}\n" + STAND_IN.format(state=str(state), log=str(log)))
    kubectl.chmod(0o755)
    env = {**os.environ, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])}
    package_ = shutil.copytree(EXAMPLE, tmp_path / "package")
    subprocess.run(["bash", "-c", block], cwd=package_, env=env, capture_output=True, timeout=60, check=True)
    assert log.read_text().splitlines() == [step for step, _ in states()][1:]
    left = json.loads(state.read_text())
    assert left.keys() == {"/".join(one) for one in package()[1]} | users.keys()


@pytest.mark.parametrize("name", ["app-js", "app-go", "app-java"])
def test_subsets_keep_their_names(name):
    """A rule of ours has the subsets of the operator's, so that routes of either find them."""
    theirs, ours = operators()["DestinationRule", name], package()[1]["DestinationRule", name]
    assert ours["spec"]["subsets"] == theirs["spec"]["subsets"]
