"""The configuration: four ways in, one model, every mistake at once."""

import pytest
from lists import base, named
from lists import config as own

from krm_fn import config
from krm_fn.configure import gather
from krm_fn.objects import objects_of, ref_of
from krm_fn.options import RouteConfig
from krm_fn.results import FunctionError, Ref

OPERATOR = {
    "apiVersion": "env.alibaba.com/v1alpha2",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "demo"},
    "spec": {
        "envHeader": {"name": "ali-env-mark"},
        "envLabel": {"name": "virtual-env", "splitter": ".", "defaultSubset": "dev"},
    },
}


def config_map(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "function-input"}, "data": data}


def read(value, **overrides):
    return config.read(value, ref_of(value) if value else Ref(), overrides or None)


def problems(value):
    with pytest.raises(FunctionError) as caught:
        read(value)
    return {one.field: one.message for one in caught.value.results}


def test_nothing_means_defaults():
    """No functionConfig, kpt's empty ConfigMap and an own kind without a spec all mean the defaults."""
    empty = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "function-input"}, "data": {}}
    assert read(None) == read(empty) == read(own()) == read({**own(), "spec": None}) == RouteConfig()


def test_all_ways_say_the_same():
    """Own kind, the operator's resource, a ConfigMap of dotted names and kpt's `-- Kind k=v` are read alike."""
    dotted = {"envHeader.name": "ali-env-mark", "envLabel.defaultSubset": "dev"}
    by_kind = {"apiVersion": "v1", "kind": "VirtualEnvironment", "metadata": {"name": "x"}, "data": dotted}
    spec = {"envHeader": {"name": "ali-env-mark"}, "envLabel": {"defaultSubset": "dev"}}
    assert read(own(**spec)) == read(OPERATOR) == read(config_map(**dotted)) == read(by_kind)


def test_set_wins():
    """`--set` wins over the file, field by field."""
    read_config = config.read(OPERATOR, Ref(), {"envLabel.defaultSubset": "prod"})
    assert read_config.env_label.default_subset == "prod"
    assert read_config.env_header.name == "ali-env-mark"


def test_lists_by_number():
    """Numbers in a dotted name are places in a list."""
    data = {
        "workloads.0.apiVersion": "x/v1",
        "workloads.0.kind": "A",
        "workloads.1.apiVersion": "x/v1",
        "workloads.1.kind": "B",
    }
    assert [one.kind for one in read(config_map(**data)).workloads] == ["A", "B"]


def test_every_mistake_at_once():
    """All mistakes come together, each with its path, what was found and what is allowed."""
    found = problems(
        own(
            envLabel={"spliter": ".", "name": "a b"},
            envHeader={"name": "x y"},
            matching="prefx",
            unmatched=3,
            placement="../x.yaml",
            istio={"apiVersion": "v1"},
        )
    )
    assert "did you mean 'splitter'" in found["spec.envLabel.spliter"]
    assert "did you mean 'prefix'" in found["spec.matching"]
    assert found.keys() == {
        "spec.envLabel.spliter",
        "spec.envLabel.name",
        "spec.envHeader.name",
        "spec.matching",
        "spec.unmatched",
        "spec.placement",
        "spec.istio.apiVersion",
    }


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({**own(), "sepc": {}}, "sepc"),
        ({**own(), "spec": []}, "spec"),
        (config_map(**{"envLabel.defaultSubset": 3}), "data.envLabel.defaultSubset"),
        (config_map(**{"envLabel": "x", "envLabel.name": "y"}), "data.envLabel.name"),
        (config_map(matching="maybe"), "data.matching"),
        (config_map(defaultSubset="dev"), "data.defaultSubset"),
        ({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}, ""),
        ({"apiVersion": "env.alibaba.com/v1alpha1", "kind": "VirtualEnvironment"}, ""),
        ({"apiVersion": "v1", "kind": "ConfigMap", "data": []}, "data"),
    ],
)
def test_what_is_no_configuration(value, field):
    """Each thing that cannot be read is an error at its field."""
    assert field in problems(value)


def configs(function_config, *items):
    return gather(function_config, list(objects_of((item, ()) for item in items)))


def test_an_item_holds_for_its_namespace():
    """The operator's resource as an item configures its own namespace and wins there."""
    item = {**OPERATOR, "metadata": {"name": "demo", "namespace": "n"}}
    found = configs(base("prod"), item)
    assert found.of("n").config.env_label.default_subset == "dev"
    assert found.of("m").config.env_label.default_subset == "prod"


def test_two_items_of_one_namespace_are_an_error():
    """Two items in one namespace are an error that names both."""
    with pytest.raises(FunctionError, match="config-twice"):
        configs(None, OPERATOR, {**OPERATOR, "metadata": {"name": "other"}})


def test_the_function_config_among_the_items_is_not_an_item():
    """kpt lists the functionConfig's own file, and those of other runs, among the items: they are none of ours."""
    other = {**own(matching="exact"), "metadata": {"name": "other"}}
    assert configs(base(), base(), other).by_namespace == {}
    assert configs(OPERATOR, OPERATOR).by_namespace == {}


def test_an_own_config_among_the_items_counts_when_no_other_is_given():
    """Without a functionConfig an own-kind item holds, for everything where it has no namespace."""
    found = configs(None, base("prod"))
    assert found.of("any").config.env_label.default_subset == "prod"
    scoped = {**base("prod"), "metadata": named("x", "n")}
    assert configs(None, scoped).of("m").config.env_label.default_subset == ""


def test_the_owner_is_the_config_s_name():
    """The owner is the functionConfig's name; kpt's made-up ConfigMap and none at all are the same owner."""
    assert configs(base()).owner == "virtual-env"
    assert configs(None).owner == configs(config_map(matching="exact")).owner == "default"


def test_a_field_without_a_value_is_not_there():
    """`envLabel:` with nothing behind it, as templates write it, means the default."""
    assert read(own(envLabel=None, matching=None, istio={"injector": None})) == RouteConfig()


def test_a_mistake_in_set_is_laid_at_its_door():
    """A value that `--set` gave wrong is reported at --set, not at the file that it won over."""
    with pytest.raises(FunctionError) as caught:
        config.read(OPERATOR, ref_of(OPERATOR), {"matching": "prefixed", "mtching": "exact"})
    assert [(one.ref.kind, one.field) for one in caught.value.results] == [("--set", "matching"), ("--set", "mtching")]


def test_messages_speak_yaml():
    """A message shows what YAML shows, and no word of Python's or of the validator's."""
    found = problems(own(envLabel=["a"], envHeader={"autoInject": "yes", "name": True}, workloads=[{}, {"kind": ""}]))
    assert found == {
        "spec.envLabel": 'must be a mapping; found ["a"]',
        "spec.envHeader.autoInject": "must be true or false, without quotes; found 'yes'",
        "spec.envHeader.name": "must be a string; found true, put it in quotes",
        "spec.workloads[0].apiVersion": "is missing; add it",
        "spec.workloads[0].kind": "is missing; add it",
        "spec.workloads[1].apiVersion": "is missing; add it",
        "spec.workloads[1].kind": "must not be empty; found ''",
    }
