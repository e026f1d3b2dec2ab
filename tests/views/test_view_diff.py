"""diff: the consequence of each change, its urgency, and what a gate makes of it."""

from __future__ import annotations

import pytest
from lists import base, service, workload
from worlds import HOSTILE, hostile, markdown_parts, plan_of, quickstart

from krm_fn.views import diff, paint
from krm_fn.views.change import Kind
from krm_fn.views.compare import compare

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


@pytest.mark.parametrize(
    ("spec", "setting", "said"),
    [
        ({"aliases": [{"cookie": "env"}]}, ("aliases", "none", "cookie env"), "the aliases differ (none → cookie env)"),
        ({"autoInject": True}, ("injection", "off", "on"), "the injection differs (off → on)"),
    ],
)
def test_another_carrier_is_no_silence(spec, setting, said):
    """Where a request may carry its environment, and whether the mesh adds it, is part of who answers."""
    found = changed(before=base(), after=base(envHeader=spec))
    assert [(one.name, one.old, one.new) for one in found.settings] == [setting]
    assert said in paint.plain(diff.diff(found)).splitlines()[0]


def test_services_without_a_part_are_not_counted_as_compared():
    """A Service that takes part in neither list has no cells, and is not among those whose cells are as they were."""
    found = changed(more=[service("apart")])
    assert paint.plain(diff.diff(found)) == "No answer changes: 15 cells of 3 Services are as they were.\n"


def test_another_base_is_said_first():
    """Lists with another base or label cannot be compared cell by cell; that stands before all else."""
    found = changed(after=base("dev.proj1"))
    assert [(one.name, one.old, one.new) for one in found.settings] == [("base", "dev", "dev.proj1")]
    first = paint.plain(diff.diff(found)).splitlines()[0]
    assert first.startswith("! the base differs (dev → dev.proj1)")


def test_another_rule_of_a_port_is_a_change():
    """A port that stops following the header is told, with who lost it to the base, whose pods all are still there."""
    values = [workload("a", "dev"), workload("b", "dev.x")]
    web, old = ((80, "http"), (81, "http")), plan_of([service(), *values])
    assert sentences(compare(old, plan_of([service(ports=((80, "tcp"),)), *values]))) == [
        "app in dev.x is answered by dev (was dev.x); no port that follows the header",
        "app port 80: by header → to the base",
    ]
    new = plan_of([service(ports=((80, "http"), (81, "tcp"))), *values])
    assert sentences(compare(plan_of([service(ports=web), *values]), new)) == ["app port 81: by header → to the base"]


def test_a_pinned_port_has_the_base_s_answer():
    """A Service of plain TCP is the base's for everybody, so an environment of it comes and goes without a change."""
    values = [service(ports=((6379, "redis"),)), workload("a", "dev"), workload("b", "dev.x"), service("web")]
    values += [workload("w", "dev", app="web"), workload("x", "dev.x", app="web")]
    without = [one for one in values if one["metadata"]["name"] != "b"]
    for old, new in ((values, without), (without, values)):
        assert compare(plan_of(old), plan_of(new)).changes == ()
    lost = [one for one in values if one["metadata"]["name"] != "a"]
    found = compare(plan_of(values), plan_of(lost))
    assert sentences(found) == ["app has no answer any more: connections close (was dev); also for dev, dev.x"]
    assert gates(found) == {"base", "unmatched", "any"}


def test_a_headless_service_is_any_pod():
    """Its clients choose themselves, so one of its environments more or less moves nobody's answer to a 503."""
    values = [service(clusterIP="None"), workload("a", "dev"), workload("b", "dev.x"), workload("c", "dev.y")]
    assert compare(plan_of(values), plan_of(values[:-1])).changes == ()
    assert "503" not in "".join(sentences(compare(plan_of(values), plan_of([values[0]]))))


