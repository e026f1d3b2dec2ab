"""Where the configuration comes from: the functionConfig, items of the list, `--set`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from krm_fn.config import reader
from krm_fn.config.options import RouteConfig
from krm_fn.config.reader import Configs, Source
from krm_fn.objects import Object, ref_of
from krm_fn.results import Code, FunctionError, Ref, Result

# What `kpt fn eval` calls the ConfigMap that it makes of its arguments: no config of a user's own.
_KPT_INPUT = "function-input"
_DEFAULT_OWNER = "default"


def gather(
    function_config: Mapping[str, Any] | None, objects: Sequence[Object], overrides: Mapping[str, str] | None = None
) -> Configs:
    """Return what holds for all namespaces and for single ones.

    Raises:
        FunctionError: with every mistake of every configuration at once.
    """
    problems: list[Result] = []
    given = None if _says_nothing(function_config) else function_config
    items = [one for one in objects if _configures(one, given)]
    whole = [one for one in items if reader.is_own(one.value) and not one.ref.namespace]
    by_namespace = [one for one in items if one not in whole]
    problems += [found for one in items for found in reader.given_twice(one.duplicates, one.ref)]
    if given is None and whole:
        problems += _twice(whole, "for all namespaces")
        given = whole[0].value
    default = _read(given, ref_of(given) if given else Ref(), overrides, problems)
    sources: dict[str, Source] = {}
    for namespace in sorted({one.ref.namespace for one in by_namespace}):
        here = [one for one in by_namespace if one.ref.namespace == namespace]
        problems += _twice(here, f"in namespace {namespace!r}" if namespace else "without a namespace")
        sources[namespace] = _read(here[0].value, here[0].ref, overrides, problems)
        by_option = any(name.startswith("namespaces.") for name in overrides or ())
        if sources[namespace].config.namespaces and not by_option:
            message = (
                "joins namespaces, and an item of the list configures its own alone: say it in the functionConfig, or "
                "in a VirtualEnvironment without a namespace"
            )
            problems.append(Result(Code.CONFIG_INVALID, message, here[0].ref, "spec.namespaces"))
    if problems:
        raise FunctionError(*problems)
    return Configs(_owner(given), default, sources)


def _says_nothing(given: Mapping[str, Any] | None) -> bool:
    """Tell whether there is no functionConfig, or only the empty one of a `kpt fn eval` without arguments."""
    return not given or (
        given.get("kind") == "ConfigMap" and ref_of(given).name in ("", _KPT_INPUT) and given.get("data") in (None, {})
    )


def _configures(one: Object, given: Mapping[str, Any] | None) -> bool:
    """Tell whether an object of the list is a configuration, other than the functionConfig itself.

    kpt lists the files of other runs' configs too. So where a functionConfig is given, an own one counts only if it has
    a namespace to hold for, and is not marked as a file of the package's own (local-config).
    """
    if one.inside or not (reader.is_own(one.value) or reader.is_operator(one.value)):
        return False
    if given is None:
        return True
    if ref_of(given).kind == one.ref.kind and _identity(ref_of(given)) == _identity(one.ref):
        return False
    return reader.is_operator(one.value) or (bool(one.ref.namespace) and one.is_source)


def _identity(ref: Ref) -> tuple[str, str]:
    return (ref.namespace, ref.name)


def _read(
    value: Mapping[str, Any] | None, ref: Ref, overrides: Mapping[str, str] | None, problems: list[Result]
) -> Source:
    try:
        return Source(reader.read(value, ref, overrides), ref if value else None)
    except FunctionError as error:
        problems += error.results
        return Source(RouteConfig())


def _twice(objects: Sequence[Object], where: str) -> list[Result]:
    names = ", ".join(f"{one.ref} in {one.ref.file}" if one.ref.file else str(one.ref) for one in objects)
    message = f"{len(objects)} configurations hold {where}: {names}; keep one"
    return [Result(Code.CONFIG_TWICE, message, objects[1].ref)] if len(objects) > 1 else []


def _owner(given: Mapping[str, Any] | None) -> str:
    name = ref_of(given).name if given else ""
    return _DEFAULT_OWNER if name in ("", _KPT_INPUT) else name
