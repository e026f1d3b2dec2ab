"""The report on environments in `check`: what each answers, inherits, and what looks like a mistake."""

import random

import pytest
from lists import base, compute, config, service, workload

from krm_fn.plan.environments import likely_typos
from krm_fn.views import report


def test_what_an_environment_answers_and_inherits():
    """Each environment with its workloads, the Services that it overrides, and who answers the others for it."""
    listed = [service("a"), service("b"), service("c")]
    listed += [workload(f"{name}-dev", "dev", app=name) for name in "ab"]
    listed += [
        workload("a-x", "dev.x", app="a"),
        workload("c-x", "dev.x", app="c"),
        workload("alone", "dev.y", app="z"),
    ]
    found = {one.name: one for one in report.environments(compute(listed, base()).plan)}
    assert found["dev.x"].workloads == ("Deployment a-x", "Deployment c-x")
    assert found["dev.x"].overrides == ("a", "c")
    assert found["dev.x"].inherits == (("b", "dev", ""),)
    assert found["dev.y"].overrides == ()
    assert found["dev.y"].inherits == (("a", "dev", ""), ("b", "dev", ""), ("c", None, "503"))
    text = report.as_text(list(found.values()))
    assert "dev.x  answers a, c; inherits from dev: b" in text
    assert "dev.y  answers nothing: no Service has pods of it" in text


def test_a_pinned_service_is_not_answered_by_its_environments():
    """An environment with pods of a plain TCP Service does not answer it: the base does, and the report says so."""
    listed = [service("db", ports=((5432, "tcp"),)), workload("a", "dev", app="db"), workload("b", "dev.x", app="db")]
    found = {one.name: one for one in report.environments(compute(listed, base()).plan)}
    assert (found["dev.x"].overrides, found["dev.x"].inherits) == ((), (("db", "dev", ""),))
    assert found["dev.x"].workloads == ("Deployment b",)


@pytest.mark.parametrize(
    ("made", "spec", "pods", "said"),
    [
        (service("s"), {}, ("dev.x", "dev.y"), "has nobody for s"),
        (service("s"), {"unmatched": "anyPod"}, ("dev.x", "dev.y"), "reaches pods of any environment at s"),
        (service("s", clusterIP="None"), {}, ("dev", "dev.x"), "reaches pods of any environment at s"),
        (service("s", ports=((5432, "tcp"),)), {}, ("dev.x", "dev.y"), "has nobody for s, whose connections close"),
        (service("s", clusterIP="None"), {}, (), None),
    ],
)
def test_nobody_is_not_said_where_some_pod_answers(made, spec, pods, said):
    """What no environment answers is told as it is: 503, a closed connection, or any pod."""
    listed = [made, service("t"), workload("t", "dev", app="t"), workload("t-z", "dev.z", app="t")]
    listed += [workload(f"w{place}", name, app="s") for place, name in enumerate(pods)]
    plan = compute(listed, base(**spec)).plan
    found = [one for one in report.environments(plan) if one.name == "dev.z"]
    (line,) = report.as_text(found).splitlines()[1:]
    assert line.strip().split("  ", 1)[1] == "answers t" + (f"; {said}" if said else "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dev.proj1", "dev.porj1"),
        ("dev.proj1", "dev.prj1"),
        ("dev.billing", "dev.biling"),
        ("dev.team", "dev.tean"),
        ("stage.x", "sttage.x"),
        ("dev", "dve"),
        ("dev", "devv"),
        ("dev.proj1", "Dev.proj1"),
        ("dev.proj1", "dev.Proj1"),
        ("dev.proj12", "dev.porj12"),
        ("team-payments", "team-paymnets"),
    ],
)
def test_one_slip_of_the_finger(one, other):
    """A letter swapped, missing, doubled or other makes two names alike."""
    assert likely_typos({one, other}, ".") == {one: [other], other: [one]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dev.proj1", "dev.proj2"),
        ("dev.proj1", "dev.proj10"),
        ("dev.a", "dev.b"),
        ("dev.proj1", "dev.proj1.user"),
        ("dev.blue", "dev.green"),
        ("pr-123", "pr-132"),
        ("dev.pr-12", "dev.pr-123"),
        ("dev.12ab", "dev.21ab"),
        ("dev", "dex"),
        ("qa", "aq"),
        ("dev.team-a", "dev.team-b"),
        ("eu-west", "us-west"),
        ("dev.anna", "dev.nnaa"),
    ],
)
def test_names_that_differ_on_purpose(one, other):
    """Numbers, short names, children and other words are no typing mistakes."""
    assert likely_typos({one, other}, ".") == {}


