"""Which objects of a list count, and what is said about those that do not."""

import pytest
from lists import LABEL, base, codes, compute, config, named, service, workload


def results(values, function_config=None, *, quiet=("base-assumed",)):
    computed = compute(values, function_config)
    return [code for code in codes(computed.results) if code not in quiet], computed


KINDS = {
    "Deployment": ("apps/v1", "spec.template"),
    "StatefulSet": ("apps/v1", "spec.template"),
    "DaemonSet": ("apps/v1", "spec.template"),
    "ReplicaSet": ("apps/v1", "spec.template"),
    "ReplicationController": ("v1", "spec.template"),
    "Pod": ("v1", ""),
    "Job": ("batch/v1", "spec.template"),
    "CronJob": ("batch/v1", "spec.jobTemplate.spec.template"),
    "Rollout": ("argoproj.io/v1alpha1", "spec.template"),
    "CloneSet": ("apps.kruise.io/v1alpha1", "spec.template"),
    "AdvancedCronJob": ("apps.kruise.io/v1alpha1", "spec.template.jobTemplate.spec.template"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_workload_kind_has_pods(kind):
    """A Service is split by the pods of any kind that has a pod template."""
    api, path = KINDS[kind]
    template = {"metadata": {"labels": {"app": "app", "virtual-env": "dev.proj1"}}, "spec": {}}
    value = {"apiVersion": api, "kind": kind, "metadata": {"name": "one"}}
    for step in reversed(path.split(".") if path else []):
        template = {step: template}
    value = {**value, **template, "metadata": {**template.get("metadata", {}), "name": "one"}}
    (plan,) = compute([service(), workload("dev", "dev"), value], base()).plan.services
    assert list(plan.own) == ["dev", "dev.proj1"]


def test_a_kind_of_one_s_own_by_its_template_path():
    """`workloads` names further kinds and where their pod template stands."""
    value = workload("x", "dev.proj1", kind="Thing", api="example.com/v1")
    value["spec"] = {"pods": value["spec"]}
    kinds = [{"apiVersion": "example.com/v1", "kind": "Thing", "templatePath": "spec.pods.template"}]
    (plan,) = compute([service(), workload("dev", "dev"), value], base(workloads=kinds)).plan.services
    assert list(plan.own) == ["dev", "dev.proj1"]


def test_without_labels_nothing_takes_part():
    """A Service of which no workload carries the label is left out, and that is no finding."""
    said, computed = results([service(), workload("a")])
    assert not computed.plan.services
    assert not computed.made.manifests
    assert said == []


def test_some_labelled_and_some_not_is_an_error():
    """A Service of labelled and unlabelled workloads could send anybody to the unlabelled ones: an error names them."""
    computed = compute([service(), workload("a", "dev"), workload("b")])
    (finding,) = [one for one in computed.results if one.severity == "error"]
    assert (finding.code.slug, finding.ref.name, finding.field) == (
        "unlabelled-workload",
        "b",
        "spec.template.metadata.labels",
    )


@pytest.mark.parametrize("value", ["", "dev..x", "-dev", "dev.", ".dev", "a b", "x" * 64, "dév"])
def test_a_label_that_names_nothing_is_an_error(value):
    """A value that is no label value, or has an empty level, is an error at its field."""
    computed = compute([service(), workload("a", "dev"), workload("b", value)])
    finding = next(one for one in computed.results if one.code.slug == "label-invalid")
    assert finding.field == "spec.template.metadata.labels.virtual-env"
    assert repr(value) in finding.message


@pytest.mark.parametrize(
    ("value", "written"), [(1.0, "1.0"), (True, "true"), (17, "17"), (["dev"], '["dev"]'), ({"a": "b"}, '{"a": "b"}')]
)
def test_a_label_that_yaml_reads_as_something_else_is_an_error(value, written):
    """A label value that is no string is an error that shows the value as YAML writes it."""
    said, computed = results([service(), workload("a", value)])
    assert "object-invalid" in said
    assert f" {written}" in computed.results[0].message


def test_scaled_to_zero_is_absent():
    """A workload with replicas 0 forms no environment, and a finding says so."""
    said, computed = results([service(), workload("a", "dev"), workload("b", "dev.proj1", replicas=0)], base())
    assert said == ["scaled-to-zero"]
    assert list(computed.plan.services[0].own) == ["dev"]
    assert not computed.made.manifests


@pytest.mark.parametrize(
    ("waker", "own"),
    [
        (
            {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "spec": {"scaleTargetRef": {"name": "b"}}},
            ["dev", "dev.proj1"],
        ),
        (
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "spec": {"minReplicas": 0, "scaleTargetRef": {"kind": "Deployment", "name": "b"}},
            },
            ["dev", "dev.proj1"],
        ),
        (
            {
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "spec": {"minReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "b"}},
            },
            ["dev"],
        ),
        (
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Rollout",
                "spec": {"replicas": 3, "workloadRef": {"kind": "Deployment", "name": "b"}},
            },
            ["dev", "dev.proj1"],
        ),
    ],
)
def test_what_wakes_a_workload_from_zero(waker, own):
    """KEDA, an HPA that may go to 0, and a Rollout that took a Deployment over bring pods; an ordinary HPA does not."""
    waker["metadata"] = {"name": "waker"}
    computed = compute([service(), workload("a", "dev"), workload("b", "dev.proj1", replicas=0), waker], base())
    assert list(computed.plan.services[0].own) == own


def test_the_only_root_is_the_base():
    """Without `defaultSubset` the only root of the namespace is the base, and an info says so."""
    said, computed = results([service(), workload("a", "dev"), workload("b", "dev.proj1")], quiet=())
    assert said == ["base-assumed"]
    assert computed.plan.services[0].base == "dev"


def test_several_roots_need_a_choice():
    """Several roots and no base is an error that lists them."""
    computed = compute([service(), workload("a", "dev"), workload("b", "test")])
    (finding,) = [one for one in computed.results if one.severity == "error"]
    assert finding.code.slug == "base-ambiguous"
    assert "dev, test" in finding.message


def test_a_base_that_nobody_carries_is_an_error_with_the_nearest():
    """A misspelt base is an error that names the nearest value that a workload carries."""
    computed = compute([service(), workload("a", "dev"), workload("b", "dev.proj1")], base("dve"))
    (finding,) = [one for one in computed.results if one.severity == "error"]
    assert (finding.code.slug, finding.field) == ("base-unknown", "spec.envLabel.defaultSubset")
    assert "'dev'" in finding.message


def test_a_base_of_another_namespace_is_silent():
    """A namespace without base pods, where another has them, is no error."""
    listed = [service(namespace="n"), workload("a", "dev.proj1", namespace="n"), workload("b", "dev", namespace="m")]
    said, computed = results(listed, base(), quiet=("base-absent", "unselected-pods"))
    assert said == []
    assert computed.plan.services[0].base_answer is None


def test_pods_that_a_controller_takes_from_a_service_are_told_once():
    """Pods that Flagger's Service will not have are its own finding's, which says who still reaches them."""
    canary = {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": named("app"),
        "spec": {"targetRef": {"kind": "Deployment", "name": "a"}, "service": {"name": "app", "port": 80}},
    }
    listed = [service(), workload("a", "dev"), workload("b", "dev.proj1"), canary]
    said = [one for one in compute(listed, base()).results if one.severity == "warning"]
    assert [one.code.slug for one in said] == ["selector-taken"]
    assert "pods of dev.proj1 get a share of everybody's requests" in said[0].message


def machine(environment=None, kind="WorkloadEntry"):
    """A machine beside the pods of `app`."""
    labels = {"app": "app", **({LABEL: environment} if environment else {})}
    spec = {"address": "192.0.2.1", "labels": labels} if kind == "WorkloadEntry" else {"metadata": {"labels": labels}}
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": named("machine"), "spec": spec}


@pytest.mark.parametrize("kind", ["WorkloadEntry", "WorkloadGroup"])
def test_machines_answer_as_pods_do(kind):
    """A machine that a Service selects is of the environment that its labels name."""
    said, computed = results([service(), machine("dev", kind), workload("b", "dev.proj1")], base())
    assert said == []
    assert computed.plan.services[0].base_answer == "dev"


@pytest.mark.parametrize(
    ("kind", "field"), [("WorkloadEntry", "spec.labels"), ("WorkloadGroup", "spec.metadata.labels")]
)
def test_a_machine_without_the_label_is_as_a_pod_without_it(kind, field):
    """It is an error, or gets the base's label; one that no Service selects may be a ServiceEntry's."""
    listed = [service(), workload("a", "dev"), workload("b", "dev.proj1"), machine(kind=kind)]
    (finding,) = [one for one in compute(listed, base()).results if one.severity == "error"]
    assert (finding.code.slug, finding.field) == ("unlabelled-workload", field)
    said, _ = results(listed, base(unlabelled="adopt"), quiet=("adopted",))
    assert said == []
    said, _ = results([service("other"), workload("a", "dev", app="other"), machine("dev.x", kind)], base())
    assert said == []


def test_namespaces_stand_alone():
    """A workload belongs only to Services of its own namespace; objects without one match one another only."""
    listed = [
        service(namespace="n"),
        workload("a", "dev", namespace="n"),
        workload("b", "dev.proj1", namespace="m"),
        workload("c", "dev.proj2"),
    ]
    computed = compute(listed, base())
    assert [list(one.own) for one in computed.plan.services] == [["dev"]]


def test_pods_that_no_service_selects():
    """Pods of an environment that no Service selects are reported, with the selector that misses them."""
    listed = [service(selector={"app": "app", "virtual-env": "dev"}), workload("a", "dev"), workload("b", "dev.proj1")]
    computed = compute(listed, base())
    (finding,) = [one for one in computed.results if one.code.slug == "unselected-pods"]
    assert finding.ref.name == "b"
    assert "Service app" in finding.message


def test_a_list_is_read_through():
    """The members of a v1 List are sources."""
    listed = {"apiVersion": "v1", "kind": "List", "items": [service(), workload("a", "dev"), workload("b", "dev.x")]}
    (plan,) = compute([listed]).plan.services
    assert list(plan.own) == ["dev", "dev.x"]


def test_local_config_is_no_source():
    """Objects marked local-config are never applied, so they count for nothing."""
    local = workload("b", "dev.x")
    local["metadata"]["annotations"] = {"config.kubernetes.io/local-config": "true"}
    (plan,) = compute([service(), workload("a", "dev"), local]).plan.services
    assert list(plan.own) == ["dev"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda one: one["spec"].update(ports="80"), "spec.ports"),
        (lambda one: one["spec"].update(ports=[80]), "spec.ports[0]"),
        (lambda one: one["spec"].update(ports=[{"port": "80"}]), "spec.ports[0].port"),
        (lambda one: one["spec"].update(ports=[{"port": 80, "name": 8}]), "spec.ports[0].name"),
        (lambda one: one["spec"].update(ports=[{"port": 70000}]), "spec.ports[0].port"),
        (lambda one: one["spec"].update(selector="app"), "spec.selector"),
        (lambda one: one["spec"].update(selector={"app": 1}), "spec.selector.app"),
        (lambda one: one.update(spec=[]), "spec"),
        (lambda one: one.update(metadata="x"), "metadata"),
        (lambda one: one["metadata"].update(name=1), "metadata.name"),
        (lambda one: one["metadata"].update(namespace=1), "metadata.namespace"),
    ],
)
def test_wrong_types_in_a_service(change, field):
    """Whatever of a Service has a wrong type is an error at that field."""
    wrong = service()
    change(wrong)
    computed = compute([wrong, workload("a", "dev")])
    assert ("object-invalid", field) in [(one.code.slug, one.field) for one in computed.results]


