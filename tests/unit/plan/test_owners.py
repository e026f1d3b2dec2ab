"""What a workload of the list makes while it works counts with that workload, not beside it."""

import pytest
from lists import base, compute, service, workload


def owned(value, owner, name, **labels):
    """Return an object as the controller of `owner` makes it."""
    reference = {key: owner[key] for key in ("apiVersion", "kind")} | {"name": owner["metadata"]["name"]}
    metadata = {"name": name, "ownerReferences": [{**reference, "controller": True}]}
    return {**value, "metadata": {**value["metadata"], **metadata, "labels": labels or {}}}


def pod(owner, name, env, **labels):
    found = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {"containers": [{"name": "c"}]}}
    return owned(found, owner, name, app="app", **({"virtual-env": env} if env else {}), **labels)


def replicas(owner, env, **spec):
    made = workload("one", env, kind="ReplicaSet", **spec)
    return owned(made, owner, f"{owner['metadata']['name']}-aaa")


@pytest.mark.parametrize("has_sets", [True, False], ids=["ReplicaSets too", "Pods only"])
def test_old_replica_sets_and_pods_name_no_environment(has_sets):
    """An old ReplicaSet has the label of another time, and Pods are the Deployment's also without their ReplicaSet."""
    one, new = workload("app", "dev"), workload("app-new", "dev.new")
    old = replicas(new, "dev.old", replicas=0)
    pods = [pod(old, "app-new-aaa-1", "dev.old", **{"pod-template-hash": "aaa"})]
    (plan,) = compute([service(), one, new, *([old] if has_sets else []), *pods], base()).plan.services
    assert {name: [str(each.ref) for each in own.workloads] for name, own in plan.own.items()} == {
        "dev": ["Deployment app"],
        "dev.new": ["Deployment app-new"],
    }
    assert not plan.absent


def test_only_what_stands_in_nobody_s_hands_is_adopted():
    """Adoption labels the Deployment; its ReplicaSets and Pods change with it."""
    one = workload("app")
    made = replicas(one, None)
    computed = compute([service(), one, made, pod(made, "app-1", None)], base(unlabelled="adopt"))
    assert [str(each.workload.ref) for each in computed.plan.adoptions] == ["Deployment app"]


def test_pods_whose_owner_is_not_in_the_list_count():
    """A list of Pods alone is all that there is to see; so is what a kind makes that nobody reads."""
    absent = {"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "shop"}}
    values = [service(), pod(workload("app"), "app-1", "dev"), absent, pod(absent, "shop-1", "dev.new")]
    (plan,) = compute(values, base()).plan.services
    assert list(plan.own) == ["dev", "dev.new"]
