"""The mesh tells the truth: handwritten routes, answered as Istio's documentation says, and what is wrong shown."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from . import Mesh, MeshMissing, MeshRejected, istiod, parts, table
from .worlds import HEADER, LABEL, app, demo, demo_routes, istio, routes, service, subsets, to, workload

PUBLISHED = """
- {chain: [app-js, app-go, app-java], header: dev.proj1, answer: [dev.proj1, dev, dev.proj1]}
- {chain: [app-js, app-go, app-java], header: dev.proj1.feature1, answer: [dev.proj1, dev, dev.proj1.feature1]}
- {chain: [app-js, app-go, app-java], header: dev.proj2, answer: [dev, dev.proj2, dev]}
- {chain: [app-js, app-go, app-java], answer: [dev, dev, dev]}
"""
GRPC = {"name": "grpc", "port": 9000}
UNNAMED = {"port": 9000}
TCP = {"name": "tcp", "port": 6379}


@pytest.fixture(scope="module")
def shop():
    with Mesh([*demo(), *demo_routes()]) as mesh:
        yield mesh


def test_chain(shop):
    """The operator's published table holds hop by hop, each asked from the pod that answered the one before."""
    cells = table.ask(shop, table.rows(yaml.safe_load(PUBLISHED)), HEADER)
    assert [str(cell) for cell in cells if not cell.right] == []
    assert len(cells) == 12


def test_a_chain_carries_only_what_the_application_copies(shop):
    """Without a header copied the second hop is asked with none."""
    answers = shop.chain(["app-js", "app-java"], headers={HEADER: "dev.proj1"})
    assert [answer.environment for answer in answers] == ["dev.proj1", "dev"]


def test_swapped_routes_make_the_table_wrong():
    """A shorter prefix before a longer one is found out, in the row that it breaks."""
    swapped = routes("app-java", "dev.proj1", "dev.proj1.feature1")
    with Mesh([*demo(), *demo_routes()[:2], swapped]) as mesh:
        cells = table.ask(mesh, table.rows(yaml.safe_load(PUBLISHED)), HEADER)
    wrong = [(cell.hop[0], cell.expected, cell.found) for cell in cells if not cell.right]
    assert wrong == [("app-java", "dev.proj1.feature1", "dev.proj1")]


def test_the_answer_says_what_the_pod_saw(shop):
    """An answer names pod, namespace, workload and port, and has the request as the pod saw it."""
    answer = shop.sidecar().ask("app-js", 8080, path="/a?b=c", headers=[("cookie", "a=b"), (HEADER, "dev.proj1.x")])
    assert (answer.status, answer.pod, answer.namespace) == (200, "app-js-dev-proj1", "default")
    assert (answer.workload, answer.port, answer.path) == ("Deployment/app-js-dev-proj1", 8080, "/a?b=c")
    assert (answer.saw("Cookie"), answer.saw(HEADER), answer.saw("x")) == (["a=b"], ["dev.proj1.x"], [])


@pytest.mark.parametrize("host", ["app-js", "app-js.default", "app-js.default.svc", "app-js.default.svc.cluster.local"])
def test_every_name_of_a_service(shop, host):
    """Short and full names of a Service are one host."""
    assert shop.sidecar().ask(host, headers={HEADER: "dev.proj1"}).environment == "dev.proj1"


def test_http2(shop):
    """HTTP/2 with prior knowledge follows the header on an HTTP port."""
    answer = shop.sidecar().ask("app-js", headers={HEADER: "dev.proj1"}, protocol="http2")
    assert (answer.status, answer.environment) == (200, "dev.proj1")


def test_no_routes_is_a_spread():
    """Without routes every pod of the Service answers, whatever the header."""
    with Mesh(demo()) as mesh:
        seen = mesh.sidecar().spread("app-java", headers={HEADER: "dev.proj1"}, times=60)
    assert set(seen) == {"app-java-dev", "app-java-dev-proj1", "app-java-dev-proj1-feature1"}


def test_grpc():
    """A unary gRPC call reaches the pods of its header as gRPC; a subset without pods is UNAVAILABLE."""
    manifests = [*app("pay", "dev", "dev.proj1", "dev.gone", ports=[GRPC]), routes("pay", "dev.proj1", "dev.gone")]
    without = [item for item in manifests if item["metadata"]["name"] != "pay-dev-gone"]
    with Mesh(without) as mesh:
        client = mesh.sidecar()
        right = client.ask("pay", headers={HEADER: "dev.proj1"}, protocol="grpc")
        gone = client.ask("pay", headers={HEADER: "dev.gone"}, protocol="grpc")
    assert (right.environment, right.protocol, right.grpc_status, right.path) == (
        "dev.proj1",
        "grpc",
        0,
        "/mesh.Who/Ask",
    )
    assert (gone.pod, gone.grpc_status, table.outcome(gone)) == ("", 14, 503)


