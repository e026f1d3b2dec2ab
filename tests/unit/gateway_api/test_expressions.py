"""Expressions of environments: what each takes, by RE2 and by a search that must span it, and that no two meet."""

from __future__ import annotations

import random
import re
import string
import time

import pytest
import re2
from hypothesis import example, given, settings
from hypothesis import strategies as st

from krm_fn.config.options import Alias, EnvHeader
from krm_fn.gateway_api.expressions import LONGEST, disjoint, ordered
from krm_fn.plan.answers import Route
from krm_fn.plan.environments import deepest_first

PLAIN = EnvHeader(name="x-virtual-env")
# Each carrier beside the header, and a header value in which it names an environment.
CARRIERS = {
    "header": (PLAIN, "{}"),
    "cookie": (EnvHeader(aliases=[Alias(cookie="env")]), "a=b; env={}; c=d"),
    "baggage": (EnvHeader(aliases=[Alias(baggage="env")]), "a=b, env = {} ;ttl=3,c=d"),
    "pattern": (EnvHeader(aliases=[Alias(name="x", pattern="(.*;)?env=(@)(;.*)?")]), "a=b;env={};c;d"),
    "loose": (EnvHeader(aliases=[Alias(name="x", pattern=".*(@).*")]), "/{}/"),
}
TAKEN = re.compile(r"[!-~]+([\t ]?[!-~]+)*")  # as the definitions of the experimental channel have it
SPLITTERS = [".", "-", "_", "--", "._.", "9", "x"]


def routes(names, splitter="."):
    return [Route(name, (name,), name + splitter) for name in deepest_first(names, splitter)]


def whole(text, value):
    """As Envoy does: RE2 over the whole value."""
    return re2.fullmatch(text, value) is not None


def spanning(text, value):
    """As Linkerd does: the leftmost alternative that is found, which must then span the value."""
    found = re.search(text, value)
    return found is not None and found.span() == (0, len(value))


def meeting(made, carrier, value):
    """The environments whose expressions, of the carrier beside the header, take a value, by both ways of matching."""
    texts = {name: [one.text for one in matches] for name, matches in made.items()}
    assert all(len(one) <= LONGEST and TAKEN.fullmatch(one) for some in texts.values() for one in some)
    if carrier != "header":
        texts = {name: some[1:] if len(some) == 2 else some for name, some in texts.items()}
    by_whole = [name for name, some in texts.items() if any(whole(one, value) for one in some)]
    by_span = [name for name, some in texts.items() if any(spanning(one, value) for one in some)]
    assert by_whole == by_span
    return by_whole


def answer(names, splitter, value):
    """The deepest environment that the value is, or is below, in the words of the contract."""
    fitting = [one for one in names if value == one or value.startswith(one + splitter)]
    return max(fitting, key=len, default=None)


@st.composite
def topology(draw):
    splitter = draw(st.sampled_from(SPLITTERS))
    letters = [one for one in "abuv1-_." if one not in splitter]
    word = st.text(st.sampled_from(letters), min_size=1, max_size=4)
    level = word.map(lambda one: f"a{one}b" if not one[0].isalnum() or not one[-1].isalnum() else one)
    names = draw(st.lists(st.lists(level, min_size=1, max_size=4).map(splitter.join), min_size=1, max_size=8))
    names = sorted({one for one in names if all(one.split(splitter)) and one[-1].isalnum()})
    return splitter, names or ["a"]


def alike(names, splitter, data):
    """Values that are names, below one, or one slip away from one."""
    name = data.draw(st.sampled_from(names))
    other = data.draw(st.sampled_from([*"abuv1-_.", splitter, ""]))
    cut = data.draw(st.integers(0, len(name)))
    return data.draw(
        st.sampled_from(
            [
                name,
                name + splitter,
                f"{name}{splitter}zz",
                f"{name}{other}",
                name[:cut] + other + name[cut:],
                name[:cut],
            ]
        )
    )


