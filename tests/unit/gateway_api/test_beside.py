"""Random routes of a user's, several at one place, before and after: read as the Gateway API says."""

from __future__ import annotations

import copy
import random

import gateway_reading
import pytest
from istio_reading import Request
from lists import compute, config

from krm_fn.text import document

ENVIRONMENTS = {"web": ["dev", "dev.a"], "cart": ["dev", "dev.a.b", "dev.c"], "other": [""]}
HEADER = "x-virtual-env"
PATHS = ["/", "/cart", "/cart/1", "/v"]
HOSTS = ["shop.example.com", "www.example.com"]
PLACES = [
    [{"group": "", "kind": "Service", "name": "web"}],
    [{"group": "", "kind": "Service", "name": "web", "port": 80}],
    [{"name": "edge"}],
    [{"name": "edge"}, {"group": "", "kind": "Service", "name": "web"}],
]


def pods(app, environment):
    labels = {"app": app, "who": f"{app} {environment}".strip()}
    labels |= {"virtual-env": environment} if environment else {}
    name = labels["who"].replace(" ", "-").replace(".", "-")
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c"}]}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {"template": template}}


def services():
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]},
        }
        for name in ENVIRONMENTS
    ]


def routes(rng):
    """Routes whose rules differ by path, method, headers and queries, or by nothing but their age."""
    return [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"name": f"r{number}"},
            "spec": {
                "parentRefs": rng.choice(PLACES),
                **({"hostnames": rng.sample(HOSTS, rng.randint(1, 2))} if rng.random() < 0.6 else {}),
                "rules": [
                    {
                        "matches": [match(rng) for _ in range(rng.choice([1, 1, 1, 2, 9]))],
                        "backendRefs": [{"name": rng.choice([*ENVIRONMENTS]), "port": 80}],
                    }
                    for _ in range(rng.randint(1, 2))
                ],
            },
        }
        for number in range(rng.randint(1, 4))
    ]


def match(rng):
    made = {}
    if rng.random() < 0.6:
        made["path"] = {"type": rng.choice(["PathPrefix", "PathPrefix", "Exact"]), "value": rng.choice(PATHS[:2])}
    if rng.random() < 0.2:
        made["method"] = "POST"
    if rng.random() < 0.5:
        names = rng.sample(["x-a", "x-b"], rng.randint(1, 2))
        made["headers"] = [{"name": name, "value": "1"} for name in names]
    if rng.random() < 0.2:
        made["queryParams"] = [{"name": "q", "value": "1"}]
    return made


def requests():
    for gateway, asked in [("", "web"), *(("edge", host) for host in HOSTS)]:
        for path in PATHS:
            for headers in ({}, {"x-a": "1"}, {"x-a": "1", "x-b": "1"}):
                for method, query in (("GET", ""), ("POST", ""), ("GET", "?q=1")):
                    yield Request(asked, "", 80, "http", headers, gateway=gateway, path=path + query, method=method)


def view(listed, value):
    """The list as one environment sees it: each Service has the pods that answer."""
    seen = copy.deepcopy(listed)
    for one in seen:
        if one["kind"] == "Service" and len(ENVIRONMENTS[one["metadata"]["name"]]) > 1:
            own = ENVIRONMENTS[one["metadata"]["name"]]
            fitting = [name for name in own if value == name or (value or "").startswith(f"{name}.")]
            one["spec"]["selector"]["virtual-env"] = max(fitting, key=len, default="dev")
    return seen


def after(listed, spec):
    done = compute(listed, spec)
    if any(one.code.severity.value == "error" for one in done.results):
        return None
    changed = {place: document.parse(text.encode()).items[0].value for place, text in done.changes.rewritten.items()}
    kept = [changed.get(place, one) for place, one in enumerate(listed)]
    return [*kept, *map(dict, done.made.manifests)]


@pytest.mark.parametrize("seed", range(60))
def test_every_environment_sees_the_users_own_routes(seed):
    """To a request of each environment, all routes do what the user's do where each Service has its pods alone."""
    rng = random.Random(seed)  # noqa: S311 - the same for everybody
    listed = [*services(), *(pods(app, one) for app, own in ENVIRONMENTS.items() for one in own), *routes(rng)]
    spec = config(output="gatewayAPI", base="selector", envLabel={"defaultSubset": "dev"})
    made = after(listed, spec)
    assert made is not None
    wrong = []
    for value in (None, "dev.a", "dev.a.b.x", "dev.c", "dev.zz"):
        seen = view(listed, value)
        for request in requests():
            carried = {**request.headers, **({HEADER: value} if value else {})}
            asked = Request(request.service, "", 80, "http", carried, {}, request.gateway, request.path, request.method)
            expected = gateway_reading.answers(seen, request, "who")
            found = gateway_reading.answers(made, asked, "who")
            wrong += [(value, request, expected, found)] if found != expected else []
    assert wrong == []