@pytest.mark.parametrize("replicas", ["2", -1, True, 1.5, [1]])
def test_wrong_replicas(replicas):
    """Replicas that are no number of pods, of a workload that takes part, count as pods, with a warning."""
    computed = compute([service(), workload("a", "dev", replicas=replicas), workload("b", "dev.x")])
    assert ("replicas-unread", "spec.replicas") in [(one.code.slug, one.field) for one in computed.results]
    assert sorted(computed.plan.services[0].own) == ["dev", "dev.x"]


@pytest.mark.parametrize("replicas", ["ENC[AES256_GCM,data:7g==]", "${REPLICAS:=2}", -1])
def test_what_takes_no_part_is_nobodys_business(replicas):
    """Odd replicas, labels that are no text, of a workload without an environment: no word, and the rest is routed."""
    odd = workload("odd", app="other", replicas=replicas, labels={"version": 1.0})
    computed = compute([service(), workload("a", "dev"), workload("b", "dev.x"), odd], base())
    assert not [one for one in computed.results if one.ref and one.ref.name == "odd"]
    assert [one.key for one in computed.plan.services] == [("", "app")]


@pytest.mark.parametrize(
    "odd",
    [
        service("odd", ports=(("${PORT:=80}", "http"),)),
        service("odd", ports=((8080, 1),)),
        service("odd", ports=(("ENC[AES256_GCM,data:7g==]",),), namespace="team"),
        service("odd", selector={"app": "other", "version": 1.0}),
        service(1, selector={"app": "other"}),
        service(selector={"app": "app", "version": 1.0}, namespace="other"),
        service("odd", selector={}, ports="${PORTS}"),
    ],
)
def test_a_service_that_takes_no_part_is_nobodys_business(odd):
    """Odd ports, names, selectors of a Service that can select no pods of an environment: the rest is routed."""
    computed = compute([service(), workload("a", "dev"), workload("b", "dev.x"), odd], base())
    assert not [one for one in computed.results if one.code.slug == "object-invalid"]
    assert [one.key for one in computed.plan.services] == [("", "app")]


