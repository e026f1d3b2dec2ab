"""Print the size of the image, and the seconds of a run on ten resources as kpt starts it: `bench/image.py [IMAGE]`.

The second figure has the container's own start in it; the third is a container of the same image that does nothing.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

HERE = Path(__file__).parent
SETTINGS = HERE.parent / ".tools" / "containers.conf"
KPT = ("run", "--rm", "-i", "--network", "none", "--user", "nobody", "--security-opt=no-new-privileges")
NOTHING = ("--entrypoint", "true")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("image", nargs="?", default="localhost/virtual-env-fn:0.1.0", metavar="IMAGE")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    engine = shutil.which("podman") or shutil.which("docker") or sys.exit("neither podman nor docker is installed")
    size = _run(engine, "image", "inspect", "--format", "{{.Size}}", options.image)
    print(f"{options.image}: {int(size) / 1e6:.0f} MB")
    made = [sys.executable, HERE / "make_list.py", "--services", "1"]
    items = subprocess.run(made, stdout=subprocess.PIPE, check=True).stdout
    for label, more in (("ten resources", ()), ("a container that does nothing", NOTHING)):
        times = []
        for _ in range(options.runs):
            started = perf_counter()
            _run(engine, *KPT, *more, options.image, stdin=items)
            times.append(perf_counter() - started)
        print(f"{label}: {median(times):.2f} s, the median of {options.runs} runs")


def _run(*command: str, stdin: bytes = b"") -> bytes:
    environment = {**os.environ, "CONTAINERS_CONF": str(SETTINGS)} if SETTINGS.exists() else None
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, env=environment, check=True).stdout


if __name__ == "__main__":
    main()
