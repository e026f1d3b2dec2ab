"""The day of a user: from a fresh application to its third environment, each line that is printed asked of a mesh."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import ExitStack

import pytest
import the_day
import yaml

from . import Mesh, package
from .day import Reader, State


class Day(the_day.Day):
    """A day of which each printed line is held against the mesh of the list as it stands."""

    def __init__(self, folder, stack):
        self._stack = stack
        self.now = self.before = None
        self.lines = Counter()
        super().__init__(folder)

    def edited(self):
        manifests = [one for items in self.files.values() for one in items if one is not the_day.CONFIG]
        output = list(yaml.safe_load_all(package.run(manifests, the_day.CONFIG)))
        self.now = State(self._stack.enter_context(Mesh(output)), output)

    def committed(self):
        self.before = self.now

    def reaches(self, service, value, workloads):
        assert self.now.workloads(service, value) == workloads

    def printed(self, name, output, values):
        reader = Reader(self.now, self.before, values)
        reader.read(output)
        self.lines[name] += reader.lines


@pytest.fixture
def day(tmp_path):
    if not shutil.which("git"):
        pytest.skip("git is not installed")
    with ExitStack() as stack:
        yield Day(tmp_path, stack)


def test_the_day_of_a_user(day):
    """A base, three environments, a slip, a lost Deployment, a canary, a gate: each printed line is so in the mesh."""
    the_day.live(day)
    assert min(day.lines.values()) > 0
    assert sum(day.lines.values()) > 80
    assert the_day.PAGE.read_text(encoding="utf-8") == the_day.page(day)
