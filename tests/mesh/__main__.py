"""Ask a table of requests through a real mesh: python -m tests.mesh -r TABLE PATH…

PATH is a file of manifests, a folder of them, or - for stdin, with the routes among them, e.g.:

    kustomize build examples/quickstart | virtual-env-fn |
      python -m tests.mesh -r examples/quickstart/requests.yaml --header ali-env-mark -
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from . import Mesh, MeshMissing, MeshRejected, table


def main() -> int:
    """Print each hop and who answered it; return 1 when the table is wrong, 2 when no mesh came up."""
    assert __doc__
    parser = argparse.ArgumentParser(prog="python -m tests.mesh", description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="PATH", help="manifests: a file, a folder, or - for stdin")
    parser.add_argument("-r", "--requests", required=True, help="the table (tests/mesh/table.py says its form)")
    parser.add_argument("--label", default="virtual-env", help="the environment label (%(default)s)")
    parser.add_argument("--header", default="X-Virtual-Env", help="the environment header (%(default)s)")
    options = parser.parse_args()
    rows = table.rows(yaml.safe_load(Path(options.requests).read_bytes()))
    manifests = [item for path in options.paths for item in _read(path)]
    start = time.monotonic()
    try:
        with Mesh(manifests, label=options.label) as mesh:
            cells = table.ask(mesh, rows, options.header)
    except (MeshMissing, MeshRejected) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    wrong = sum(not cell.right for cell in cells)
    lines = [f"{'ok   ' if cell.right else 'WRONG'} {cell}" for cell in cells]
    lines.append(f"{len(cells)} hops asked, {wrong} wrong, {time.monotonic() - start:.1f} s")
    print("\n".join(lines))  # noqa: T201 - a command
    return 1 if wrong else 0


def _read(path: str) -> list[dict[str, Any]]:
    if path == "-":
        return [item for item in yaml.safe_load_all(sys.stdin.buffer) if item]
    folder = Path(path)
    files = sorted(folder.rglob("*.yaml")) if folder.is_dir() else [folder]
    return [item for file in files for item in yaml.safe_load_all(file.read_bytes()) if isinstance(item, dict)]


if __name__ == "__main__":
    sys.exit(main())