def test_tcp():
    """TCP follows the caller's label, and else the base; an equal port of another Service is not touched by it."""
    by_label = {"match": [{"port": 6379, "sourceLabels": {LABEL: "dev.proj1"}}], "route": to("cache", "dev.proj1")}
    pinned = istio("VirtualService", "cache", hosts=["cache"], tcp=[by_label, {"route": to("cache", "dev")}])
    both = [*app("cache", "dev", "dev.proj1", ports=[TCP]), *app("queue", "dev", "dev.proj1", ports=[TCP])]
    with Mesh([*both, pinned]) as mesh:
        base, own = mesh.sidecar(), mesh.sidecar(pod="queue-dev-proj1")
        assert base.spread("cache", protocol="tcp") == {"cache-dev": 20}
        assert own.spread("cache", protocol="tcp") == {"cache-dev-proj1": 20}
        assert set(base.spread("queue", protocol="tcp", times=60)) == {"queue-dev", "queue-dev-proj1"}


def test_tcp_to_nobody_is_closed():
    """A TCP route to a subset without pods closes the connection."""
    nobody = istio("VirtualService", "cache", hosts=["cache"], tcp=[{"route": to("cache", "dev")}])
    manifests = [service("cache", TCP), workload("cache", "dev.proj1"), subsets("cache", "dev"), nobody]
    with Mesh(manifests) as mesh:
        answer = mesh.sidecar().ask("cache", protocol="tcp")
    assert (answer.closed, answer.pod, table.outcome(answer)) == (True, "", "closed")


def test_a_sniffed_port():
    """On a port without a name HTTP in every version follows the header, and plain TCP the tcp route."""
    pin = [{"match": [{"port": 9000}], "route": to("feed", "dev")}]
    with Mesh([*app("feed", "dev", "dev.proj1", ports=[UNNAMED]), routes("feed", "dev.proj1", tcp=pin)]) as mesh:
        client = mesh.sidecar()
        found = {
            protocol: {
                client.ask("feed", headers={HEADER: "dev.proj1"}, protocol=protocol).environment for _ in range(8)
            }
            for protocol in ("http1", "http2", "grpc", "tcp")
        }
    assert found == {"http1": {"dev.proj1"}, "http2": {"dev.proj1"}, "grpc": {"dev.proj1"}, "tcp": {"dev"}}


def test_tls():
    """TLS goes through to a pod unread: the pod sees the SNI, or that there was none."""
    with Mesh(app("vault", "dev", ports=[{"name": "https", "port": 8443}])) as mesh:
        named, silent = (mesh.sidecar().ask("vault", protocol="tls", sni=sni) for sni in ("vault.example.com", None))
    assert (named.pod, named.sni, silent.pod, silent.sni) == ("vault-dev", "vault.example.com", "vault-dev", None)


def test_a_gateway():
    """A gateway's proxy routes by host and header, over plain HTTP and over TLS that it ends itself."""
    servers = [
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]},
        {
            "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
            "hosts": ["*"],
            "tls": {"mode": "SIMPLE", "credentialName": "shop"},
        },
    ]
    gateway = istio("Gateway", "shop", selector={"istio": "ingress"}, servers=servers)
    route = routes("app-js", "dev.proj1", gateways=["shop"])
    route["spec"]["hosts"] = ["shop.example.com"]
    with Mesh([*demo(), gateway, route]) as mesh:
        asked = mesh.gateway("shop")
        mine = asked.ask("shop.example.com", headers={HEADER: "dev.proj1"})
        tls = asked.ask("shop.example.com", 443, headers={HEADER: "dev.proj1"}, protocol="tls")
        base, other = asked.ask("shop.example.com"), asked.ask("other.example.com")
    assert [one.environment for one in (mine, tls, base)] == ["dev.proj1", "dev.proj1", "dev"]
    assert (other.status, other.pod) == (404, "")


