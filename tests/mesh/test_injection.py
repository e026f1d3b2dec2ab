"""Header injection: a labelled pod that sends no header is routed as its label says; the next pod sees the header."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess

import pytest
import yaml

from krm_fn.istio.inject import LABELS_FILE

from . import Mesh, parts
from .package import run
from .worlds import service, workload

HEADER = "x-virtual-env"
LABEL = "virtual-env"
INJECTORS = ["early", "lua"]


def config(injector="early", label=LABEL, header="X-Virtual-Env"):
    spec = {
        "envLabel": {"defaultSubset": "dev", "name": label},
        "envHeader": {"autoInject": True, "name": header},
        "istio": {"injector": injector},
    }
    metadata = {"name": "virtual-env"}
    return {
        "apiVersion": "virtual-env-fn.dev/v1alpha1",
        "kind": "VirtualEnvironment",
        "metadata": metadata,
        "spec": spec,
    }


def app(*environments, label=LABEL):
    made = [service("app"), service("api", {"name": "grpc", "port": 9000}), service("feed", {"port": 7000})]
    made += [workload(name, one) for name in ("app", "api", "feed") for one in environments]
    return json.loads(json.dumps(made).replace(f'"{LABEL}":', f'"{label}":'))


@contextlib.contextmanager
def mesh_of(manifests, given, labels, folder, *, twice=False, label=LABEL):
    """Serve what the function makes; yield the sidecar of a client pod with these labels.

    The Lua filter reads the labels from a file that the kubelet writes; here a file of the test stands in for it.
    """
    listed = list(yaml.safe_load_all(run(manifests, given)))
    filters = [one for one in listed if one["kind"] == "EnvoyFilter"]
    assert len(filters) == 1
    if twice:
        listed.append({**filters[0], "metadata": {**filters[0]["metadata"], "name": "again"}})
    file = folder / "labels"
    file.write_text("".join(f'{key}="{value}"\n' for key, value in {"app": "x=y", **labels}.items()), encoding="utf-8")
    served = json.loads(json.dumps(listed).replace(LABELS_FILE, str(file)))
    with Mesh(served, label=label) as mesh:
        yield mesh.sidecar(labels=labels)


@pytest.mark.parametrize("injector", INJECTORS)
def test_the_label_is_the_header(injector, tmp_path):
    """Without a header a pod's requests are those of its label, in every protocol, and the next pod sees the header."""
    manifests = app("dev", "dev.proj1")
    with mesh_of(manifests, config(injector), {LABEL: "dev.proj1"}, tmp_path) as caller:
        for asked in (
            {"service": "app"},
            {"service": "app", "protocol": "http2"},
            {"service": "api", "protocol": "grpc"},
            {"service": "feed"},
        ):
            answer = caller.ask(**asked)
            assert (answer.environment, answer.saw(HEADER)) == ("dev.proj1", ["dev.proj1"])


@pytest.mark.parametrize("injector", INJECTORS)
def test_a_label_below_follows_its_ancestors(injector, tmp_path):
    """A pod of an environment that the Service does not have reaches the nearest ancestor, by its own full name."""
    with mesh_of(app("dev", "dev.proj1"), config(injector), {LABEL: "dev.proj1.user1"}, tmp_path) as caller:
        answer = caller.ask("app")
        assert (answer.environment, answer.saw(HEADER)) == ("dev.proj1", ["dev.proj1.user1"])


@pytest.mark.parametrize("injector", INJECTORS)
def test_a_header_that_is_there_stays(injector, tmp_path):
    """A request that names an environment, or by an empty header none, is left as it is."""
    with mesh_of(app("dev", "dev.proj1", "dev.proj2"), config(injector), {LABEL: "dev.proj1"}, tmp_path) as caller:
        answer = caller.ask("app", headers={"X-Virtual-Env": "dev.proj2"})
        assert (answer.environment, answer.saw(HEADER)) == ("dev.proj2", ["dev.proj2"])
        answer = caller.ask("app", headers={HEADER: ""})
        assert (answer.environment, answer.saw(HEADER)) == ("dev", [""])


@pytest.mark.parametrize("injector", INJECTORS)
def test_a_pod_without_the_label_adds_nothing(injector, tmp_path):
    """A pod without the label sends no header, so the base answers."""
    with mesh_of(app("dev", "dev.proj1"), config(injector), {"app": "client"}, tmp_path) as caller:
        answer = caller.ask("app")
        assert (answer.environment, answer.saw(HEADER)) == ("dev", [])
        assert caller.ask("app", headers={HEADER: "dev.proj1"}).saw(HEADER) == ["dev.proj1"]


