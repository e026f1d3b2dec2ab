"""Weaving, proven by where requests land: a woven list answers each environment as its own view of the list would.

The view of an environment is the list as its user thinks of it: of each Service only the pods that answer him, and the
routes as they were written, with no function run. Whatever a user's routes do, the woven list must do to a request of
that environment what they do in its view; and to a request of nobody what they do in the base's view.
"""

from __future__ import annotations

import copy
import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from krm_fn import function

from . import Mesh, before_after, differential, outputs
from .questions import Client, Question
from .worlds import LABEL, istio, service, workload

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER = "x-virtual-env"
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}
VALUES = [None, "dev", "dev.a", "dev.a.b", "dev.a.c", "dev.b", "dev.ab", "other"]


def woven(manifests: list[dict[str, Any]], **spec: Any) -> list[dict[str, Any]]:
    """Run the function on a stream of the manifests."""
    config = {**CONFIG, "spec": {**CONFIG["spec"], **spec}}
    outcome = function.run(yaml.safe_dump_all(manifests, sort_keys=False).encode(), config)
    assert not outcome.failed, [result.line() for result in outcome.results]
    return outputs.read(outcome.output)


def answers(value: str | None, own: set[str]) -> str | None:
    """The contract's answer, in a few lines."""
    fits = [one for one in own if value and (value == one or value.startswith(one + "."))]
    return max(fits, key=len, default="dev" if "dev" in own else None)


def view(manifests: list[dict[str, Any]], value: str | None) -> list[dict[str, Any]]:
    """Return the list as an environment sees it: of each app only the workloads that answer it."""
    own: dict[str, set[str]] = {}
    for one in manifests:
        labels = one["spec"].get("template", {}).get("metadata", {}).get("labels", {})
        if labels:
            own.setdefault(labels["app"], set()).add(labels.get(LABEL, ""))
    seen = []
    for one in manifests:
        labels = one["spec"].get("template", {}).get("metadata", {}).get("labels", {})
        if not labels or LABEL not in labels or labels[LABEL] == answers(value, own[labels["app"]]):
            seen.append(one)
    return copy.deepcopy(seen)


def versioned(app: str, environment: str, version: str) -> dict[str, Any]:
    one = workload(app, environment)
    one["metadata"]["name"] += f"-{version}"
    one["spec"]["template"]["metadata"]["labels"]["version"] = version
    return one


def asks(manifests: list[dict[str, Any]], requests: list[dict[str, Any]], values: Sequence[str | None]) -> list[Any]:
    """Return, for each value, who answers each request, of a mesh that leaves nothing to chance.

    Pods are asked in turn, and the dice of weights fall everywhere (server/steady.go), so that all come up who can.
    """
    lists = [[_question(one, value) for one in requests] for value in values]
    worlds = before_after.ask(manifests, [], differential.FACTS, *lists)
    return [
        [(sorted(heard.names), str(one)) for heard, one in zip(w.heard, some, strict=True)]
        for w, some in zip(worlds, lists, strict=True)
    ]


def _question(request: dict[str, Any], value: str | None) -> Question:
    headers = {**request.get("headers", {}), **({HEADER: value} if value is not None else {})}
    rest = {key: part for key, part in request.items() if key not in ("service", "headers")}
    return Question(Client(), request["service"], headers=tuple(headers.items()), **rest)


def check(manifests: list[dict[str, Any]], requests: list[dict[str, Any]]) -> int:
    """Ask everything in the woven list and in each view; return the number of cells."""
    views: dict[str, list[str | None]] = {}
    for value in VALUES:
        views.setdefault(yaml.safe_dump_all(view(manifests, value)), []).append(value)
    with ThreadPoolExecutor(2) as pool:  # meshes at once
        after = pool.submit(asks, woven(manifests), requests, VALUES)
        seen = pool.map(lambda text: asks(list(yaml.safe_load_all(text)), requests, views[text]), views)
    found = dict(zip(VALUES, after.result(), strict=True))
    for values, expected in zip(views.values(), seen, strict=True):
        assert [found[value] for value in values] == expected
    return len(VALUES) * len(requests)


APP = [service("app"), workload("app", "dev"), workload("app", "dev.a"), workload("app", "dev.a.b")]
API = [service("api"), workload("api", "dev"), workload("api", "dev.b")]
PLAIN = [service("old"), workload("old")]


def to(host: str, **more: Any) -> dict[str, Any]:
    return {"destination": {"host": host, **({"subset": more.pop("subset")} if "subset" in more else {})}, **more}


