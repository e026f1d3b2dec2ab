"""The wheel and the source archive: the same bytes each time, whole, and without a link that leads nowhere."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import krm_fn

ROOT = Path(__file__).resolve().parents[1]
HOME = "https://forge.example/team/virtual-env-fn"
NAME = f"virtual_env_fn-{krm_fn.__version__}"


def script():
    """.ci/distribution.py as a module."""
    spec = importlib.util.spec_from_file_location("distribution", ROOT / ".ci" / "distribution.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DISTRIBUTION = script()
TRACKED = {name for name in DISTRIBUTION.tracked(ROOT) if (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source archive and the wheel of a release at `HOME`."""
    return DISTRIBUTION.build(tmp_path_factory.mktemp("dist"), home=HOME)


@pytest.fixture(scope="module")
def metadata(built):
    with zipfile.ZipFile(built[1]) as wheel:
        return message_from_string(wheel.read(f"{NAME}.dist-info/METADATA").decode())


def test_a_second_build_has_the_same_bytes(built, tmp_path, monkeypatch):
    """Elsewhere, later and with other permissions, the same sources give the same archive and the same wheel."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", DISTRIBUTION.epoch(ROOT))
    copy = tmp_path / "elsewhere"
    for name in TRACKED:
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(0o777 if os.access(ROOT / name, os.X_OK) else 0o600)
        os.utime(target, (1, 1))
    again = DISTRIBUTION.build(tmp_path / "dist", source=copy, home=HOME)
    assert [path.name for path in again] == [path.name for path in built]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in built]


def test_another_time_gives_other_bytes(built, tmp_path, monkeypatch):
    """The comparison can fail: the time of the build is in the bytes."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    again = DISTRIBUTION.build(tmp_path, home=HOME)
    assert all(one.read_bytes() != other.read_bytes() for one, other in zip(again, built, strict=True))


def test_the_archive_holds_what_git_tracks(built):
    """Nothing of the project is left out of the source archive, and nothing else is in it but its metadata."""
    with tarfile.open(built[0]) as archive:
        names = {member.name.removeprefix(f"{NAME}/") for member in archive.getmembers() if member.isfile()}
    assert names - {"PKG-INFO"} == TRACKED


def test_the_wheel_holds_the_package_and_nothing_else(built):
    """All of `krm_fn` with its assets and its mark of types, and the metadata beside it."""
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    package = {name for name in names if name.startswith("krm_fn/")}
    assert package == {name for name in TRACKED if name.startswith("krm_fn/")}
    shared = {name.removeprefix(f"{NAME}.data/") for name in names if name.startswith(f"{NAME}.data/")}
    assert shared == {name for name in TRACKED if name.startswith("data/")}
    assert {name.partition("/")[0] for name in names - package} == {f"{NAME}.dist-info", f"{NAME}.data"}
    assert {"krm_fn/py.typed", "krm_fn/views/assets/page.html"} <= package


def test_the_tests_of_the_archive_collect(built, tmp_path):
    """Unpacked, the archive's tests are found and load; .ci/versions.py passes them."""
    with tarfile.open(built[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path / NAME, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert int(re.findall(r"^(\d+) tests collected", done.stdout, re.MULTILINE)[0]) > len(TRACKED)


def test_the_metadata_say_what_it_is(metadata):
    """One version, the licence as SPDX writes it with its text, and the addresses of the release."""
    assert metadata["Version"] == krm_fn.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["License-File"] == "LICENSE"
    assert dict(one.split(", ") for one in metadata.get_all("Project-URL"))["Homepage"] == HOME


def test_the_links_of_an_index_page_are_whole(metadata):
    """README's links lead to the release's own files at that address, and each of those is there."""
    text = re.sub(r"^```.*?^```$", "", metadata.get_payload(), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not link.startswith("#")]
    places = [re.fullmatch(rf"{HOME}/(?:blob|raw)/v{krm_fn.__version__}/([^#]+)(?:#.*)?", link) for link in links]
    assert [link for link in links if not link.startswith("https://")] == []
    named = [place.group(1) for place in places if place]
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_without_an_address_none_is_invented(tmp_path):
    """Built from the sources alone, the metadata name no address: whoever publishes says which it is."""
    _, wheel = DISTRIBUTION.build(tmp_path)
    with zipfile.ZipFile(wheel) as opened:
        text = opened.read(f"{NAME}.dist-info/METADATA").decode()
    assert message_from_string(text).get_all("Project-URL") is None


def test_the_version_stands_in_one_place():
    """What names an image of this version names that version, and no other file of the project repeats it."""
    tagged = re.compile(r"virtual-env-fn:(\d+\.\d+\.\d+)")
    texts = {name: (ROOT / name).read_text() for name in TRACKED if name.endswith((".md", "Kptfile", ".yaml", ".toml"))}
    found = {version for text in texts.values() for version in tagged.findall(text)}
    assert found == {krm_fn.__version__}
    assert f'version = "{krm_fn.__version__}"' not in texts["pyproject.toml"]


def test_the_package_runs_as_a_module():
    """`python -m krm_fn` is the command."""
    command = [sys.executable, "-m", "krm_fn", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"virtual-env-fn {krm_fn.__version__}\n"
