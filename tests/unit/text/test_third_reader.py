"""Another reader, that shares no line with ours: ruamel.yaml reads the same values from the same bytes.

Whether a text is cut or read in one pass, what a scalar means is said in one place (`scalars.py`): a mistake there is
one of both.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from lists import service, workload
from ruamel.yaml import YAML
from styles import decorated, styles

from krm_fn import function
from krm_fn.text import document, yaml_list, yaml_reader

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
FILES = sorted(path for path in EXAMPLES.rglob("*.yaml") if path.name not in {"requests.yaml", "kustomization.yaml"})


def third(raw):
    """Every object of a text as ruamel.yaml reads YAML 1.2, without libyaml."""
    reader = YAML(typ="safe", pure=True)
    found = [value for value in reader.load_all(BytesIO(raw)) if value is not None]
    return found[0]["items"] if found and found[0].get("kind") == "ResourceList" else found


def ours(raw):
    return [item.value for item in document.parse(raw).items]


def from_events(raw):
    """The values from one pass over libyaml's events, without a cut."""
    (page,) = yaml_reader.read(raw.decode(), raw)
    return [entry.value for entry in page.listings["items"].entries]


def listed(values):
    """A ResourceList as kpt sends it: dashes at column 0, line feeds."""
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True) if values else "[]\n"
    return f"apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n{text}".encode()


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.relative_to(EXAMPLES).as_posix())
def test_every_file_of_the_examples_is_read_alike(file):
    """Inputs, configurations and expected outputs: the third reader finds the values that the function finds."""
    raw = file.read_bytes()
    assert ours(raw) == third(raw)


@pytest.mark.parametrize("folder", sorted(path.name for path in EXAMPLES.iterdir() if (path / "Kptfile").exists()))
def test_what_the_function_writes_is_read_alike(folder):
    """The output of an example as a stream: every object, woven and generated ones among them."""
    raw = b"---\n".join(path.read_bytes() for path in sorted((EXAMPLES / folder).glob("*.yaml")) if path in FILES)
    output = function.run(raw).output
    assert ours(output) == third(output)


# What YAML 1.2's core schema and Kubernetes' readers take alike; the rest is in test_document.py, by name. Only the
# basic plane: ruamel.yaml leaves the surrogate pairs that JSON writes for the others as they are.
word = st.one_of(
    st.sampled_from(["on", "yes", "1e3", "0x1F", "-1", "1.5", "null", "~", "true", "12:30", "x # y", "", " a", "- d"]),
    st.text(st.characters(codec="utf-8", max_codepoint=0xFFFF, exclude_categories=["Cs", "Cc"]), max_size=8),
)
number = st.one_of(st.integers(-(2**40), 2**40), st.floats(-1e6, 1e6, allow_nan=False))
leaf = st.one_of(word, number, st.booleans(), st.none())
key = st.sampled_from(["a", "b c", "on"])
tree = st.recursive(
    leaf,
    lambda one: st.one_of(st.lists(one, max_size=3), st.dictionaries(key, one, max_size=3)),
    max_leaves=8,
)


@st.composite
def objects(draw):
    one = draw(st.sampled_from([service(), workload("w", "dev.proj1")]))
    return {**one, "data": draw(st.dictionaries(st.sampled_from("abc"), tree, max_size=3))}


@settings(max_examples=200, deadline=None)
@given(st.lists(objects(), min_size=1, max_size=3))
def test_made_lists_are_read_alike_by_three_readers(values):
    """A list of objects with any data: what is cut, what is read in one pass and ruamel.yaml agree on every value."""
    raw = listed(values)
    assert ours(raw) == from_events(raw) == third(raw)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_styles_are_read_alike(data):
    """One object in any style that people and tools write, with comments in between."""
    text = decorated(data.draw(st.sampled_from(list(styles(data.draw(objects()))))), data.draw)
    raw = text.encode()
    assert ours(raw) == third(raw)


def test_a_list_is_cut():
    """A list as kpt sends it is cut: else the comparison above would be of two."""
    assert yaml_list.read(listed([service(), workload("w", "dev")]).decode(), document.everything) is not None
