"""The configuration: four ways in, one model, every mistake at once."""

import pytest
from lists import base, named, objects
from lists import config as own

from krm_fn import function
from krm_fn.command.reading import place, read_object
from krm_fn.config import models, options, reader
from krm_fn.config.gather import gather
from krm_fn.config.options import RouteConfig
from krm_fn.objects import ref_of
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
    return reader.read(value, ref_of(value) if value else Ref(), overrides or None)


def problems(value):
    with pytest.raises(FunctionError) as caught:
        read(value)
    return {one.field: one.message for one in caught.value.results}


def test_nothing_means_defaults():
    """No functionConfig, kpt's empty ConfigMap and an own kind without a spec all mean the defaults."""
    empty = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "function-input"}, "data": {}}
    assert read(None) == read(empty) == read(own()) == read({**own(), "spec": None}) == RouteConfig()


def test_the_operator_s_empty_strings_mean_defaults():
    """An empty string in the operator's resource is the field's default, as it was to the operator; ours names it."""
    spec = {
        "envHeader": {"name": "", "aliases": [{"name": "x", "pattern": "env=(@)", "placeholder": ""}]},
        "envLabel": {"name": "", "splitter": "", "defaultSubset": ""},
    }
    found = read({**OPERATOR, "spec": spec})
    assert found.env_label == RouteConfig().env_label
    assert found.env_header.name == "X-Virtual-Env"
    assert found.env_header.aliases[0].placeholder == "(@)"
    assert {"spec.envHeader.name", "spec.envLabel.splitter"} <= problems(own(**spec)).keys()


def test_all_ways_say_the_same():
    """Own kind, the operator's resource, a ConfigMap of dotted names and kpt's `-- Kind k=v` are read alike."""
    dotted = {"envHeader.name": "ali-env-mark", "envLabel.defaultSubset": "dev"}
    by_kind = {"apiVersion": "v1", "kind": "VirtualEnvironment", "metadata": {"name": "x"}, "data": dotted}
    spec = {"envHeader": {"name": "ali-env-mark"}, "envLabel": {"defaultSubset": "dev"}}
    assert read(own(**spec)) == read(OPERATOR) == read(config_map(**dotted)) == read(by_kind)


def test_set_wins():
    """`--set` wins over the file, field by field."""
    read_config = reader.read(OPERATOR, Ref(), {"envLabel.defaultSubset": "prod"})
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
    return gather(function_config, objects(items))


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


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("metadata: {name: v}\nspec: {matching: exact, matching: prefix}", "spec.matching"),
        ("metadata: {name: v}\nspec: {tcp: base}\nspec: {unlabelled: adopt}", "spec"),
        ("metadata: {name: v, name: w}", "metadata.name"),
        ("metadata: {name: v, labels: {a: b, a: c}}", ""),
        ("metadata: {name: v}\nspec: {matching: exact, matching: exact}", ""),
    ],
)
def test_a_field_given_twice_is_an_error(text, field, tmp_path):
    """Of two values one would be dropped without a word; of what nobody reads, nobody's business."""
    raw = f"apiVersion: virtual-env-fn.dev/v1alpha1\nkind: VirtualEnvironment\n{text}\n".encode()
    results = function.run(raw).results
    assert [(one.code.slug, one.field) for one in results] == ([("duplicate-key", field)] if field else [])
    (tmp_path / "config.yaml").write_bytes(raw)
    if field:
        with pytest.raises(FunctionError, match=f"{field}: is given twice"):
            read_object(place(str(tmp_path / "config.yaml")))
    else:
        read_object(place(str(tmp_path / "config.yaml")))


def test_the_function_config_among_the_items_is_not_an_item():
    """kpt lists the functionConfig's own file, and those of other runs, among the items: they are none of ours."""
    other = {**own(matching="exact"), "metadata": {"name": "other"}}
    assert configs(base(), base(), other).by_namespace == {}
    assert configs(OPERATOR, OPERATOR).by_namespace == {}


def test_an_own_config_with_a_namespace_holds_there():
    """An own-kind item with a namespace wins in it over the functionConfig, unless it is a file of another run's."""
    item = {**base("prod"), "metadata": named("x", "n")}
    assert configs(base(), item).of("n").config.env_label.default_subset == "prod"
    assert configs(base(), item).of("m").config.env_label.default_subset == "dev"
    local = {"config.kubernetes.io/local-config": "true"}
    kept = {**item, "metadata": {**item["metadata"], "annotations": local}}
    assert configs(base(), kept).by_namespace == {}


@pytest.mark.parametrize(
    ("splitter", "fine"),
    [(".", True), ("x", True), ("--", True), ("._", True), ("xx", False), ("", False), ("/", False)],
)
def test_what_can_split(splitter, fine):
    """One character of a label value splits, or several that no name ends with."""
    spec = own(envLabel={"splitter": splitter})
    if fine:
        assert read(spec).env_label.splitter == splitter
    else:
        assert "spec.envLabel.splitter" in problems(spec)


def test_an_own_config_among_the_items_counts_when_no_other_is_given():
    """Without a functionConfig an own-kind item holds, for everything where it has no namespace."""
    found = configs(None, base("prod"))
    assert found.of("any").config.env_label.default_subset == "prod"
    scoped = {**base("prod"), "metadata": named("x", "n")}
    assert configs(None, scoped).of("m").config.env_label.default_subset == ""