@pytest.mark.parametrize("labelled", ["app-x", "app-y"])
def test_an_adopted_base_is_the_base(labelled):
    """Where the base's pods have no label of their own, the last environment ends without an alarm about the base."""
    config = base(unlabelled="adopt")
    values = [service(), workload("app"), workload("app-x", "dev.x"), workload("app-y", "dev.y")]
    other = [service("other"), workload("o", "dev", app="other")]
    one = [values[0], values[1], *(each for each in values[2:] if each["metadata"]["name"] == labelled), *other]
    none = [values[0], values[1], *other]
    assert gates(compare(plan_of(values + other, config), plan_of(one, config))) == {"any"}
    found = compare(plan_of(one, config), plan_of(none, config))
    assert gates(found) == {"any"}
    assert sentences(found) == [f"dev.{labelled[-1]} has no pods of app any more: dev answers"]


def test_answered_now_only_where_somebody_answers():
    """A Service that nobody answered, and that is gone or still without pods, is no change; one with pods is."""
    nobody = [*quickstart(), service("lost"), workload("l", "dev", app="lost", replicas=0)]
    for after in (quickstart(), [*quickstart(), service("lost")]):
        assert compare(plan_of(nobody), plan_of(after)).changes == ()
    found = compare(plan_of(nobody), plan_of([*nobody[:-1], workload("l", "dev", app="lost")]))
    assert {change.kind for change in found.changes} == {Kind.ANSWERED}


@pytest.mark.parametrize("dashes", [True, False])
def test_a_renamed_environment_is_told_as_one(dashes):
    """An environment whose workloads are the same under another name is called so, with what became of its requests."""

    def world(name):
        tail = name.replace(".", "-") if dashes else name.rpartition(".")[2]
        extra = [workload(f"{app}-{tail}", name, app=app) for app in ("app-js", "app-java")]
        kept = [one for one in quickstart() if not one["metadata"]["name"].endswith(("proj1", "feature1"))]
        return [*kept, *extra, workload("java-me", f"{name}.me", app="app-java")]

    found = compare(plan_of(world("dev.proj1")), plan_of(world("dev.project1")))
    assert [change.kind for change in found.changes] == [Kind.RENAMED, Kind.RENAMED]
    told = sentences(found)
    assert told[0] == (
        "dev.proj1 is called dev.project1 now: requests that carry dev.proj1 are answered by dev (app-java, app-js)"
    )
    assert told[1].startswith("dev.proj1.me is called dev.project1.me now")
    assert gates(found) == {"any"}
    assert found.settings == ()


def test_a_renamed_base_is_no_alarm():
    """A base that gets another name, with all below it, is told as renamed: its pods answer as before."""

    def world(name):
        return [service(), workload("a", name), workload("a-x", f"{name}.x")]

    found = compare(plan_of(world("dev"), base("dev")), plan_of(world("main"), base("main")))
    assert {change.kind for change in found.changes} == {Kind.RENAMED}
    assert (found.settings, gates(found)) == ((), {"any"})


def test_two_that_come_and_go_are_not_one():
    """An environment that goes while another with other workloads comes is no renamed one."""
    old = [*quickstart(), workload("js-proj3", "dev.proj3", app="app-js")]
    new = [*quickstart(), workload("go-proj4", "dev.proj4", app="app-go")]
    assert Kind.RENAMED not in {change.kind for change in compare(plan_of(old), plan_of(new)).changes}


def test_unrelated_lists_are_said_to_be_so_first():
    """Lists without a Service in common are called so before all else; a first package, and a related one, are not."""
    other = [service("x"), workload("x", "dev", app="x")]
    found = compare(plan_of(quickstart()), plan_of(other))
    first = paint.plain(diff.diff(found)).splitlines()[0]
    assert first.startswith("! these lists have no Service in common (3 Services before, 1 Service after)")
    assert "no Service in common" in diff.as_markdown(found)
    for old, new in ((quickstart(), [*quickstart(), *other]), ([], other)):
        assert compare(plan_of(old), plan_of(new)).unrelated is None


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
