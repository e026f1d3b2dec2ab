"""What Kubernetes takes for a name: label keys and values, DNS names, the full name of a Service."""

from __future__ import annotations

import re
from collections.abc import Iterable

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
_LABEL_VALUE = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
DNS_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"\*|(?:\*\.)?{DNS_LABEL}(?:\.{DNS_LABEL})*", re.IGNORECASE)
_MAX_DNS_NAME = 253
_SEPARATOR = re.compile(r"[-_.]")


def label_value_problem(value: object) -> str:
    """Say why `value` is no label value of Kubernetes that names something; empty if it is one."""
    if not isinstance(value, str):
        return f"YAML reads it as {_type_name(value)}, not as a string: put it in quotes"
    if not value:
        return "it is empty"
    if not _LABEL_VALUE.fullmatch(value):
        return (
            "a label value has at most 63 characters, letters, digits, '-', '_' and '.', "
            "and starts and ends with a letter or digit"
        )
    return ""


def label_key_problem(key: str) -> str:
    """Say why `key` is no label key of Kubernetes; empty if it is one."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (len(prefix) <= _MAX_DNS_NAME and _LABEL_PREFIX.fullmatch(prefix)):
        return "what stands before its '/' is no DNS name"
    if not _LABEL_VALUE.fullmatch(name):
        return "its name has 1 to 63 characters, letters, digits, '-', '_' and '.', a letter or digit at both ends"
    return ""


def dns_name_problem(host: str) -> str:
    """Say why a name (a `*` may be its first label) is no host that Istio takes; empty if it is one."""
    if len(host) > _MAX_DNS_NAME:
        return f"it has {len(host)} characters, and a DNS name has at most {_MAX_DNS_NAME}"
    if not _HOST.fullmatch(host):
        return (
            "a DNS name has letters, digits and '-' between dots, at most 63 characters each, "
            "a letter or digit at both ends of each"
        )
    return ""


def full_name(namespace: str, name: str, domain: str) -> str:
    """Return the full name of a Service in a cluster of that domain."""
    return f"{name}.{namespace}.svc.{domain}"


def dashed(environment: str) -> str:
    """Return a name for places that allow letters, digits and '-': '.' and '_' as '-'."""
    return environment.replace(".", "-").replace("_", "-")


def is_slip(name: str, meant: str) -> bool:
    """Tell whether a name is another one with one slip of the finger.

    A character more, less, other, or swapped with the next; or upper for lower case, or separators that are others.
    """
    if name == meant:
        return False
    one, other = name.lower(), meant.lower()
    if _SEPARATOR.sub("", one) == _SEPARATOR.sub("", other):
        return True
    start = next((at for at, pair in enumerate(zip(one, other, strict=False)) if len(set(pair)) > 1), None)
    at = min(len(one), len(other)) if start is None else start
    rest, meant_rest = one[at:], other[at:]
    swapped = rest[1::-1] + rest[2:] == meant_rest
    return swapped or meant_rest in (rest[1:], rest) or rest == meant_rest[1:] or rest[1:] == meant_rest[1:]


_LONG = 6  # characters of a name from which on one that is alike is hardly another word
_ABBREVIATED = re.compile(r"environments?")


def is_key_slip(key: str, meant: str) -> bool:
    """Tell whether the key of a label was likely meant for another one.

    That is one slip of the finger; and for a name that is long enough to be no other's, the same name behind another
    prefix or none, or with `environment` for `env`.
    """
    if key == meant or is_slip(key, meant):
        return key != meant
    name, other = key.rpartition("/")[2], meant.rpartition("/")[2]
    if len(other) < _LONG:
        return False
    return name == other or is_slip(name, other) or _short(name) == _short(other) != "env"


def _short(name: str) -> str:
    return _ABBREVIATED.sub("env", _SEPARATOR.sub("", name.lower()))


def nearest(names: Iterable[str], wanted: str) -> str:
    """Return the name that looks most like `wanted`, or an empty string."""
    import difflib  # noqa: PLC0415 - wanted only on the way to an error

    found = difflib.get_close_matches(wanted, sorted(names), n=1, cutoff=0.5)
    return found[0] if found else ""


def _type_name(value: object) -> str:
    if value is None:
        return "nothing"
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(value), type(value).__name__)
