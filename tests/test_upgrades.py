"""Upgrades: what an earlier version made, rendered again by this one, changes only where CHANGELOG.md says so.

tests/upgrades/COMMIT/ has what that commit made of each example of its own. A new folder comes with each release, and a
wanted change is a rule of `CHANGES`, which holds only while the changelog has its words.
"""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml

from krm_fn import function
from krm_fn.command import files
from krm_fn.text import document

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = " ".join((ROOT / "CHANGELOG.md").read_text().split())
OLD = sorted((ROOT / "tests" / "upgrades").glob("*/*.yaml"))
OWNER = "virtual-env-fn.dev/owner"


def managed_by(value):
    """Whatever is generated has the label of Kubernetes that says by whom; a woven object of the user's has not."""
    if OWNER in value["metadata"].get("annotations", {}):
        value["metadata"].setdefault("labels", {})["app.kubernetes.io/managed-by"] = "virtual-env-fn"


# The changelog's words → what they do to an object of an earlier version.
CHANGES = {"has the label `app.kubernetes.io/managed-by: virtual-env-fn`": managed_by}


def identity(value):
    return value["apiVersion"], value["kind"], value["metadata"].get("namespace"), value["metadata"]["name"]


def rendered(package, earlier):
    """Render an example that holds what an earlier version made; return the objects by identity."""
    loaded = files.load([str(package)])
    ours = {identity(one) for one in earlier}
    kept = [one.value for one in loaded.objects if identity(one.value) not in ours]
    listed = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": [*kept, *earlier]}
    outcome = function.run(document.dump(listed).encode(), loaded.function_config)
    assert not outcome.failed, outcome.results
    return {identity(one): one for one in yaml.safe_load(outcome.output)["items"]}, [identity(one) for one in kept]


@pytest.mark.parametrize("file", OLD, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_what_was_made_stays_or_changes_as_announced(file):
    """Every object of the earlier version is the one that this version wants, none goes, and none comes."""
    package = ROOT / "examples" / file.stem
    if not package.exists():
        pytest.skip("the example is no more")
    earlier = [one for one in yaml.safe_load_all(file.read_text()) if one]
    wanted = {identity(one): copy.deepcopy(one) for one in earlier}
    for words, change in CHANGES.items():
        if words in CHANGELOG:
            for one in wanted.values():
                change(one)
    found, kept = rendered(package, earlier)
    assert {key: one for key, one in found.items() if key not in kept} == wanted


def test_a_change_that_nobody_announced_is_seen():
    """The comparison can fail: a route that an earlier version had otherwise is written anew."""
    file = next(one for one in OLD if one.stem == "quickstart")
    earlier = [one for one in yaml.safe_load_all(file.read_text()) if one]
    other = copy.deepcopy(earlier)
    changed = next(one for one in other if one["kind"] == "DestinationRule")
    changed["spec"]["subsets"].pop()
    found, _ = rendered(ROOT / "examples" / "quickstart", other)
    assert found[identity(changed)] != changed


def test_there_is_an_earlier_version():
    """The suite is not empty."""
    assert len(OLD) > 20
