"""Ask a table of requests through a real mesh: python -m tests.mesh PATH…

PATH is a package: a folder with a Kptfile or a kustomization.yaml, and its table, requests.yaml. It goes through the
function first:

    python -m tests.mesh examples/quickstart

Or PATH is a file of manifests, a folder of them, or - for stdin, the routes among them: asked as they are.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from krm_fn.results import FunctionError

from . import Mesh, MeshMissing, MeshRejected, package, table
from .package import Package

_DEFAULTS = {"envLabel": "virtual-env", "envHeader": "X-Virtual-Env"}


def main() -> int:
    """Print each hop and who answered it; return 1 when the table is wrong, 2 when no mesh came up."""
    options = _options()
    rows = table.rows(yaml.safe_load(Path(options.requests or Path(options.paths[0], "requests.yaml")).read_bytes()))
    try:
        found = _load(options.paths)
    except FunctionError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    start = time.monotonic()
    try:
        with Mesh(found.manifests, label=options.label or found.label) as mesh:
            cells = table.ask(mesh, rows, options.header or found.header)
    except (MeshMissing, MeshRejected) as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    wrong = sum(not cell.right for cell in cells)
    print(table.printed(cells))  # noqa: T201 - a command
    print(f"{len(cells)} hops asked, {wrong} wrong, {time.monotonic() - start:.1f} s")  # noqa: T201 - a command
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    assert __doc__
    parser = argparse.ArgumentParser(prog="python -m tests.mesh", description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="+", metavar="PATH", help="manifests: a file, a folder, or - for stdin")
    parser.add_argument("-r", "--requests", help="the table, tests/mesh/table.py says its form (PATH/requests.yaml)")
    parser.add_argument("--label", help="the environment label (as a VirtualEnvironment among the manifests says)")
    parser.add_argument("--header", help="the environment header (as a VirtualEnvironment among the manifests says)")
    return parser.parse_args()


def _load(paths: list[str]) -> Package:
    """Read manifests; a package goes through the function (once more changes nothing)."""
    if len(paths) == 1 and package.is_package(Path(paths[0])):
        return package.rendered(Path(paths[0]))
    manifests = [item for path in paths for item in _read(path)]
    return Package(b"", manifests, _configured(manifests, "envLabel"), _configured(manifests, "envHeader"))


def _read(path: str) -> list[dict[str, Any]]:
    if path == "-":
        return [item for item in yaml.safe_load_all(sys.stdin.buffer) if item]
    folder = Path(path)
    files = sorted(folder.rglob("*.yaml")) if folder.is_dir() else [folder]
    return [item for file in files for item in yaml.safe_load_all(file.read_bytes()) if isinstance(item, dict)]


def _configured(manifests: list[dict[str, Any]], field: str) -> dict[str, str]:
    """Return the name of label or header for each namespace that configures its own, and for the rest."""
    names = {"": _DEFAULTS[field]}
    for item in manifests:
        if item.get("kind") == "VirtualEnvironment":
            name = ((item.get("spec") or {}).get(field) or {}).get("name") or _DEFAULTS[field]
            names[(item.get("metadata") or {}).get("namespace") or ""] = name
    return names


if __name__ == "__main__":
    sys.exit(main())