def test_names_that_differ_in_digits_only_never_are_alike():
    """Whatever the digits and where they stand: two names that are one without their digits are no slips."""
    rng = random.Random(4)  # noqa: S311 - the same names every time
    for _ in range(500):
        shape = "".join(rng.choice("ab-.0") for _ in range(rng.randint(3, 9))).replace(".", "x")
        one, other = ("dev." + "".join(rng.choice("0123456789") if c == "0" else c for c in shape) for _ in "12")
        assert one == other or likely_typos({one, other}, ".") == {}


@pytest.mark.parametrize(
    ("names", "slips"),
    [
        (["dev", "dev.proj1", "dev.proj1", "dev.porj1"], {"dev.porj1": "'dev.porj1' looks much like 'dev.proj1'"}),
        (["dev", "dve.proj2"], {"dve.proj2": "'dve.proj2' stands below 'dve', which looks much like 'dev'"}),
        (["dev", "dev.proj1", "dev.proj1", "Dev.proj1"], {"Dev.proj1": "'Dev.proj1' stands below 'Dev', which"}),
        (["dev", "pr-123", "pr-132"], {}),
    ],
)
def test_a_slip_is_told_at_the_workload_that_has_it(names, slips):
    """Of two names the rarer one is the slip, never the base, and its finding names the workload and the field."""
    listed = [service("a"), *(workload(f"w{place}", name, app="a") for place, name in enumerate(names))]
    found = list(report.slips(compute(listed, base()).plan))
    assert {names[int(one.ref.name[1:])] for one in found} == set(slips)
    for one in found:
        assert slips[names[int(one.ref.name[1:])]] in one.message
        assert (one.code.slug, one.field) == ("likely-slip", "spec.template.metadata.labels")


@pytest.mark.parametrize(
    ("label", "key", "told"),
    [
        *(("virtual-env", key, True) for key in ("virtual-evn", "Virtual-Env", "virtual_env", "virtualenv")),
        *(("virtual-env", key, True) for key in ("virtual-environment", "virtual-environments", "x.com/virtual-env")),
        *(("x.com/virtual-env", key, True) for key in ("virtual-env", "y.com/virtual-env", "x.com/virtual-evn")),
        *(("virtual-env", key, False) for key in ("env", "environment", "virtual", "app.kubernetes.io/name", "tier")),
        *(("env", key, False) for key in ("app", "environment", "x.com/env", "tier")),
        ("environment", "env", False),
    ],
)
def test_a_key_that_looks_like_the_label_is_told(label, key, told):
    """Pods that carry such a key and not the label are told as a likely slip; other keys never are."""
    listed = [service(), workload("w", labels={key: "dev"})]
    plan = compute(listed, config(envLabel={"name": label})).plan
    found = list(report.key_slips(plan, lambda _: label))
    assert [one.field for one in found] == ([f"spec.template.metadata.labels.{key}"] if told else [])


def test_a_key_beside_the_label_is_no_slip():
    """Who carries both means both; beside labelled pods of a Service the error names the key."""
    both = [service(), workload("w", "dev", labels={"x.com/virtual-env": "dev"})]
    assert not list(report.key_slips(compute(both, base()).plan, lambda _: "virtual-env"))
    listed = [service(), workload("v", "dev"), workload("w", labels={"virtual-environment": "dev.x"})]
    (found,) = [one for one in compute(listed, base()).results if one.code.slug == "unlabelled-workload"]
    assert "'virtual-environment'" in found.message


def test_pods_that_an_error_leaves_out_are_not_nobodys():
    """Where a Service is left out because of an error, its environments say so, and not that no Service has pods."""
    listed = [service(), workload("a", "dev"), workload("b", "dev.x"), workload("c")]
    listed += [service("other"), workload("d", "dev", app="other")]
    said = report.as_text(report.environments(compute(listed, base()).plan))
    assert "dev    answers other; pods of it are left out with app, of which an error stands above" in said
    assert "dev.x  pods of it are left out with app, of which an error stands above; inherits from dev: other" in said
    assert "no Service" not in said
