"""What the tests of verify share."""

from __future__ import annotations

import pytest
from dumps import LIST, Dump

from krm_fn.command import main


@pytest.fixture
def made():
    """A dump to change."""
    return Dump()


@pytest.fixture
def run(tmp_path, capsys, monkeypatch):
    """Run the command on the list and a dump; return the exit code, stdout and stderr."""
    (tmp_path / "list.yaml").write_text(LIST)
    monkeypatch.chdir(tmp_path)

    def ran(raw, *options, command="verify"):
        (tmp_path / "dump.json").write_bytes(raw)
        code = main.main([command, "list.yaml", "--proxy", "dump.json", *options])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ran
