"""Bad input, end to end: whatever comes in, nothing is lost, and what is wrong is said."""

from __future__ import annotations

import copy
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import config, named, service, workload

from krm_fn import function
from krm_fn.objects import OWNER, annotations_of
from krm_fn.results import FUNCTION, Code, FunctionError, Severity
from krm_fn.text import document
from krm_fn.text.document import Form

many = settings(max_examples=200, deadline=None, derandomize=True, print_blob=True)
few = settings(many, max_examples=60)


def kpt_file(value, path, index):
    annotations = {"internal.config.kubernetes.io/path": path, "internal.config.kubernetes.io/index": str(index)}
    return {**value, "metadata": {**value["metadata"], "annotations": annotations}}


def scaler(kind, target, **spec):
    target = {"kind": "Deployment", "name": target}
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": kind,
        "metadata": named(f"{target['name']}-scaler"),
        "spec": {"scaleTargetRef": target, **spec},
    }


def istio(kind, name, **spec):
    return {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": named(name), "spec": spec}


CRONTAB = {"metadata": {"labels": {"app": "app", "virtual-env": "dev"}}}
OPERATOR = {
    "apiVersion": "env.alibaba.com/v1alpha2",
    "kind": "VirtualEnvironment",
    "metadata": named("old", "other"),
    "spec": {"envLabel": {"name": "virtual-env", "defaultSubset": "dev"}, "envHeader": {"name": "lane"}},
}
CONFIG = config(
    envLabel={"name": "virtual-env", "splitter": ".", "defaultSubset": "dev"},
    envHeader={
        "name": "lane",
        "autoInject": True,
        "aliases": [{"name": "X-Trace", "pattern": "env=(@);.*"}, {"cookie": "lane"}, {"baggage": "lane"}],
    },
    matching="prefix",
    unmatched="reject",
    tcp="base",
    istio={"apiVersion": "networking.istio.io/v1"},
    previewHosts="{env}.{host}",
    workloads=[{"apiVersion": "example.com/v1", "kind": "App", "templatePath": "spec.pods"}],
    placement="routes/{namespace}.yaml",
)
RICH = [
    kpt_file(service("app", ports=((80, "http"), (9000, "grpc", "grpc"), (5432, "tcp-db"))), "app.yaml", 0),
    kpt_file(workload("app", "dev"), "app.yaml", 1),
    kpt_file(workload("app-x", "dev.x", kind="StatefulSet", replicas=2), "app.yaml", 2),
    workload("app-x-y", "dev.x.y", replicas=0),
    service("mail", ports=((25, "smtp"), (443, "https"))),
    workload("mail", "dev", app="mail", kind="Job", api="batch/v1", parallelism=1, suspend=False),
    workload("mail-x", "dev.x", app="mail", kind="App", api="example.com/v1"),
    service("app", namespace="other", clusterIP="None"),
    workload("app", "dev", namespace="other"),
    service("alias", selector={}, type="ExternalName", externalName="elsewhere.example.com"),
    {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": named("night"),
        "spec": {"jobTemplate": {"spec": {"template": CRONTAB}}},
    },
    {"apiVersion": "v1", "kind": "List", "items": [service("in-list"), workload("in-list", "dev", app="in-list")]},
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named("data"), "data": {"on": "off", "n": "1e3"}},
    scaler("ScaledObject", "app-x-y"),
    scaler("HorizontalPodAutoscaler", "app-x", minReplicas=0),
    istio(
        "VirtualService",
        "mine",
        hosts=["elsewhere.example.com"],
        http=[{"route": [{"destination": {"host": "elsewhere"}}]}],
    ),
    istio("DestinationRule", "mine", host="elsewhere", subsets=[{"name": "v1", "labels": {"version": "v1"}}]),
    OPERATOR,
]
RICH[6]["spec"]["pods"] = RICH[6]["spec"].pop("template")
# The user's own routes for the Services above, and what else the function reads beside Services and workloads.
ROUTES = [
    istio(
        "VirtualService",
        "woven",
        hosts=["app"],
        gateways=["mesh", "edge"],
        http=[
            {
                "name": "first",
                "match": [{"uri": {"prefix": "/a"}, "headers": {"x": {"exact": "y"}}}],
                "timeout": "3s",
                "route": [{"destination": {"host": "app", "subset": "v1"}, "weight": 100}],
            },
            {"route": [{"destination": {"host": "app", "port": {"number": 80}}}]},
        ],
        tcp=[{"match": [{"port": 5432}], "route": [{"destination": {"host": "app"}}]}],
    ),
    istio("DestinationRule", "woven", host="app", subsets=[{"name": "v1", "labels": {"version": "v1"}}]),
    istio("DestinationRule", "all", host="*", trafficPolicy={"tls": {"mode": "ISTIO_MUTUAL"}}),
    istio("Gateway", "edge", servers=[{"hosts": ["*.example.com"], "port": {"number": 80, "protocol": "HTTP"}}]),
    {
        **service("shop"),
        "metadata": {
            "name": "shop",
            "annotations": {
                "kt-virtual-environment/gateways": "edge",
                "kt-virtual-environment/hosts": "shop.example.com",
                "kt-virtual-environment/rule": json.dumps({"match": [{"uri": {"prefix": "/a"}}], "timeout": "3s"}),
            },
        },
    },
    workload("shop", "dev", app="shop"),
    workload("shop-x", "dev.x", app="shop"),
    {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": named("canary"),
        "spec": {
            "strategy": {
                "canary": {"trafficRouting": {"istio": {"virtualService": {"name": "woven", "routes": ["first"]}}}}
            }
        },
    },
    {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": named("route"),
        "spec": {"parentRefs": [{"kind": "Service", "name": "elsewhere"}]},
    },
]
ITEMS = [*RICH, *ROUTES]
LIST = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": ITEMS, "functionConfig": CONFIG}
STREAM = [*ITEMS, CONFIG]

