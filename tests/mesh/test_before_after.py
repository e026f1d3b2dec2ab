"""For requests that carry nothing, whatever was, is: lists of a user's before the function against after it.

`--before-after N` asks the first N random lists (users_lists.py). A list that shows a difference is made smaller until
only what it takes is left, and printed.
"""

from __future__ import annotations

import copy

import pytest
import yaml

from . import case, differential, parts, users_lists
from .before_after import ask, compare
from .probes import missing_gateways, questions
from .test_examples import ANSWERED, rendered

CASES = parts.ROOT / "tests" / "mesh" / "cases"
# What differs there is wanted, or is what the finding says.
TOLD = {
    "gateways/annotated-host-of-a-virtual-service": "by annotation, its users ask for a host that was not served",
    "findings/filters-by-name": "the patches that it is about hold no more",
    "rules/a-subset-of-other-settings-for-some-pods": "some pods' clusters of environments have the others' settings",
}
NAMES = sorted({str(path.relative_to(CASES).with_suffix("")) for path in CASES.rglob("*.yaml")})
# Random lists that are answered otherwise today, until that is mended.
FAULTY: dict[int | str, str] = {}


def marked(number):
    why = FAULTY.get(number)
    return pytest.param(number, marks=pytest.mark.xfail(reason=why, strict=True) if why else ())


def test_a_list(number, count_compared):
    """A random list answers as before, and an environment as its own view of the list says."""
    listed = users_lists.make(number)
    outcome = differential.check(listed.manifests, listed.config, listed.value, seed=number)
    count_compared(number, outcome)
    if outcome.lines and number not in FAULTY:
        least, fault = differential.smallest(listed.manifests, listed.config, listed.value, outcome)
        text = yaml.safe_dump_all([listed.config, *least], sort_keys=False)
        pytest.fail(f"list {number}: {len(outcome.lines)} differences; the smallest list found:\n{fault}\n\n{text}")
    assert outcome.lines == []


# By annotation, its users ask for more than environments: a redirect of one path.
ALIKE = [name for name in ANSWERED if name != "gateway-hosts"]


@pytest.mark.parametrize("name", ALIKE)
def test_an_example(name, count_compared):
    """An example answers requests that carry nothing as it does without the function's routes."""
    found = rendered(name)
    before, gateways = found.given, missing_gateways(found.given)
    asked = questions([*before, *gateways], found.facts.carriers)
    (was,) = ask(before, gateways, found.facts, asked)
    (now,) = ask(differential.later(before, found.manifests), gateways, found.facts, asked)
    compared = compare(asked, was, now, found.facts, warned=True)
    count_compared(name, differential.Outcome("example", compared))
    assert compared.lines == []
    assert asked


@pytest.mark.parametrize("name", [marked(name) for name in NAMES])
def test_a_case(name, count_compared):
    """Each case of cases/ answers requests that carry nothing as it did, and its own questions as it says."""
    read = case.read(CASES / f"{name}.yaml")
    rows = case.plain(read)
    outcome = differential.check(read.manifests, read.config, further=[row.question for row in rows])
    count_compared(name, outcome)
    if read.xfail and outcome.lines:
        pytest.xfail(read.xfail)  # some of these show elsewhere: test_cases.py holds them
    lines = [] if name in TOLD else outcome.lines
    if outcome.what == "asked":
        lines += case.answered(read, outcome.further, case.run(read).results)
    assert lines == []


CHANGES = {
    "a base route that names no subset": lambda http: [*http[:-1], _to_all(http[-1])],
    "the base's route left out": lambda http: http[:-1],
    "a route for everybody before the others": lambda http: [{"directResponse": {"status": 404}}, *http],
    "a base route with a timeout": lambda http: [*http[:-1], {**http[-1], "timeout": "7s"}],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_broken_output_is_found(what):
    """Routes that are broken on purpose make a difference."""
    found = rendered("quickstart")
    asked = questions(found.given, found.facts.carriers)
    broken = copy.deepcopy(found.manifests)
    for one in broken:
        if one["kind"] == "VirtualService":
            one["spec"]["http"] = CHANGES[what](one["spec"]["http"])
    (was,) = ask(found.given, [], found.facts, asked)
    (now,) = ask(broken, [], found.facts, asked)
    assert compare(asked, was, now, found.facts, warned=False).lines


def test_another_policy_is_found():
    """A rule that is made with another policy than the one before it makes a difference."""
    found = rendered("quickstart")
    asked = questions(found.given, found.facts.carriers)[:4]
    broken = copy.deepcopy(found.manifests)
    for one in broken:
        if one["kind"] == "DestinationRule":
            one["spec"]["trafficPolicy"] = {"connectionPool": {"tcp": {"maxConnections": 9}}}
    (was,) = ask(found.given, [], found.facts, asked)
    (now,) = ask(broken, [], found.facts, asked)
    lines = compare(asked, was, now, found.facts, warned=True).lines
    assert any("another policy: circuit_breakers" in line for line in lines)


def test_a_fault_is_made_small():
    """Of a list whose fault takes one object of many, that one is left."""
    listed = users_lists.make(1)
    pods = [one for one in listed.manifests if one["kind"] == "Deployment"]
    wanted = pods[-1]["metadata"]["name"]
    kept = differential.least(listed.manifests, lambda some: any(one["metadata"]["name"] == wanted for one in some))
    assert [(one["metadata"]["name"], *one["spec"]) for one in kept] == [(wanted, "template")]


def _to_all(route):
    return {**route, "route": [{"destination": {"host": one["destination"]["host"]}} for one in route["route"]]}
