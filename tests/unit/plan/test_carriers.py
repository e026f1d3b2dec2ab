"""What a route's expressions take: judged by RE2 itself, as Envoy does, against readers of a few lines."""

from urllib.parse import quote

import pytest
import re2
from hypothesis import example, given
from hypothesis import strategies as st

from krm_fn.config.options import Alias, EnvHeader
from krm_fn.istio.matches import carried
from krm_fn.plan.answers import Route

ISTIO_TAKES = 1024  # characters of an expression: istio/istio, pkg/config/validation

LEVEL = st.from_regex(r"[a-z0-9]{1,3}([-_]?[a-z0-9]){0,2}", fullmatch=True)
NAME = st.lists(LEVEL, min_size=1, max_size=3).map(".".join)
# Names that are alike, or one another's ancestors, come up often.
ALIKE = st.sampled_from(
    ["dev", "dev.proj1", "dev.proj10", "dev.proj1.a", "dev.proj1-x", "dev.proj1_x", "xdev.proj1", "dev-proj1", "de"]
)
VALUE = st.one_of(ALIKE, NAME, st.tuples(ALIKE, NAME).map(".".join))
KEY = st.sampled_from(["virtual-env", "xvirtual-env", "virtual-env-x", "env", "virtual.env", "VIRTUAL-ENV"])


def matcher(alias, environment, *, exact=False, splitter="."):
    """Return a function that tells whether a value of the alias' header is taken by the environment's route."""
    route = Route(environment, (environment,), "" if exact else environment + splitter)
    matches = carried(EnvHeader(aliases=(Alias(**alias),)), route)
    texts = [rule["regex"] for match in matches for rule in match["headers"].values() if "regex" in rule]
    assert texts
    assert all(len(text) <= ISTIO_TAKES for text in texts)
    compiled = [re2.compile(text) for text in texts]
    return lambda value: any(one.fullmatch(value) is not None for one in compiled)


def below(value, environment):
    return value == environment or value.startswith(environment + ".")


def cookies(header):
    """Read a cookie header: pairs between `;`, each split at its first `=`."""
    pairs = [one.strip(" \t").partition("=") for one in header.split(";")]
    return [(name, value.strip('"')) for name, _, value in pairs]


def members(header):
    """Read a baggage header: members between `,`, properties behind `;`, space around every part."""
    pairs = [one.partition(";")[0].partition("=") for one in header.split(",")]
    return [(name.strip(" \t"), value.strip(" \t")) for name, _, value in pairs]


@given(st.lists(st.tuples(KEY, VALUE), max_size=4), VALUE, st.sampled_from([";", "; "]), st.booleans())
@example([("xvirtual-env", "dev.proj1")], "dev.proj1", "; ", False)
@example([("virtual-env", "dev.proj10")], "dev.proj1", "; ", False)
@example([("a", "b"), ("virtual-env", "dev.proj1.a")], "dev.proj1", ";", True)
def test_a_cookie_is_read_as_a_server_reads_it(pairs, environment, between, quoted):
    """A cookie names its environment or one below it, wherever it stands among others, look-alikes or not."""
    header = between.join(f'{name}="{value}"' if quoted else f"{name}={value}" for name, value in pairs)
    expected = any(name == "virtual-env" and below(value, environment) for name, value in cookies(header))
    assert matcher({"cookie": "virtual-env"}, environment)(header) == expected


@given(
    st.lists(st.tuples(KEY, VALUE, st.sampled_from(["", ";p", " ; p=virtual-env=dev"])), max_size=4), VALUE, st.data()
)
def test_a_baggage_member_is_read_as_the_standard_says(listed, environment, data):
    """A member names its environment or one below it, with space around every part and properties behind it."""
    space = st.sampled_from(["", " ", "\t "])
    header = ",".join(
        "".join([data.draw(space), name, data.draw(space), "=", data.draw(space), value, more, data.draw(space)])
        for name, value, more in listed
    )
    expected = any(name == "virtual-env" and below(value, environment) for name, value in members(header))
    assert matcher({"baggage": "virtual-env"}, environment)(header) == expected


