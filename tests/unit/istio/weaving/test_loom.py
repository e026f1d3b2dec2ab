"""Weaving as text: added lines only, no trace when the labels go, and what is not woven is said."""

import copy
import difflib
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import base, codes, named, service, workload
from styles import decorated, styles

from krm_fn import function
from krm_fn.text import document

PAIR = [workload("a", "dev"), workload("b", "dev.proj1")]


def virtual_service(name="app", *, hosts=("app",), namespace="", api="networking.istio.io/v1", **spec):
    spec = {"hosts": list(hosts), **spec}
    return {"apiVersion": api, "kind": "VirtualService", "metadata": named(name, namespace), "spec": spec}


def rule(name="app", **spec):
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": named(name),
        "spec": {"host": "app", **spec},
    }


def to(host="app", **more):
    return {"destination": {"host": host, **more}}


def stream(*values):
    return yaml.safe_dump_all(values, sort_keys=False).encode()


def run(*values, **spec):
    return function.run(stream(*values), base(**spec))


def values_of(outcome):
    return [item.value for item in document.parse(outcome.output).items]


def plain(name):
    """A mark without its digest."""
    return name and re.sub(r"-+[0-9a-f]{8}$", "", name)


target = st.fixed_dictionaries(
    {
        "destination": st.fixed_dictionaries(
            {"host": st.sampled_from(["app", "app.default.svc.cluster.local", "other"])}
        )
    },
    optional={"weight": st.integers(0, 100)},
)
match = st.fixed_dictionaries(
    {},
    optional={
        "uri": st.sampled_from([{"prefix": "/a"}, {"regex": "/[a-z]+#"}]),
        "headers": st.just({"x": {"exact": "on"}}),
        "port": st.just(80),
    },
)
http_route = st.fixed_dictionaries(
    {"route": st.lists(target, min_size=1, max_size=3)},
    optional={"match": st.lists(match, min_size=1, max_size=2), "name": st.just("mine"), "timeout": st.just("5s")},
)


