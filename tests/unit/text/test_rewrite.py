"""Edits of texts that say one thing for several places, by anchors, aliases and merge keys."""

import pytest
import yaml
from lists import base, codes, service, workload

from krm_fn import function
from krm_fn.text import document

PAIR = [service(), workload("a", "dev"), workload("b", "dev.proj1")]

_DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: &m
  name: old
  labels: &l {app: app}
spec:
  selector:
    matchLabels: %s
  template:
    metadata: %s
"""
_ROUTES = """apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app}
spec:
  hosts: [app]
  http:
  - %s
  - %s
"""


def stream(*values):
    return yaml.safe_dump_all(values, sort_keys=False).encode()


@pytest.mark.parametrize(
    ("selector", "template"),
    [
        ("*l", "{labels: *l}"),
        ("{app: app}", "*m"),
        ("{app: app}", "{<<: *m, annotations: {a: b}}"),
    ],
)
def test_a_label_that_another_place_would_get_too_is_refused(selector, template):
    """Adoption labels pods, neither their selector nor the Deployment: where they share a text, the input stays."""
    raw = stream(*PAIR) + f"---\n{_DEPLOYMENT % (selector, template)}".encode()
    outcome = function.run(raw, base(unlabelled="adopt"))
    assert "not-editable" in codes(outcome.results)
    assert outcome.output == raw


def test_a_label_beside_merged_ones_is_added():
    """Labels that a merge key brings are no obstacle: the new one stands beside it, and the selector stays."""
    raw = stream(*PAIR) + f"---\n{_DEPLOYMENT % ('*l', '{labels: {<<: *l}}')}".encode()
    outcome = function.run(raw, base(unlabelled="adopt"))
    assert not outcome.failed
    values = [one.value for one in document.parse(outcome.output).items]
    spec = next(one["spec"] for one in values if one["metadata"]["name"] == "old")
    assert spec["template"]["metadata"]["labels"] == {"app": "app", "virtual-env": "dev"}
    assert spec["selector"]["matchLabels"] == {"app": "app"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{match: [{uri: {prefix: /a}}], route: &r [{destination: {host: app}}]}", "{route: *r}"),
        ("match: [{port: 80}]\n    route: &r\n    - destination:\n        host: app", "route: *r"),
        ("&r {route: [{destination: {host: app}}]}", "{<<: *r, timeout: 5s}"),
        ("&r\n    route:\n    - destination:\n        host: app", "<<: *r\n    timeout: 5s"),
        ("route:\n    - destination: &d\n        host: app", "route:\n    - {destination: *d, weight: 100}"),
    ],
)
def test_routes_that_share_their_text_are_woven_right_or_not_at_all(first, second):
    """Woven routes that use anchors are the same on a second run, and without the labels the text is the user's own."""
    theirs = b"---\n" + (_ROUTES % (first, second)).encode()
    raw = stream(*PAIR) + theirs
    woven = function.run(raw, base())
    if woven.failed:
        assert "not-editable" in codes(woven.results)
        assert woven.output == raw
        return
    assert all(not one.duplicates for one in document.parse(woven.output).items)
    assert function.run(woven.output, base()).output == woven.output
    alone = stream(*PAIR[:2])
    assert function.run(alone + woven.output[len(stream(*PAIR)) :], base()).output == alone + theirs


def test_a_label_key_that_yaml_reads_as_something_else_is_quoted():
    """A label named `on` goes into a mapping in braces with quotes, so that no reader takes it for a boolean."""
    pods = [workload("b", "dev", labels={"on": "dev.proj1"}), workload("a", None)]
    adopted = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {app: app}}\n"
    raw = stream(service(), *pods[:1]) + b"---\n" + adopted.encode()
    config = base(unlabelled="adopt")
    config["spec"]["envLabel"]["name"] = "on"
    assert b'labels: {app: app, "on": dev}' in function.run(raw, config).output


def test_the_ids_of_a_host_go_with_an_edit():
    """kpt lays comments over an object with its id by their place in a list; an edited text keeps its own instead."""
    ids = "    internal.config.kubernetes.io/id: '7'\n    config.k8s.io/id: '7'\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n  annotations:\n{}    keep: this\n  labels:\n    app: app\n"
    raw = stream(*PAIR) + b"---\n" + pod.format(ids).encode()
    output = function.run(raw, base(unlabelled="adopt")).output.decode()
    assert pod.format("") + "    virtual-env: dev\n" in output