HOSTILE = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    1e300,
    "",
    " ",
    "None",
    "dev",
    "dev.x",
    "dev..x",
    ".",
    "../../x",
    "${NAMESPACE}",
    "a" * 300,
    "{{ x }}",
    "\u2028",
    "\x85",
    "*",
    "app",
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"app": "app"},
    {"a": {"b": ["c"]}},
]
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
)
VALUES = st.sampled_from(HOSTILE) | st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/.-0", max_size=5), inner, max_size=3),
)


def paths_of(value, path=()):
    """Yield the path of every value inside a value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in pairs:
        yield (*path, key)
        yield from paths_of(child, (*path, key))


def is_in_routes(path):
    return any(isinstance(step, int) and len(RICH) <= step < len(ITEMS) for step in path[:2])


ROUTE_PATHS = [path for path in paths_of(LIST) if is_in_routes(path)]
LIST_PATHS = [path for path in paths_of(LIST) if not is_in_routes(path)]
STREAM_PATHS = [path for path in paths_of(STREAM) if not is_in_routes(path)]
GONE = object()
SIGNS = [b"---\n", b"- ", b": ", b"\t", b"{", b"]", b"&a ", b"*a", b"#", b"'", b"\r\n", b"\n", b"|\n"]


def changed(value, path, new):
    """A copy of a value with another one at a path, or none there."""
    value = copy.deepcopy(value)
    *parents, last = path
    at = value
    for step in parents:
        at = at[step]
    if new is GONE:
        del at[last]
    else:
        at[last] = new
    return value


def yaml_of(value):
    """A list as kpt writes it, or a stream of documents."""
    if isinstance(value, dict):
        return document.dump(value).encode()
    return "".join(f"---\n{document.dump(one)}" for one in value if isinstance(one, dict)).encode()


def json_of(value):
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def is_theirs(item):
    """Whether an item is the user's own, and none that routes may be woven into."""
    routing = str(item.value.get("apiVersion", "")).startswith("networking.istio.io/")
    return not routing and not annotations_of(item.value).get(OWNER)


def texts(listed, kept):
    """The items' own bytes; the end of the last line is added where something is to follow it."""
    return [item.source.removesuffix("\n") for item in listed.items if kept(item)]


def hold(raw):
    """Run the function, check all that it promises for any input, and return the outcome."""
    outcome = function.run(raw)
    assert not any(result.code is Code.INTERNAL for result in outcome.results)
    assert outcome.failed == any(result.severity is Severity.ERROR for result in outcome.results)
    for result in outcome.results:
        assert result.message.strip()
        assert "\n" not in result.line()
    try:
        before = document.parse(raw)
    except FunctionError:
        assert outcome.failed
        assert outcome.output == raw
        return outcome
    after = document.parse(outcome.output)
    kept = (lambda _: True) if outcome.failed else is_theirs
    assert texts(after, kept) == texts(before, kept)
    if before.form is Form.RESOURCE_LIST:
        said = [one for one in after.results if one.get("tags", {}).get("function") == FUNCTION]
        assert said == [result.as_item() for result in outcome.results]
    again = function.run(outcome.output)
    assert (again.output, again.failed) == (outcome.output, outcome.failed)
    return outcome