def test_paths_headers_and_rewrites():
    """Routes by path and header, with rewrites and faults, mean to each environment what they say."""
    routes = istio(
        "VirtualService",
        "app",
        hosts=["app"],
        http=[
            {"match": [{"uri": {"prefix": "/api"}}], "rewrite": {"uri": "/v2"}, "route": [to("api")]},
            {"match": [{"uri": {"exact": "/gone"}}], "redirect": {"uri": "/new"}},
            {"match": [{"headers": {"x-old": {"exact": "1"}}}], "route": [to("old")]},
            {
                "match": [{"uri": {"prefix": "/fail"}}, {"queryParams": {"fail": {"exact": "1"}}}],
                "fault": {"abort": {"httpStatus": 418, "percentage": {"value": 100}}},
                "route": [to("app")],
            },
            {"name": "rest", "timeout": "5s", "retries": {"attempts": 1}, "route": [to("app")]},
        ],
    )
    requests = [
        {"service": "app", "path": "/"},
        {"service": "app", "path": "/api/x"},
        {"service": "app", "path": "/gone"},
        {"service": "app", "path": "/", "headers": {"x-old": "1"}},
        {"service": "app", "path": "/fail"},
        {"service": "app", "path": "/?fail=1"},
        {"service": "api", "path": "/"},
        {"service": "old", "path": "/"},
    ]
    assert check([*APP, *API, *PLAIN, routes], requests) == 64


def test_routes_that_share_their_copies():
    """Neighbours that do the same for other requests, among others: each request goes where its own route says."""
    http = [
        {"match": [{"uri": {"prefix": "/a"}}], "name": "a", "timeout": "5s", "route": [to("app")]},
        {
            "match": [{"uri": {"prefix": "/b"}}, {"queryParams": {"b": {"exact": "1"}}}],
            "timeout": "5s",
            "route": [to("app")],
        },
        {"match": [{"uri": {"prefix": "/a/x"}}], "name": "x", "timeout": "5s", "route": [to("app")]},
        {"match": [{"uri": {"prefix": "/b/x"}}], "route": [to("api")]},
        {"match": [{"uri": {"prefix": "/c"}}], "route": [to("api")]},
        {"match": [{"uri": {"exact": "/gone"}}], "redirect": {"uri": "/new"}},
        {"match": [{"uri": {"prefix": "/gone"}}], "route": [to("api")]},
        {"match": [{"uri": {"prefix": "/c/x"}}], "route": [to("app")]},
        {"route": [to("app")]},
    ]
    manifests = [*APP, *API, istio("VirtualService", "app", hosts=["app"], http=http)]
    (routes,) = [
        one["spec"]["http"] for one in woven(manifests) if one["metadata"]["name"] == "app" and "http" in one["spec"]
    ]
    assert sum(str(one.get("name")).startswith("virtual-env--") for one in routes) == 3 + 2 + 2 + 3 + 3
    paths = ["/a", "/a/x", "/b", "/b/x", "/c", "/c/x", "/gone", "/gone/x", "/?b=1", "/c?b=1", "/"]
    assert check(manifests, [{"service": "app", "path": path} for path in paths]) == 88


def test_the_pod_sees_the_rewritten_path():
    """A copy for an environment keeps the rewrite and the headers that the user's route sets."""
    match = [{"uri": {"prefix": "/v1"}}]
    route = {
        "match": match,
        "rewrite": {"uri": "/v2"},
        "headers": {"request": {"set": {"x-by": "route"}}},
        "route": [to("app")],
    }
    with Mesh(woven([*APP, istio("VirtualService", "app", hosts=["app"], http=[route])])) as mesh:
        answer = mesh.sidecar().ask("app", path="/v1", headers={HEADER: "dev.a"})
    assert answer.pod == "app-dev-a"
    assert answer.path == "/v2"
    assert ("x-by", "route") in answer.headers_seen


def test_weights_between_services():
    """Weights between two Services stay for each environment, over the pods that answer it."""
    routes = istio(
        "VirtualService", "app", hosts=["app"], http=[{"route": [to("app", weight=50), to("api", weight=50)]}]
    )
    check([*APP, *API, routes], [{"service": "app"}])


