"""`routes: all`: Services that take part have their objects always, so that these change and need not be deleted."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import base, codes, compute, of_kind, service, workload

from krm_fn import function
from krm_fn.views import report
from krm_fn.views.change import Kind
from krm_fn.views.compare import compare
from krm_fn.views.table import tables

MINE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "mine"},
    "spec": {"hosts": ["app"], "http": [{"timeout": "3s", "route": [{"destination": {"host": "app"}}]}]},
}
RULE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "rule"},
    "spec": {"host": "app", "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}},
}


def names(computed):
    return sorted((one["kind"], one["metadata"]["name"]) for one in computed.changes.added)


def made(values, **spec):
    return compute(values, base(routes="all", **spec))


def test_a_service_of_the_base_alone():
    """It has one route, to the base's subset, and the rule with that subset; with `split` it has nothing."""
    world = [service(), workload("app", "dev")]
    assert names(compute(world, base())) == []
    computed = made(world)
    assert names(computed) == [("DestinationRule", "app"), ("VirtualService", "app")]
    (routes,) = of_kind(computed.changes.added, "VirtualService")
    destination = {"host": "app", "subset": "dev"}
    assert routes["spec"]["http"] == [{"name": "dev", "route": [{"destination": destination}]}]
    (rule,) = of_kind(computed.changes.added, "DestinationRule")
    assert rule["spec"]["subsets"] == [{"name": "dev", "labels": {"virtual-env": "dev"}}]


@settings(deadline=None)  # the machine's, not the function's
@given(st.sets(st.sampled_from(["dev.a", "dev.a.b", "dev.c", "other"])), st.sets(st.sampled_from(["mine", "rule"])))
def test_what_there_is_does_not_depend_on_environments(environments, theirs):
    """Whatever environments come and go, and whatever objects of the user's there are, the same objects are made."""
    own = [one for name, one in (("mine", MINE), ("rule", RULE)) if name in theirs]
    alone = made([service(), workload("app", "dev"), *own])
    among = made([service(), workload("app", "dev"), *own, *(workload(f"app-{one}", one) for one in environments)])
    assert names(alone) == names(among)
    assert sorted(alone.changes.rewritten) == sorted(among.changes.rewritten)


@pytest.mark.parametrize("theirs", [[MINE], [RULE], [MINE, RULE]], ids=["routes", "rule", "both"])
def test_the_users_own_objects_with_the_base_alone(theirs):
    """They are woven into, a second run changes nothing, and no route names a subset that is not there."""
    raw = yaml.safe_dump_all([service(), workload("app", "dev"), *theirs]).encode()
    outcome = function.run(raw, base(routes="all"))
    assert not outcome.failed, outcome.results
    assert function.run(outcome.output, base(routes="all")).output == outcome.output
    objects = list(yaml.safe_load_all(outcome.output))
    subsets = {one["name"] for rule in of_kind(objects, "DestinationRule") for one in rule["spec"]["subsets"]}
    named = {
        entry["destination"].get("subset")
        for routes in of_kind(objects, "VirtualService")
        for route in routes["spec"]["http"]
        for entry in route["route"]
    }
    assert named - {None} <= subsets
    # And back: without `all` what was added goes again.
    assert list(yaml.safe_load_all(function.run(outcome.output, base()).output)) == list(yaml.safe_load_all(raw))


def test_a_service_without_any_pods():
    """With nobody there the reply says so, instead of a route to an empty subset."""
    (routes,) = of_kind(made([service(), workload("app", "dev", replicas=0)]).changes.added, "VirtualService")
    (route,) = routes["spec"]["http"]
    assert "has no pods of the base environment dev, nor of any other\n" in route["directResponse"]["body"]["string"]


def test_ports_and_services_that_no_route_can_serve():
    """Plain TCP is pinned to the base; a headless Service and one of TLS alone have nothing, as ever."""
    (routes,) = of_kind(made([service(ports=((5432, "tcp"),)), workload("app", "dev")]).changes.added, "VirtualService")
    assert routes["spec"]["tcp"] == [{"route": [{"destination": {"host": "app", "subset": "dev"}}]}]
    assert names(made([service(clusterIP="None"), workload("app", "dev")])) == []
    assert names(made([service(ports=((443, "https"),)), workload("app", "dev")])) == []


