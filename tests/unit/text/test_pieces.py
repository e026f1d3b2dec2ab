"""Entries written in pieces: the text is the writer's own, and a piece that says something else is found."""

from hypothesis import given, settings
from hypothesis import strategies as st

from krm_fn.text import pieces as module
from krm_fn.text.edits import Edit, Insert
from krm_fn.text.pieces import Pieces
from krm_fn.text.rewrite import rewrite
from krm_fn.text.splice import block_list
from krm_fn.text.writer import dump, scalar

keys = st.sampled_from(["name", "match", "x-env", "on", "1", "a b", "é: #"])
words = st.sampled_from(["a", "1", "no", "", "two\nlines\n", "a: #b", 1, True, 1.0, None, [], {}, [1, "1", True]])
values = st.recursive(
    words, lambda inner: st.dictionaries(keys, inner, max_size=3) | st.lists(inner, max_size=3), max_leaves=8
)
entries = st.lists(st.dictionaries(keys, values, max_size=4), min_size=1, max_size=4)

TEXT = "spec:\n  http:\n  - name: mine # this\n"
VALUE = {"spec": {"http": [{"name": "mine"}]}}


@settings(deadline=None)
@given(st.lists(entries, min_size=1, max_size=3), st.data())
def test_the_text_is_that_of_the_writer(lists, data):
    """Whatever is shared, and however often pieces come again, the lines are those of `block_list`, and are sound."""
    pieces = Pieces()
    shared = data.draw(values)
    for one in (*lists, *lists):
        given_ = [{**entry, "shared": shared, "within": [{"shared": shared}]} for entry in one]
        column = data.draw(st.integers(0, 4))
        assert pieces.block_list(given_, column) == block_list(given_, column)
        assert pieces.are_sound()


def test_a_piece_that_says_something_else_is_found(monkeypatch):
    """A writer that made a number of a text would be found, in an object's first addition and in any later one."""
    monkeypatch.setattr(module, "dump", lambda value, column=0: dump(value, column).replace('"1"', "1"))
    monkeypatch.setattr(module, "scalar", lambda value: scalar(value).replace('"1"', "1"))
    for value, is_found in (("1", True), ("a", False)):
        edit = Edit(0, (), (Insert(("spec", "http"), 0, [{"name": "added", "match": [{"x-env": value}]}]),))
        assert (rewrite(TEXT, 0, VALUE, edit, Pieces()) is None) is is_found
    pieces = Pieces()
    pieces.block_list([{"x-env": "1"}], 0)
    assert not pieces.are_sound()
    pieces.block_list([{"x-env": "1"}], 0)
    assert not pieces.are_sound(), "what was found wrong once is known from then on"


def test_what_stands_around_the_pieces_is_read_back_too():
    """Sound pieces are not enough: the user's own part of the text must say what it said."""
    edit = Edit(0, (), (Insert(("spec", "http"), 0, [{"name": "added"}]),))
    wrong = {"spec": {"http": [{"name": "other"}]}}
    assert rewrite(TEXT, 0, wrong, edit, Pieces()) is None
    made = rewrite(TEXT, 0, VALUE, edit, Pieces())
    assert made.text == "spec:\n  http:\n  - name: added\n  - name: mine # this\n"
    assert made.value == {"spec": {"http": [{"name": "added"}, {"name": "mine"}]}}


def test_a_last_line_without_its_end_is_read_back():
    """An object in braces, or with brackets at its end, may end with them: there is nothing behind to look at."""
    edit = Edit(0, (), (Insert(("spec", "http"), 0, [{"name": "added"}]),))
    for text in (
        "{spec: {http: [{name: mine}]}}",
        "spec:\n    http: [{name: mine}]",
        "spec:\n    http:\n    - name: mine",
    ):
        made = rewrite(text, 2, VALUE, edit, Pieces())
        assert made.value == {"spec": {"http": [{"name": "added"}, {"name": "mine"}]}}
        assert not made.text.endswith("\n")