def test_a_service_of_another_namespace_is_nobodys_business():
    """It cannot select pods of this one."""
    odd = service("odd", selector={"app": "app"}, ports=(("${PORT}",),), namespace="other")
    values = [service(namespace="a"), workload("a", "dev", namespace="a"), workload("b", "dev.x", namespace="a"), odd]
    assert results(values, base())[0] == []


@pytest.mark.parametrize(
    ("odd", "field"),
    [
        (service("odd", selector={"app": "app"}, ports=(("${PORT}",),)), "spec.ports[0].port"),
        (service("odd", selector={"app": 1}), "spec.selector.app"),
        (service("odd", selector={"app": "app", "version": 1.0}), "spec.selector.version"),
        (service("odd", selector="${SELECTOR}"), "spec.selector"),
        (service("odd", selector={"app": "app"}, ports=((0,),), namespace="team"), "spec.ports[0].port"),
    ],
)
def test_a_service_that_may_take_part_must_be_readable(odd, field):
    """What is no text may be any: such a Service may select pods of an environment."""
    labels = {"version": "1.0"}
    computed = compute([workload("a", "dev", labels=labels), workload("b", "dev.x", labels=labels), odd], base())
    assert [one.field for one in computed.results if one.code.slug == "object-invalid"] == [field]


