"""Every carrier finds its way: another header, text around a name, a cookie, baggage, and several that disagree."""

import pytest
import yaml

from . import Mesh, table
from .package import run
from .worlds import service, workload

HEADER = "x-virtual-env"
OWN = ("dev", "dev.proj1", "dev.proj1.a", "dev.proj2")
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {
        "envLabel": {"defaultSubset": "dev"},
        "envHeader": {
            "aliases": [
                {"name": "X-Team"},
                {"name": "X-Tags", "pattern": ".*env=(@)(;.*)?"},
                {"name": "X-Route", "pattern": "<here>.*", "placeholder": "<here>"},
                {"cookie": "virtual-env"},
                {"baggage": "virtual-env"},
            ]
        },
    },
}

# Behind each carrier a table: what is sent, and who answers.
TABLE = """
- {headers: {X-Team: dev.proj1}, answer: dev.proj1}
- {headers: {x-team: dev.proj1.b}, answer: dev.proj1}
- {headers: {x-team: dev.proj10}, answer: dev}
- {headers: {x-team: dev.proj1-x}, answer: dev}
- {headers: {x-team: ''}, answer: dev}

- {headers: {x-tags: env=dev.proj1}, answer: dev.proj1}
- {headers: {x-tags: a=b;env=dev.proj1.a;c=d}, answer: dev.proj1.a}
- {headers: {x-tags: a=b;env=dev.proj1.a.mine;c=d}, answer: dev.proj1.a}
- {headers: {x-tags: env=dev.proj10;c=d}, answer: dev}
- {headers: {x-tags: env=dev.proj1-x;c=d}, answer: dev}
- {headers: {x-tags: env= dev.proj1}, answer: dev}
- {headers: {x-tags: dev.proj1}, answer: dev}

- {headers: {x-route: dev.proj1}, answer: dev.proj1}
- {headers: {x-route: dev.proj1/x}, answer: dev.proj1}
- {headers: {x-route: dev.proj1 x}, answer: dev.proj1}
- {headers: {x-route: dev.proj1_x}, answer: dev}
- {headers: {x-route: dev.proj10/x}, answer: dev}

- {headers: {cookie: virtual-env=dev.proj1}, answer: dev.proj1}
- {headers: {Cookie: session=1; virtual-env=dev.proj1.a; theme=dark}, answer: dev.proj1.a}
- {headers: {cookie: session=1;virtual-env=dev.proj1.b;theme=dark}, answer: dev.proj1}
- {headers: {cookie: 'session=1; virtual-env="dev.proj1"'}, answer: dev.proj1}
- {headers: {cookie: virtual-env=dev%2Eproj1}, answer: dev.proj1}
- {headers: {cookie: virtual-env=dev%2eproj1%2ea}, answer: dev.proj1.a}
- {headers: {cookie: xvirtual-env=dev.proj1}, answer: dev}
- {headers: {cookie: virtual-env-x=dev.proj1}, answer: dev}
- {headers: {cookie: a=virtual-env=dev.proj1}, answer: dev}
- {headers: {cookie: Virtual-Env=dev.proj1}, answer: dev}
- {headers: {cookie: virtual-env=dev.proj10; a=b}, answer: dev}
- {headers: {cookie: virtual-env=dev.proj1-x}, answer: dev}
- {headers: {cookie: virtual-env=}, answer: dev}

- {headers: {baggage: virtual-env=dev.proj1}, answer: dev.proj1}
- {headers: {baggage: 'user=7,virtual-env=dev.proj1.a;ttl=3,x=y'}, answer: dev.proj1.a}
- {headers: {baggage: "user=7 ,\\tvirtual-env = dev.proj1.b ; ttl=3 , x=y"}, answer: dev.proj1}
- {headers: {baggage: virtual-env=dev%2Eproj1}, answer: dev.proj1}
- {headers: {baggage: xvirtual-env=dev.proj1}, answer: dev}
- {headers: {baggage: virtual-env-x=dev.proj1}, answer: dev}
- {headers: {baggage: x=y;virtual-env=dev.proj1}, answer: dev}
- {headers: {baggage: virtual-env=dev.proj10}, answer: dev}
- {headers: {baggage: 'virtual-env=dev.proj1-x,a=b'}, answer: dev}
- {headers: {baggage: 'virtual-env=dev.proj1,virtual-env=dev.proj2'}, answer: dev.proj1}

- {header: dev.proj1, headers: {cookie: virtual-env=dev.proj1.a}, answer: dev.proj1.a}
- {header: dev.proj1.a, headers: {cookie: virtual-env=dev.proj1}, answer: dev.proj1.a}
- {header: dev.proj2, headers: {cookie: virtual-env=dev.proj1}, answer: dev.proj1}
- {header: dev.proj1, headers: {cookie: virtual-env=dev.proj2}, answer: dev.proj1}
- {header: dev.proj2, headers: {baggage: virtual-env=dev.proj1.a.b}, answer: dev.proj1.a}
- {header: dev, headers: {baggage: virtual-env=dev.proj2}, answer: dev.proj2}
- {header: dev.proj3, headers: {x-team: dev.proj2}, answer: dev.proj2}
- {header: '', headers: {x-team: dev.proj2}, answer: dev.proj2}
- {headers: {x-team: dev.proj2, cookie: virtual-env=dev.proj2.x, baggage: virtual-env=dev.proj1}, answer: dev.proj1}
"""


@pytest.fixture(scope="module")
def mesh():
    manifests = [service("app"), *(workload("app", one) for one in OWN)]
    with Mesh(_run(manifests, CONFIG)) as mesh:
        yield mesh


@pytest.mark.parametrize("protocol", ["http", "http2"])
def test_carriers(mesh, protocol):
    """Every carrier is read as its own rules say, and where they disagree the deepest environment answers."""
    rows = table.rows([{"service": "app", "protocol": protocol, **row} for row in yaml.safe_load(TABLE)])
    cells = table.ask(mesh, rows, HEADER)
    assert [str(cell) for cell in cells if not cell.right] == []
    assert len(cells) == 49


def test_http2_may_split_cookies(mesh):
    """Cookies in header lines of their own, as HTTP/2 allows (RFC 9113, 8.2.3), are one to a route."""
    crumbs = [("cookie", "a=b"), ("cookie", "virtual-env=dev.proj1"), ("cookie", "c=d")]
    answer = mesh.sidecar().ask("app", headers=crumbs, protocol="http2")
    assert answer.environment == "dev.proj1"


def test_the_longest_expressions_work():
    """The longest names under the longest keys are taken by Istio and Envoy, and answered."""
    longest = [
        ("--", "$" * 100, f"dev-{'.' * 57}x"),
        (".", "k" * 100, f"dev.{'-' * 57}x"),
        (".", "|" * 100, f"a{'_' * 61}b"),
    ]
    for splitter, key, name in longest:
        aliases = [{"cookie": key}, {"baggage": key}]
        spec = {"envLabel": {"defaultSubset": "dev", "splitter": splitter}, "envHeader": {"aliases": aliases}}
        manifests = [service("app"), workload("app", "dev"), workload("app", name)]
        manifests[2]["metadata"]["name"] = "longest"
        with Mesh(_run(manifests, {**CONFIG, "spec": spec})) as mesh:
            caller = mesh.sidecar()
            below = f"{key}={name}{splitter}x"
            assert [caller.ask("app", headers={one: below}).pod for one in ("cookie", "baggage")] == ["longest"] * 2
            assert caller.ask("app", headers={"cookie": f"{key}={name}y"}).environment == "dev"


def _run(manifests, config):
    return list(yaml.safe_load_all(run(manifests, config)))
