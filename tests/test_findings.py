"""docs/findings.md and the codes are one, and each snippet of it provokes its finding."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from krm_fn import function
from krm_fn.command import main, stdio
from krm_fn.results import Code, FunctionError
from krm_fn.text import document

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "findings.md").read_text()
ROW = re.compile(r"^\| \[`([a-z-]+)`\]\(#([a-z-]+)\) \| (\w+) \| (.+) \|$", re.MULTILINE)
SECTION = re.compile(r"^## ([a-z-]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# No input can provoke these, or none that fits a page, or no list alone: tests of their own do, here, in
# tests/unit/test_sizes.py and tests/test_fork.py.
NO_INPUT = {"no-libyaml", "internal", "left-behind", "object-large", "object-too-large", "fork-shares"}


# The command says these, and the function does not.
OF_CHECK = {"nothing-checked", "likely-slip"}


@dataclass(frozen=True)
class Section:
    text: str
    language: str = ""
    snippet: str = ""


def read(body):
    fence = FENCE.search(body)
    return Section(FENCE.sub("", body), *(fence.groups() if fence else ()))


SECTIONS = {slug: read(body) for slug, body in SECTION.findall(TEXT)}


def slugs_in(language):
    return [slug for slug, section in SECTIONS.items() if section.language == language]


def test_the_table_is_the_codes():
    """The table has every code with its severity, in the code's order, and nothing else."""
    assert [(slug, severity) for slug, _, severity, _ in ROW.findall(TEXT)] == [
        (code.slug, str(code.severity)) for code in Code
    ]


def test_every_link_of_the_table_leads_to_its_section():
    """Each row links to the section of its own code, and the sections come in the table's order."""
    assert all(slug == link for slug, link, _, _ in ROW.findall(TEXT))
    assert list(SECTIONS) == [code.slug for code in Code]


@pytest.mark.parametrize("slug", SECTIONS)
def test_a_section_explains_provokes_and_advises(slug):
    """Each section says what the finding means, how to provoke it (where input can), and what to do."""
    section = SECTIONS[slug]
    meaning, _, advice = section.text.partition("**What to do:**")
    assert len(meaning.split()) >= 8
    assert advice.strip()
    assert bool(section.snippet) is (slug not in NO_INPUT)


@pytest.mark.parametrize("slug", sorted(set(slugs_in("yaml")) - OF_CHECK))
def test_a_snippet_provokes_its_finding(slug):
    """The function, given the snippet of a section, reports its code, and no error but that one."""
    outcome = function.run(SECTIONS[slug].snippet.encode())
    said = {result.code.slug: str(result.severity) for result in outcome.results}
    assert slug in said
    assert {other for other, severity in said.items() if severity == "error"} <= {slug}


@pytest.mark.parametrize("slug", sorted(OF_CHECK))
def test_a_snippet_provokes_its_finding_in_check(slug, capsys, tmp_path):
    """`check`, given the snippet of a section, reports its code, and a gate for such findings fails."""
    (tmp_path / "list.yaml").write_text(SECTIONS[slug].snippet)
    assert main.main(["check", "--fail-on", "info", str(tmp_path / "list.yaml")]) == stdio.FAILED
    assert f"[{slug}]" in capsys.readouterr().out


@pytest.mark.parametrize("slug", slugs_in("text"))
def test_files_provoke_their_finding(slug, capsys, tmp_path):
    """`check`, given a folder of the files of a section, reports its code."""
    if not (shutil.which("kustomize") or shutil.which("kubectl")):
        pytest.skip("neither kustomize nor kubectl is installed; .ci/parts/kustomize says how to get it")
    for name, text in re.findall(r"^== (\S+)\n(.*?)(?=^== |\Z)", SECTIONS[slug].snippet, re.MULTILINE | re.DOTALL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert main.main(["check", "--fail-on", "info", str(tmp_path)]) == stdio.FAILED
    assert f"[{slug}]" in capsys.readouterr().out


@pytest.mark.parametrize("slug", slugs_in("sh"))
def test_a_command_provokes_its_finding(slug, capsys, monkeypatch):
    """The command of a section ends with code 1 and reports its code on stderr."""
    monkeypatch.chdir(ROOT)
    _, *arguments = shlex.split(SECTIONS[slug].snippet)
    assert main.main(arguments) == stdio.FAILED
    assert f"[{slug}]" in capsys.readouterr().err


def test_a_defect_is_reported_as_one(capsysbinary, monkeypatch, tmp_path):
    """An exception that nobody foresaw becomes `internal`: the output is the input, no traceback, code 1."""
    monkeypatch.delenv(stdio.DEBUG, raising=False)
    monkeypatch.setattr(function, "compute", lambda *_, **__: 1 / 0)
    file = tmp_path / "list.yaml"
    file.write_bytes(raw := b"apiVersion: v1\nkind: Service\nmetadata: {name: shop}\n")
    with file.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert main.main([]) == stdio.FAILED
    out, err = capsysbinary.readouterr()
    assert out == raw
    assert b"[internal]" in err
    assert b"ZeroDivisionError" in err
    assert b"Traceback" not in err


def test_a_yaml_without_libyaml_is_refused(monkeypatch):
    """Where PyYAML has no C parser, the reader says so instead of failing in its middle."""
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    with pytest.raises(FunctionError) as caught:
        document.parse(b"apiVersion: v1\nkind: Service\n")
    assert [result.code for result in caught.value.results] == [Code.NO_LIBYAML]