@pytest.mark.parametrize("injector", INJECTORS)
def test_twice_is_once(injector, tmp_path):
    """Two filters of the kind, of two configurations say, add one header."""
    with mesh_of(app("dev", "dev.proj1"), config(injector), {LABEL: "dev.proj1"}, tmp_path, twice=True) as caller:
        answer = caller.ask("app")
        assert (answer.environment, answer.saw(HEADER)) == ("dev.proj1", ["dev.proj1"])


@pytest.mark.parametrize("injector", INJECTORS)
def test_names_of_ones_own(injector, tmp_path):
    """A label with a prefix and a header of another name are injected as they are configured."""
    label, header = "env.example.com/name", "Ali-Env-Mark"
    manifests, given = app("dev", "dev.proj1", label=label), config(injector, label, header)
    with mesh_of(manifests, given, {label: "dev.proj1"}, tmp_path, label=label) as caller:
        answer = caller.ask("app")
        assert (answer.environment, answer.saw(header)) == ("dev.proj1", ["dev.proj1"])


def test_an_older_proxy_is_spared():
    """A proxy before Istio 1.26, whose Envoy cannot read the mutation, gets none; one of 1.26 does."""
    manifests = list(yaml.safe_load_all(run(app("dev", "dev.proj1"), config())))
    with Mesh(manifests) as mesh:
        for version, environment in (
            ("1.25.4", "dev"),
            ("1.9.0", "dev"),
            ("1.26.0", "dev.proj1"),
            ("1.31-dev", "dev.proj1"),
        ):
            caller = mesh.sidecar(labels={LABEL: "dev.proj1"}, version=version)
            assert (caller.ask("app").environment, version) == (environment, version)
            dump = caller.envoy.admin("/config_dump")
            assert ("early_header_mutation_extensions" in dump) == (environment == "dev.proj1")


def test_lua_without_its_file_does_no_harm(tmp_path):
    """Where the labels file is not there the filter adds nothing, and requests go on."""
    listed = list(yaml.safe_load_all(run(app("dev", "dev.proj1"), config("lua"))))
    served = json.loads(json.dumps(listed).replace(LABELS_FILE, str(tmp_path / "nothing")))
    with Mesh(served) as mesh:
        answer = mesh.sidecar(labels={LABEL: "dev.proj1"}).ask("app")
        assert (answer.environment, answer.saw(HEADER)) == ("dev", [])


def test_what_the_application_must_do():
    """Injection names the pod that calls, not the request that it serves: without the header copied, a base pod that
    serves a request of dev.proj1 calls as the base; copied, the header wins over the pod's own label."""
    manifests = list(
        yaml.safe_load_all(
            run([*app("dev"), service("next"), workload("next", "dev"), workload("next", "dev.proj1")], config())
        )
    )
    with Mesh(manifests) as mesh:
        asked = {"headers": {HEADER: "dev.proj1"}, "hops": ["app", "next"]}
        assert [one.environment for one in mesh.chain(**asked)] == ["dev", "dev"]
        assert [one.environment for one in mesh.chain(**asked, copy=[HEADER])] == ["dev", "dev.proj1"]


@pytest.mark.parametrize("injector", INJECTORS)
def test_istioctl_finds_no_error(injector, tmp_path):
    """`istioctl` validates the filter and analyzes it without an Error (that it is an EnvoyFilter, it warns of)."""
    if not shutil.which("istioctl"):
        (pytest.skip if parts.may_skip("istioctl") else pytest.fail)("istioctl: run .ci/parts/istioctl")
    made = list(yaml.safe_load_all(run(app("dev", "dev.proj1"), config(injector))))
    ours = [one for one in made if "istio.io" in one["apiVersion"]]
    for name, listed, command in (("all", made, ["analyze", "--use-kube=false"]), ("ours", ours, ["validate", "-f"])):
        (tmp_path / name).with_suffix(".yaml").write_text(yaml.safe_dump_all(listed), encoding="utf-8")
        done = subprocess.run(
            ["istioctl", *command, tmp_path / f"{name}.yaml"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Error [" not in done.stdout + done.stderr


def test_nothing_is_injected_unless_asked():
    """Without autoInject there is no EnvoyFilter."""
    given = config()
    given["spec"]["envHeader"]["autoInject"] = False
    assert b"EnvoyFilter" not in run(app("dev", "dev.proj1"), given)
