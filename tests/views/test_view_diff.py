"""diff: the consequence of each change, its urgency, and what a gate makes of it."""

from __future__ import annotations

import pytest
from lists import base, service, workload
from worlds import HOSTILE, hostile, markdown_parts, plan_of, quickstart

from krm_fn.views import diff, paint
from krm_fn.views.change import Kind, compare

ALSO = "; also for dev, dev.proj1, dev.proj1.feature1"


def changed(*, less=(), more=(), before=None, after=None):
    """Compare the quickstart with itself, but for what is taken out by name and added."""
    old = quickstart()
    new = [one for one in old if one["metadata"]["name"] not in less] + list(more)
    return compare(plan_of(old, before), plan_of(new, after))


def sentences(found):
    return ["".join(text for text, _ in diff.sentence(change)) for change in found.changes]


def gates(found):
    return {gate for gate in ("base", "unmatched", "any") for change in found.changes if change.stops(gate)}


def test_nothing_changes():
    """Equal lists have no changes, stop at no gate, and the text says how much was compared."""
    found = changed()
    assert (found.changes, gates(found)) == ((), set())
    assert paint.plain(diff.diff(found)) == "No answer changes: 15 cells of 3 Services are as they were.\n"


@pytest.mark.parametrize(
    ("case", "sentence", "kind", "stopped"),
    [
        (
            {"more": [workload("n", "dev.proj1", app="app-go")]},
            "dev.proj1 now answers app-go itself (was dev); also for dev.proj1.feature1",
            Kind.MOVED,
            {"any"},
        ),
        (
            {"less": ["js-proj1"]},
            "dev.proj1 has no pods of app-js any more: dev answers; also for dev.proj1.feature1",
            Kind.MOVED,
            {"any"},
        ),
        (
            {"less": ["app-go-dev"]},
            "app-go has no answer any more: 503 (was dev)" + ALSO,
            Kind.BASE,
            {"base", "unmatched", "any"},
        ),
        (
            {"less": ["app-go-dev", "go-proj2"]},
            "app-go has no answer any more: 503 (was dev); it has no pods: nobody answers it" + ALSO,
            Kind.BASE,
            {"base", "unmatched", "any"},
        ),
        (
            {"less": ["app-go"]},
            "app-go has no answer any more (was dev); the Service is gone" + ALSO,
            Kind.BASE,
            {"base", "unmatched", "any"},
        ),
        (
            {"more": [service("new"), workload("n", "dev", app="new")]},
            "new: dev answers (no environment), dev, dev.proj1, dev.proj1.feature1, dev.proj2",
            Kind.NEW,
            {"any"},
        ),
    ],
)
def test_a_change_reads_as_its_consequence(case, sentence, kind, stopped):
    """Each kind of change says who answers now and who did, and stops at the gates that it concerns."""
    found = changed(**case)
    assert sentence in sentences(found)
    assert found.changes[sentences(found).index(sentence)].kind is kind
    assert gates(found) == stopped


def test_a_lost_environment_is_no_change_of_the_base():
    """A value that nobody answers any more, with the base as it was, stops at `unmatched` and not at `base`."""
    carried = [service(), service("x")]
    old = [*carried, workload("a", "test"), workload("d", "dev", app="x"), workload("t", "test", app="x")]
    new = [one if one["metadata"]["name"] != "a" else workload("a", "other") for one in old]
    found = compare(plan_of(old), plan_of(new))
    assert "app in test has no answer any more: 503 (was test)" in sentences(found)
    assert "unmatched" in gates(found)
    assert "base" not in gates(found)


def test_the_loudest_stands_first():
    """Requests without an environment come before lost answers, and those before mere moves."""
    found = changed(less=["app-go-dev", "js-proj1"], more=[workload("n", "dev.proj2", app="app-java")])
    kinds = [change.kind for change in found.changes]
    assert kinds == sorted(kinds, key=list(Kind).index)
    told = paint.plain(diff.diff(found))
    assert told.startswith("! Requests without an environment are answered differently\n  app-go ")


def test_another_base_is_said_first():
    """Lists with another base or label cannot be compared cell by cell; that stands before all else."""
    found = changed(after=base("dev.proj1"))
    assert [(one.name, one.old, one.new) for one in found.settings] == [("base", "dev", "dev.proj1")]
    first = paint.plain(diff.diff(found)).splitlines()[0]
    assert first.startswith("! the base differs (dev → dev.proj1)")


def test_another_rule_of_a_port_is_a_change():
    """A port that stops following the header is told, though every cell stays."""
    values = [workload("a", "dev"), workload("b", "dev.x")]
    old, new = plan_of([service(), *values]), plan_of([service(ports=((80, "tcp"),)), *values])
    assert sentences(compare(old, new)) == ["app port 80: by header → to the base"]


def test_labels_on_the_first_pods_make_a_new_part():
    """A Service whose pods get the label takes part now: no alarm about requests without an environment."""
    found = compare(
        plan_of([*quickstart(), service("s"), workload("s", app="s")]),
        plan_of([*quickstart(), service("s"), workload("s", "dev", app="s")]),
    )
    assert [change.kind for change in found.changes] == [Kind.NEW]
    assert "base" not in gates(found)


def test_many_values_are_cut_short():
    """A change of many environments names the first few and counts the rest."""
    many = [workload(f"m{n}", f"dev.m{n}", app="app-js") for n in range(20)]
    old = [*quickstart(), *many]
    new = [one for one in old if one["metadata"]["name"] != "app-go-dev"]
    (told,) = sentences(compare(plan_of(old), plan_of(new)))
    assert told.endswith("; also for dev, dev.m0, dev.m1, dev.m2, dev.m3, dev.m4 and 17 more")


def test_markdown_keeps_hostile_names_in_code():
    """A comment made of hostile names holds them in code spans, one item a line."""
    old = [service("x"), workload("x", "dev", app="x")]
    told = diff.as_markdown(compare(plan_of(old), plan_of(hostile())))
    inside, _ = markdown_parts(told)
    assert set(filter(str.isprintable, HOSTILE)) <= inside


def test_json_has_each_change_with_its_sentence():
    """The JSON has kind, Service, values, both answers and the sentence, and how many cells there are."""
    found = diff.as_json(changed(less=["js-proj1"]), (), ())
    (change,) = found["changes"]
    assert change["kind"] == "moved"
    assert change["values"] == ["dev.proj1", "dev.proj1.feature1"]
    assert change["old"] == {"environment": "dev.proj1", "otherwise": None}
    assert change["new"] == {"environment": "dev", "otherwise": None}
    assert found["cells"] == {"all": 15, "changed": 2}
