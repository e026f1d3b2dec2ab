"""explain: trees, hops, and their JSON."""

from __future__ import annotations

import re

import pytest
from lists import base, compute, service, workload
from worlds import HOSTILE, hostile, plan_of, quickstart

from krm_fn.views import facts, paint
from krm_fn.views.explain import as_json, explain
from krm_fn.views.request import Request


def text(plan, *args):
    return paint.plain(explain(plan, *args))


def test_a_service_is_a_tree_of_environments():
    """Children stand below their nearest ancestor that somebody carries, proj2 before proj10, the base's tree first."""
    names = ["a", "dev.proj10", "dev.proj2.x.user", "dev.proj2", "dev"]
    plan = plan_of([service(), *(workload(f"w{n}", env) for n, env in enumerate(names))])
    drawn = [one.split("→")[0].strip() for one in text(plan).splitlines() if "→" in one]
    assert drawn == ["dev", "├ dev.proj2", "│ └ dev.proj2.x.user", "└ dev.proj10", "a", "(no environment)"]


def test_a_route_names_every_carrier():
    """Whatever may carry the environment stands in the route's line; an alias that can match nothing does not."""
    aliases = [{"cookie": "env"}, {"baggage": "e"}, {"name": "x-b3-env"}, {"name": "t", "pattern": "a-(@)-b"}]
    spec = base(envHeader={"name": "x-env", "aliases": [*aliases, {"name": "dead", "pattern": "a"}]})
    told = text(plan_of(quickstart(), spec), "app-js", Request("dev.proj1"))
    assert told.splitlines()[-1] == (
        "  route dev.proj1: x-env or cookie env or baggage member e or x-b3-env or t (as a-(@)-b) is dev.proj1, "
        "or begins with dev.proj1."
    )


def test_a_request_is_told_hop_by_hop():
    """For a value: who answers, each level and what was missing there, the port's rule, the route."""
    told = text(plan_of(quickstart()), "app-js", Request("dev.proj1.feature1"))
    assert told == (
        "A request that carries dev.proj1.feature1\n\n"
        "app-js → dev.proj1\n"
        "  dev.proj1.feature1  no pod\n"
        "  dev.proj1           Deployment js-proj1\n"
        "  port 80 http (http): by header → dev.proj1\n"
        "  route dev.proj1: X-Virtual-Env is dev.proj1, or begins with dev.proj1.\n"
    )


def test_a_value_that_nobody_carries_names_the_nearest():
    """A mistyped environment is answered all the same, and the first lines say which one was perhaps meant."""
    told = text(plan_of(quickstart()), "app-js", Request("dev.porj1"))
    assert "No pod carries dev.porj1; did you mean dev.proj1?" in told
    assert "app-js → dev\n" in told
    assert "No pod carries dev.proj3\n" in text(plan_of(quickstart()), "app-js", Request("dev.proj3"))
    assert "No pod carries dev.proj1.me\n" in text(plan_of(quickstart()), "app-js", Request("dev.proj1.me"))


@pytest.mark.parametrize(
    ("spec", "request_", "http", "tcp"),
    [
        ({}, Request(None, "dev.proj1"), "dev", "dev"),
        ({"tcp": "callerLabels"}, Request(None, "dev.proj1"), "dev", "dev.proj1"),
        ({"tcp": "callerLabels"}, Request("dev", "dev.proj1"), "dev", "dev.proj1"),
        ({"envHeader": {"autoInject": True}}, Request(None, "dev.proj1"), "dev.proj1", "dev"),
        ({"envHeader": {"autoInject": True}}, Request("dev", "dev.proj1"), "dev", "dev"),
    ],
)
def test_the_caller_decides_where_nothing_else_does(spec, request_, http, tcp):
    """--from: the mesh adds the caller's header where it injects it, and TCP follows the caller where configured."""
    values = [service(ports=((80, "http"), (90, "tcp-x"))), workload("a", "dev"), workload("b", "dev.proj1")]
    told = text(plan_of(values, base(**spec)), "", request_)
    assert f"app → {http}\n" in told
    assert re.search(rf"port 90 tcp-x \(tcp\): .* → {re.escape(tcp)}\n", told)


