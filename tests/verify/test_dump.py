"""Dumps that are none, or not whole: a clear message, an exit code, and never a part of the dump."""

from __future__ import annotations

import json

import pytest
from dumps import SECRET, Dump
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krm_fn.verify.dump import read
from krm_fn.verify.pieces import DumpUnreadable

WHOLE = Dump().raw()


def test_a_whole_dump_is_clean(run):
    """The dump that the other tests break has every cell as the plan says."""
    assert run(WHOLE) == (0, "sidecar shop/client (Istio 1.30.0): 11 cells asked, all as the plan says\n", "")


@given(st.integers(0, len(WHOLE) - 1))
@settings(deadline=None)
def test_a_dump_that_is_cut_is_refused(place):
    """Wherever it ends, a dump that is not whole is refused, in words that show nothing of it."""
    if WHOLE[:place].rstrip().endswith(b"]"):  # what closes `configs` may be all that was meant
        return
    with pytest.raises(DumpUnreadable) as error:
        read(WHOLE[:place])
    assert SECRET not in str(error.value)
    assert len(str(error.value)) < 250


def test_a_cut_dump_says_where_it_ends(run):
    """The command names the file, says that the dump ends in the middle, and ends with 1."""
    code, out, err = run(WHOLE[: len(WHOLE) // 2])
    assert (code, out) == (1, "")
    assert err == (
        f"error: dump.json: ends in the middle, after {len(WHOLE) // 2} characters: fetch it again, whole "
        "[dump-unreadable]\n"
    )


def bootstrap(change):
    dump = Dump()
    change(dump.node)
    return dump.raw()


def without(*kinds):
    value = Dump().value()
    value["configs"] = [one for one in value["configs"] if not one["@type"].endswith(kinds)]
    return json.dumps(value).encode()


OTHERS = {
    "empty": (b"", "is empty"),
    "text": (b"Error from server (NotFound)", "is no JSON"),
    "YAML": (b"configs:\n- x: 1\n", "is no JSON"),
    "one kind alone": (b'[{"name": "8080"}]', "is a list"),
    "clusters": (b'{"cluster_statuses": []}', "JSON without `configs`"),
    "bytes": (b"\xff\xfe\x00", "no text in UTF-8"),
    "no Istio": (bootstrap(lambda node: node.update(id="front-envoy")), "does not say whose proxy it is"),
    "no bootstrap": (without("BootstrapConfigDump"), "does not say whose proxy it is"),
    "a waypoint": (bootstrap(lambda node: node.update(id="waypoint~1.1.1.1~w.ns~x")), "is of a waypoint"),
    "no listeners": (without("ListenersConfigDump"), "has no ListenersConfigDump"),
    "no routes": (without(".RoutesConfigDump"), "has no RoutesConfigDump"),
    "no clusters": (without("ClustersConfigDump"), "has no ClustersConfigDump"),
    "wrong in the middle": (WHOLE.replace(b'"@type"', b"@type", 1), "is no JSON at line"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_dump_is_refused(what, run):
    """Everything else that people pipe in is told apart, and none of it is shown."""
    raw, message = OTHERS[what]
    code, out, err = run(raw)
    assert (code, out) == (1, "")
    assert message in err
    assert "[dump-unreadable]" in err
    assert SECRET not in err


@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_secrets_are_never_printed(form, run, made):
    """A dump with a private key, clean or not: nothing that verify or explain prints has it."""
    made.routes = made.routes[2:]
    _, out, err = run(made.raw(), "--format", form)
    assert SECRET.encode() in made.raw()
    assert SECRET not in out + err
    if form != "md":
        _, out, err = run(made.raw(), "--format", form, command="explain")
        assert SECRET not in out + err


def test_a_secret_is_not_kept():
    """What is read of a dump has no secret in it, so nothing later can print one."""
    assert SECRET not in repr(read(WHOLE))


def test_without_endpoints_it_is_judged_by_name_and_says_so(run, made):
    """A dump without endpoints is answered by the subsets' labels in the list; the output says that."""
    made.endpoints = None
    code, out, _ = run(made.raw())
    assert code == 0
    assert "note: the dump has no endpoints" in out
    made.clusters[f"outbound|8080|mine|{made.routes[0]['route']['cluster'].split('|')[3]}"] = {}
    made.routes[2]["route"]["cluster"] = next(reversed(made.clusters))
    code, out, _ = run(made.raw())
    assert code == 1
    assert "cannot tell: the dump has no endpoints, and no DestinationRule of the list has subset mine" in out


def test_what_the_proxy_refused_is_told(run, made):
    """A listener or route table of which the proxy refused an update is a note, also where all is right."""
    value = made.value()
    for one in value["configs"]:
        for listener in one.get("dynamic_listeners", ()):
            listener["error_state"] = {"details": "no"}
    code, out, _ = run(json.dumps(value).encode())
    assert code == 0
    assert "note: listener 0.0.0.0_8080: the proxy refused its last update" in out


def test_another_version_s_names_are_read(run, made):
    """Older Istio wrote ports into the domains and headers into fields of their own: both are read."""
    made.table = {}
    for one in made.routes[:2]:
        found = one["match"]["headers"][0]
        how, text = found.pop("string_match").popitem()
        found[f"{how}_match"] = text
    value = made.value()
    for one in value["configs"]:
        for table in one.get("dynamic_route_configs", ()):
            for host in table["route_config"]["virtual_hosts"]:
                host["domains"] += [f"{name}:8080" for name in host["domains"]]
    assert run(json.dumps(value).encode())[0] == 0


def places(node, path=()):
    yield path
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*path, key))


PLACES = [path for path in places(Dump().value()) if path]


@given(st.sampled_from(PLACES), st.sampled_from([None, 1, -1, "x", "", [], {}, [None], {"x": None}, True, [[]]]))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_dump_of_another_form_is_no_defect(run, path, value):
    """Whatever stands at any place of a dump, verify ends with 0 or 1 and its own words, never with a defect."""
    dump = Dump().value()
    node = dump
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    for command in ("verify", "explain"):
        code, out, err = run(json.dumps(dump).encode(), command=command)
        assert code in (0, 1)
        assert "defect" not in err
        assert SECRET not in out + err
