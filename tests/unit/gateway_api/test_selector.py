"""`base: selector`: the base's label in the user's own Service, known again next time, taken out without a trace."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import service, workload
from styles import decorated, styles

from krm_fn import function

PODS = [workload("a", "dev"), workload("b", "dev.proj1")]
SELECTOR = {"output": "gatewayAPI", "base": "selector", "envLabel.defaultSubset": "dev"}
BACKEND = {"output": "gatewayAPI", "envLabel.defaultSubset": "dev"}


def run(text, options):
    outcome = function.run(text.encode(), None, options)
    assert not outcome.failed, outcome.results
    return outcome.output.decode()


def named(text, name="app"):
    return next(one for one in yaml.safe_load_all(text) if (one["kind"], one["metadata"]["name"]) == ("Service", name))


def listed(*values):
    return "---\n".join(yaml.safe_dump(one, sort_keys=False) for one in values)


def test_one_label_and_who_added_it():
    """The Service selects the base alone, an annotation says who did that, and the routes are as without it."""
    given_text = listed(service(), *PODS)
    after = run(given_text, SELECTOR)
    assert named(after)["spec"]["selector"] == {"app": "app", "virtual-env": "dev"}
    assert named(after)["metadata"]["annotations"] == {"virtual-env-fn.dev/selector": "default virtual-env"}
    assert named(after, "app-dev-proj1")["spec"]["selector"] == {"app": "app", "virtual-env": "dev.proj1"}
    routes = [one for one in yaml.safe_load_all(after) if one["kind"] == "HTTPRoute"]
    assert routes == [one for one in yaml.safe_load_all(run(given_text, BACKEND)) if one["kind"] == "HTTPRoute"]


def test_the_next_run_knows_its_label():
    """Run again, nothing changes: the added label hides no environment."""
    after = run(listed(service(), *PODS), SELECTOR)
    assert run(after, SELECTOR) == after


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_taking_it_out_leaves_every_byte(data):
    """Whatever the Service's text looks like, without the option it is what it was, byte for byte."""
    value = service()
    if data.draw(st.booleans()):
        value["metadata"] |= {"annotations": {"a": "b"}, "labels": {"team": "x"}}
    text = decorated(data.draw(st.sampled_from(list(styles(value)))), data.draw)
    text = text if text.endswith("\n") else f"{text}\n"
    given_text = f"{text}---\n{listed(*PODS)}"
    back = run(run(given_text, SELECTOR), {"output": "gatewayAPI", "envLabel.defaultSubset": "dev"})
    only = function.run(given_text.encode(), None, BACKEND).output.decode()
    assert back == only


@pytest.mark.parametrize("options", [BACKEND, {"envLabel.defaultSubset": "dev"}])
def test_without_the_option_the_label_goes(options):
    """With `base: backend`, and with Istio's output, the Service is the user's own again."""
    after = run(run(listed(service(), *PODS), SELECTOR), options)
    assert named(after) == service()


def test_it_follows_the_base():
    """Where the base changes the label does, and where the last environment goes it goes, too."""
    pods = [*PODS, workload("m", "main")]
    after = run(listed(service(), *pods), SELECTOR)
    changed = run(after, {**SELECTOR, "envLabel.defaultSubset": "main"})
    assert named(changed)["spec"]["selector"] == {"app": "app", "virtual-env": "main"}
    alone = "---\n".join(
        yaml.safe_dump(one, sort_keys=False)
        for one in yaml.safe_load_all(changed)
        if one["metadata"]["name"] not in ("a", "b")
    )
    assert named(run(alone, {**SELECTOR, "envLabel.defaultSubset": "main"})) == service()


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ([service(clusterIP="None"), *PODS], {}),  # its clients, and a StatefulSet's names, need all of its pods
        ([service(), PODS[0]], {}),
        ([service(), PODS[1], workload("o", "dev", app="other")], {"unmatched": "anyPod"}),
    ],
)
def test_where_it_would_do_harm_it_is_not_added(values, options):
    """A headless Service, one without environments, one of which anybody may answer: they stay as they are."""
    assert named(run(listed(*values), {**SELECTOR, **options})) == values[0]


def test_somebody_elses_label_is_no_addition():
    """A selector that names an environment without this function's mark is the user's: nothing is taken out."""
    value = service(selector={"app": "app", "virtual-env": "dev"})
    assert named(run(listed(value, *PODS), SELECTOR)) == value
