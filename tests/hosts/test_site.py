"""The documents as a site: built strictly, whole, with its search, and nothing fetched from elsewhere."""

from __future__ import annotations

import json
import os
import re
from xml.etree import ElementTree as ET

import pytest
from host_tools import ROOT, missing, run


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not (ROOT / ".tools" / "venv-docs" / "bin" / "mkdocs").exists():
        missing("docs", "no mkdocs; .ci/parts/docs installs it")
    folder = tmp_path_factory.mktemp("site")
    run("bash", ROOT / ".ci" / "site", folder, cwd=ROOT, env=dict(os.environ))
    return folder


def test_every_document_is_a_page(site):
    """Each Markdown file of the documents has its page, also in Chinese, and the pictures are beside them."""
    for page in ROOT.glob("docs/*.md"):
        name = "docs/" if page.name == "README.md" else f"docs/{page.stem}/"
        assert (site / name / "index.html").exists(), page.name
    assert "谁响应谁" in (site / "README.zh-CN" / "index.html").read_text()
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} <= {path.name for path in site.rglob("*")}


def test_the_navigation_leads_to_every_document():
    """mkdocs.yml has each page of docs/ in its navigation, so that a reader finds it without the search."""
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    named = set(re.findall(r"[\w./-]+\.md\b", navigation))
    assert {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")} <= named


def test_the_pictures_of_the_concepts_stand_on_their_own():
    """Each drawing has a ground of its own and a title: it reads the same on a dark page, and without being seen."""
    for picture in (ROOT / "docs" / "images").glob("*.svg"):
        root = ET.parse(picture).getroot()  # noqa: S314 - our own file
        width, height = root.attrib["viewBox"].split()[2:]
        ground = next(one for one in root if one.tag.endswith("rect"))
        assert (ground.attrib["width"], ground.attrib["height"], ground.attrib["fill"]) == (width, height, "#fff")
        assert [one.text for one in root if one.tag.endswith("title") and one.text]


def test_the_search_knows_the_findings(site):
    """The index that the search reads has the codes of findings."""
    texts = json.loads((site / "search" / "search_index.json").read_text())["docs"]
    assert any("unlabelled-workload" in one["title"] + one["text"] for one in texts)


def test_nothing_is_fetched_from_elsewhere(site):
    """No page loads a script, a style or a font from another host."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    loads = re.compile(r'<(?:script|link|img)\b[^>]*(?:src|href)="?(https?://[^">\s]+)')
    assert {found for page in pages for found in loads.findall(page.read_text())} == set()