def test_gateway_api_routes():
    """HTTPRoute and GRPCRoute on a Service are served, with the defaults that the API server would fill in."""

    def route(kind, name, port):
        to_mine, to_base = ([{"name": f"{name}-{one}", "port": port}] for one in ("mine", "base"))
        matches = [{"headers": [{"name": HEADER, "value": "dev.proj1"}]}]
        spec = {
            "parentRefs": [{"group": "", "kind": "Service", "name": name}],
            "rules": [{"matches": matches, "backendRefs": to_mine}, {"backendRefs": to_base}],
        }
        api = "gateway.networking.k8s.io/v1"
        return {"apiVersion": api, "kind": kind, "metadata": {"name": name}, "spec": spec}

    def narrowed(name, *ports):
        pairs = (("mine", "dev.proj1"), ("base", "dev"))
        return [service(f"{name}-{one}", *ports, selector={"app": name, LABEL: env}) for one, env in pairs]

    manifests = [*app("web", "dev", "dev.proj1"), *narrowed("web"), route("HTTPRoute", "web", 8080)]
    manifests += [
        *app("pay", "dev", "dev.proj1", ports=[GRPC]),
        *narrowed("pay", GRPC),
        route("GRPCRoute", "pay", 9000),
    ]
    with Mesh(manifests) as mesh:
        client = mesh.sidecar()
        assert client.spread("web", headers={HEADER: "dev.proj1"}) == {"web-dev-proj1": 20}
        assert client.spread("web") == {"web-dev": 20}
        assert client.spread("pay", headers={HEADER: "dev.proj1"}, protocol="grpc") == {"pay-dev-proj1": 20}
        assert client.spread("pay", protocol="grpc") == {"pay-dev": 20}


def test_endpoints_are_those_that_kubernetes_would_make():
    """Named target ports, one per workload; no pods of other namespaces, of `replicas: 0`, of no selector."""
    named = {"name": "http", "port": 80, "targetPort": "web"}
    manifests = [
        service("web", named),
        workload("web", "dev", ports=[{"name": "web", "containerPort": 8001}]),
        workload("web", "dev.proj1", ports=[{"name": "web", "containerPort": 8002}]),
        workload("web", "dev.proj2", ports=[{"name": "other", "containerPort": 8003}]),
        workload("web", "dev.proj3", ports=[{"name": "web", "containerPort": 8004}], replicas=0),
        workload("web", "dev.proj4", ports=[{"name": "web", "containerPort": 8005}], namespace="elsewhere"),
        service("empty", selector={}),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "alias"}}
        | {"spec": {"type": "ExternalName", "externalName": "web.default.svc.cluster.local"}},
    ]
    with Mesh([{"apiVersion": "v1", "kind": "List", "items": manifests}]) as mesh:
        client = mesh.sidecar()
        answers = [client.ask("web") for _ in range(40)]
        assert {(one.pod, one.port) for one in answers} == {("web-dev", 8001), ("web-dev-proj1", 8002)}
        assert client.ask("empty").body == "no healthy upstream"
        assert client.ask("alias").pod in {"web-dev", "web-dev-proj1"}
        with pytest.raises(LookupError, match="no Service answers to the name 'web' in namespace 'elsewhere'"):
            mesh.sidecar("elsewhere").ask("web")


def test_a_target_port_below_1024_is_served():
    """Pods answer on ports that only root may bind, whoever runs the test."""
    with Mesh([service("web", {"name": "http", "port": 80}), workload("web", "dev")]) as mesh:
        assert mesh.sidecar().ask("web").pod == "web-dev"


def test_a_workload_at_zero_runs_when_something_wakes_it():
    """`replicas: 0` is no pod, unless a ScaledObject or an autoscaler that may go down to zero wakes it."""

    def scaled(kind, environment, **spec):
        target = {"scaleTargetRef": {"kind": "Deployment", "name": f"web-{environment}"}}
        return {"apiVersion": "v1", "kind": kind, "metadata": {"name": environment}, "spec": target | spec}

    sleeping = [workload("web", one, replicas=0) for one in ("keda", "hpa", "plain", "nobody")]
    wakers = [scaled("ScaledObject", "keda"), scaled("HorizontalPodAutoscaler", "hpa", minReplicas=0)]
    with Mesh([service("web"), *sleeping, *wakers, scaled("HorizontalPodAutoscaler", "plain")]) as mesh:
        assert [pod.name for pod in mesh.cluster.pods] == ["web-keda", "web-hpa"]


def test_a_pod_template_is_known_in_any_kind():
    """Whatever the kind and the path, what has `spec.containers` is a pod's template."""
    template = workload("web", "dev")["spec"]["template"]
    kinds = {
        "CronJob": {"jobTemplate": {"spec": {"template": template}}},
        "WebApp": {"podTemplate": template},
        "StatefulSet": {"template": template},
        "Pod": template["spec"],
        "PodTemplate": {"template": template},
        "ConfigMap": {},
    }
    items = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, "spec": spec} for kind, spec in kinds.items()
    ]
    with Mesh(items) as mesh:
        assert [pod.workload for pod in mesh.cluster.pods] == ["CronJob/a", "WebApp/a", "StatefulSet/a", "Pod/a"]
        assert [pod.name for pod in mesh.cluster.pods] == ["a", "a-webapp", "a-statefulset", "a-pod"]