def test_canary_subsets_collapse_onto_the_environment():
    """Subsets by version narrow to an environment that has such pods, and mean all of its pods where it has none."""
    manifests = [
        service("app"),
        versioned("app", "dev", "v1"),
        versioned("app", "dev", "v2"),
        versioned("app", "dev.a", "v2"),
        versioned("app", "dev.b", "v1"),
        versioned("app", "dev.b", "v2"),
        istio(
            "DestinationRule",
            "app",
            host="app",
            trafficPolicy={"connectionPool": {"http": {"maxRequestsPerConnection": 1}}},
            subsets=[{"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}],
        ),
        istio(
            "VirtualService",
            "app",
            hosts=["app"],
            http=[
                {"match": [{"uri": {"prefix": "/new"}}], "route": [to("app", subset="v2")]},
                {"route": [to("app", subset="v1", weight=100), to("app", subset="v2", weight=0)]},
            ],
        ),
    ]
    with Mesh(woven(manifests)) as mesh:
        found = {
            (value, path): set(mesh.sidecar().spread("app", path=path, headers={HEADER: value}, times=12))
            for value in ("dev.a", "dev.b")
            for path in ("/", "/new")
        }
    assert found == {
        ("dev.a", "/"): {"app-dev-a-v2"},
        ("dev.a", "/new"): {"app-dev-a-v2"},
        ("dev.b", "/"): {"app-dev-b-v1"},
        ("dev.b", "/new"): {"app-dev-b-v2"},
    }


def test_ports_that_the_user_s_routes_do_not_speak_of():
    """Ports of which a user's VirtualService says nothing get the routes that no other one can give."""
    ports = [
        {"name": "http", "port": 80},
        {"name": "grpc", "port": 81},
        {"name": "tcp", "port": 82},
        {"port": 83, "name": "x"},
    ]
    app = [service("app", *ports), *APP[1:]]
    routes = istio("VirtualService", "app", hosts=["app"], http=[{"match": [{"port": 80}], "route": [to("app")]}])
    requests: list[dict[str, Any]] = [
        {"service": "app", "port": 80},
        {"service": "app", "port": 81, "protocol": "grpc"},
        {"service": "app", "port": 83},
    ]
    check([*app, routes], requests)
    with Mesh(woven([*app, routes])) as mesh:
        for port in (82, 83):
            assert set(mesh.sidecar(labels={LABEL: "dev.a"}).spread("app", port, protocol="tcp")) == {"app-dev"}


def test_tcp_routes_are_pinned():
    """A user's TCP route to a Service of several environments leads to the base, or by label on request."""
    app = [service("app", {"name": "tcp", "port": 82}), *APP[1:]]
    routes = istio("VirtualService", "app", hosts=["app"], tcp=[{"match": [{"port": 82}], "route": [to("app")]}])
    with Mesh(woven([*app, routes])) as mesh:
        assert set(mesh.sidecar(labels={LABEL: "dev.a"}).spread("app", protocol="tcp")) == {"app-dev"}
    with Mesh(woven([*app, routes], tcp="callerLabels")) as mesh:
        for caller, pod in (("dev", "app-dev"), ("dev.a", "app-dev-a"), ("dev.a.b", "app-dev-a-b")):
            assert set(mesh.sidecar(labels={LABEL: caller}).spread("app", protocol="tcp")) == {pod}


def test_a_gateway_s_routes():
    """A gateway's VirtualService for any host is woven too: requests from outside reach their environment."""
    gateway = istio(
        "Gateway",
        "shop",
        selector={"istio": "gateway"},
        servers=[{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    )
    routes = istio("VirtualService", "shop", hosts=["*"], gateways=["shop"], http=[{"route": [to("app")]}])
    with Mesh([*woven([*APP, routes]), gateway]) as mesh:
        outside = mesh.gateway("shop")
        assert {outside.ask("x.example.com").pod for _ in range(8)} == {"app-dev"}
        assert {outside.ask("x.example.com", headers={HEADER: "dev.a.z"}).pod for _ in range(8)} == {"app-dev-a"}
        assert {mesh.sidecar().ask("app", headers={HEADER: "dev.a.b"}).pod for _ in range(8)} == {"app-dev-a-b"}


def test_preview_hosts_of_a_user_s_own_gateway_routes():
    """With `previewHosts` a user's VirtualService on a gateway has a host for each environment, header and all."""
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    gateway = istio("Gateway", "shop", selector={"istio": "gateway"}, servers=[server])
    http = [
        {"match": [{"uri": {"prefix": "/api"}}], "rewrite": {"uri": "/v2"}, "route": [to("api")]},
        {"match": [{"uri": {"prefix": "/old"}}], "route": [to("old")]},
        {"route": [to("app")]},
    ]
    routes = istio("VirtualService", "shop", hosts=["shop.example.com"], gateways=["shop"], http=http)
    manifests = woven([*APP, *API, *PLAIN, routes], previewHosts="{env}.{host}")
    with Mesh([*manifests, gateway]) as mesh:
        outside = mesh.gateway("shop")
        for host, path, pod in (
            ("shop.example.com", "/", "app-dev"),
            ("dev-a.shop.example.com", "/", "app-dev-a"),
            ("dev-a.shop.example.com", "/api", "api-dev"),
            ("dev-b.shop.example.com", "/api", "api-dev-b"),
            ("dev-a-b.shop.example.com:80", "/", "app-dev-a-b"),
            ("dev-a.shop.example.com", "/old", "old"),
        ):
            answer = outside.ask(host, path=path)
            assert answer.pod == pod, (host, path)
            sent = [value for name, value in answer.headers_seen if name == HEADER]
            assert sent == ([] if host == "shop.example.com" else [host.partition(".")[0].replace("-", ".")])


def test_a_delegate_s_routes():
    """The routes of a delegate are woven; the root that hands over to it stays as it is."""
    root = istio(
        "VirtualService",
        "root",
        hosts=["app"],
        http=[{"match": [{"uri": {"prefix": "/api"}}], "delegate": {"name": "part"}}, {"route": [to("app")]}],
    )
    part = istio("VirtualService", "part", http=[{"match": [{"uri": {"prefix": "/api/x"}}], "route": [to("api")]}])
    check([*APP, *API, root, part], [{"service": "app", "path": "/"}, {"service": "app", "path": "/api/x"}])


def test_without_base_pods_a_503_says_so():
    """A user's route to a Service without base pods says what is missing to whoever names nobody it has."""
    listed = [
        service("app"),
        workload("app", "dev.a"),
        *API,
        istio("VirtualService", "app", hosts=["app"], http=[{"route": [to("app")]}]),
    ]
    with Mesh(woven(listed)) as mesh:
        answer = mesh.sidecar().ask("app")
        assert answer.status == 503
        assert "Service app has no pods of the base environment dev" in answer.body
        assert mesh.sidecar().ask("app", headers={HEADER: "dev.a"}).pod == "app-dev-a"


def test_a_wildcard_rule_s_policy_holds_for_environments():
    """The policy of a wildcard DestinationRule is copied, because a rule for the exact host hides it."""
    wild = istio(
        "DestinationRule",
        "all",
        host="*.default.svc.cluster.local",
        trafficPolicy={"connectionPool": {"http": {"idleTimeout": "7s"}}},
    )
    for one in (*APP, wild):
        one["metadata"]["namespace"] = "default"
    rule = next(one for one in woven([*APP, wild]) if one["kind"] == "DestinationRule" and one["spec"]["host"] == "app")
    assert rule["spec"]["trafficPolicy"] == wild["spec"]["trafficPolicy"]
    for one in APP:
        del one["metadata"]["namespace"]


def made(dice: random.Random) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Make a VirtualService of a user's, as odd as Istio allows, and the requests that tell its routes apart."""
    paths, http = ["/a", "/b", "/c"], []
    for number in range(dice.randint(1, 4)):
        match = [{"uri": {dice.choice(["prefix", "exact"]): dice.choice(paths)}}]
        if dice.random() < 0.3:
            match[0]["headers"] = {"x-kind": {"exact": "1"}}
        if dice.random() < 0.2:
            match.append({"uri": {"prefix": dice.choice(paths)}, "method": {"exact": "GET"}})
        route: dict[str, Any] = {"match": match, "route": [to(dice.choice(["app", "api", "old"]))]}
        if dice.random() < 0.3:
            hosts = dice.sample(["app", "api", "old"], 2)
            route["route"] = [to(hosts[0], weight=40), to(hosts[1], weight=60)]
        if dice.random() < 0.2:
            route = {"match": match, "directResponse": {"status": 299}}
        if dice.random() < 0.5:
            route["name"] = f"r{number}"
        http.append(route)
    if dice.random() < 0.8:
        http.append({"route": [to(dice.choice(["app", "api"]))]})
    requests = [{"service": "app", "path": path} for path in ["/", *paths]]
    requests += [{"service": "app", "path": "/a/x", "headers": {"x-kind": "1"}}, {"service": "api", "path": "/b"}]
    return [*APP, *API, *PLAIN, istio("VirtualService", "any", hosts=["app"], http=http)], requests


@pytest.mark.parametrize("number", range(4))
def test_random_routes(number):
    """Random routes of a user's mean to each environment what they mean in its view."""
    manifests, requests = made(random.Random(number))  # noqa: S311 - no secret
    check(manifests, requests)
