"""The Chinese pages: their commands and YAML are those of the English ones, and neither forgets the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.zh-CN.md"), *ROOT.glob("docs/*.zh-CN.md")])
FENCE = re.compile(r"^```(sh|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands(page):
    """The lines of a page's commands and YAML, without comments, which are translated."""
    blocks = [text for _, text in FENCE.findall(page.read_text())]
    return [re.sub(r"\s*(^|\s)# .*", "", line) for block in blocks for line in block.splitlines() if line[:2] != "# "]


def english(page):
    return page.with_name(page.name.replace(".zh-CN", ""))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_one_of_the_english_page(page):
    """A command of the Chinese page stands in the English one, where it is tested."""
    known = set(commands(english(page)))
    assert [line for line in commands(page) if line not in known] == []
    assert len(commands(page)) > 5


def test_the_guide_has_every_step():
    """The guide for leaving the operator has each line of the English commands, in the same order."""
    page = ROOT / "docs" / "leaving-the-operator.zh-CN.md"
    assert commands(page) == commands(english(page))


def rows(page):
    """The first cells of a page's tables that have code in them and nothing else: the same in every language."""
    return [found for found in re.findall(r"^\| (`[^|]+`) \|", page.read_text(), re.MULTILINE) if found.count("`") == 2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_is_one_of_the_english_page(page):
    """What a table of the Chinese page calls by its name, the English one has, too."""
    assert set(rows(page)) <= set(rows(english(page)))
    assert rows(page)


def test_the_guide_has_every_difference():
    """The guide's table of differences has as many rows as the English one."""
    english_page = ROOT / "docs" / "leaving-the-operator.md"
    section = english_page.read_text().partition("\n## What differs, and why\n")[2].partition("\n## ")[0]
    chinese = (ROOT / "docs" / "leaving-the-operator.zh-CN.md").read_text().partition("\n## 有哪些不同\n")[2]
    assert chinese.count("\n| ") == section.count("\n| ") > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_pages_lead_to_each_other(page):
    """Each page has a link to the one in the other language."""
    assert f"]({english(page).name})" in page.read_text()
    assert f"{page.name})" in english(page).read_text()


def test_there_are_pages():
    """The suite is not empty."""
    assert len(PAGES) == 2
