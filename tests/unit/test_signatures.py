"""Digests of entries with parts in common are those of each entry alone."""

from hypothesis import given
from hypothesis import strategies as st

from krm_fn.signatures import Digests, digest

PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), PARTS, max_size=4), max_size=4), st.text())
def test_a_digest_is_one_however_it_is_made(entries, owner):
    """A second run knows an addition by the digest of the entry alone, whatever the first one shared."""
    shared = Digests()
    for entry in [*entries, *entries]:
        assert shared.of(owner, entry) == digest(owner, entry)