def test_a_service_whose_pods_would_be_adopted_must_be_readable():
    """Where pods without a label get the base's, every Service with pods takes part."""
    odd = service("odd", selector={"app": "other"}, ports=(("${PORT}",),))
    values = [service(), workload("a", "dev"), workload("o", app="other"), odd]
    assert "object-invalid" in results(values, base(unlabelled="adopt"))[0]
    assert "object-invalid" not in results(values, base())[0]


def test_a_workload_that_would_be_adopted_must_be_readable():
    """What a Service selects gets the base's label there, whether any workload of the list has one yet or not."""
    values = [service(), workload("a", labels={"version": 1.0}), workload("b")]
    assert "object-invalid" in results(values, base(unlabelled="adopt"))[0]
    assert "object-invalid" not in results(values, base())[0]
    unselected = [service(selector={"app": "other"}), *values[1:]]
    assert "object-invalid" not in results(unselected, base(unlabelled="adopt"))[0]


def test_whole_numbers_may_be_written_as_others():
    """`2.0` and `8e1` are whole numbers to every reader of Kubernetes; `false` is none."""
    pods = [workload(name, env, replicas=count) for name, env, count in (("a", "dev", 2.0), ("b", "dev.x", 0.0))]
    said, computed = results([service(ports=((8e1, "http"),)), *pods, workload("c", "dev.y", replicas=False)], base())
    assert said == ["replicas-unread", "scaled-to-zero"]
    assert [port.number for port in computed.plan.services[0].service.ports] == [80]
    assert sorted(computed.plan.services[0].own) == ["dev", "dev.y"]


