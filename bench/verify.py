"""How long `verify` takes for a large mesh, and how much memory. Needs the parts mesh and envoy.

python bench/verify.py [SERVICES]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from mesh import Mesh, envoy  # noqa: E402  # the project's folders are not on the path of a script in bench/
from mesh.package import run  # noqa: E402
from mesh.worlds import service, workload  # noqa: E402

ENVIRONMENTS, OWN = 20, 3
PORTS = ({"name": "http", "port": 8080}, {"name": "grpc", "port": 9090})
CONFIG = {
    "apiVersion": "virtual-env-fn.dev/v1alpha1",
    "kind": "VirtualEnvironment",
    "metadata": {"name": "virtual-env", "annotations": {"config.kubernetes.io/local-config": "true"}},
    "spec": {"envLabel": {"defaultSubset": "dev"}},
}
Manifest = dict[str, Any]


def main() -> None:
    """Measure, and print a line."""
    services = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    envoy._START_SECONDS = 300.0  # noqa: SLF001 - a proxy of this size takes its time
    manifests = [one for number in range(services) for one in _app(number)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "list.yaml").write_text(yaml.dump_all([CONFIG, *manifests], Dumper=yaml.CSafeDumper, sort_keys=False))
        with Mesh(list(yaml.load_all(run([CONFIG, *manifests]), Loader=yaml.CSafeLoader))) as mesh:
            (place / "dump.json").write_text(mesh.sidecar().envoy.admin("/config_dump?include_eds"))
        size = (place / "dump.json").stat().st_size
        print(f"{services} Services, {ENVIRONMENTS} environments, a dump of {size / 1e6:.1f} MB")
        for name, words in (("check alone", ["check"]), ("verify", ["verify", "--proxy", str(place / "dump.json")])):
            seconds, peak = _measure([words[0], str(place / "list.yaml"), *words[1:]], place / "said")
            print(f"  {name:12} {seconds:5.2f} s, {peak / 1e6:6.0f} MB at most, {peak / size:.1f} bytes a byte")
        print((place / "said").read_text())


def _app(number: int) -> list[Manifest]:
    name = f"app{number}"
    own = [f"dev.env{(number * OWN + one) % ENVIRONMENTS}" for one in range(OWN)]
    return [service(name, *PORTS), *(workload(name, one) for one in ("dev", *own))]


def _measure(words: list[str], said: Path) -> tuple[float, int]:
    """Return the seconds and the most bytes of memory that the command takes."""
    start = time.monotonic()
    with said.open("wb") as output:
        process = subprocess.Popen([Path(sys.executable).with_name("virtual-env-fn"), *words], stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        print(said.read_text()[:2000])
    return time.monotonic() - start, usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
