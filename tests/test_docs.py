"""The documents: an index that is whole, and links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "tests/**/*.md", "bench/*.md")
    for path in ROOT.glob(pattern)
)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_the_index_names_every_document():
    """docs/README.md has a line for each page and folder of pages beside it, and for nothing else."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| \[[^]]+\]\(([^)]+)\) \|", index, re.MULTILINE)
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    folders = {path.relative_to(DOCS).as_posix() for path in DOCS.glob("*/README.md")}
    assert sorted(named) == sorted(pages | folders)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    """Each link of a page to this repository leads to a file that is there, and to a heading that it has."""
    wrong = []
    for link in LINK.findall(CODE.sub("``", page.read_text(encoding="utf-8"))):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_there_are_pages():
    """The suite is not empty: a wrong path cannot pass as success."""
    assert ROOT / "README.md" in PAGES
    assert DOCS / "findings.md" in PAGES