@pytest.mark.parametrize("carrier", CARRIERS)
@settings(max_examples=150, deadline=None)
@given(made=topology(), data=st.data())
def test_a_value_meets_exactly_its_answers_expression(carrier, made, data):
    """Whatever the tree and the splitter, a value meets the expression of who answers it, and no other."""
    splitter, names = made
    header, text = CARRIERS[carrier]
    expressions = disjoint(header, routes(names, splitter), splitter)
    for _ in range(6):
        value = alike(names, splitter, data)
        if not value or not (value[0].isalnum() and value[-1].isalnum()):
            value = f"a{value}a"  # what no label value is, the text around it may cut
        expected = answer(names, splitter, value)
        assert meeting(expressions, carrier, text.format(value)) == ([expected] if expected else []), value


@settings(max_examples=100, deadline=None)
@given(made=topology(), data=st.data())
@example((".", ["a", "a.b"]), None)
def test_a_header_may_carry_anything(made, data):
    """A header's value that is no label value, with splitters and what not at its ends, meets its answer's as well."""
    splitter, names = made
    expressions = disjoint(PLAIN, routes(names, splitter), splitter)
    values = [alike(names, splitter, data) for _ in range(6)] if data else ["a.", "a..", "a.b.", "a.b x", "a.é", ".a"]
    for value in values:
        expected = answer(names, splitter, value)
        assert meeting(expressions, "header", value) == ([expected] if expected else []), value


@settings(max_examples=100, deadline=None)
@given(made=topology(), data=st.data())
def test_in_order_the_first_that_is_met_answers(made, data):
    """Deepest first, the first expression that a value meets is that of who answers it."""
    splitter, names = made
    expressions = ordered(PLAIN, routes(names, splitter))
    value = alike(names, splitter, data)
    assert next(iter(meeting(expressions, "header", value)), None) == answer(names, splitter, value)


@pytest.mark.parametrize("carrier", ["cookie", "baggage"])
@settings(max_examples=100, deadline=None)
@given(made=topology(), data=st.data())
def test_punctuation_may_be_percent_encoded(carrier, made, data):
    """In cookies and baggage a value meets its answer's expression alone, however its punctuation is written."""
    splitter, names = made
    header, text = CARRIERS[carrier]
    expressions = disjoint(header, routes(names, splitter), splitter)
    value = (
        f"{data.draw(st.sampled_from(names))}{data.draw(st.sampled_from(['', splitter + 'q', 'a', '-a', '_a', '.a']))}"
    )
    forms = [lambda one: one, lambda one: f"%{ord(one):02X}", lambda one: f"%{ord(one):02x}"]
    written = "".join(one if one.isalnum() else data.draw(st.sampled_from(forms))(one) for one in value)
    expected = answer(names, splitter, value)
    assert meeting(expressions, carrier, text.format(written)) == ([expected] if expected else []), written


@pytest.mark.parametrize("carrier", ["cookie", "baggage"])
@pytest.mark.parametrize("names", [["a", "a.b"], ["a", "a.b", "a.b.c"], ["1", "1.1.1.1"], ["a-b", "a-b.c-d"]])
@pytest.mark.parametrize("behind", ["-x", "_x", "x", ".x", ""])
def test_what_stands_behind_a_name_may_be_encoded(carrier, names, behind):
    """Also where a name ends that nothing else begins with: `a.b%2Dx` is below `a`, and not `a.b`."""
    header, text = CARRIERS[carrier]
    expressions = disjoint(header, routes(names), ".")
    for name in names:
        value = name + behind
        expected = answer(names, ".", value)
        for form in ("%02X", "%02x"):
            written = "".join(one if one.isalnum() else f"%{form % ord(one)}" for one in value)
            assert meeting(expressions, carrier, text.format(written)) == ([expected] if expected else []), written


@pytest.mark.parametrize("text", ["a=b, env = dev.p-1\t;x", "env=dev.p-1 ,b=c", "env=dev.p-1 "])
def test_space_behind_a_name_is_none_of_it(text):
    """In baggage a name ends before space, also for whoever leaves that name out."""
    header = CARRIERS["baggage"][0]
    assert meeting(disjoint(header, routes(["dev", "dev.p-1"]), "."), "baggage", text) == ["dev.p-1"]