@pytest.mark.parametrize("raw", [yaml_of(LIST), yaml_of(STREAM), json_of(LIST)])
def test_the_list_itself_is_right(raw):
    """The list that the tests below break is served as it stands, with routes for its Services."""
    outcome = hold(raw)
    assert [result.line() for result in outcome.results if result.severity is Severity.ERROR] == []
    kinds = [item.value["kind"] for item in document.parse(outcome.output).items[len(ITEMS) :]]
    assert {"VirtualService", "DestinationRule", "EnvoyFilter"} <= set(kinds)


@many
@given(path=st.sampled_from(LIST_PATHS), new=VALUES, write=st.sampled_from([yaml_of, json_of]))
def test_any_value_anywhere_in_a_list(path, new, write):
    """Any value at any place of a ResourceList: no traceback, nothing lost, twice is once."""
    hold(write(changed(LIST, path, new)))


@many
@given(path=st.sampled_from(STREAM_PATHS), new=VALUES)
def test_any_value_anywhere_in_a_stream(path, new):
    """Any value at any place of a stream of documents: the same."""
    hold(yaml_of(changed(STREAM, path, new)))


@pytest.mark.parametrize("value", [None, [], 7], ids=json.dumps)
def test_each_kind_of_value_at_every_place(value):
    """Every single place of the list, with a value of each type: the same."""
    for path in LIST_PATHS:
        hold(yaml_of(changed(LIST, path, value)))


@pytest.mark.parametrize("value", [None, [], 7], ids=json.dumps)
def test_each_kind_of_value_at_every_place_of_routes(value):
    """Every single place of the user's own routes and rules, with a value of each type: the same."""
    for path in ROUTE_PATHS:
        hold(yaml_of(changed(LIST, path, value)))


def test_every_place_gone():
    """Every single field and item of the list taken away: the same."""
    for path in LIST_PATHS:
        hold(yaml_of(changed(LIST, path, GONE)))


@few
@given(changes=st.lists(st.tuples(st.sampled_from(LIST_PATHS), VALUES), min_size=2, max_size=6))
def test_many_mistakes_at_once(changes):
    """Several changes at once: the same."""
    value = LIST
    for path, new in changes:
        try:
            value = changed(value, path, new)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    hold(yaml_of(value))


@many
@given(st.data(), st.sampled_from([yaml_of(LIST), yaml_of(STREAM), json_of(LIST)]))
def test_truncated_anywhere(data, raw):
    """A list or a stream cut off at any byte: the same."""
    hold(raw[: data.draw(st.integers(0, len(raw)))])


@many
@given(st.data(), st.binary(max_size=8) | st.sampled_from(SIGNS))
def test_bytes_spliced_in_anywhere(data, extra):
    """Any bytes, and YAML's own signs above all, put in at any place, with or without a cut: the same."""
    raw = yaml_of(LIST)
    start = data.draw(st.integers(0, len(raw)))
    cut = data.draw(st.integers(0, 5))
    hold(raw[:start] + extra + raw[start + cut :])


@few
@given(st.data())
def test_any_line_twice(data):
    """Any line of the list given twice, so that keys are duplicated: the same."""
    lines = yaml_of(LIST).split(b"\n")
    place = data.draw(st.integers(0, len(lines) - 1))
    hold(b"\n".join([*lines[: place + 1], *lines[place:]]))


@few
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode(errors="surrogatepass")))
def test_any_bytes_at_all(raw):
    """Bytes that mean nothing: the same."""
    hold(raw)


@few
@given(st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(shuffler: random.Random):
    """Any order of the items gives the same generated objects, in the same order, and the same findings."""
    items = list(ITEMS)
    shuffler.shuffle(items)
    first, other = hold(yaml_of(LIST)), hold(yaml_of({**LIST, "items": items}))
    assert generated(first) == generated(other)
    assert first.results == other.results


def generated(outcome):
    return [item.value for item in document.parse(outcome.output).items[len(ITEMS) :]]
