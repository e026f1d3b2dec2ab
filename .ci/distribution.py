"""Build the wheel and the source archive of what git tracks: `.ci/distribution.py [--home URL] [-o FOLDER]`.

The same commit gives the same bytes, whenever and wherever it is built. `--home` is the address of the repository that
a release lives in: it becomes the project's URLs, and README's links, which an index page could not follow, lead there.
Run it with the project's own Python (`.venv/bin/python`), which has the build backend.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_BUILD = "import sys; from flit_core import buildapi; print(getattr(buildapi, 'build_' + sys.argv[1])(sys.argv[2]))"
_LINK = re.compile(r"(!?)(\[[^\]]*\])\((?!https?:|#)([^)\s]+)\)")
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def main() -> None:
    """Build both and print their paths."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--home", metavar="URL", help="the repository's address, such as https://forge/owner/name")
    parser.add_argument("-o", "--output", default=ROOT / "dist", type=Path, metavar="FOLDER", help="default dist/")
    options = parser.parse_args()
    for path in build(options.output, home=options.home):
        print(path)


def build(output: Path, *, source: Path = ROOT, home: str | None = None) -> tuple[Path, Path]:
    """Build the source archive, and the wheel from what the archive holds, as an index' user would; return both.

    Raises `subprocess.CalledProcessError` where the backend refuses, with its words on stderr.
    """
    output.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch(source)}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        _copy(source, tree)
        if home:
            _name_home(tree, home.rstrip("/"))
        archive = _backend("sdist", tree, output, environment)
        with tarfile.open(archive) as opened:
            opened.extractall(folder, filter="data")
        (unpacked,) = Path(folder).glob("virtual_env_fn-*")
        return archive, _backend("wheel", unpacked, output, environment)


def tracked(source: Path) -> list[str]:
    """Return the files that belong to the project: those git tracks, or all of an unpacked archive."""
    if (source / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached"]
        listed = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout.split("\0")
        return [name for name in listed if name and (source / name).exists()]
    everything = (path for path in source.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return [path.relative_to(source).as_posix() for path in everything if path.name != "PKG-INFO"]


def epoch(source: Path) -> str:
    """Return the time of the build, in seconds: the one that is set, else the commit's, else flit's own constant."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return given
    if not (source / ".git").exists():
        return "1451606400"
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, check=True).stdout.strip()


def _copy(source: Path, tree: Path) -> None:
    for name in tracked(source):
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)
        target.chmod(0o755 if os.access(source / name, os.X_OK) else 0o644)


def _name_home(tree: Path, home: str) -> None:
    project = tree / "pyproject.toml"
    urls = {"Homepage": home, "Changelog": f"{home}/blob/HEAD/CHANGELOG.md", "Documentation": f"{home}/blob/HEAD/docs"}
    lines = [f"{name} = {json.dumps(url)}" for name, url in {**urls, "Issues": f"{home}/issues"}.items()]
    table = "\n".join(["[project.urls]", *lines, "", "[project.scripts]"])
    project.write_text(project.read_text().replace("[project.scripts]", table, 1))
    (version,) = _VERSION.findall((tree / "krm_fn" / "__init__.py").read_text())
    readme = tree / "README.md"
    readme.write_text(_LINK.sub(lambda found: _absolute(found, f"{home}/{{}}/v{version}/"), readme.read_text()))


def _absolute(link: re.Match[str], address: str) -> str:
    image, text, target = link.groups()
    return f"{image}{text}({address.format('raw' if image else 'blob')}{target})"


def _backend(kind: str, tree: Path, output: Path, environment: dict[str, str]) -> Path:
    """Run the backend in a process of its own, in which every warning, a deprecation too, is an error."""
    command = [sys.executable, "-W", "error", "-c", _BUILD, kind, output.resolve()]
    done = subprocess.run(command, cwd=tree, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return output / done.stdout.split()[-1]


if __name__ == "__main__":
    main()
