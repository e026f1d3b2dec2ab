"""What environments cost a mesh: routes of a Service, and an Envoy's memory. Needs the parts mesh and envoy.

python bench/mesh.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from mesh import Mesh  # noqa: E402  # the project's folders are not on the path of a script in bench/
from mesh.package import run  # noqa: E402
from mesh.worlds import istio, service, subsets, to, workload  # noqa: E402

SERVICES, ENVIRONMENTS, OWN, FOREIGN = 200, 300, 3, 1000
CONFIG: dict[str, Any] = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env"},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}
Manifest = dict[str, Any]


def main() -> None:
    """Measure, and print three tables."""
    print(f"routes of a Service with {OWN} environments of its own and the base")
    for name, ports in (("one HTTP port", 1), ("three HTTP ports", 3)):
        alone, among = (_routes_of_one(ports, foreign) for foreign in (0, FOREIGN))
        print(f"  {name:18} {alone:4}   with {FOREIGN} environments elsewhere {among:4}  (+{among - alone})")
    print(f"\nan Envoy that knows {SERVICES} Services; {ENVIRONMENTS} environments, {OWN} of them and the base in each")
    plain, alone = _world(), _subsets_alone()
    resident: list[float] = []
    for name, manifests in (
        ("no environment routes, no subsets", plain),
        ("no environment routes, the same subsets", [*plain, *alone]),
        ("this function's", list(yaml.safe_load_all(run(plain, CONFIG)))),
        (f"a route for each of the {ENVIRONMENTS}, as the operator's", [*plain, *alone, *_operators()]),
    ):
        count, clusters, allocated, size = _measure(manifests)
        resident.append(size)
        print(
            f"  {name:46} {count:6} routes {clusters:5} clusters {allocated / 1e6:6.1f} MB allocated "
            f"{size / 1e6:6.1f} MB resident"
        )
    nothing, subsets_only, ours, operators = resident
    print(f"  routes of this function: x{ours / subsets_only:.2f}; with the subsets' clusters: x{ours / nothing:.2f}")
    print(f"  routes of the operator:  x{operators / subsets_only:.2f}; with them: x{operators / nothing:.2f}")
    base_only()


def base_only() -> None:
    """Print what Services without an environment of their own cost with each value of `routes`."""
    print(f"\nan Envoy that knows {SERVICES} Services which have the base only")
    world = [one for number in range(SERVICES) for one in (service(f"app{number}"), workload(f"app{number}", "dev"))]
    for routes in ("split", "all"):
        config = {**CONFIG, "spec": {**CONFIG["spec"], "routes": routes}}
        count, clusters, allocated, size = _measure(list(yaml.safe_load_all(run(world, config))))
        print(
            f"  routes: {routes:38} {count:6} routes {clusters:5} clusters {allocated / 1e6:6.1f} MB allocated "
            f"{size / 1e6:6.1f} MB resident"
        )


def _own(number: int) -> list[str]:
    return [f"dev.env{(number * OWN + one) % ENVIRONMENTS}" for one in range(OWN)]


def _world() -> list[Manifest]:
    made: list[Manifest] = []
    for number in range(SERVICES):
        name = f"app{number}"
        made += [service(name), *(workload(name, one) for one in ("dev", *_own(number)))]
    return made


def _subsets_alone() -> list[Manifest]:
    return [subsets(f"app{number}", "dev", *_own(number)) for number in range(SERVICES)]


def _operators() -> list[Manifest]:
    """Return what the operator makes: every environment that anybody has, in every Service's routes."""
    made = []
    for number in range(SERVICES):
        name, own = f"app{number}", set(_own(number))
        every = [f"dev.env{one}" for one in range(ENVIRONMENTS)]
        http = [
            {"match": [{"headers": {"x-virtual-env": {"exact": one}}}], "route": to(name, one if one in own else "dev")}
            for one in every
        ]
        made.append(istio("VirtualService", name, hosts=[name], http=[*http, {"route": to(name, "dev")}]))
    return made


def _routes_of_one(ports: int, foreign: int) -> int:
    listed = [{"name": f"http-{port}", "port": 8000 + port} for port in range(ports)]
    manifests = [service("app", *listed), *(workload("app", one) for one in ("dev", *_own(0)))]
    manifests += [service("other"), *(workload("other", f"dev.foreign{one}") for one in range(foreign))]
    made = yaml.safe_load_all(run(manifests, CONFIG))
    (found,) = [one for one in made if (one["kind"], one["metadata"]["name"]) == ("VirtualService", "app")]
    return len(found["spec"]["http"])


def _measure(manifests: list[Manifest]) -> tuple[int, int, float, float]:
    """Return routes, clusters, bytes allocated and bytes resident of a sidecar that has all of it."""
    with Mesh(manifests) as mesh:
        caller = mesh.sidecar()
        caller.ask("app0", headers={"x-virtual-env": _own(0)[0]})
        dump = json.loads(caller.envoy.admin("/config_dump?resource=dynamic_route_configs"))["configs"]
        hosts = [host for one in dump for host in one["route_config"].get("virtual_hosts", ())]
        clusters = json.loads(caller.envoy.admin("/config_dump?resource=dynamic_active_clusters"))["configs"]
        allocated = float(json.loads(caller.envoy.admin("/memory"))["allocated"])
        return (
            sum(len(host.get("routes", ())) for host in hosts),
            len(clusters),
            allocated,
            _resident(caller.envoy.process.pid),
        )


def _resident(shell: int) -> float:
    """Return the bytes of the Envoy that a shell guards."""
    children = Path(f"/proc/{shell}/task/{shell}/children").read_text(encoding="ascii").split()
    sizes = [Path(f"/proc/{child}/statm").read_text(encoding="ascii").split()[1] for child in children]
    return max(map(int, sizes)) * 4096.0


if __name__ == "__main__":
    main()
