"""The table of subcommands."""

import inspect

import pytest

from krm_fn.command.subcommands import SUBCOMMANDS


@pytest.mark.parametrize("one", SUBCOMMANDS, ids=lambda one: one.name)
def test_every_subcommand_has_its_function(one):
    """What a row names is there, takes options and settings, and returns an exit code."""
    signature = inspect.signature(one.function())
    assert len(signature.parameters) == 2
    assert signature.return_annotation == "int"
