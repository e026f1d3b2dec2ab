"""The transcripts of docs/install.md: what is typed, and what it prints on stdout. `--update` writes them anew."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

from host_tools import ROOT, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PAGE = ROOT / "docs" / "install.md"
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def headings() -> list[str]:
    """Return the headings of the page that have a transcript."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [section.partition("\n")[0] for section in sections if _BLOCK.search(section)]


def typed(heading: str) -> str:
    """Return the transcript under a heading."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = _BLOCK.search(section)
    assert found, heading
    return found[0]


def played(transcript: str, cwd: Path, env: dict[str, str], words: Mapping[str, str]) -> str:
    """Type the commands of a transcript one after the other, `words` in place of the page's; return what is seen."""
    seen = ""
    for line in re.findall(r"^\$ (.*)$", transcript, re.MULTILINE):
        command = line
        for word, value in words.items():
            command = command.replace(word, value)
        done = subprocess.run(
            ["sh", "-euc", command], cwd=cwd, env=env, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        seen += f"$ {line}\n{done.stdout}"
    assert seen, "the transcript has no command"
    return seen


def compare(heading: str, seen: str, *, update: bool) -> None:
    """Hold what was seen against the page, or write it there."""
    old = typed(heading)
    if update:
        PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(old, seen), encoding="utf-8")
    assert seen == typed(heading)