def test_a_service_without_a_part_says_why():
    """A Service that is asked for and takes no part is told with its reason, not as unknown."""
    plan = plan_of([*quickstart(), service("other"), workload("o", app="other")])
    assert text(plan, "other") == (
        "Service other has no pods that carry the label 'virtual-env': its requests reach any of its pods\n"
    )
    assert "other" not in text(plan)


INGRESS = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "door"},
    "spec": {"defaultBackend": {"service": {"name": "app-js", "port": {"number": 80}}}},
}
SIDECAR = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Sidecar",
    "metadata": {"name": "narrow"},
    "spec": {"egress": [{"hosts": ["./app-go.default.svc.cluster.local"]}]},
}


@pytest.mark.parametrize(
    ("door", "code", "services"),
    [
        (INGRESS, "outside-door", {"app-js"}),
        (SIDECAR, "hidden-routes", {"app-js", "app-java", "app-go"}),
        (service("app-js", type="LoadBalancer"), "outside-door", {"app-js"}),
    ],
    ids=["ingress", "sidecar", "type"],
)
def test_a_way_past_the_routes_is_told_where_the_answers_are(door, code, services):
    """A Service that a list shows to be reached past its routes carries that, in the tree, in hops and in the JSON."""
    values = [one for one in quickstart() if (one["kind"], one["metadata"]["name"]) != (door["kind"], "app-js")]
    computed = compute([*values, door], base())
    for request_ in (None, Request("dev.proj1")):
        for one in services | {"app-java"}:
            told = paint.plain(explain(computed.plan, one, request_, computed.results))
            assert (f"[{code}]" in told) is (one in services)
            assert ("  ! " in told) is (one in services)
    found = as_json(computed.plan, computed.results)
    assert {one["name"] for one in found["services"] if one["caveats"]} == services


def test_names_cannot_steer_a_terminal():
    """Control and direction characters of names from manifests leave as escapes, in tree and hops."""
    plan = plan_of(hostile())
    for told in (text(plan), text(plan, "", Request("dev\x1b[2J\u202e"))):
        assert all(char.isprintable() or char == "\n" for char in told)
    assert r"\x1b[31mred" in text(plan)
    assert HOSTILE[0] in text(plan)


def test_json_has_the_plan_s_answers_and_levels():
    """Every Service's answers stand in the JSON as the plan gives them, level by level, and the request on top."""
    computed = compute(quickstart(), base())
    found = as_json(computed.plan, computed.results)
    assert (found["apiVersion"], found["kind"], found["request"]) == (facts.API_VERSION, "Explain", None)
    assert len(found["services"]) == 3
    for one, plan in zip(found["services"], computed.plan.services, strict=True):
        assert {row["value"] for row in one["answers"]} == {*plan.known, None}
        for row in one["answers"]:
            answer = plan.answer(row["value"])
            assert row["answer"] == answer.environment
            assert [(level["environment"], level["missing"]) for level in row["levels"]] == [
                (level.environment, level.missing) for level in answer.levels
            ]
    asked = as_json(computed.plan, computed.results, "app-go", Request("dev.porj1"))
    assert asked["request"] == {"environment": "dev.porj1", "caller": None, "nearest": "dev.proj1"}
    assert [(one["name"], len(one["answers"])) for one in asked["services"]] == [("app-go", 1)]


def test_nobody_is_said_as_the_configuration_has_it():
    """Where no environment answers, the text and the JSON say 503, or any pod with unmatched: anyPod."""
    values = [service(), workload("a", "dev.proj1"), workload("b", "dev", app="x"), service("x")]
    for unmatched, word in (("reject", "503"), ("anyPod", "any pod")):
        plan = plan_of(values, base(unmatched=unmatched))
        assert f"app → {word}\n" in text(plan, "app", Request("dev"))
        assert as_json(plan, (), "app", Request("dev"))["services"][0]["answers"][0]["otherwise"] == word
