"""What is said of pods that run when their template gets the base's label."""

import pytest
from lists import base, codes, compute, service, workload


def adopted(kind, api, *, annotations=None, **spec):
    """The codes and messages about one workload that is adopted."""
    one = workload("old", kind=kind, api=api, **spec)
    if annotations:
        one["metadata"]["annotations"] = annotations
    results = compute([service(), workload("dev", "dev"), one], base(unlabelled="adopt")).results
    return [result for result in results if result.ref and result.ref.name == "old"]


@pytest.mark.parametrize(
    ("kind", "api", "spec", "word"),
    [
        ("Job", "batch/v1", {}, "delete the Job"),
        ("ReplicaSet", "apps/v1", {}, "does not replace its pods"),
        ("ReplicationController", "v1", {}, "does not replace its pods"),
        ("Deployment", "apps/v1", {"paused": True}, "paused"),
        ("DaemonSet", "apps/v1", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ("StatefulSet", "apps/v1", {"updateStrategy": {"type": "OnDelete"}}, "OnDelete"),
        ("StatefulSet", "apps/v1", {"updateStrategy": {"rollingUpdate": {"partition": 2}}}, "partition 2"),
    ],
    ids=str,
)
def test_pods_that_nobody_replaces_are_told(kind, api, spec, word):
    """Where a controller does not replace pods for a new label, or the API server refuses it, a warning says so."""
    found = adopted(kind, api, **spec)
    assert codes(found) == ["adopted-late", "adopted"] or codes(found) == ["adopted", "adopted-late"]
    assert word in next(one.message for one in found if one.code.slug == "adopted-late")


@pytest.mark.parametrize(
    ("kind", "api", "spec"),
    [
        ("Deployment", "apps/v1", {}),
        ("StatefulSet", "apps/v1", {"updateStrategy": {"rollingUpdate": {"partition": 0}}}),
        ("DaemonSet", "apps/v1", {"updateStrategy": {"type": "RollingUpdate"}}),
        ("Job", "batch/v1", {"annotations": {"helm.sh/hook": "pre-install"}}),
    ],
    ids=str,
)
def test_pods_that_are_replaced_need_nothing(kind, api, spec):
    """A rolling update brings the label, and a hook's Job is deleted by whoever runs it."""
    assert codes(adopted(kind, api, **spec)) == ["adopted"]


def test_a_pod_gets_the_label_in_place():
    """Labels of a Pod are its metadata: nothing restarts, and nothing says so."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "old", "labels": {"app": "app"}}, "spec": {}}
    results = compute([service(), workload("dev", "dev"), pod], base(unlabelled="adopt")).results
    (found,) = [result for result in results if result.ref and result.ref.name == "old"]
    assert found.code.slug == "adopted"
    assert "in place" in found.message
    assert "they restart" not in found.message
