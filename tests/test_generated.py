"""data/: the manual page and the completions are those of the parser, and bash completes with them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from krm_fn.command.line import parser

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"


def script():
    """.ci/generated.py as a module."""
    spec = importlib.util.spec_from_file_location("generated", ROOT / ".ci" / "generated.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATED = script()
TEXTS = GENERATED.texts()
PAGE = next(text for name, text in TEXTS.items() if name.endswith(".1"))


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_is_of_today(name):
    """What a wheel installs is what the parser says now."""
    assert (DATA / name).read_text() == TEXTS[name], "run: .venv/bin/python .ci/generated.py"


def test_no_other_file_is_installed():
    """Nothing in data/ is left over."""
    assert {path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()} == TEXTS.keys()


def complete(*words, cwd):
    """What bash offers behind these words."""
    quoted = " ".join(f"'{word}'" for word in words)
    name = next(name for name in TEXTS if "bash" in name)
    lines = f"""
        source '{DATA / name}'
        COMP_WORDS=(virtual-env-fn {quoted}); COMP_CWORD={len(words)}
        entry=$(complete -p virtual-env-fn); function=${{entry#*-F }}; function=${{function%% *}}
        $function virtual-env-fn "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", lines], cwd=cwd, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_completes(tmp_path):
    """Subcommands, options, the choices of an option, and files, as the parser has them."""
    (tmp_path / "virtual-env.yaml").write_text("")
    assert complete("exp", cwd=tmp_path) == {"explain"}
    assert complete("check", "--q", cwd=tmp_path) == {"--quiet"}
    assert complete("diff", "--format", "", cwd=tmp_path) == {"text", "md", "json", "html"}
    assert complete("check", "virt", cwd=tmp_path) == {"virtual-env.yaml"}


def test_the_page_names_every_option():
    """Each option of each subcommand has its paragraph under that subcommand."""
    for name, command in GENERATED.commands(parser()).items():
        part = PAGE.split(f".SS {name}\n")[1].split(".SS ")[0].replace("\\-", "-")
        options = re.findall(r"^  (?:(-\w)(?: \S+)?, )?(--[a-z-]+)", command.format_help(), re.MULTILINE)
        assert ("-h", "--help") in options
        assert [one for pair in options for one in pair if one and rf"\fB{one}\fR" not in part] == []


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_reads_the_page_without_a_complaint():
    """The page is sound for the program that prints it."""
    command = ["groff", "-man", "-Tascii", "-ww", "-z"]
    done = subprocess.run(command, input=PAGE, capture_output=True, text=True, check=True)
    assert done.stderr == ""