def test_a_headless_service_is_steered_by_its_client():
    """The client of a headless Service chooses the pod: a subset has no effect."""
    headless = service("db", clusterIP="None")
    rest = [
        workload("db", "dev"),
        workload("db", "dev.proj1"),
        subsets("db", "dev", "dev.proj1"),
        routes("db", "dev.proj1"),
    ]
    with Mesh([headless, *rest]) as mesh:
        seen = mesh.sidecar().spread("db", headers={HEADER: "dev.proj1"}, times=60)
    assert set(seen) == {"db-dev", "db-dev-proj1"}


def test_istio_mutual_tls_in_a_destination_rule_is_taken_off():
    """A DestinationRule that asks for Istio's mutual TLS still routes: no backend here could end it."""
    mutual = subsets("app-js", "dev", "dev.proj1", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}})
    rest = [
        service("app-js"),
        workload("app-js", "dev"),
        workload("app-js", "dev.proj1"),
        routes("app-js", "dev.proj1"),
    ]
    with Mesh([mutual, *rest]) as mesh:
        assert mesh.sidecar().ask("app-js", headers={HEADER: "dev.proj1"}).environment == "dev.proj1"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (istio("DestinationRule", "a", host="a", subsets=[{"name": "a.b"}]), "subset name is invalid: a.b"),
        (istio("VirtualService", "a", hosts=["a"], http=[{"rout": []}]), "unknown fields"),
        (istio("VirtualService", "a", hosts=["a"]), "http, tcp or tls must be provided"),
        (istio("VirtualServicee", "a"), "unrecognized type"),
    ],
    ids=["istio", "schema", "empty", "kind"],
)
def test_a_rejected_configuration_is_a_failure_with_the_reason(wrong, reason):
    """What the API server or Istio's webhook refuses starts no mesh; the reason and the object are named."""
    with pytest.raises(MeshRejected, match=reason) as raised, Mesh([wrong]):
        pass
    assert "default/a" in str(raised.value)


def test_what_envoy_rejects_is_a_failure_with_its_reason():
    """An EnvoyFilter that Istio lets pass and Envoy refuses fails with Envoy's own words."""
    with (
        Mesh([*demo(), _injector("%NOPE(x)%")]) as mesh,
        pytest.raises(MeshRejected, match=r"Not supported field.*NOPE"),
    ):
        mesh.sidecar()


def test_an_envoy_filter_reaches_the_proxies_that_it_means():
    """A header filter adds the pod's own label, only where there is one, and only to the version that it asks for."""
    wanted = _injector("%CEL(xds.node.metadata.LABELS['virtual-env'])%")
    with Mesh([*demo(), *demo_routes(), wanted]) as mesh:
        callers = [
            mesh.sidecar(pod="app-go-dev-proj2"),
            mesh.sidecar(),
            mesh.sidecar(pod="app-js-dev", version="1.25.0"),
        ]
        assert [caller.ask("app-go").saw(HEADER) for caller in callers] == [["dev.proj2"], [], []]
        assert callers[0].ask("app-go").environment == "dev.proj2"


def test_two_meshes_at_once_do_not_meet():
    """Meshes that run side by side have networks of their own."""
    with Mesh(app("web", "one")) as first, Mesh(app("web", "two")) as second:
        assert first.sidecar().spread("web") == {"web-one": 20}
        assert second.sidecar().spread("web") == {"web-two": 20}


def test_nothing_is_left_after_a_mesh():
    """Envoys, sockets and files are gone when the mesh is closed, also after a failure."""
    envoys = []

    def fail():
        with Mesh(demo()) as mesh:
            envoys.append(mesh.sidecar().envoy)
            assert _running(envoys[0].process.pid)
            mesh.sidecar().ask("nobody")

    with pytest.raises(LookupError, match="no Service answers to the name 'nobody'"):
        fail()
    assert not _running(envoys[0].process.pid)
    assert not envoys[0].directory.exists()


