"""The files that a directory is read by."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from krm_fn.command.reading import KUSTOMIZATIONS, Place, place, problem, read_bytes
from krm_fn.results import FunctionError

_ENDINGS = (".yaml", ".yml", ".json", "Kptfile")


class Walked(NamedTuple):
    """What stands in a directory: files of manifests, and folders that are kustomizations."""

    manifests: list[Path]
    kustomizations: list[Path]


def is_read(file: Path, directory: Path) -> bool:
    """Tell whether a file is one of those that a directory is read by."""
    return directory.is_dir() and file in walk(place(str(directory))).manifests


def walk(directory: Place) -> Walked:
    """Return what stands in a directory, without what its .krmignore files name and hidden folders.

    Raises:
        FunctionError: where the package that reads .krmignore is not installed.
    """
    try:
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - the function itself never walks a directory
    except ImportError as error:
        message = "the image reads no directories: send the documents through stdin (-), or install the Python package"
        raise FunctionError(problem(directory.shown, message)) from error

    manifests: list[Path] = []
    kustomizations: list[Path] = []
    ignores: list[tuple[Path, GitIgnoreSpec]] = []
    for walked, folders, names in os.walk(directory.path):
        here = Path(walked)
        if ".krmignore" in names:
            lines = read_bytes(place(str(here / ".krmignore"))).decode(errors="replace").split("\n")
            ignores.append((here, GitIgnoreSpec.from_lines(lines)))

        def kept(path: Path, *, is_dir: bool = False) -> bool:
            return not any(
                spec.match_file(path.relative_to(root).as_posix() + ("/" if is_dir else ""))
                for root, spec in ignores
                if path.is_relative_to(root)
            )

        folders[:] = sorted(name for name in folders if not name.startswith(".") and kept(here / name, is_dir=True))
        for name in sorted(names):
            if name in KUSTOMIZATIONS and kept(here / name):
                kustomizations.append(here)
            elif name.endswith(_ENDINGS) and kept(here / name):
                manifests.append(here / name)
    return Walked(manifests, kustomizations)
