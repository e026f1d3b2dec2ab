"""Objects that are too large to be applied: told by their size as JSON, with what makes them so."""

from __future__ import annotations

import json

import pytest
import yaml
from lists import base, compute, of_kind, service, workload

from krm_fn import function, sizes
from krm_fn.command import main

LONG = "dev.a-project-with-a-rather-long-name"


def world(count):
    return [service(), workload("app", "dev"), *(workload(f"app-{one}", f"{LONG}-{one}") for one in range(count))]


def own_routes(count):
    route = {"route": [{"destination": {"host": "app"}}], "match": [{"uri": {"prefix": "/x"}}], "timeout": "3s"}
    spec = {"hosts": ["app"], "http": [{**route, "name": f"r{one}"} for one in range(count)]}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "mine"},
        "spec": spec,
    }


@pytest.mark.parametrize(
    ("count", "codes"), [(700, []), (1200, ["object-large"]), (8000, ["object-too-large"])], ids=str
)
def test_a_generated_object(count, codes):
    """A VirtualService of very many environments is told by its size, and by what it could not be applied."""
    computed = compute(world(count), base())
    found = [one for one in computed.results if one.code.slug.startswith("object-")]
    assert [one.code.slug for one in found if one.ref.kind == "VirtualService"] == codes
    if not codes:
        return
    assert f"{count + 1} entries of spec.http" in found[0].message
    (made,) = of_kind(computed.changes.added, "VirtualService")
    size = len(json.dumps(made, separators=(",", ":")))
    assert f"{size:,} bytes" in found[0].message
    assert (size > sizes.STORED) is (codes == ["object-too-large"])


def test_an_object_of_the_users_that_copies_make_large():
    """The warning counts the copies in a VirtualService of the user's; without environments there is none."""
    assert not compute([*world(0), own_routes(60)], base()).results
    computed = compute([*world(40), own_routes(60)], base())
    (found,) = [one for one in computed.results if one.code.slug == "object-large"]
    assert found.ref.name == "mine"
    written = yaml.safe_load(next(iter(computed.changes.rewritten.values())))
    copies = [one for one in written["spec"]["http"] if str(one["name"]).startswith("virtual-env--")]
    assert f"{len(copies)} of its {len(written['spec']['http'])} entries of spec.http" in found.message
    assert f"{len(json.dumps(written, separators=(',', ':'))):,} bytes" in found.message
    again = compute([*world(40), written], base())
    assert not again.changes.rewritten
    assert [one.message for one in again.results if one.code.slug == "object-large"] == [found.message]


def test_generate_names_what_nobody_needs_any_more(tmp_path, capsys):
    """An object of this config that is not wanted any more is not printed, and named with the command to delete it."""
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(base()))
    everything = function.run(yaml.safe_dump_all(world(1)).encode(), base()).output.decode()
    file = tmp_path / "all.yaml"
    file.write_text("---\n".join(one for one in everything.split("---\n") if "name: app-0" not in one))
    assert main.main(["generate", "--config", str(config), str(file)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "VirtualService app: was made by this config" in err
    assert "kubectl delete virtualservice app)" in err
    assert err.count("[left-behind]") == 2