def test_known_values_are_all_there_is_of_exact_matching():
    """With `matching: exact` an expression has the values of its route, in as many matches as they need."""
    values = tuple(f"dev.{number:04}-{'x' * 40}" for number in range(500))
    (matches,) = disjoint(PLAIN, [Route("dev", values, "")], ".").values()
    assert len(matches) > 1
    assert all(len(one.text) <= LONGEST for one in matches)
    assert all(sum(whole(one.text, value) for one in matches) == 1 for value in values[::50])
    assert not any(whole(one.text, value) for one in matches for value in ("dev", "dev.0000", values[0] + ".a"))
    assert [one.text for one in ordered(PLAIN, [Route("a", ("a",), "")])["a"]] == ["^a$"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["dev.proj1"], [r"^dev\.proj1(\..*)?$"]),
        (["dev.proj1", "dev.proj1.u"], [r"^dev\.proj1\.u(\..*)?$", r"^dev\.proj1(\.(?:[^u].*|u[^.].*)?)?$"]),
    ],
)
def test_the_form_that_people_read(names, expected):
    """The expressions as they stand in the output, anchored at both ends."""
    assert [one.text for some in disjoint(PLAIN, routes(names), ".").values() for one in some] == expected


@pytest.mark.parametrize("carrier", CARRIERS)
def test_what_is_too_long_is_cut(carrier):
    """Long unlike siblings need several matches: none is longer than the API takes, and they still part the values."""
    rng = random.Random(7)  # noqa: S311 - the same for everybody
    header, text = CARRIERS[carrier]
    siblings = ["dev." + "".join(rng.choice(string.ascii_lowercase) for _ in range(20)) for _ in range(150)]
    expressions = disjoint(header, routes(["dev", *siblings]), ".")
    assert len(expressions["dev"]) > 5
    assert all(len(one.text) <= LONGEST for some in expressions.values() for one in some)
    deeper = [re2.compile(one.text) for one in expressions["dev"]]
    for value in [
        *siblings[::10],
        f"{siblings[0]}.x",
        f"{siblings[0]}x",
        siblings[0][:-1],
        "dev",
        "dev.",
        "dev.zz",
        "de",
    ]:
        if carrier != "header" and not value[-1].isalnum():
            continue
        met = any(one.fullmatch(text.format(value)) for one in deeper)
        assert met == (answer(["dev", *siblings], ".", value) == "dev"), value


@pytest.mark.parametrize("shape", ["flat", "siblings", "tree"])
def test_a_thousand_environments_take_less_than_a_second(shape):
    """The expressions of 1,000 environments of one Service, with every kind of carrier, in under a second."""
    rng = random.Random(1)  # noqa: S311 - the same for everybody
    listed = ["dev"]
    while len(listed) < 1000:
        word = "".join(rng.choice(string.ascii_lowercase) for _ in range(8))
        above = {"flat": "", "siblings": "dev.", "tree": f"{rng.choice(listed)}."}[shape]
        listed += [above + word] if len(above + word) <= 63 else []
    aliases = [Alias(cookie="env"), Alias(baggage="env"), Alias(name="x", pattern=".*(@).*")]
    made = routes(listed)
    started = time.process_time()
    disjoint(EnvHeader(aliases=aliases), made, ".")
    assert time.process_time() - started < 1


@pytest.mark.parametrize(("first", "second", "expected"), [("dev.a", "dev", ["dev.a"]), ("dev", "dev.a", ["dev"])])
def test_a_pattern_with_two_places_is_decided_by_the_first(first, second, expected):
    """Where a pattern has the placeholder twice, the name at its first place says which route takes the value."""
    header = EnvHeader(aliases=[Alias(name="x", pattern="(@)/(@)")])
    met = meeting(disjoint(header, routes(["dev", "dev.a"]), "."), "pattern", f"{first}/{second}")
    assert met == (expected if second.startswith(first) else [])


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("a  b=(@)", "a  b={}"),
        ("a\tb=(@)", "a\tb={}"),
        ("a\\\tb=(@)", "a\tb={}"),
        ("é=(@)", "é={}"),
        (r"\ (@)\.", " {}."),
    ],
)
def test_a_pattern_is_written_in_letters_that_the_api_takes(pattern, value):
    """Space and letters beyond ASCII in a pattern of the user's are written as escapes, and mean the same."""
    header = EnvHeader(aliases=[Alias(name="x", pattern=pattern)])
    for some in (disjoint(header, routes(["dev.a", "dev"]), "."), ordered(header, routes(["dev.a"]))):
        text = some["dev.a"][1].text
        assert TAKEN.fullmatch(text)
        assert whole(text, value.format("dev.a.x"))
        assert not whole(text, value.format("dev"))