def test_two_services_of_one_name_are_an_error():
    """Two Services of the same namespace and name would be two answers for one host."""
    said, _ = results([service(), service(), workload("a", "dev")])
    assert said == ["object-twice"]


def test_a_service_without_selector_and_an_external_name():
    """A Service without a selector has no pods of its own: an info; an ExternalName is an alias: nothing."""
    bare, alias = service(selector={}), service("alias", type="ExternalName", externalName="x.example.com")
    said, computed = results([bare, alias, workload("a", "dev")], quiet=("unselected-pods",))
    assert said == ["no-selector"]
    assert not computed.made.manifests


@pytest.mark.parametrize(
    ("ports", "spec", "said"),
    [
        (((80, "http"),), {}, []),
        (((80, "http"), (443, "https")), {}, ["tls-port"]),
        (((53, "dns", None),), {}, ["no-header-port"]),
        (((443, "tls"),), {}, ["tls-port"]),
        (((80, None),), {}, ["port-undeclared"]),
        (((80, "http"),), {"clusterIP": "None"}, ["headless"]),
    ],
)
def test_what_cannot_follow_the_header(ports, spec, said):
    """Each port of a split Service that cannot follow the header is reported; those that can are not."""
    listed = [service(ports=ports, **spec), workload("a", "dev"), workload("b", "dev.proj1")]
    assert results(listed, base())[0] == said


def test_udp_is_reported():
    """A UDP port of a split Service reaches everybody's pods, and a warning says so."""
    one = service()
    one["spec"]["ports"].append({"port": 53, "name": "dns", "protocol": "UDP"})
    assert results([one, workload("a", "dev"), workload("b", "dev.x")], config())[0] == ["udp-port"]


def test_nothing_labelled_at_all():
    """A base without any labelled pod in the list is a likely mistake in the label's name: a warning."""
    assert results([service(), workload("a")], base())[0] == ["nothing-labelled"]


@pytest.mark.parametrize("target", [[], {}, {"name": ["a"], "kind": {}}, 3])
def test_a_scaler_of_nothing_is_none_of_ours(target):
    """A scaler whose target has a wrong type wakes nothing and breaks nothing."""
    scaler = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "s"}}
    said, _ = results([service(), workload("a", "dev"), {**scaler, "spec": {"scaleTargetRef": target}}], base())
    assert said == []


