"""Ownership: what is added, replaced, kept and pruned, again and again."""

import copy

from lists import base, codes, named, service, step, workload

from krm_fn.objects import OWNER

APP = [service(), workload("a", "dev"), workload("b", "dev.proj1")]


def is_quiet(changes):
    return not (changes.replaced or changes.removed or changes.added)


def test_twice_is_once():
    """A second run finds nothing to change."""
    after, _ = step(APP)
    again, changes = step(after)
    assert is_quiet(changes)
    assert again == after


def test_what_is_no_longer_wanted_goes():
    """When the environment's workload goes, its objects go too, and nothing else does."""
    after, _ = step(APP)
    pruned, changes = step([one for one in after if one["metadata"]["name"] != "b"])
    assert pruned == APP[:2]
    assert len(changes.removed) == 2


def test_a_change_keeps_the_place_in_the_file():
    """An object that must change keeps its path, its index and what others annotated."""
    after, _ = step(APP)
    after[-1]["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] = "3"
    kept = copy.deepcopy(after[-1]["metadata"])
    changed, changes = step([*after, workload("c", "dev.proj2")])
    assert len(changes.replaced) == 2
    assert not changes.added
    assert changed[len(APP) + 1]["metadata"] == kept


def test_two_configs_do_not_prune_each_other():
    """What another config made stays, whoever runs last."""
    other = {**base(envHeader={"name": "lane"}), "metadata": {"name": "lanes"}}
    listed = [*APP, service("x", namespace="n"), workload("x", "dev", app="x", namespace="n")]
    after, _ = step(listed)
    # The other config's own objects, for a Service that this one has no routes for.
    foreign, _ = step([service("y"), workload("y", "dev", app="y"), workload("y1", "dev.z", app="y")], other)
    both = [*after, *foreign[3:]]
    _, changes = step(both)
    assert is_quiet(changes)


def test_the_same_of_another_config_is_left_alone():
    """A parent package's run meets what the subpackage's made: the same, so it stays, and an info says so."""
    after, _ = step(APP)
    _, changes = step(after, {**base(), "metadata": {"name": "parent"}})
    assert is_quiet(changes)
    assert codes(changes.results) == ["same-as-other-config"] * 2


def test_another_config_s_different_object_is_an_error():
    """Two configs that want one host otherwise cannot both be right."""
    after, _ = step(APP)
    _, changes = step(after, {**base(envHeader={"name": "lane"}), "metadata": {"name": "lanes"}})
    assert "other-config" in codes(changes.results)


def test_a_mere_clash_of_names_is_none():
    """A user's object of the same kind and name for something else keeps its name; ours steps aside, also twice."""
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": named("app"),
        "spec": {"hosts": ["elsewhere.example.com"], "http": []},
    }
    after, changes = step([*APP, theirs])
    assert sorted((one["kind"], one["metadata"]["name"]) for one in changes.added) == [
        ("DestinationRule", "app"),
        ("VirtualService", "app-virtual-env"),
    ]
    assert is_quiet(step(after)[1])


def test_a_name_that_another_service_s_object_has_is_not_taken():
    """Where ours steps aside, it does not take the name that the objects of a Service `NAME-virtual-env` have."""
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": named("app"),
        "spec": {"hosts": ["elsewhere.example.com"], "http": []},
    }
    other = "app-virtual-env"
    pods = [workload("c", "dev", app=other), workload("d", "dev.proj1", app=other)]
    after, changes = step([*APP, service(other), *pods, theirs])
    hosts = {one["metadata"]["name"]: one["spec"]["hosts"] for one in changes.added if one["kind"] == "VirtualService"}
    assert hosts == {"app-virtual-env-2": ["app"], other: [other]}
    assert is_quiet(step(after)[1])


def test_own_objects_in_a_list_are_replaced_where_they_stand():
    """A v1 List (`kubectl get -o yaml`) with ours in it gets no second ones; what should change there changes there."""
    made = step(APP)[1].added
    listed = {"apiVersion": "v1", "kind": "List", "items": [*APP, *made]}
    _, changes = step([listed])
    assert is_quiet(changes)
    assert not changes.results
    _, changes = step([{**listed, "items": [*APP[:2], *made]}])
    assert not changes.results
    assert not changes.added
    assert "virtual-env-fn.dev/owner" not in changes.rewritten[0]  # with one environment there is nothing to route


def test_new_objects_find_free_places():
    """New objects are placed one after the other in their namespace's file, at indexes that nobody has."""
    taken = workload("x", app="x")
    taken["metadata"]["annotations"] = {
        "internal.config.kubernetes.io/path": "virtual-env-default.yaml",
        "internal.config.kubernetes.io/index": "1",
    }
    _, changes = step([*APP, taken])
    places = [
        (
            one["metadata"]["annotations"]["internal.config.kubernetes.io/path"],
            one["metadata"]["annotations"]["internal.config.kubernetes.io/index"],
        )
        for one in changes.added
    ]
    assert places == [("virtual-env-default.yaml", "0"), ("virtual-env-default.yaml", "2")]
    assert all(one["metadata"]["annotations"][OWNER] == "virtual-env" for one in changes.added)


def test_a_stream_is_not_told_places():
    """Documents on their way to a cluster get no file annotations."""
    _, changes = step(APP, place=False)
    assert [list(one["metadata"]["annotations"]) for one in changes.added] == [[OWNER], [OWNER]]


def test_duplicates_of_ours_are_removed():
    """Where a host wrote one of our objects twice, one stays."""
    after, _ = step(APP)
    _, changes = step([*after, copy.deepcopy(after[-1])])
    assert changes.removed == {len(after)}


def test_no_namespace_leads_out_of_the_package():
    """The file of a new object is named after its namespace without anything that could leave the package."""
    listed = [
        service(namespace="../x"),
        workload("a", "dev", namespace="../x"),
        workload("b", "dev.proj1", namespace="../x"),
    ]
    _, changes = step(listed)
    paths = {one["metadata"]["annotations"]["internal.config.kubernetes.io/path"] for one in changes.added}
    assert paths == {"virtual-env----x.yaml"}