@given(VALUE, VALUE)
def test_percent_encoded_punctuation(value, environment):
    """In cookies and baggage `.`, `-` and `_` may be percent-encoded, with digits of either case."""
    encoded = "".join(one if one.isalnum() else f"%{ord(one):02X}" for one in value)
    for text in (quote(value), encoded, encoded.lower() if value.islower() else encoded):
        assert matcher({"cookie": "e"}, environment)(f"a=b; e={text}") == below(value, environment)
        assert matcher({"baggage": "e"}, environment)(f"a=b,e={text};p") == below(value, environment)


@pytest.mark.parametrize(
    ("pattern", "around"),
    [
        ("(@)", "{}"),
        ("^(@)$", "{}"),
        ("env=(@)", "env={}"),
        ("env_(@)", "env_{}"),
        ("env(@)", "env{}"),
        (".*env=(@);.*", "a=b;env={};c"),
        (".*env=(@).*", "a=b;env={};c"),
        (".*env=(@)(.*)", "env={}"),
        (".*(@).*", "/ {} /"),
        (".+(@).+", "/{}/"),
        ("(.+; *)?ENV=(@)(;.+)?", "a=b; ENV={}"),
        ("[^/]*/(@)[^;]*", "x/{},y"),
        (r"(?:\S*)(@)(?:\S*)", "<{}>"),
        (r"a\.(@)\.b", "a.{}.b"),
        ("x=(@)|y=(@)", "y={}"),
        ("(?i)ENV=(@)", "env={}"),
        ("[^-;]*(@)[^-;]+", "({})"),
    ],
)
@given(value=VALUE, environment=VALUE)
def test_a_pattern_meets_whole_names(pattern, around, value, environment):
    """Whatever stands around the placeholder, a name is met by its own route and its ancestors', by no other."""
    taken = matcher({"name": "x", "pattern": pattern}, environment)(around.format(value))
    assert taken == below(value, environment)


def test_a_pattern_without_a_boundary_is_the_users():
    """A pattern that takes characters of names beside the placeholder by name keeps them."""
    assert matcher({"name": "x", "pattern": "(@)[a-z]*"}, "dev")("develop")


@given(VALUE, VALUE)
def test_known_values_only(value, environment):
    """With `matching: exact` nothing below a name is met, in any carrier."""
    for alias, header in (
        ({"cookie": "e"}, f"e={value}"),
        ({"baggage": "e"}, f"e={value}"),
        ({"name": "x", "pattern": "e=(@).*"}, f"e={value}"),
    ):
        assert matcher(alias, environment, exact=True)(header) == (value == environment)


@pytest.mark.parametrize("middle", ["." * 61, "-" * 61, "_" * 61, "._-" * 20 + "."])
@pytest.mark.parametrize("splitter", [".", "-" * 8, "." * 8])
def test_the_longest_names_stay_below_the_limit(middle, splitter):
    """No expression is longer than Istio takes: not for the longest names, keys, splitters and patterns."""
    longest, key = f"a{middle}b", "$" * 100
    place = "[^" + "x" * 55 + "]*"
    for alias, header in (
        ({"cookie": key}, f"{key}={longest}{splitter}x"),
        ({"baggage": key}, f"{key}={longest}{splitter}x"),
        ({"name": "x", "pattern": f"{place}(@){place}(@){place}{'y' * 70}"}, None),
    ):
        taken = matcher(alias, longest, splitter=splitter)
        assert header is None or taken(header)


def test_special_characters_of_names_are_no_expression():
    """A key's own punctuation is literal: `a.b` is not `axb`, and `$` and `|` are no operators."""
    for key in ("a.b", "a|b", "a$b", "a+b", "a*b", "a^b", "a~b", "a#b", "a&b"):
        assert matcher({"cookie": key}, "dev")(f"{key}=dev")
        assert matcher({"baggage": key}, "dev")(f"{key}=dev")
        assert not matcher({"cookie": key}, "dev")("axb=dev")
        assert not matcher({"cookie": key}, "dev")("a=dev")
