"""One value in the ways in which people and tools write it."""

from __future__ import annotations

import json

import yaml
from hypothesis import strategies as st


def styles(value):
    """The same value as people and tools write it."""
    yield yaml.safe_dump(value, sort_keys=False)
    yield yaml.safe_dump(value, sort_keys=False, default_flow_style=None)
    yield yaml.safe_dump(value, sort_keys=False, default_flow_style=True, width=40)
    yield yaml.safe_dump(value, sort_keys=False, indent=4)
    yield yaml.dump(value, Dumper=_Indented, sort_keys=False)
    yield json.dumps(value)
    yield json.dumps(value, indent=2)


class _Indented(yaml.SafeDumper):
    """Dashes deeper than their key, as many people write them."""

    def increase_indent(self, flow=False, indentless=False):  # noqa: ARG002 - PyYAML's signature
        return super().increase_indent(flow, indentless=False)


def decorated(text, draw):
    """Comments, blank lines, Windows line ends, no final newline: where they do not change the value."""
    if not text.lstrip().startswith("{"):
        lines = text.split("\n")
        for place in sorted(draw(st.sets(st.integers(1, max(1, len(lines) - 1)), max_size=3)), reverse=True):
            indent = " " * draw(st.integers(0, 6))
            lines.insert(place, draw(st.sampled_from([f"{indent}# a remark", ""])))
        decorated_text = "\n".join(lines)
        try:
            same = yaml.safe_load(decorated_text) == yaml.safe_load(text)
        except yaml.YAMLError:
            same = False
        text = decorated_text if same else text
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    return text
