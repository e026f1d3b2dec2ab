"""kpt, the real one, on a package whose own routes are woven into: its text stays its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from host_tools import environment, package_bytes, part, run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(params=["weaving", "adopt"])
def package(request, tmp_path):
    return Path(shutil.copytree(EXAMPLES / request.param, tmp_path / request.param))


def render(package):
    run(part("kpt"), "fn", "render", "--allow-exec", package, cwd=package.parent, env=environment(package.parent))


def test_render_adds_lines_only(package):
    """`kpt fn render` on a package with routes of its own only adds lines to them, comments in their places."""
    before = {name: text.decode().split("\n") for name, text in package_bytes(package).items()}
    render(package)
    after = package_bytes(package)
    for name, lines in before.items():
        rest = iter(after[name].decode().split("\n"))
        assert all(line in rest for line in lines), f"{name}: a line is gone, or stands elsewhere"
    first = package_bytes(package)
    render(package)
    assert package_bytes(package) == first


def test_without_environments_the_routes_are_what_they_were(tmp_path):
    """Rendered with environments and then without, the user's routes are the very bytes that they were."""
    package = Path(shutil.copytree(EXAMPLES / "weaving", tmp_path / "weaving"))
    routes = package / "routes.yaml"
    own_subset = "labels: {version: v2, virtual-env: dev}"
    before = routes.read_text().replace(own_subset, "labels: {version: v2}")
    routes.write_text(before)
    render(package)
    assert "virtual-env--dev.proj1" in routes.read_text()
    for name in ("web.yaml", "cart.yaml"):
        lines = (package / name).read_text().split("\n")
        (package / name).write_text("\n".join(line for line in lines if "virtual-env: dev" not in line))
    render(package)
    assert routes.read_text() == before
    assert not (package / "virtual-env-shop.yaml").exists()