@st.composite
def texts(draw):
    """A user's VirtualService and DestinationRule as text, in any style."""
    routes = {"http": draw(st.lists(http_route, min_size=1, max_size=3))}
    if draw(st.booleans()):
        routes["tcp"] = [{"route": [to()]}]
    settings_ = draw(
        st.sampled_from([{}, {"trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}, {"subsets": [{"name": "v1"}]}])
    )
    return [
        decorated(draw(st.sampled_from(list(styles(one)))), draw)
        for one in (virtual_service(**routes), rule(**settings_))
    ]


def listed(texts_, *values):
    parts = [*(text.encode() for text in texts_), *(yaml.safe_dump(value).encode() for value in values)]
    return b"\n---\n".join(part.rstrip(b"\r\n") for part in parts) + b"\n"


@settings(max_examples=150, deadline=None)
@given(texts())
def test_taking_the_labels_away_gives_the_original_back(written):
    """Woven, run again, and run without labels: the user's text is the very same, byte for byte."""
    bare = [workload("a"), workload("b")]
    original = listed(written, service(), *bare)
    woven = function.run(listed(written, service(), *PAIR), base())
    assert not woven.failed, [one.line() for one in woven.results]
    assert function.run(woven.output, base()).output == woven.output
    parts = document.parse(woven.output)
    sources = [item.source for item in parts.items[:2]]
    assert "virtual-env--" in sources[0] or "app" not in str(yaml.safe_load(written[0])["spec"].get("http"))
    back = function.run(listed(sources, service(), *bare), base())
    assert not back.failed, [one.line() for one in back.results]
    assert back.output == original


@settings(max_examples=60, deadline=None)
@given(st.lists(http_route, min_size=1, max_size=3), st.sampled_from([False, None]))
def test_a_line_diff_shows_added_lines_only(routes, flow):
    """In a VirtualService whose routes stand in lines of their own, weaving only adds lines."""
    text = yaml.safe_dump(virtual_service(http=routes), sort_keys=False, default_flow_style=flow)
    before = listed([text], service(), *PAIR).decode().split("\n")
    after = iter(function.run("\n".join(before).encode(), base()).output.decode().split("\n"))
    assert all(line in after for line in before), "a line is gone, or stands elsewhere"


def test_the_user_s_rule_gets_the_subsets():
    """Subsets are added to the user's DestinationRule; one of theirs with the same labels is used as it is."""
    theirs = rule(
        subsets=[{"name": "base", "labels": {"virtual-env": "dev"}}], trafficPolicy={"tls": {"mode": "DISABLE"}}
    )
    values = values_of(run(service(), *PAIR, theirs))
    (woven,) = [one for one in values if one["kind"] == "DestinationRule"]
    assert [plain(one["name"]) for one in woven["spec"]["subsets"]] == ["base", "virtual-env--dev-proj1"]
    assert woven["spec"]["trafficPolicy"] == {"tls": {"mode": "DISABLE"}}
    (routes,) = [one for one in values if one["kind"] == "VirtualService"]
    assert [plain(one["route"][0]["destination"].get("subset")) for one in routes["spec"]["http"]] == [
        "virtual-env--dev-proj1",
        "base",
    ]


def test_a_new_environment_is_woven_in_and_an_old_one_out():
    """A second run replaces what the first one added."""
    first = values_of(run(service(), *PAIR, virtual_service(http=[{"route": [to()]}])))
    changed = [one for one in first if one["metadata"]["name"] != "b"] + [workload("c", "dev.proj2")]
    outcome = run(*changed)
    (woven,) = [one for one in values_of(outcome) if one["kind"] == "VirtualService"]
    names = [plain(one.get("name")) for one in woven["spec"]["http"]]
    assert names == ["virtual-env--dev.proj2", "virtual-env--dev", None]


def test_an_edit_inside_our_marks_is_not_lost():
    """A change by hand of what the function had added is an error that shows both; the input comes back."""
    woven = run(service(), *PAIR, virtual_service(http=[{"route": [to()]}])).output
    edited = woven.replace(b"exact: dev.proj1\n", b"exact: dev.proj9\n", 1)
    outcome = function.run(edited, base())
    assert outcome.failed
    assert outcome.output == edited
    (finding,) = [one for one in outcome.results if one.severity == "error"]
    assert finding.code.slug == "addition-edited"
    assert "dev.proj9" in finding.message
    assert "dev.proj1" in finding.message


def test_another_config_s_additions_are_not_touched():
    """Two configs do not take out each other's additions."""
    woven = run(service(), *PAIR, virtual_service(http=[{"route": [to()]}])).output
    other = {**base(), "metadata": {"name": "other"}}
    assert "addition-edited" in codes(function.run(woven, other).results)
    assert function.run(woven, other).output == woven


@pytest.mark.parametrize(
    ("thing", "code"),
    [
        (
            virtual_service(http=[{"match": [{"headers": {"X-Virtual-Env": {"exact": "x"}}}], "route": [to()]}]),
            "route-reads-environment",
        ),
        (
            virtual_service(http=[{"match": [{"withoutHeaders": {"x-virtual-env": {}}}], "route": [to()]}]),
            "route-reads-environment",
        ),
        (
            {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "metadata": {"name": "x"},
                "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "app"}]},
            },
            "http-route",
        ),
        (rule("wild", host="*.default.svc.cluster.local", trafficPolicy={"tls": {"mode": "DISABLE"}}), "rule-copied"),
    ],
)
def test_what_is_not_woven_is_said(thing, code):
    """What cannot be woven, or is not, is a finding."""
    listed_ = copy.deepcopy([service(), *PAIR])
    if code == "rule-copied":
        for one in (*listed_, thing):
            one["metadata"]["namespace"] = "default"
    assert code in codes(run(*listed_, thing).results)


def test_two_virtual_services_of_one_host():
    """Istio uses one VirtualService per host: a second one is a warning, and both are woven."""
    one, other = virtual_service(http=[{"route": [to()]}]), virtual_service("other", http=[{"route": [to()]}])
    outcome = run(service(), *PAIR, one, other)
    assert codes(outcome.results) == ["routes-twice"]
    assert outcome.output.count(b"name: virtual-env--dev.proj1--") == 2


def test_a_rollout_that_changes_weights():
    """Where Argo Rollouts changes the weights of a woven VirtualService, a warning says that copies keep theirs."""
    rollout = workload("r", "dev.proj1", kind="Rollout", api="argoproj.io/v1alpha1")
    rollout["spec"]["strategy"] = {
        "canary": {"trafficRouting": {"istio": {"virtualService": {"name": "app", "routes": ["one"]}}}}
    }
    one = {"name": "one", "route": [to(weight=90), to("other.example.com", weight=10)]}
    outcome = run(service(), *PAIR, rollout, virtual_service(http=[one]))
    assert codes(outcome.results) == ["runtime-weights"]
    outcome = run(service(), *PAIR, rollout, virtual_service(http=[{**one, "route": [to()]}]))
    assert codes(outcome.results) == []
    del rollout["spec"]["strategy"]["canary"]["trafficRouting"]["istio"]["virtualService"]["routes"]
    outcome = run(service(), *PAIR, rollout, virtual_service(http=[{"route": [to()]}]))
    assert codes(outcome.results) == ["rollout-unnamed"]


def test_a_subset_of_all_environments():
    """A subset of the user's without the environment label spans everybody's pods: a warning names the label to add."""
    outcome = run(
        service(),
        workload("a", "dev", labels={"version": "v1"}),
        workload("b", "dev.x", labels={"version": "v1"}),
        rule(subsets=[{"name": "v1", "labels": {"version": "v1"}}]),
        virtual_service(http=[{"route": [to(subset="v1")]}]),
    )
    (finding,) = outcome.results
    assert finding.code.slug == "subset-spans-environments"
    assert "virtual-env: dev" in finding.message


def test_routes_to_others_are_left_alone():
    """A VirtualService that concerns no Service of several environments keeps its bytes."""
    theirs = virtual_service("x", hosts=["x.example.com"], gateways=["g"], http=[{"route": [to("other")]}])
    before = stream(theirs)
    assert run(theirs, service(), *PAIR).output.startswith(before)


ADOPTED = {
    "Pod": """\
apiVersion: v1
kind: Pod
metadata:
  name: old
  labels:
    app: app # theirs
spec: {}
""",
    "Deployment": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: old
spec:
  selector:
    matchLabels: {app: app}
  template:
    metadata:
      labels:
        app: app
        # helm says so
        chart: x
    spec: {}
""",
    "CronJob": """\
apiVersion: batch/v1
kind: CronJob
metadata:
  name: old
spec:
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: app}}
        spec: {}
""",
}


@pytest.mark.parametrize("kind", ADOPTED)
def test_adoption_adds_the_label_and_nothing_else(kind):
    """`unlabelled: adopt` adds one line to the pod template's labels; selectors and comments stay."""
    text = ADOPTED[kind]
    before = text.encode() + b"---\n" + stream(service(), PAIR[1])
    outcome = function.run(before, base(unlabelled="adopt"))
    assert codes(outcome.results) == ["adopted"]
    after = outcome.output.decode().split("---\n")[0]
    diff = [line for line in difflib.ndiff(text.split("\n"), after.split("\n")) if line[0] in "+-"]
    if kind == "CronJob":
        assert "metadata: {labels: {app: app, virtual-env: dev}}" in after
    else:
        assert [line.strip() for line in diff] == ["+" + diff[0][1:].rstrip()]
        assert diff[0].split() == ["+", "virtual-env:", "dev"]
    assert function.run(outcome.output, base(unlabelled="adopt")).output == outcome.output


def test_mirrors_stay_in_their_environment():
    """A mirror to a Service of several environments is pinned to the base, and in a copy to the environment's pods."""
    mirrored = {
        "match": [{"uri": {"prefix": "/a"}}],
        "route": [to("other")],
        "mirrors": [{"destination": {"host": "app"}}],
    }
    routes = virtual_service(hosts=["app"], http=[mirrored, {"route": [to()], "mirror": {"host": "app"}}])
    values = values_of(run(service(), *PAIR, routes))
    (woven,) = [one for one in values if one["kind"] == "VirtualService"]
    mirror_copy, first, theirs, copy_, second, last = woven["spec"]["http"]
    assert plain(mirror_copy["mirrors"][0]["destination"]["subset"]) == "virtual-env--dev-proj1"
    assert plain(first["mirrors"][0]["destination"]["subset"]) == "virtual-env--dev"
    assert plain(copy_["mirror"]["subset"]) == "virtual-env--dev-proj1"
    assert plain(second["mirror"]["subset"]) == "virtual-env--dev"
    assert [theirs, last] == routes["spec"]["http"]
    back = [
        workload("a"),
        workload("b"),
        *(one for one in values if one["kind"] not in ("Deployment", "DestinationRule")),
    ]
    assert [one for one in values_of(function.run(stream(*back), base())) if one["kind"] == "VirtualService"] == [
        routes
    ]


def test_a_rule_in_a_client_s_namespace_gets_the_subsets_too():
    """A DestinationRule in a client's namespace hides ours from its pods: it gets the subsets, and ours stays."""
    listed_ = [
        service(namespace="d"),
        *(
            workload(one["metadata"]["name"], env, namespace="d")
            for one, env in zip(PAIR, ("dev", "dev.x"), strict=True)
        ),
    ]
    theirs = rule("x")
    theirs["metadata"]["namespace"] = "client"
    theirs["spec"]["host"] = "app.d.svc.cluster.local"
    rules = [one for one in values_of(run(*listed_, theirs)) if one["kind"] == "DestinationRule"]
    found = [(one["metadata"]["namespace"], [plain(s["name"]) for s in one["spec"]["subsets"]]) for one in rules]
    assert found == [
        ("client", ["virtual-env--dev", "virtual-env--dev-x"]),
        ("d", ["virtual-env--dev", "virtual-env--dev-x"]),
    ]


def test_a_connection_that_is_shared_out_is_woven_once():
    """A TCP route with a destination that needs no care is known again by its other one."""
    shared = virtual_service(tcp=[{"route": [{**to(), "weight": 50}, {**to("other"), "weight": 50}]}])
    first = run(service(ports=[(90, "tcp-x")]), *PAIR, shared, tcp="callerLabels")
    assert not first.failed
    second = function.run(first.output, base(tcp="callerLabels"))
    assert not second.failed
    assert second.output == first.output


def test_a_rule_s_own_base_subset_leaves_no_trace_in_the_routes():
    """Where their rule names the base already, un-weaving still gives their TCP routes back byte for byte."""
    subsets = [{"name": "v0", "labels": {"virtual-env": "dev"}}]
    theirs = [virtual_service(tcp=[{"route": [to()]}]), rule(subsets=subsets)]
    app = service(ports=[(90, "tcp-x")])
    woven = run(app, *PAIR, *theirs)
    assert b"subset: virtual-env--dev-" in woven.output
    assert function.run(woven.output, base()).output == woven.output
    back = stream(app, PAIR[0]) + woven.output[len(stream(app, *PAIR)) :]
    assert function.run(back, base()).output == stream(app, PAIR[0], *theirs)


def test_new_routes_of_both_protocols_stand_in_their_lists():
    """A VirtualService that ends with its TCP routes gets further ones there, and its first HTTP routes behind."""
    theirs = virtual_service(tcp=[{"match": [{"port": 90}], "route": [to()]}])
    first = run(service(ports=[(80, None)]), *PAIR, theirs)
    (woven,) = [one for one in values_of(first) if one["kind"] == "VirtualService"]
    assert [len(woven["spec"][key]) for key in ("tcp", "http")] == [2, 2]
    assert function.run(first.output, base()).output == first.output


def test_a_route_for_some_namespaces_speaks_for_all_ports():
    """A VirtualService that only its own namespace sees gets the pins of plain TCP, too; others see generated ones."""
    ports = [(80, "http"), (90, "tcp-x")]
    theirs = virtual_service(http=[{"route": [to()]}], exportTo=["."])
    outcome = run(service(ports=ports), *PAIR, theirs)
    routes = {one["metadata"]["name"]: one["spec"] for one in values_of(outcome) if one["kind"] == "VirtualService"}
    assert routes.keys() == {"app", "app-virtual-env"}
    for spec in routes.values():
        (pin,) = spec["tcp"]
        assert pin["match"] == [{"port": 90}]
        assert plain(pin["route"][0]["destination"]["subset"]).startswith("virtual-env--")
    assert function.run(outcome.output, base()).output == outcome.output


def test_a_route_that_matches_cookies_is_told_when_a_cookie_carries_the_environment():
    """A match has a header once: such a route follows the environment's header, and a warning says that no cookie."""
    theirs = virtual_service(http=[{"match": [{"headers": {"cookie": {"regex": "a=b"}}}], "route": [to()]}])
    outcome = run(service(), *PAIR, theirs, envHeader={"aliases": [{"cookie": "env"}]})
    (found,) = outcome.results
    assert (found.code.slug, found.field) == ("route-reads-environment", "spec.http[0].match[0].headers.cookie")
    assert codes(run(service(), *PAIR, theirs).results) == []
