"""Paths and settings → what the function computes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from krm_fn import function
from krm_fn.command import files
from krm_fn.command.files import Loaded
from krm_fn.command.reading import Place
from krm_fn.command.settings import Settings
from krm_fn.config.reader import Configs
from krm_fn.function import Computation
from krm_fn.results import FunctionError, Ref, Result, Severity, in_order


class Ran(NamedTuple):
    """What was read, what it leads to, and all there is to say, most severe first."""

    loaded: Loaded
    computed: Computation
    results: tuple[Result, ...]

    @property
    def failed(self) -> bool:
        return any(result.severity is Severity.ERROR for result in self.results)


def run(paths: Sequence[str | Place], settings: Settings, *, anew: bool = False, may_be_empty: bool = False) -> Ran:
    """Compute what the list of some paths leads to; `may_be_empty` is `load`'s, and `anew` `compute`'s.

    Raises:
        FunctionError: for what cannot be read, and for paths that are configured differently without `--config`.
    """
    loaded = files.load(paths, settings.flags, may_be_empty=may_be_empty)
    if loaded.otherwise and not settings.config:
        raise FunctionError(*loaded.otherwise)
    config = settings.config or loaded.function_config
    try:
        computed = function.compute(loaded.objects, config, settings.overrides, anew=anew)
    except FunctionError as error:  # what was read, and how, may be why
        raise FunctionError(*error.results, *loaded.results) from error
    said = (_by_flag(result, computed.configs, settings) for result in computed.results)
    return Ran(loaded, computed, tuple(in_order([*loaded.results, *said])))


def _by_flag(result: Result, configs: Configs, settings: Settings) -> Result:
    """Return a finding about a field of the configuration with the flag that set it for its place."""
    name = result.field.removeprefix("spec.").removeprefix("data.")
    sources = {configs.default.ref, *(one.ref for one in configs.by_namespace.values())}
    if name in settings.overrides and (result.ref is None or result.ref in sources):
        return result._replace(ref=Ref(kind="--set"), field=name)
    return result
