"""The evaluator of Envoy's route tables, beside real Envoys: same dump, same requests, equal answers.

`--compared N` asks N requests in each world; 100 in CI, 600 make more than 20,000.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import subprocess
import time

import pytest
import yaml

from krm_fn.results import FunctionError
from krm_fn.verify.asked import CannotTell, Request
from krm_fn.verify.dump import Dump
from krm_fn.verify.proxy import Proxy

from . import Mesh, evaluating, odd_routes, package, parts
from .test_examples import ANSWERED, EXAMPLES, rendered

_UNTOLD = 0.05  # the share of requests of which nobody may be able to tell
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}


@pytest.fixture(scope="session")
def number(request):
    return request.config.getoption("--compared")


def judge(count, count_evaluated):
    count_evaluated(count)
    assert count.wrong == []
    assert count.untold.total() <= _UNTOLD * count.all
    assert count.equal


@pytest.mark.parametrize("name", ANSWERED)
def test_every_example(name, number, count_evaluated):
    """Of every proxy of an example the evaluator says route, cluster and answer as the real one does."""
    found = rendered(name)
    rows = yaml.safe_load((EXAMPLES / name / "requests.yaml").read_bytes())
    seeds = [(key.lower(), value) for row in rows for key, value in (row.get("headers") or {}).items()]
    rng = random.Random(name)  # noqa: S311 - the same for everybody
    judge(evaluating.world(found.manifests, set(found.label.values()), seeds, rng, number), count_evaluated)


@pytest.mark.parametrize("world", range(12))
def test_random_routes(world, number, count_evaluated):
    """Random routes of a user's, woven where the function takes them: equal answers too."""
    rng = random.Random(world)  # noqa: S311 - the same for everybody
    manifests = odd_routes.make(rng)
    with contextlib.suppress(FunctionError):  # what it refuses is a mesh all the same
        manifests = list(yaml.safe_load_all(package.run(manifests, CONFIG)))
    seeds = [("x-virtual-env", one) for one in ("dev", "dev.a", "dev.a.b.c", "dev.b")] + [("x-kind", "1")]
    judge(evaluating.world(manifests, {"virtual-env"}, seeds, rng, number), count_evaluated)


def test_a_wrong_evaluator_is_found():
    """A dump that is not the running proxy's own makes the comparison fail: the first route of each host is gone."""
    found = rendered("quickstart")
    with Mesh(found.manifests, extra=[evaluating.SAYS]) as mesh:
        client = mesh.sidecar()
        proxy = evaluating.proxy_of(client)
        for table in proxy.dump.routes.values():
            for host in table["virtual_hosts"]:
                host["routes"] = host["routes"][1:] or host["routes"]
        rng = random.Random(0)  # noqa: S311 - the same for everybody
        dice = evaluating.Dice(rng, client.envoy.admin("/config_dump"), ["dev.proj1"], [])
        asked = evaluating.sidecar_requests(mesh, proxy, dice)
        assert evaluating.compare(client, proxy, [next(asked) for _ in range(200)]).wrong


HEADERS = ["h", "H-Two"]
TEXTS = ["", "a", "A", "ab", "a.b", "b,a", "ä", "3"]
TYPE = "type.googleapis.com/envoy.extensions.filters"


def text_matcher(rng):
    text = rng.choice(TEXTS[1:])
    if rng.random() < 0.3:
        return {"safe_regex": {"regex": rng.choice(["a.*", "[ab]+", "(?i)AB?", ".*", "a|b", "\\d+"])}}
    folded = {"ignore_case": True} if rng.random() < 0.3 else {}
    return {rng.choice(["exact", "prefix", "suffix", "contains"]): text, **folded}


def header_matcher(rng):
    found = {"name": rng.choice(HEADERS)}
    found |= rng.choice(
        [
            {"string_match": text_matcher(rng)},
            {"string_match": text_matcher(rng)},
            {"present_match": rng.random() < 0.5},
            {},
        ]
    )
    found |= {"invert_match": True} if rng.random() < 0.3 else {}
    return found | ({"treat_missing_header_as_empty": True} if rng.random() < 0.3 else {})


def route_match(rng):
    path = rng.choice(["/", "/a", "/A", "/a/b", "/a.b"])
    how = rng.choice(["prefix", "path", "path_separated_prefix", "safe_regex"])
    match = {how: path if how != "safe_regex" else {"regex": rng.choice(["/a.*", "/[a-z]", "(?i)/A/b"])}}
    if how == "path_separated_prefix" and path == "/":
        match = {"prefix": "/"}
    match |= {"case_sensitive": False} if rng.random() < 0.3 else {}
    match |= {"headers": [header_matcher(rng) for _ in range(rng.choice([0, 1, 1, 2]))]}
    if rng.random() < 0.3:
        part = rng.choice([{"string_match": text_matcher(rng)}, {"present_match": rng.random() < 0.5}, {}])
        match["query_parameters"] = [{"name": "q", **part}]
    return match | ({"grpc": {}} if rng.random() < 0.1 else {})


