"""Paths of the desk commands → objects: files, directories, kpt packages, kustomizations, stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from krm_fn.command import tree
from krm_fn.command.reading import KUSTOMIZATIONS, Place, parse, place, problem, read_bytes, read_object
from krm_fn.command.settings import Flags
from krm_fn.objects import Object, objects_of
from krm_fn.plan import kinds
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result
from krm_fn.text.document import Document

if TYPE_CHECKING:
    from krm_fn.command.kustomize import Built

_LONG = 100_000  # bytes from which on it is faster to pass over what nobody asks for (bench/views.py)
_SHOWN = 4  # kustomizations that a message names
_PLAIN = Flags()
GIT = "git:"  # before REV:PATH


class Layered(NamedTuple):
    """Which layer of a kustomization names this function: its file, and whether no other stands around it."""

    kustomization: str
    is_outermost: bool


class Loaded(NamedTuple):
    """What some paths hold.

    Attributes:
        objects: the objects, each position counted over all paths.
        function_config: the configuration found beside them.
        results: what is not shown as a host would build it.
        paths: where the files stand that findings name, by the name that these have.
        layers: of the kustomizations that name this function.
        otherwise: errors about configurations beside others that say something else than the first.
    """

    objects: tuple[Object, ...]
    function_config: Mapping[str, Any] | None
    results: tuple[Result, ...] = ()
    paths: Mapping[str, str] = {}  # nobody changes it
    layers: tuple[Layered, ...] = ()
    otherwise: tuple[Result, ...] = ()


class _Part(NamedTuple):
    """A file, or a build, of a path: how findings name it, where it stands, and what it holds."""

    name: str
    path: str
    listed: Document


class _Read(NamedTuple):
    """What one path holds."""

    parts: tuple[_Part, ...]
    config: Mapping[str, Any] | None = None
    built: Built | None = None
    unbuilt: tuple[str, ...] = ()  # kustomizations below, whose files were read as they lie there


def load(paths: Sequence[str | Place], flags: Flags = _PLAIN, *, may_be_empty: bool = False) -> Loaded:
    """Read every path.

    A directory with a Kptfile is read as kpt reads it, one with a kustomization is built, any other is read
    file by file; `-` is stdin, and `git:REV:PATH` what a commit of the repository here has at a path.

    Args:
        paths: of the work tree, or wherever they are to be read.
        flags: how kustomizations are built.
        may_be_empty: whether a directory without a manifest is none to complain about.

    Raises:
        FunctionError: for what cannot be read, all of it at once.
    """
    places = [place(one) if isinstance(one, str) else one for one in paths]
    problems: list[Result] = []
    found: list[_Read] = []
    for one in places:
        try:
            found.append(_read(one, f"{one.shown.rstrip('/')}/" if len(places) > 1 else "", flags))
            if not found[-1].parts and not may_be_empty:
                below = _to_build(found[-1].unbuilt)
                problems.append(
                    problem(_called(one), "holds no Kubernetes objects" + (f", but {below}" if below else ""))
                )
        except FunctionError as error:
            problems += error.results
    if problems:
        raise FunctionError(*problems)
    parts = [part for one in found for part in one.parts]
    configs = [
        (_called(at), config)
        for at, one in zip(places, found, strict=True)
        for config in (one.config, *(part.listed.function_config for part in one.parts))
        if config
    ]
    built = [one.built for one in found if one.built]
    return Loaded(
        tuple(_objects(parts)),
        configs[0][1] if configs else None,
        (*(result for one in built for result in one.results), *_not_built(places, found)),
        {part.name: part.path for part in parts}
        if len(built) <= 1
        else {part.name: part.path for part in parts if part.name},
        tuple(Layered(one.layer, one.is_outermost) for one in built if one.layer),
        tuple(_otherwise(configs)),
    )


def _called(at: Place) -> str:
    """Return a path as findings call it: REV:PATH without the mark that no user writes."""
    return at.shown.removeprefix(GIT)


def _not_built(places: Sequence[Place], found: Sequence[_Read]) -> Iterator[Result]:
    for at, one in zip(places, found, strict=True):
        if one.parts and one.unbuilt:
            message = f"was read file by file, and holds {_to_build(one.unbuilt)}"
            yield Result(Code.NOT_BUILT, message, Ref(file=_called(at)))


def _to_build(names: Sequence[str]) -> str:
    """Say of kustomizations that they are not built, and what to do; empty for none."""
    if not names:
        return ""
    listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    what = (
        "kustomizations, built only as PATHs of their own"
        if len(names) > 1
        else "a kustomization, built only as a PATH"
    )
    return f"{what}: {listed}"


def _otherwise(configs: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[Result]:
    """Yield a finding for each configuration that says something else than the first, whatever it is called."""
    for shown, config in configs[1:]:
        first, other = ({key: one[key] for key in one if key != "metadata"} for one in (configs[0][1], config))
        if first != other:
            message = (
                f"is configured otherwise than {configs[0][0]}, and all PATHs of a command have one configuration; "
                "give each to a command of its own, or say with --config FILE which one holds"
            )
            yield Result(Code.CONFIG_TWICE, message, Ref(file=shown))


def _objects(parts: Iterable[_Part]) -> Iterator[Object]:
    count = 0
    for part in parts:
        here = [one._replace(position=one.position + count) for one in objects_of(part.listed.items, part.name)]
        yield from here
        count += len(here)


def read_config(path: str) -> Mapping[str, Any]:
    """Read a file that holds one configuration object.

    Raises:
        FunctionError: if it cannot be read, or holds no object or several.
    """
    return read_object(place(path))


def _read(at: Place, prefix: str, flags: Flags) -> _Read:
    """Return what a path holds, each file by the name that its host gives it, behind `prefix`."""
    if at.shown == "-":
        return _Read((_Part("", "", _listed(_stdin(), "stdin")),))
    if at.shown.startswith(GIT):
        return _at_commit(at.shown.removeprefix(GIT), flags)
    if not at.path.is_dir():
        return _Read((_Part(at.shown, at.shown, _listed(read_bytes(at), at.shown)),))
    if any((at.path / name).is_file() for name in KUSTOMIZATIONS) and not (at.path / "Kptfile").is_file():
        from krm_fn.command import kustomize  # noqa: PLC0415 - only a kustomization needs to be built

        built = kustomize.build(at, flags)
        part = _Part("", built.file, _listed(built.text, f"the build of {at.shown}"))
        return _Read((part,), built.config, built)
    found = tree.walk(at)
    parts = tuple(_files(at, found.manifests, prefix))
    unbuilt = () if (at.path / "Kptfile").is_file() else tuple(_unbuilt(at, found.kustomizations))  # kpt builds none
    return _Read(parts, _pipeline_config(at), unbuilt=unbuilt)


def _unbuilt(at: Place, kustomizations: Sequence[Path]) -> Iterator[str]:
    """Yield the folders below whose kustomizations no other one there builds."""
    folders = [at.below(one.relative_to(at.path).as_posix()) for one in kustomizations if one != at.path]
    if folders:
        from krm_fn.command import layers  # noqa: PLC0415 - only kustomizations are looked into

        yield from (one.shown for one in layers.outermost(folders))


def _at_commit(source: str, flags: Flags) -> _Read:
    """Read REV:PATH; its files are named REV:PATH/FILE."""
    from krm_fn.command import revisions  # noqa: PLC0415 - starts programs, of which files alone need none

    revision, colon, path = source.partition(":")
    if not (revision and colon):
        raise FunctionError(problem(source, "is no REV:PATH, such as main:deploy/base"))
    with revisions.checked_out(revision, [path or "."]) as found:
        if not found:
            raise FunctionError(problem(source, f"is not there: the commit {revision} has no such path"))
        return _read(found[0]._replace(shown=source.rstrip("/")), f"{source.rstrip('/')}/", flags)


def _listed(raw: bytes, name: str) -> Document:
    """Return the objects of a text of manifests; of a long one what somebody asks for, as the function reads it."""
    return parse(raw, name, kinds.asked) if len(raw) > _LONG else parse(raw, name)


def _stdin() -> bytes:
    try:
        return sys.stdin.buffer.read() if sys.stdin else b""
    except OSError as error:
        raise FunctionError(problem("stdin", f"cannot be read: {error}")) from error


def _files(directory: Place, files: Sequence[Path], prefix: str) -> Iterator[_Part]:
    problems: list[Result] = []
    for file in files:
        relative = file.relative_to(directory.path).as_posix()
        name = prefix + relative
        if file.exists() and not file.is_file():  # nobody may ever write into a named pipe
            problems.append(problem(name, "is no file: a named pipe, a socket or a device among manifests is not read"))
            continue
        try:
            yield _Part(name, directory.below(relative).shown, _listed(read_bytes(Place(name, file)), name))
        except FunctionError as error:
            # Values, data and the like lie beside manifests; what is no object is none of ours.
            ours = {Code.INPUT_SHAPE, Code.INPUT_EMPTY} | ({Code.INPUT_SYNTAX} if name.endswith(".json") else set())
            problems += [result for result in error.results if result.code not in ours]
    if problems:
        raise FunctionError(*problems)


def _pipeline_config(package: Place) -> Mapping[str, Any] | None:
    """Return the configuration that the package's Kptfile gives this function, as `kpt fn render` would."""
    file = package.below("Kptfile")
    if not file.path.is_file():
        return None
    pipeline = parse(read_bytes(file), file.shown).items[0].value.get("pipeline")
    steps = pipeline.get("mutators") if isinstance(pipeline, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict) or FUNCTION not in f"{step.get('image', '')} {step.get('exec', '')}":
            continue
        if isinstance(step.get("configPath"), str):
            return read_object(package.below(step["configPath"]))
        if isinstance(step.get("configMap"), dict):
            return {"apiVersion": "v1", "kind": "ConfigMap", "data": step["configMap"]}
    return None
