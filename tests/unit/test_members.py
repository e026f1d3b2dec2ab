"""Lists as input: JSON in and out, members of Lists edited in place, namespaces that are to come, empty input."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from lists import base, codes, service, workload

from krm_fn import function
from krm_fn.text import document

ROUTES = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "app", "resourceVersion": "99", "uid": "4c0c"},
    "spec": {"hosts": ["app"], "http": [{"route": [{"destination": {"host": "app"}}]}]},
    "status": {"observedGeneration": 1},
}
OBJECTS = [service(), workload("a", "dev"), workload("b", "dev.x"), ROUTES]


def listed(kind="List", version="v1", members=OBJECTS):
    return {"apiVersion": version, "kind": kind, "metadata": {"resourceVersion": ""}, "items": members}


def json_documents(text):
    """The objects of a text as a JSON reader takes them, one after the other."""
    decoder, place, found = json.JSONDecoder(), 0, []
    while place < len(text.rstrip()):
        value, end = decoder.raw_decode(text, place)
        found.append(value)
        place = len(text) - len(text[end:].lstrip())
    return found


@pytest.mark.parametrize("indent", [None, 4])
def test_a_json_list_grows(indent):
    """What `kubectl get -o json` wrote comes back as one JSON List, with the new object in it and the woven routes."""
    outcome = function.run(json.dumps(listed(), indent=indent).encode(), base())
    (value,) = json_documents(outcome.output.decode())
    assert [one["kind"] for one in value["items"]] == [*(one["kind"] for one in OBJECTS), "DestinationRule"]
    assert len(value["items"][3]["spec"]["http"]) == 3
    assert value["items"][3]["status"] == ROUTES["status"]
    assert function.run(outcome.output, base()).output == outcome.output


@pytest.mark.parametrize("between", ["\n", " ", "\n---\n"])
def test_json_objects_in_a_row_get_more_of_their_kind(between):
    """No `---` where the input had none: JSON's own readers do not know it."""
    outcome = function.run(between.join(map(json.dumps, OBJECTS[:3])).encode(), base())
    text = outcome.output.decode()
    assert ("---" in text) == ("---" in between)
    kinds = [one["kind"] for one in json_documents(text.replace("---\n", ""))]
    assert kinds[3:] == ["DestinationRule", "VirtualService"]


@pytest.mark.parametrize("form", ["stream", "ResourceList", "List in a List"])
def test_members_are_edited_in_place(form):
    """A member of a List gets its routes where it stands: lines are added, and none is changed."""
    text = yaml.safe_dump(listed(), sort_keys=False)
    if form == "ResourceList":
        inner = "".join(f"  {line}\n" for line in text.splitlines())
        text = f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n-{inner[1:]}"
    elif form == "List in a List":
        text = yaml.safe_dump(listed(members=[listed()]), sort_keys=False)
    woven = function.run(text.encode(), base())
    assert not woven.failed
    assert woven.output.count(b"virtual-env--") > 2
    assert all(line in woven.output.decode().splitlines() for line in text.splitlines())
    assert function.run(woven.output, base()).output == woven.output


@pytest.mark.parametrize(
    ("kind", "version", "place"), [("DeploymentList", "apps/v1", slice(1, 3)), ("ServiceList", "v1", slice(0, 1))]
)
@pytest.mark.parametrize("said", [{}, {"apiVersion": None, "kind": None}, {"apiVersion": "", "kind": ""}])
def test_typed_lists_are_read_through(kind, version, place, said):
    """DeploymentList and ServiceList hold sources; their members may leave out what they are, or say null."""
    members = [{key: part for key, part in one.items() if key not in ("apiVersion", "kind")} for one in OBJECTS[place]]
    members = [{**said, **one} for one in members]
    others = [one for one in OBJECTS[:3] if one not in OBJECTS[place]]
    raw = yaml.safe_dump_all([listed(kind, version, members), *others], sort_keys=False).encode()
    outcome = function.run(raw, base())
    assert not outcome.failed
    assert outcome.output.count(b"kind: VirtualService") == 1


