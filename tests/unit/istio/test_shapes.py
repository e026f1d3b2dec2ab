"""Shapes: the quick answer and the findings are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krm_fn.istio.http_route import HTTP_ROUTE
from krm_fn.istio.shapes import DESTINATION_RULE, VIRTUAL_SERVICE, MapOf, is_sound, problems

leaf = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(-1, 1), st.sampled_from(["a", "1s"]))


def values(shape):
    """Values of a shape, with mistakes in them."""
    if isinstance(shape, str):
        return leaf
    if isinstance(shape, MapOf):
        return st.one_of(leaf, st.dictionaries(st.sampled_from(["x", "y"]), values(shape.value), max_size=2))
    if isinstance(shape, list):
        return st.one_of(leaf, st.lists(values(shape[0]), max_size=2))
    return st.one_of(leaf, st.fixed_dictionaries({}, optional={key: values(one) for key, one in shape.items()}))


@pytest.mark.parametrize("shape", [VIRTUAL_SERVICE, DESTINATION_RULE, HTTP_ROUTE], ids=["routes", "rule", "route"])
@given(data=st.data())
def test_sound_is_what_has_no_problem(shape, data):
    """A value is sound exactly where there is no problem to be told."""
    value = data.draw(values(shape))
    assert is_sound(value, shape) is (list(problems(value, shape, "spec")) == [])
