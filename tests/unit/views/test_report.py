"""The report on environments in `check`: what each answers, inherits, and what looks like a mistake."""

import pytest
from lists import base, compute, service, workload

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
    assert found["dev.x"].inherits == (("b", "dev"),)
    assert found["dev.y"].overrides == ()
    assert dict(found["dev.y"].inherits) == {"a": "dev", "b": "dev", "c": None}
    text = report.as_text(list(found.values()))
    assert "dev.x  answers a, c; inherits from dev: b" in text
    assert "dev.y  answers nothing: no Service has pods of it" in text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("dev.proj1", "dev.porj1"),
        ("dev.proj1", "dev.prj1"),
        ("dev.billing", "dev.biling"),
        ("dev.team", "dev.tean"),
        ("stage.x", "sttage.x"),
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
    ],
)
def test_names_that_differ_on_purpose(one, other):
    """Numbers, short names, children and other words are no typing mistakes."""
    assert likely_typos({one, other}, ".") == {}
