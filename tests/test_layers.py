"""The plan of the house: which module may import which, and who knows YAML."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "krm_fn"

# Imports point up this list, and the modules of one row are strangers. A new module gets its place here first.
ROWS = (
    ("results", "_scalars"),
    ("_pages", "objects", "environments", "hosts", "edits", "parts"),
    (
        "_yaml_lines",
        "_yaml_nodes",
        "_yaml_write",
        "_json_read",
        "options",
        "inventory",
        "marks",
        "http_route",
        "shapes",
    ),
    ("exposure", "_yaml_places"),
    ("_yaml_ends", "_splice", "config", "plan", "views.paint", "arguments"),
    ("_yaml_read", "views.facts", "views.markdown"),
    ("_yaml_list", "views.explain", "views.report", "views.table", "views.change"),
    ("document", "configure", "schema", "advice", "merge", "edit", "adopt", "views.matrix", "views.diff"),
    ("joined", "previews", "render.rules", "render.copies"),
    (
        "render.carriers",
        "render.subsets",
        "render.inject",
        "gateways",
        "views.page",
        "rewrite",
        "visibility",
        "render.order",
    ),
    ("review",),
    ("planner", "render.istio", "sources", "revisions", "conflicts"),
    ("render.gateways",),
    ("weave_subsets",),
    ("weave_draft",),
    ("weave_http", "weave_ports"),
    ("weave_previews",),
    ("weave",),
    ("function",),
    ("streams",),
    ("show",),
    ("desk",),
    ("cli",),
)
ROW_OF = {name: number for number, row in enumerate(ROWS) for name in row}
KNOW_YAML = {"document", "edit"}  # and their private helpers, whose names start with _yaml
YAML_LIBRARIES = {"yaml", "ruamel", "ruyaml", "rapidyaml", "yaml_rs"}


def modules_of(package: Path) -> dict[str, str]:
    """Return the source of each module of a package by its dotted name; a package's own name is its __init__."""
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path.read_text()
    return found


def imports_of(source: str) -> set[str]:
    """Return the full dotted names that a module imports anywhere in it, types and late imports included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            found |= {f"{start}.{alias.name}" for alias in node.names}
    return found


def room(imported: str, known: set[str]) -> str | None:
    """Return the module of this package that an imported name means or lies in, None for other packages."""
    if not imported.startswith("krm_fn."):
        return None
    parts = imported.split(".")[1:]
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((name for name in names if name in known), "")


def violations(modules: dict[str, str]) -> list[str]:
    """Return what is wrong with the imports of a package, a sentence each."""
    wrong = []
    for name, source in sorted(modules.items()):
        if name in {"", "render", "views"}:  # packages hold a docstring and the version, no code
            continue
        if name not in ROW_OF:
            wrong.append(f"{name} has no place in the table of tests/test_layers.py")
            continue
        for imported in sorted(imports_of(source)):
            target = room(imported, set(modules))
            if imported.startswith("."):
                wrong.append(f"{name} imports {imported} by a relative name; write krm_fn…")
            elif target and ROW_OF.get(target, -1) >= ROW_OF[name]:
                wrong.append(f"{name} imports {target}, which is not above it in the table")
            elif imported.split(".")[0] in YAML_LIBRARIES and not (name in KNOW_YAML or name.startswith("_yaml")):
                wrong.append(f"{name} imports {imported}; only {', '.join(sorted(KNOW_YAML))} know YAML")
    return wrong


def test_every_import_points_up_the_table():
    """No module imports one of its own row or a later one, and only the document's modules know YAML."""
    modules = modules_of(PACKAGE)
    assert "function" in modules
    assert violations(modules) == []


def test_the_table_names_no_module_that_is_gone():
    """Every name in the table is a module, so that the table stays the plan of the house."""
    assert sorted(set(ROW_OF) - set(modules_of(PACKAGE))) == []


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("plan", "from krm_fn.function import run", "plan imports function"),
        ("plan", "from krm_fn import function", "plan imports function"),
        ("plan", "import krm_fn.function", "plan imports function"),
        ("plan", "from krm_fn.render import istio", "plan imports render.istio"),
        ("plan", "def late():\n    from krm_fn import function", "plan imports function"),
        ("config", "from krm_fn.plan import Plan", "config imports plan"),
        ("plan", "from .function import run", "by a relative name"),
        ("inventory", "import yaml", "only document, edit know YAML"),
        ("inventory", "from ruamel.yaml import YAML", "only document, edit know YAML"),
        ("surprise", "", "surprise has no place in the table"),
    ],
)
def test_a_wrong_import_is_found(name, source, complaint):
    """The checker names a wrong direction, siblings, relative names, YAML outside its room, unknown modules."""
    made_up = {"results": "", "inventory": "", "function": "", "render.istio": "", "plan": "", name: source}
    found = violations(made_up)
    assert len(found) == 1
    assert complaint in found[0]


def test_a_right_import_is_none_of_its_business():
    """Imports up the table, YAML in its own room, and other libraries pass."""
    made_up = {
        "results": "import enum",
        "_yaml_nodes": "import yaml.events",
        "document": "import yaml\nfrom krm_fn._yaml_nodes import read",
        "function": "from krm_fn import __version__, document\nfrom krm_fn.results import Result",
    }
    assert violations(made_up) == []