def test_kpt_s_empty_config_map_counts_as_nothing():
    """`kpt fn eval` without arguments sends an empty ConfigMap: an own-kind item of the package holds all the same."""
    empty = {**config_map(), "metadata": named("function-input")}
    assert configs(empty, base("prod")).of("any").config.env_label.default_subset == "prod"
    assert configs(config_map(matching="exact"), base("prod")).of("any").config.env_label.default_subset == ""


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
        reader.read(OPERATOR, ref_of(OPERATOR), {"matching": "prefixed", "mtching": "exact"})
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


@pytest.mark.parametrize("name", ["X Env", ":authority", "Host", "", "X-Ümlaut", "x\ny"])
def test_a_header_name_that_is_none(name):
    """What no route could match as a header is an error that says what a header's name is."""
    (found,) = problems(own(envHeader={"name": name})).items()
    assert found[0] == "spec.envHeader.name"
    assert found[1].startswith("is no name of a header that a route can match: letters, digits and '-'")


@pytest.mark.parametrize("key", ["a'] + x['b", "a\\", 'a"b', "a/b/c", "-a", "", "x" * 64])
def test_a_label_key_that_cel_could_not_read(key):
    """A key that would end the text it stands in, in CEL or Lua, is no label key of Kubernetes: refused as such."""
    (found,) = problems(own(envLabel={"name": key})).items()
    assert found[0] == "spec.envLabel.name"
    assert found[1].startswith("is no label key")


@pytest.mark.parametrize(
    ("alias", "field", "message"),
    [
        ({"name": "x", "pattern": "(@"}, "", "pattern is no RE2 expression: missing ): (@"),
        ({"name": "x", "pattern": "(?=a)(@)"}, "", "pattern is no RE2 expression: invalid perl operator: (?="),
        ({"name": "x", "pattern": "(@)" + "a" * 254}, ".pattern", "must have 1 to 256 characters: Istio takes 1024"),
        ({"name": "x", "pattern": "a(@)|b(@)|c(@)"}, "", "pattern has the placeholder '(@)' more than 2 times"),
        ({"name": "x y"}, ".name", "is no name of a header"),
        ({"cookie": "a b"}, ".cookie", "must be a token of at most 100 characters"),
        ({"baggage": "k" * 101}, ".baggage", "must be a token of at most 100 characters"),
        ({"name": "x", "cookie": "y"}, "", "needs exactly one of name (a header), cookie and baggage, found name and"),
        ({}, "", "needs exactly one of name (a header), cookie and baggage, found none"),
        ({"cookie": "x", "pattern": "(@)"}, "", "pattern belongs to a header's name"),
        ({"name": "x", "pattern": "(@)", "placeholder": ""}, ".placeholder", "must not be empty"),
    ],
)
def test_an_alias_that_cannot_be_one(alias, field, message):
    """A carrier that Istio or Envoy would refuse, or that says two things, is an error with its place and reason."""
    found = problems(own(envHeader={"aliases": [{"name": "fine"}, alias]}))
    assert list(found) == [f"spec.envHeader.aliases[1]{field}"]
    assert message in found[f"spec.envHeader.aliases[1]{field}"]


@pytest.mark.parametrize(
    ("aliases", "message"),
    [
        ([{"cookie": "x"}, {"cookie": "x"}], "aliases[1] is the same carrier as aliases[0], the cookie 'x': remove"),
        ([{"name": "X-VIRTUAL-env"}], "aliases[0] is the same carrier as name, the header 'x-virtual-env': remove"),
        (
            [{"name": "a", "pattern": "x(@)"}, {"name": "A", "pattern": "x<e>", "placeholder": "<e>"}],
            "aliases[1] is the same carrier as aliases[0], the header 'a': remove one",
        ),
    ],
)
def test_two_aliases_that_are_the_same(aliases, message):
    """Two aliases that read the same thing are an error that names both."""
    assert problems(own(envHeader={"aliases": aliases}))["spec.envHeader"].startswith(message)


def test_aliases_that_only_look_the_same():
    """A cookie and a member of one name, and two patterns for one header, are carriers of their own."""
    patterns = [{"name": "a", "pattern": "x(@)"}, {"name": "a", "pattern": "y(@)"}, {"name": "a"}]
    read(own(envHeader={"aliases": [{"cookie": "x"}, {"baggage": "x"}, {"cookie": "X"}, *patterns]}))


def records(node):
    """Yield the options' records in what a configuration may say, each with the names of its fields there."""
    node = models.inner(node)
    if node["type"] == "list":
        yield from records(node["items_schema"])
    elif node["type"] == "typed-dict":
        yield node["metadata"]["record"], list(node["fields"])
        for field in node["fields"].values():
            yield from records(field["schema"])


def test_what_may_be_said_is_what_the_options_have():
    """Every field of every record of options can be given, in its order, and no other."""
    found = {record.__name__: names for record, names in records(models.schema())}
    assert found.keys() == {"EnvLabel", "Alias", "EnvHeader", "Istio", "Namespaces", "WorkloadKind", "RouteConfig"}
    for name, names in found.items():
        assert names == [models.camel(field) for field in getattr(options, name)._fields], name


def test_an_empty_configuration_gives_the_defaults():
    """Without a configuration the same holds as with an empty one."""
    assert models.validate({}, strict=True) == options.RouteConfig()
    assert models.validate({"envLabel": {}, "envHeader": {}, "istio": {}}, strict=True) == options.RouteConfig()
