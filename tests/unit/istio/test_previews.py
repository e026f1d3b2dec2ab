"""Preview hosts: an environment by its host alone."""

import pytest
from istio_reading import Request, answer
from lists import LABEL, base, compute, of_kind, service, workload

KEY = "kt-virtual-environment/"
ENVIRONMENTS = ("dev", "dev.proj1", "dev.proj1.a_b")


def exposed(hosts="shop.example.com", gateways="gw", name="app", **annotations):
    one = service(name)
    given = {"gateways": gateways, "hosts": hosts, **annotations}
    one["metadata"]["annotations"] = {KEY + key: text for key, text in given.items() if text is not None}
    return one


def workloads(*environments, app="app"):
    return [workload(f"{app}-{place}", one, app=app) for place, one in enumerate(environments)]


def listing(*environments, **annotations):
    return [exposed(**annotations), *workloads(*(environments or ENVIRONMENTS))]


def preview(pattern="{env}.{host}", **spec):
    return base(previewHosts=pattern, **spec)


def previews(listed, function_config=None):
    made = of_kind(compute(listed, function_config or preview()).made.manifests, "VirtualService")
    return {one["metadata"]["name"]: one["spec"] for one in made if one["metadata"]["name"].startswith("app-preview")}


def said(listed, code, function_config=None):
    found = compute(listed, function_config or preview()).results
    return [one for one in found if one.code.slug == code]


def test_each_environment_has_a_host():
    """Each environment has one host per gateway host, '.' and '_' as '-'; it sets the header for the hops behind."""
    found = previews(listing(hosts="shop.example.com,b.example.com"))
    assert list(found) == ["app-preview-dev", "app-preview-dev-proj1", "app-preview-dev-proj1-a-b"]
    assert found["app-preview-dev-proj1-a-b"] == {
        "hosts": ["dev-proj1-a-b.shop.example.com", "dev-proj1-a-b.b.example.com"],
        "gateways": ["gw"],
        "http": [
            {
                "name": "dev.proj1.a_b",
                "route": [{"destination": {"host": "app", "subset": "dev-proj1-a-b"}}],
                "headers": {"request": {"set": {"x-virtual-env": "dev.proj1.a_b"}}},
            }
        ],
    }


def test_environments_of_other_services_have_one_too():
    """Every environment of the namespace has a host at each Service: the nearest pods answer, the header says which."""
    listed = [*listing("dev"), service("other"), *workloads("dev", "dev.x", app="other")]
    (route,) = previews(listed)["app-preview-dev-x"]["http"]
    assert route["route"] == [{"destination": {"host": "app"}}]
    assert route["headers"]["request"]["set"] == {"x-virtual-env": "dev.x"}


@pytest.mark.parametrize("port", ["", ":8080"])
def test_who_answers(port):
    """By the routes alone, a preview host reaches its environment, whatever port the authority has."""
    listed = listing()
    made = [dict(one) for one in compute(listed, preview()).made.manifests]
    for environment, label in zip(ENVIRONMENTS, ("dev", "dev-proj1", "dev-proj1-a-b"), strict=True):
        asked = Request(f"{label}.shop.example.com{port}", "", 80, gateway="gw")
        assert answer([*listed, *made], asked, LABEL) == environment


def test_another_pattern():
    """The pattern says where environment and host stand."""
    found = previews(listing("dev"), preview("{host}.preview-{env}.example.org"))
    assert found["app-preview-dev"]["hosts"] == ["shop.example.com.preview-dev.example.org"]


def test_off_by_default():
    """Without the option there are no preview hosts."""
    assert previews(listing(), base()) == {}


@pytest.mark.parametrize("annotations", [{"gateways": None}, {"hosts": None}, {"gateways": "mesh"}])
def test_none_without_a_gateway(annotations):
    """Preview hosts are for clients of gateways."""
    assert previews(listing(**annotations)) == {}