def test_nothing_is_left_after_a_killed_test_run():
    """A test run that is killed takes its Envoys and its control plane with it."""
    script = (
        "import sys, time; from mesh import Mesh, istiod; from mesh.worlds import demo; m = Mesh(demo()).__enter__()"
    )
    script += "; print(istiod.shared().pid, m.sidecar().envoy.process.pid, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    ) as run:
        started = [int(pid) for pid in run.stdout.readline().split()]
        started += _children(started[1])  # Envoy itself: the other is the shell that guards it
        assert len(started) >= 3
        assert all(_running(pid) for pid in started)
        run.send_signal(signal.SIGKILL)
    until = time.monotonic() + 5
    while time.monotonic() < until and any(_running(pid) for pid in started):
        time.sleep(0.05)
    assert [pid for pid in started if _running(pid)] == []


def test_a_missing_part_is_named(monkeypatch, tmp_path):
    """Without a part no mesh starts, and the message says how to get it."""
    monkeypatch.setattr(parts, "TOOLS", tmp_path)
    parts.server.cache_clear()
    try:
        with pytest.raises(MeshMissing, match=r"mesh is missing: run .ci/parts/mesh") as raised, Mesh([]):
            pass
    finally:
        parts.server.cache_clear()
    assert raised.value.part == "mesh"


@pytest.mark.parametrize(("ci", "known", "skip"), [("", "", True), ("true", "", False), ("true", "kpt mesh", True)])
def test_only_what_ci_could_not_install_may_be_missing_there(monkeypatch, ci, known, skip):
    """Tests skip for want of a part, but in CI only when .ci/run has said that it could not be installed."""
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("VENV_FN_MISSING", known)
    assert parts.may_skip("mesh") is skip


def test_a_control_plane_that_ends_shows_its_log(monkeypatch):
    """When the control plane dies the failure has its own last words."""
    monkeypatch.setattr(parts, "schemas", lambda: (Path("/nowhere"),))
    broken = istiod.Istiod()
    try:
        with pytest.raises(MeshRejected, match="/nowhere: no such file"):
            broken.certificate(Path("/nowhere"))
    finally:
        broken.stop()


def test_a_run_whose_temporary_files_are_gone_ends_quietly(tmp_path):
    """A test run says nothing at its end where somebody has emptied its temporary folder, or ended the server."""
    script = (
        "import os, pathlib, shutil, signal; from mesh import istiod; here = pathlib.Path(os.environ['TMPDIR']);"
        "server = istiod.shared(); server.open([], here); shutil.rmtree(here); os.kill(server.pid, signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_table_with_an_unknown_field_is_refused():
    """A row with a misspelt field is an error, not a request without it."""
    with pytest.raises(ValueError, match=r"row 1.*haeder"):
        table.rows([{"service": "a", "haeder": "dev", "answer": "dev"}])


def test_the_command_prints_each_hop(tmp_path):
    """`python -m tests.mesh` prints a line for each hop and exits 1 when one is wrong."""
    (tmp_path / "all.yaml").write_text(yaml.safe_dump_all([*demo(), *demo_routes()]), encoding="utf-8")
    (tmp_path / "requests").write_text(
        "- {service: app-js, header: dev.proj1, answer: dev}\n" + PUBLISHED, encoding="utf-8"
    )
    command = [sys.executable, "-m", "tests.mesh", "-r", tmp_path / "requests", "--header", HEADER, tmp_path]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=parts.ROOT)
    assert run.returncode == 1, run.stderr
    marks = Counter(line.split()[0] for line in run.stdout.splitlines()[1:-1])
    assert (marks, "13 hops asked, 1 wrong" in run.stdout) == ({"ok": 12, "WRONG": 1}, True)


def _injector(value):
    """Return an EnvoyFilter that adds the environment header to requests that have none."""
    manager = "envoy.filters.network.http_connection_manager"
    api = "type.googleapis.com/envoy.extensions."
    mutation = {
        "@type": api + "http.early_header_mutation.header_mutation.v3.HeaderMutation",
        "mutations": [{"append": {"header": {"key": HEADER, "value": value}, "append_action": "ADD_IF_ABSENT"}}],
    }
    typed = {
        "@type": api + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "early_header_mutation_extensions": [{"name": "virtual-env", "typed_config": mutation}],
    }
    match = {
        "context": "SIDECAR_OUTBOUND",
        "proxy": {"proxyVersion": r"^1\.(2[6-9]|[3-9][0-9])"},
        "listener": {"filterChain": {"filter": {"name": manager}}},
    }
    patch = {"operation": "MERGE", "value": {"name": manager, "typed_config": typed}}
    patches = [{"applyTo": "NETWORK_FILTER", "match": match, "patch": patch}]
    return istio("EnvoyFilter", "header", configPatches=patches) | {"apiVersion": "networking.istio.io/v1alpha3"}


def _children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def _running(pid):
    """Tell whether a process runs; one that ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
