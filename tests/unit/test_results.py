"""Findings in order."""

from krm_fn.results import Code, Ref, Result, in_order


def test_findings_that_differ_in_their_file_only_have_one_order():
    """The same finding about objects of one name in two files comes in the same order, whichever was read first."""
    found = [Result(Code.HEADLESS, "x", Ref("v1", "Service", "a", file=file)) for file in ("b.yaml", "a.yaml")]
    assert in_order(found) == in_order(reversed(found)) == [found[1], found[0]]
