"""examples/opentelemetry as it really runs: three services without a line for it, started with OpenTelemetry."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import Mesh
from .package import rendered
from .parts import ROOT, TOOLS, may_skip
from .processes import Processes, Program

EXAMPLE = ROOT / "examples" / "opentelemetry"
PLACE = TOOLS / "services"
# What the OpenTelemetry Operator sets in a pod, by examples/opentelemetry/instrumentation.yaml.
SETTINGS = {
    "OTEL_PROPAGATORS": "tracecontext,baggage",
    "OTEL_TRACES_EXPORTER": "none",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
}
WAY = "/cart/prices/storefront"
PODS = ("storefront-dev", "storefront-dev-proj1", "cart-dev", "prices-dev", "prices-dev-proj1")


def programs(classes, **settings):
    """How a pod is started, by its name: the service as it is, and what the operator puts before it."""
    started = {
        "storefront": Program(
            # A program that lives for seconds starts sooner by the quick compiler alone.
            ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", classes, "Storefront"],
            {"JAVA_TOOL_OPTIONS": f"-javaagent:{PLACE / 'opentelemetry-javaagent.jar'}"},
        ),
        "cart": Program(
            [PLACE / "python/bin/opentelemetry-instrument", PLACE / "python/bin/python", EXAMPLE / "services/cart.py"]
        ),
        "prices": Program(
            ["node", EXAMPLE / "services/prices.js"],
            {
                "NODE_OPTIONS": "--require @opentelemetry/auto-instrumentations-node/register",
                "NODE_PATH": str(PLACE / "node/node_modules"),
            },
        ),
    }
    by_pod = {pod: started[pod.partition("-")[0]] for pod in PODS}
    return {pod: Program(one.command, {**SETTINGS, **settings, **one.env}) for pod, one in by_pod.items()}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """The Java service, compiled."""
    if not ((PLACE / "stamp").exists() and shutil.which("javac") and shutil.which("node")):
        said = "the services' instrumentation is missing: run .ci/parts/services"
        (pytest.skip if may_skip("services") else pytest.fail)(said)
    folder = tmp_path_factory.mktemp("classes")
    subprocess.run(["javac", "-d", folder, EXAMPLE / "services" / "Storefront.java"], check=True)
    return folder


@pytest.fixture(scope="module")
def asking(classes, tmp_path_factory):
    """Ask the shop as a client in the mesh; return the pods that answered, in the order in which they were asked."""
    with (
        Mesh(rendered(EXAMPLE).manifests, elsewhere=PODS) as mesh,
        Processes(mesh, programs(classes), tmp_path_factory.mktemp("pods")),
    ):
        yield lambda **headers: answered(mesh, headers)


def answered(mesh, headers, path=WAY):
    """Return the pods that answered, in the order in which they were asked."""
    answer = mesh.sidecar().ask("storefront", headers=headers, path=path)
    assert answer.status == 200, answer
    found, one = [], json.loads(answer.body)
    while one:
        found.append(one["pod"])
        one = one["next"]
    return found


BASE = ["storefront-dev", "cart-dev", "prices-dev", "storefront-dev"]
PROJECT = ["storefront-dev-proj1", "cart-dev", "prices-dev-proj1", "storefront-dev-proj1"]


def test_baggage_leads_through_three_languages(asking):
    """From Java over Python to Node.js and back, each hop is answered by the environment that the baggage names."""
    assert asking() == BASE
    assert asking(baggage="virtual-env=dev.proj1") == PROJECT
    assert asking(baggage="virtual-env=dev.proj1.ann") == PROJECT
    assert asking(baggage="virtual-env=dev.proj2") == BASE
    assert asking(baggage="virtual-env=dev.proj10") == BASE


def test_baggage_of_the_applications_stays_beside_it(asking):
    """Members that the applications have in their baggage, before or behind it, change nothing."""
    assert asking(baggage="user=7;ttl=3,virtual-env=dev.proj1,cart=a%20b") == PROJECT
    assert asking(baggage=" user = 7 , virtual-env = dev%2Eproj1 ") == PROJECT


def test_a_property_of_the_member_ends_in_python(asking):
    """What docs/auto-instrumentation.md warns of: Python's packages write a member's properties into its value."""
    found = asking(baggage="virtual-env=dev.proj1;ttl=3")
    assert found == ["storefront-dev-proj1", "cart-dev", "prices-dev", "storefront-dev"]


def test_a_trace_that_is_not_sampled_keeps_its_environment(asking):
    """Baggage does not hang on the sampling of traces: not on a trace that comes in unsampled, or sampled."""
    for flags in ("00", "01"):
        trace = f"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}"
        assert asking(baggage="virtual-env=dev.proj1", traceparent=trace) == PROJECT


def test_a_header_alone_is_not_passed_on(asking):
    """What names the environment in the header is answered by it at the first hop, and by the base from there on."""
    assert asking(**{"x-virtual-env": "dev.proj1"}) == [
        "storefront-dev-proj1",
        "cart-dev",
        "prices-dev",
        "storefront-dev",
    ]


def test_a_header_beside_baggage(asking):
    """Headers that nobody passes on stop nothing: the baggage leads on from the second hop."""
    assert asking(**{"x-virtual-env": "dev.proj2", "x-request-id": "7", "baggage": "virtual-env=dev.proj1"}) == PROJECT


def test_requests_at_the_same_time_stay_apart(asking):
    """Many at once: each keeps its own baggage, in every one of the three runtimes."""
    wanted = [{"baggage": "virtual-env=dev.proj1"}, {}, {"baggage": "user=7"}] * 20
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda headers: asking(**headers), wanted))
    assert found == [PROJECT if "virtual-env" in one.get("baggage", "") else BASE for one in wanted]


@pytest.mark.parametrize(
    ("settings", "answers"),
    [
        ({"OTEL_TRACES_SAMPLER": "always_off"}, PROJECT[:3]),
        ({"OTEL_PROPAGATORS": "tracecontext"}, ["storefront-dev-proj1", "cart-dev", "prices-dev"]),
    ],
    ids=["no trace is sampled", "no propagator of baggage"],
)
def test_what_the_settings_do(classes, tmp_path, settings, answers):
    """A sampler that is off changes nothing; without the propagator `baggage` nothing is passed on."""
    started = {name: one for name, one in programs(classes, **settings).items() if name in answers}
    with Mesh(rendered(EXAMPLE).manifests, elsewhere=started) as mesh, Processes(mesh, started, tmp_path):
        assert answered(mesh, {"baggage": "virtual-env=dev.proj1"}, "/cart/prices") == answers