def test_generate_leaves_out_what_the_cluster_filled_in(tmp_path):
    """What `generate` prints can be applied whatever the cluster has meanwhile: no resourceVersion, uid, status."""
    (tmp_path / "got.yaml").write_text(yaml.safe_dump(listed(), sort_keys=False))
    code = "import sys; from krm_fn.command.main import main; sys.exit(main(sys.argv[1:]))"
    command = [
        sys.executable,
        "-c",
        code,
        "generate",
        "--set",
        "envLabel.defaultSubset=dev",
        str(tmp_path / "got.yaml"),
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (woven,) = [one for one in yaml.safe_load_all(printed) if one["kind"] == "VirtualService"]
    assert woven["metadata"] == {"name": "app"}
    assert "status" not in woven
    assert len(woven["spec"]["http"]) == 3


def test_a_kind_given_twice_is_an_error():
    """Readers disagree on what such an object is: kubectl refuses, others take the last."""
    raw = b"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}\nkind: ConfigMap\n"
    assert codes(function.run(raw).results) == ["duplicate-key"]
    assert codes(function.run(raw.replace(b"kind: ConfigMap", b"apiVersion: v2")).results) == ["duplicate-key"]
    assert "duplicate-key" not in codes(function.run(raw.replace(b"kind: ConfigMap", b"kind: Service")).results)


@pytest.mark.parametrize(
    "raw",
    [
        b"apiVersion: v1\nkind: List\nitems: []\nitems:\n- {apiVersion: v1, kind: ConfigMap}\n",
        b"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap}\nitems:\n",
        b"apiVersion: v1\nkind: A\n---\n{apiVersion: v1, kind: ConfigMapList, items: [], items: [{kind: A}]}\n",
        b"apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items: []\n  items: [{kind: A}]\n",
        b'{"apiVersion":"v1","kind":"List","items":[],"items":[{"apiVersion":"v1","kind":"ConfigMap"}]}',
    ],
)
def test_items_given_twice_are_an_error(raw):
    """kubectl takes the last of them, kustomize the first: for one of them objects would be gone."""
    assert codes(function.run(raw).results) == ["duplicate-key"]


def test_a_glued_marker_is_told():
    """`---apiVersion: v1` is a key to YAML, and was meant to part documents."""
    (result,) = function.run(b"apiVersion: v1\nkind: A\n---apiVersion: v1\nkind: B\n").results
    assert "---" in result.message
    assert result.code.slug == "input-shape"


def test_a_label_given_twice_where_nobody_reads_it_passes():
    """A Service's own labels are read by nobody here."""
    raw = b"apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {x: a, x: b}}\nspec: {selector: {app: a}}\n"
    assert function.run(raw).results == ()


def test_the_option_namespace_brings_both_together():
    """A chart that names the release's namespace in some templates only: warned about, and routed with the option."""
    values = [service(), workload("a", "dev", namespace="team"), workload("b", "dev.x", namespace="team")]
    raw = yaml.safe_dump_all(values, sort_keys=False).encode()
    assert codes(function.run(raw, base()).results) == ["namespace-mixed"]
    outcome = function.run(raw, base(namespace="team"))
    new = [item.value for item in document.parse(outcome.output).items][3:]
    assert [one["metadata"]["namespace"] for one in new] == ["team", "team"]


@pytest.mark.parametrize("raw", [b"", b"# nothing\n", b"---\n"])
def test_empty_input_passes_where_it_may(raw):
    """`--allow-empty`: nothing in, the same out, exit 0; without it an error that names it."""
    code = "import sys; from krm_fn.command.main import main; sys.exit(main(sys.argv[1:]))"
    run = [sys.executable, "-c", code]
    allowed = subprocess.run([*run, "--allow-empty"], input=raw, capture_output=True, check=False)
    assert (allowed.returncode, allowed.stdout, allowed.stderr) == (0, raw, b"")
    refused = subprocess.run(run, input=raw, capture_output=True, check=False)
    assert refused.returncode == 1
    assert b"--allow-empty" in refused.stderr