def test_no_finding_follows_from_what_was_left_out():
    """Where a Service or a workload has a mistake, nothing is said to be missing that may be missing through it."""
    broken_service = service("other", ports=(("80", "http"),))
    said, _ = results([service(), workload("a", "dev"), broken_service, workload("o", "dev", app="other")], base())
    assert said == ["object-invalid"]
    said, _ = results([service(), workload("a", "dev..x"), workload("b", "test.x")], base())
    assert said == ["label-invalid"]
    listed = [service(), workload("a", True), workload("b", "dev.x"), workload("c", "test", namespace="n", app="none")]
    said, _ = results(listed)
    assert said == ["object-invalid", "unselected-pods"]


@pytest.mark.parametrize(
    ("of_config", "of_list", "message"),
    [
        ("", "team", "has no namespace, so it configures what has none, and the list has nothing without one: write"),
        (
            "team",
            "",
            "configures a namespace of which the list has no Service and no workload; what the list has stands",
        ),
        ("team", "other", "configures a namespace of which the list has no Service and no workload"),
    ],
)
def test_a_config_whose_namespace_the_list_does_not_have(of_config, of_list, message):
    """Where only one of both names its namespace, that is the cause, and the option mends it."""
    config = {"apiVersion": "env.alibaba.com/v1alpha2", "kind": "VirtualEnvironment", "metadata": {"name": "v"}}
    config["metadata"] |= {"namespace": of_config} if of_config else {}
    values = [service(namespace=of_list), workload("a", "dev", namespace=of_list), config]
    (result,) = [one for one in compute(values).results if one.code.slug == "config-unused"]
    assert result.message.startswith(message)
    assert ("the option namespace" in result.message) == (not (of_config and of_list))


def test_a_full_name_of_a_namespace_to_come_is_told():
    """A full host whose namespace the list does not have names the Service without one: an info says so."""
    listed = [service(), workload("a", "dev"), workload("b", "dev.x")]
    rule = {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": "x"}}
    said, _ = results([*listed, {**rule, "spec": {"host": "app.prod.svc.cluster.local"}}], base())
    assert said == ["namespace-to-come"]
    said, _ = results([*listed, {**rule, "spec": {"host": "app.example.com"}}], base())
    assert said == []


def test_a_label_in_the_wrong_place():
    """The label on the object instead of its pods is a likely mistake: a warning says where it belongs."""
    wrong = workload("b")
    wrong["metadata"]["labels"] = {"virtual-env": "dev.x"}
    computed = compute([service(), workload("a", "dev", app="other"), wrong])
    (finding,) = [one for one in computed.results if one.code.slug == "label-misplaced"]
    assert (finding.ref.name, finding.field) == ("b", "metadata.labels.virtual-env")


def test_a_list_without_environments_is_left_without_a_word():
    """Where nobody carries the label a Service without a selector is no finding: the list leaves as it came."""
    assert results([service(selector={}), workload("a")])[0] == []


@pytest.mark.parametrize("other", ["dev.proj2", None], ids=["another-environment", "none"])
def test_two_workloads_of_one_name_with_different_pods_are_an_error(other):
    """A cluster has one Deployment of a name: routes to the pods of both would lead to nobody."""
    twins = [workload("cart", "dev.proj1"), workload("cart", other)]
    said, _ = results([service(), workload("dev", "dev"), *twins], base())
    assert "object-twice" in said
    elsewhere = [
        {**one, "metadata": {"name": "cart", "namespace": name}} for one, name in zip(twins, "ab", strict=True)
    ]
    assert "object-twice" not in results([service(), workload("dev", "dev"), *elsewhere], base())[0]


def test_one_workload_by_two_ways_is_one():
    """A file that is read twice is the same object, and another kind of the same name is another object."""
    twins = [
        workload("cart", "dev.proj1"),
        workload("cart", "dev.proj1"),
        workload("cart", "dev.proj2", kind="StatefulSet"),
    ]
    said, computed = results([service(), workload("dev", "dev"), *twins], base())
    assert said == []
    assert list(computed.plan.services[0].own) == ["dev", "dev.proj1", "dev.proj2"]