def table(rng, hosts=30):
    domains = ["*"], ["*.a.com"], ["*.com", "x.a.com"], ["x.*"], ["x.a.*"], ["A.com", "a.com:81"], ["*-b.a.com"]
    made = []
    for number in range(hosts):
        own = domains[number] if number < len(domains) else [f"h{number}.net"]
        routes = [
            {
                "match": route_match(rng),
                "direct_response": {"status": 200, "body": {"inline_string": f"{number}.{place}"}},
            }
            for place in range(rng.randint(1, 8))
        ]
        made.append({"name": f"v{number}", "domains": own, "routes": routes})
    return {"name": "t", "virtual_hosts": made, "ignore_port_in_host_matching": rng.random() < 0.5}


@pytest.mark.parametrize("routes", range(3))
def test_every_matcher(routes, number, count_evaluated, tmp_path):
    """Matchers that Istio never writes mean what they mean to Envoy, and so do the domains of virtual hosts."""
    rng = random.Random(routes)  # noqa: S311 - the same for everybody
    routes = table(rng)
    count = evaluating.Count()
    proxy = Proxy(Dump("router", listeners=[listener(routes, tmp_path)]))
    with envoy(routes, tmp_path) as path:
        for _ in range(number * 4):
            request = any_request(rng)
            try:
                said = proxy.ask(request).outcomes[0]
            except CannotTell as reason:
                count.untold[str(reason)] += 1
                continue
            real = really(path, request)
            if (said.status, said.body) == real:
                count.equal += 1
            else:
                count.wrong.append(f"{request}: {said}; really {real}")
    judge(count, count_evaluated)


def any_request(rng):
    host = rng.choice(
        ["a.com", "A.COM", "x.a.com", "y.a.com", "x.net", "x.a.net", "c-b.a.com", ".a.com", "else", "a.com:81"]
    )
    host = rng.choice([host, f"h{rng.randrange(7, 30)}.net", f"h{rng.randrange(7, 30)}.net:80"])
    path = rng.choice(["/", "/a", "/A", "/a/", "/a/b", "/A/B", "/ab", "/a.b", "/a/b/c"])
    path += rng.choice(["", "", "?q", "?q=", "?q=a", "?q=ab&q=b", "?x=1&q=3", "?Q=a", "?&"])
    headers = [
        (rng.choice(["h", "h-two"]), rng.choice([one for one in TEXTS if one.isascii()]))
        for _ in range(rng.randrange(3))
    ]
    headers += [("content-type", rng.choice(["application/grpc", "application/grpc+x", "text/plain"]))] * (
        rng.random() < 0.2
    )
    return Request(host, 80, headers=headers, path=path)


def listener(routes, folder):
    manager = {
        "@type": f"{TYPE}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "x",
        "route_config": routes,
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{TYPE}.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    return {"name": "0.0.0.0_80", "address": {"pipe": {"path": f"{folder}/l"}}, "filter_chains": [chain]}


class envoy:  # noqa: N801 - used as a function
    def __init__(self, routes, folder):
        self.path = folder / "l"
        config = {"static_resources": {"listeners": [listener(routes, folder)]}}
        (folder / "c.json").write_text(json.dumps(config))
        command = [parts.envoy(), "-c", folder / "c.json", "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
        self.process = subprocess.Popen(command)

    def __enter__(self):
        until = time.monotonic() + 20
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as listening:
                    listening.connect(str(self.path))
            except OSError:
                assert self.process.poll() is None
                assert time.monotonic() < until
                time.sleep(0.02)
            else:
                return self.path

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


def really(path, request):
    asker = http.client.HTTPConnection("x")
    asker.sock = socket.socket(socket.AF_UNIX)
    asker.sock.connect(str(path))
    asker.putrequest("GET", request.path, skip_host=True, skip_accept_encoding=True)
    for name, value in [("Host", request.authority), *request.headers]:
        asker.putheader(name, value)
    asker.endheaders()
    response = asker.getresponse()
    body = response.read().decode()
    asker.close()
    grpc = response.getheader("grpc-status")
    return (404, "") if grpc == "12" else (response.status, response.getheader("grpc-message") or body)
