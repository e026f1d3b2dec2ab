"""The plan's answers are the contract's, for any tree of environments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lists import base, compute, service, workload


def oracle(value, own, base_name, splitter="."):
    """The contract in a few lines: the deepest own environment that the value is or lies below, else the base's."""

    def deepest(wanted):
        fits = [one for one in own if wanted == one or wanted.startswith(one + splitter)]
        return max(fits, key=lambda one: one.count(splitter), default=None)

    return deepest(value or "") or deepest(base_name)


def route_target(plan, value):
    """Where the ordered routes lead, read as Istio reads them: first match wins, then the default."""
    for route in plan.routes:
        if value in route.exact or (route.prefix and (value or "").startswith(route.prefix)):
            return route.environment
    return plan.base_answer


level = st.sampled_from(["a", "b", "b1", "c"])
name = st.lists(level, min_size=1, max_size=4).map(".".join)
value = st.one_of(st.none(), st.just(""), name, name.map(lambda one: one + "."), name.map(lambda one: one + "0"))


@given(own=st.sets(name, min_size=1, max_size=6), base_name=name, values=st.lists(value, min_size=1, max_size=20))
def test_every_value_is_answered_as_the_oracle_says(own, base_name, values):
    """Any value of the header reaches the environment that the contract names, in the plan and through its routes."""
    values = [*values, *own, base_name]
    pods = [workload(f"w{count}", env) for count, env in enumerate(sorted(own))]
    elsewhere = workload("elsewhere", base_name, app="other")
    (plan,) = compute(
        [service(), *pods, elsewhere, service("other", selector={"app": "nobody"})], base(base_name)
    ).plan.services
    for one in values:
        assert plan.answer(one).environment == oracle(one, own, base_name), one
        assert route_target(plan, one) == oracle(one, own, base_name), one


@given(own=st.sets(name, min_size=1, max_size=6), others=st.sets(name, max_size=4), values=st.lists(value, min_size=1))
def test_exact_matching_knows_only_values_that_somebody_carries(own, others, values):
    """With `matching: exact` a carried value falls back level by level, and any other goes to the base."""
    pods = [workload(f"w{count}", env) for count, env in enumerate(sorted(own))]
    pods += [workload(f"o{count}", env, app="other") for count, env in enumerate(sorted(others))]
    pods.append(workload("base", "z", app="other"))
    (plan,) = compute([service(), *pods], base("z", matching="exact")).plan.services
    for one in [*values, *own, *others]:
        wanted = oracle(one if one in own | others else None, own, "z")
        assert plan.answer(one).environment == wanted
        assert route_target(plan, one) == wanted


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ("dev.proj1", "dev.proj1"),
        ("dev.proj1.new-user", "dev.proj1"),
        ("dev.proj10", "dev"),
        ("DEV.PROJ1", "dev"),
        ("devx", "dev"),
        (".dev", "dev"),
        ("", "dev"),
        (None, "dev"),
        ("dev.proj1.", "dev.proj1"),
    ],
)
def test_the_contract_s_own_values(value, answer):
    """The examples of the contract are answered as it says."""
    (plan,) = compute([service(), workload("a", "dev"), workload("b", "dev.proj1")], base()).plan.services
    assert plan.answer(value).environment == answer


def test_the_chain_of_the_original_example():
    """With A, B, C in dev and A', C' in dev.proj1 a request of dev.proj1 goes A' → B → C'."""
    listed = [service(one) for one in "abc"]
    listed += [workload(f"{one}-dev", "dev", app=one) for one in "abc"]
    listed += [workload(f"{one}-proj1", "dev.proj1", app=one) for one in "ac"]
    answers = [one.answer("dev.proj1").environment for one in compute(listed, base()).plan.services]
    assert answers == ["dev.proj1", "dev", "dev.proj1"]


def test_an_answer_says_what_was_tried():
    """The levels of an answer name what was missing at each, and the workloads where it ends."""
    listed = [service(), workload("a", "dev"), workload("b", "dev.proj1", replicas=0)]
    (plan,) = compute(listed, base()).plan.services
    answer = plan.answer("dev.proj1.user1")
    assert [(one.environment, one.missing) for one in answer.levels] == [
        ("dev.proj1.user1", "no pod"),
        ("dev.proj1", "Deployment b has replicas: 0"),
        ("dev", ""),
    ]
    assert [one.ref.name for one in answer.levels[-1].workloads] == ["a"]


def test_the_base_s_route_stays_where_a_shallower_one_would_catch_its_requests():
    """With the base below another environment, requests for the base itself still reach the base."""
    listed = [service(), workload("a", "dev"), workload("b", "dev.stable"), workload("c", "dev.stable.x")]
    (plan,) = compute(listed, base("dev.stable")).plan.services
    assert route_target(plan, "dev.stable") == "dev.stable"
    assert route_target(plan, "dev.other") == "dev"
    assert route_target(plan, None) == "dev.stable"