def test_a_service_that_takes_no_part():
    """Without a labelled pod a Service has nothing."""
    assert names(made([service(), workload("app", None), service("other"), workload("o", "dev", app="other")])) == [
        ("DestinationRule", "other"),
        ("VirtualService", "other"),
    ]


def test_a_rule_for_each_subset_in_the_order_of_the_list():
    """`applyOrder: list` makes one DestinationRule for each subset, before the routes, and no host's annotations."""
    world = [service(), workload("app", "dev"), workload("app-a", "dev.a")]
    made_ = made(world, applyOrder="list").changes.added
    kinds = [(one["kind"], one["metadata"]["name"]) for one in made_]
    assert kinds == [("DestinationRule", "app.dev"), ("DestinationRule", "app.dev-a"), ("VirtualService", "app")]
    assert {key for one in made_ for key in one["metadata"]["annotations"]} == {"virtual-env-fn.dev/owner"}


def test_all_that_is_generated_has_the_label():
    """Each generated object can be selected; what an earlier version made gets the label and is not made twice."""
    raw = yaml.safe_dump_all([service(), workload("app", "dev"), workload("app-a", "dev.a")]).encode()
    output = function.run(raw, base()).output
    label = "  labels:\n    app.kubernetes.io/managed-by: virtual-env-fn\n"
    assert output.decode().count(label) == 2
    earlier = output.decode().replace(label, "")
    assert function.run(earlier.encode(), base()).output == output


def test_adoption_does_not_depend_on_environments():
    """Every unlabelled pod that a Service selects gets the base's label, with environments or without."""
    world = [service(), workload("app"), service("other"), workload("other", app="other"), workload("lone", app="lone")]
    alone = compute(world, base(unlabelled="adopt"))
    among = compute([*world, workload("app-a", "dev.a")], base(unlabelled="adopt"))
    assert codes(alone.results) == codes(among.results) == ["adopted", "adopted"]
    assert alone.changes.rewritten == among.changes.rewritten
    assert [one.service.ref.name for one in alone.plan.services] == ["app", "other"]
    assert {one.name for one in alone.plan.namespaces} == {""}
    assert alone.plan.namespaces[0].known == {"dev"}


def test_the_views_count_adopted_pods():
    """`check` and `matrix` have them as the base's, and to `diff` a label written and a label given are one."""
    adopted = compute([service(), workload("app"), workload("app-a", "dev.a")], base(unlabelled="adopt")).plan
    written = compute([service(), workload("app", "dev"), workload("app-a", "dev.a")], base()).plan
    found = {one.name: one for one in report.environments(adopted)}
    assert found["dev"].overrides == ("app",)
    assert found["dev"].workloads == ("Deployment app",)
    (table,) = tables(adopted, [], [])
    assert "dev" in table.rows[0].plan.own
    assert [one for one in compare(written, adopted).changes if one.kind is not Kind.NEW] == []


def test_adoption_needs_a_base():
    """Who is the base must not depend on which environments are there."""
    found = compute([service(), workload("app")], {**base(unlabelled="adopt"), "spec": {"unlabelled": "adopt"}})
    assert codes(found.results) == ["base-ambiguous"]


SLIPS = ["virtual-evn", "virtual-en", "virtual-envv", "virtuaal-env", "Virtual-env", "virtual_env", "virtualenv"]


@pytest.mark.parametrize("key", SLIPS)
def test_a_label_with_a_slip_is_no_base(key):
    """A key one slip away from the label is an error where it would be adopted, and no other key is."""
    found = compute([service(), workload("app", labels={key: "dev.x"})], base(unlabelled="adopt"))
    assert codes(found.results) == ["label-slip"]
    for other in ("environment", "virtual", "virtual-env-2", "virtual-even-x"):
        found = compute([service(), workload("app", labels={other: "x"})], base(unlabelled="adopt"))
        assert codes(found.results) == ["adopted"], other
