"""The lock files of requirements/: made for what pyproject.toml declares today, exact, and of one mind."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

FOLDER = Path(__file__).resolve().parents[1] / "requirements"
ENTRY = re.compile(r"^([a-z0-9.-]+)==(\S+)(?: ; [^\\\n]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n", re.MULTILINE)


def script():
    """requirements/lock.py as a module; it knows what each file is made of."""
    spec = importlib.util.spec_from_file_location("lock", FOLDER / "lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


LOCK = script()
TEXTS = {name: (FOLDER / f"{name}.txt").read_text() for name in LOCK.FILES}
REQUIRED = [(name, Requirement(line)) for name, lines in LOCK.FILES.items() for line in lines]


def versions(name):
    """Yield (package, version) of a lock file; a package that differs by platform comes more than once."""
    for package, version, _ in ENTRY.findall(TEXTS[name]):
        yield package, Version(version)


def test_the_files_are_those_that_are_made():
    """Every file of the folder is one that the script writes, and none is missing."""
    assert {path.stem for path in FOLDER.glob("*.txt")} == LOCK.FILES.keys()


@pytest.mark.parametrize("name", LOCK.FILES)
def test_a_file_is_of_today(name):
    """A file was made for exactly what pyproject.toml declares now."""
    assert TEXTS[name].splitlines()[0] == LOCK.header(name), "run: python3 requirements/lock.py"


@pytest.mark.parametrize("name", LOCK.FILES)
def test_a_file_has_versions_with_hashes_and_nothing_else(name):
    """Every line belongs to a package with its exact version and hashes: no option, and no place to fetch from."""
    assert ENTRY.sub("", TEXTS[name]).splitlines() == [LOCK.header(name)]


@pytest.mark.parametrize(("name", "required"), REQUIRED, ids=str)
def test_what_is_declared_is_locked(name, required):
    """A declared package is in its file, with a version that the declaration allows."""
    found = [version for package, version in versions(name) if package == canonicalize_name(required.name)]
    assert found
    assert all(required.specifier.contains(version) for version in found)


@pytest.mark.parametrize("required", [one for name, one in REQUIRED if name == "lowest"], ids=str)
def test_the_lowest_is_what_is_declared(required):
    """`lowest` has each declared package at its very lower bound, which is therefore one that the tests pass with."""
    (bound,) = [Version(one.version) for one in required.specifier if one.operator == ">="]
    found = [version for package, version in versions("lowest") if package == canonicalize_name(required.name)]
    assert {version.release[: len(bound.release)] for version in found} == {bound.release}


def test_every_extra_is_locked():
    """No extra of pyproject.toml is left out of the files."""
    locked = {line for lines in LOCK.FILES.values() for line in lines}
    assert {line for lines in LOCK.EXTRAS.values() for line in lines} <= locked


def test_the_files_agree():
    """What goes into one environment is the same version in every file, but for `lowest`, which has one of its own."""
    seen = {}
    for name in LOCK.FILES.keys() - {"lowest"}:
        found = {}
        for package, version in versions(name):  # more than one where Pythons differ
            found.setdefault(package, set()).add(version)
        for package, several in found.items():
            seen.setdefault(package, set()).add(frozenset(several))
    assert {package: found for package, found in seen.items() if len(found) > 1} == {}