def test_the_rule_holds_on_preview_hosts():
    """A Service's rule holds there as everywhere, and its header changes stand beside the environment's."""
    rule = '{"match": [{"uri": {"prefix": "/a"}}], "headers": {"request": {"set": {"x": "y"}}}, "timeout": "1s"}'
    first, second = previews(listing(rule=rule))["app-preview-dev-proj1"]["http"]
    assert first["headers"]["request"]["set"] == {"x": "y", "x-virtual-env": "dev.proj1"}
    assert first["match"] == [{"uri": {"prefix": "/a"}}]
    assert (second["headers"]["request"]["set"], "timeout" in second) == ({"x-virtual-env": "dev.proj1"}, False)


def test_without_base_pods():
    """A preview host of an environment that nobody answers gets the 503 that explains itself."""
    listed = [*listing("dev.proj1"), *workloads("dev", app="x"), service("x")]
    assert "directResponse" in previews(listed)["app-preview-dev"]["http"][0]


@pytest.mark.parametrize(
    "pattern", ["{env}", "{host}", "x", "{env}.{host}.{env}", "{Env}.{host}", "{env}_{host}", "{env}.{host}/x", "{}"]
)
def test_a_pattern_needs_both_placeholders(pattern):
    """A pattern without both placeholders, with others, or with what no host has is an error."""
    with pytest.raises(Exception, match="previewHosts"):
        compute(listing(), preview(pattern))


def test_two_environments_that_share_a_host():
    """`dev.a-b` and `dev.a_b` would share a preview host: an error that names both and the host."""
    (finding,) = said(listing("dev", "dev.a-b", "dev.a_b"), "preview-taken")
    assert finding.severity == "error"
    assert all(text in finding.message for text in ("'dev.a-b'", "'dev.a_b'", "'dev-a-b.shop.example.com'"))


def test_a_preview_host_that_is_a_service_s_own():
    """A preview host that some Service has as its own host is an error."""
    other = [exposed("dev-x.shop.example.com", name="other"), *workloads("dev", app="other")]
    (finding,) = said([*listing("dev", "dev.x"), *other], "preview-taken")
    assert "Service other itself" in finding.message


def test_services_may_share_an_environment_s_host():
    """Two Services with one host share its preview hosts, too: it is the same environment."""
    other = [exposed(name="other"), *workloads("dev", app="other")]
    assert said([*listing(), *other], "preview-taken") == []


def test_a_preview_host_that_is_none():
    """A name that is too long for DNS is an error that names host and environment."""
    long = "dev." + "x" * 59
    (finding,) = said(listing("dev", long), "preview-invalid", preview("p-{env}.{host}"))
    assert finding.severity == "error"
    assert repr(long) in finding.message


def test_wildcards_have_none():
    """A host with a wildcard has no preview hosts, and an info says so."""
    listed = listing(hosts="*.example.com,shop.example.com")
    assert previews(listed)["app-preview-dev"]["hosts"] == ["dev.shop.example.com"]
    (finding,) = said(listed, "preview-wildcard")
    assert finding.severity == "info"


def test_the_gateway_must_admit_them():
    """A gateway of the list without a server for the preview hosts is a warning that names some of them."""
    server = {"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["shop.example.com"]}
    gateway = {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "gw"}}
    (finding,) = said([*listing(), {**gateway, "spec": {"servers": [server]}}], "gateway-host")
    assert "'dev.shop.example.com'" in finding.message


def test_preview_hosts_of_a_service_and_of_a_route_of_its_name():
    """A Service and a user's VirtualService of one name on gateways: each preview has a name of its own."""
    theirs = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "app"},
        "spec": {
            "hosts": ["own.example.com"],
            "gateways": ["gw"],
            "http": [{"route": [{"destination": {"host": "app"}}]}],
        },
    }
    made = of_kind(compute([*listing(), theirs], preview()).made.manifests, "VirtualService")
    hosts = {one["metadata"]["name"]: one["spec"]["hosts"] for one in made}
    assert len(hosts) == len(made)
    assert {"dev.shop.example.com", "dev.own.example.com"} <= {host for own in hosts.values() for host in own}
