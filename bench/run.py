"""Measure the function against a bare pass of libyaml over the same bytes, and print a table.

    python bench/run.py            # some minutes: lists of 1,000, 10,000 and 100,000 resources
    python bench/run.py --quick    # without the longest list, fewer runs

Every command runs as a process of its own. The two of a comparison take turns, and the figure is the median of
the ratios pair by pair, so that a machine that slows down meanwhile slows both. Ratios of processor time are the
ones to keep: they hardly change with what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

HERE = Path(__file__).parent
FUNCTION = (str(Path(sys.executable).with_name("virtual-env-fn")),)
EVENT_PASS = (
    sys.executable,
    "-c",
    """\
import sys
from yaml.cyaml import CParser
parser = CParser(sys.stdin.buffer.read())
while parser.get_event() is not None:
    pass
""",
)
IMPORTS = (sys.executable, "-c", "import yaml\nfrom pydantic import BaseModel")
# As an installed function runs: from bytecode, whatever the shell around this command says.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
FOREIGN = 1000
CONFIGURED = b"""\
functionConfig:
  apiVersion: virtual-env-fn.dev/v1alpha1
  kind: VirtualEnvironment
  metadata: {name: bench}
  spec:
    envLabel: {defaultSubset: dev}
    envHeader: {name: X-Virtual-Env}
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds by the clock and of the processor, peak memory in bytes."""

    wall: float
    processor: float
    peak: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs of a command and of the one that it is measured by, taking turns."""

    runs: tuple[Run, ...]
    others: tuple[Run, ...]

    def seconds(self) -> float:
        return median(run.processor for run in self.runs)

    def processor(self) -> float:
        return median(run.processor / other.processor for run, other in zip(self.runs, self.others, strict=True))

    def wall(self) -> float:
        return median(run.wall / other.wall for run, other in zip(self.runs, self.others, strict=True))

    def peak(self) -> int:
        return max(run.peak for run in self.runs)


def run(command: Sequence[str], source: Path, target: Path) -> Run:
    """Run a command from file to file. Raises SystemExit when it fails.

    This process stays small on purpose: a child's peak begins with its parent's size.
    """
    with source.open("rb") as stdin, target.open("wb") as stdout:
        started = perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        wall = perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} < {source} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage(2)
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def compare(command: Sequence[str], other: Sequence[str], source: Path, count: int) -> Comparison:
    """Let two commands take turns, after a run of each that does not count."""
    runs, others = [], []
    for turn in range(count + 1):
        pair = run(command, source, source.with_suffix(".out")), run(other, source, Path(os.devnull))
        if turn:
            runs.append(pair[0])
            others.append(pair[1])
    return Comparison(tuple(runs), tuple(others))


def make(folder: Path, services: int, shape: str = "made") -> Path:
    """Write the list of so many Services and nine times as many workloads."""
    path = folder / f"{services}-{shape}.yaml"
    command = [sys.executable, HERE / "make_list.py", "--services", str(services), "--shape", shape]
    with path.open("wb") as stdout:
        subprocess.run(command, stdout=stdout, check=True)
    return path


def big(path: Path, services: int, count: int, start_up: float) -> None:
    """Print the line of a list; `start_up` seconds do not count for the time per resource."""
    comparison = compare(FUNCTION, EVENT_PASS, path, count)
    size, per_resource = path.stat().st_size, (comparison.seconds() - start_up) / (services * 10) * 1e6
    print(
        f"{services * 10:>10,} {size / 1e6:>8.1f} {path.with_suffix('.out').stat().st_size / 1e6:>8.1f}"
        f" {comparison.seconds():>8.2f} {per_resource:>8.0f} {comparison.processor():>8.2f}"
        f" {comparison.wall():>8.2f} {comparison.peak() / size:>8.1f}",
        flush=True,
    )


def small(path: Path, label: str, count: int) -> float:
    """Print the line of a list of ten resources; return the seconds of the processor that it takes."""
    comparison = compare(FUNCTION, IMPORTS, path, count)
    print(
        f"{label:<34} {comparison.seconds() * 1e3:>8.0f} {comparison.processor():>8.2f} {comparison.wall():>8.2f}",
        flush=True,
    )
    return comparison.seconds()


def outputs(path: Path, count: int) -> None:
    """Print how long the Gateway API takes beside Istio's kinds, on one list, all taking turns."""
    listed = path.read_bytes()
    kinds = {"istio": b"istio", "gatewayAPI": b"gatewayAPI", "base: selector": b"gatewayAPI, base: selector"}
    sources = {name: path.with_suffix(f".{place}.yaml") for place, name in enumerate(kinds)}
    for name, source in sources.items():
        source.write_bytes(listed.replace(b"  data: {}", b"  data: {output: %s}" % kinds[name]))
    turns = [
        {name: run(FUNCTION, source, Path(os.devnull)).processor for name, source in sources.items()}
        for _ in range(count + 1)
    ][1:]
    for name in ("gatewayAPI", "base: selector"):
        print(f"{name:<15} ÷ istio, processor: {median(turn[name] / turn['istio'] for turn in turns):.2f}", flush=True)


def routes(folder: Path) -> None:
    """Print how a Service's routes depend on environments that it does not have."""
    own = make(folder, 1)
    added = b"".join(_foreign(number) for number in range(FOREIGN))
    both = folder / "foreign.yaml"
    both.write_bytes(own.read_bytes().replace(b"\nfunctionConfig:", b"\n" + added + b"functionConfig:"))
    counts = []
    for path in (own, both):
        run(FUNCTION, path, path.with_suffix(".out"))
        counts.append(path.with_suffix(".out").read_bytes().count(b"    - destination:"))
    print(f"routes of a Service: {counts[0]}; beside {FOREIGN:,} foreign environments: +{counts[1] - counts[0]}")


def _foreign(number: int) -> bytes:
    return (
        "- apiVersion: apps/v1\n  kind: Deployment\n"
        f"  metadata: {{name: foreign-{number}, namespace: shop-0}}\n"
        f"  spec: {{template: {{metadata: {{labels: {{app: foreign, virtual-env: dev.foreign{number}}}}}}}}}\n"
    ).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="no list of 100,000 resources, fewer runs")
    quick = parser.parse_args().quick
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} processors\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("ten resources                            ms  ÷ import of PyYAML and pydantic: processor, clock")
        path = make(folder, 1)
        start_up = small(path, "no configuration", 5 if quick else 20)
        path.write_bytes(path.read_bytes().partition(b"functionConfig:")[0] + CONFIGURED)
        small(path, "a VirtualEnvironment as config", 5 if quick else 20)
        print("\n                             seconds  us/item,    ÷ bare event pass  peak bytes")
        print(" resources    MB in   MB out  in all  start apart  processor  clock  per byte in")
        for services, count in ((100, 5), (1000, 3 if quick else 7), *(() if quick else ((10_000, 1),))):
            big(make(folder, services), services, count, start_up)
        for shape in ("nested", "published"):
            print(f"{shape}:")
            big(make(folder, 1000, shape), 1000, 3 if quick else 7, start_up)
        print()
        outputs(make(folder, 1000), 3 if quick else 7)
        routes(folder)


if __name__ == "__main__":
    main()
