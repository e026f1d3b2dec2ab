"""A rule whose types are right, and which Istio's webhook refuses, is an error before anything is written."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from lists import base, compute, service, workload

ISTIOCTL = shutil.which("istioctl") or Path(__file__).resolve().parents[3] / ".tools" / "bin" / "istioctl"
ROUTES = [
    {"redirect": {"uri": "/x"}, "fault": {"abort": {"httpStatus": 503}}},
    {"redirect": {"uri": "/x"}, "rewrite": {"uri": "/"}},
    {"directResponse": {"status": 200}, "rewrite": {"uri": "/"}},
    {"directResponse": {"status": 99}},
    {"redirect": {"redirectCode": 302}},
    {"redirect": {"uri": "/x", "redirectCode": 200}},
    {"redirect": {"uri": "/x", "scheme": "ftp"}},
    {"redirect": {"uri": "/x", "prefixRewrite": "/y"}},
    {"rewrite": {}},
    {"rewrite": {"uri": "/", "uriRegexRewrite": {"match": "/x", "rewrite": "/"}}},
    {"rewrite": {"uriRegexRewrite": {"match": "(", "rewrite": "/"}}},
    {"fault": {}},
    {"fault": {"abort": {"httpStatus": 1000}}},
    {"fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 200}}}},
    {"fault": {"delay": {"exponentialDelay": "1s"}}},
    {"retries": {"attempts": 0, "retryOn": "5xx"}},
    {"retries": {"attempts": 2, "retryOn": "sometimes"}},
    {"mirror": {"host": "m"}, "mirrors": [{"destination": {"host": "m"}}]},
    {"mirror": {"host": "m"}, "mirrorPercentage": {"value": 101}},
    {"timeout": "1s", "match": [{"headers": {"x": {"prefix": ""}}}]},
    {"timeout": "1s", "match": [{"uri": {"regex": "("}}]},
    {"timeout": "1s", "match": [{"port": 70000}]},
    {"corsPolicy": {"allowMethods": ["LOOK"]}},
]
GOOD = [
    {"redirect": {"uri": "/x", "redirectCode": 308}},
    {"rewrite": {"uri": "/"}, "timeout": "1s", "retries": {"attempts": 2, "retryOn": "5xx,503"}},
    {"fault": {"abort": {"httpStatus": 503, "percentage": {"value": 50}}}},
    {"timeout": "1s", "match": [{"uri": {"prefix": ""}}, {"withoutHeaders": {"x": {"regex": "*"}}}]},
    {"headers": {"request": {"set": {"a": "x"}, "remove": ["b"]}}, "mirrorPercentage": {"value": 0.5}},
    {"corsPolicy": {"allowMethods": ["GET"]}},
    {"directResponse": {"status": 404}},
]


def said(route):
    app = service()
    app["metadata"]["annotations"] = {"kt-virtual-environment/rule": json.dumps(route)}
    found = compute([app, workload("a", "dev"), workload("b", "dev.x")], base())
    return [one.code.slug for one in found.results if one.severity == "error"], found.made.manifests


@pytest.mark.parametrize("route", ROUTES)
def test_what_istio_refuses_is_an_error(route):
    """The message names the field, and nothing is written."""
    assert set(said(route)[0]) == {"rule-invalid"}


@pytest.mark.parametrize("route", GOOD)
def test_what_istio_takes_is_taken(route):
    """A rule that Istio takes is no error."""
    assert said(route)[0] == []


@pytest.mark.skipif(not Path(ISTIOCTL).exists(), reason="istioctl is not installed: .ci/parts/istioctl")
@pytest.mark.parametrize(("routes", "taken"), [(ROUTES, False), (GOOD, True)])
def test_istio_says_the_same(routes, taken, tmp_path):
    """Istio's own validation refuses each of those routes, and takes each of these."""
    for place, route in enumerate(routes):
        whole = (
            route
            if {"redirect", "directResponse"} & route.keys()
            else {**route, "route": [{"destination": {"host": "app"}}]}
        )
        written = tmp_path / f"{place}.yaml"
        spec = {"hosts": ["app"], "http": [whole]}
        metadata = {"name": "app", "namespace": "default"}
        written.write_text(
            yaml.safe_dump(
                {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}
            )
        )
        done = subprocess.run([ISTIOCTL, "validate", "-f", written], capture_output=True, check=False)
        assert (done.returncode == 0) is taken, (route, done.stderr)
