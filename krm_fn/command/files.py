"""Paths of the desk commands → objects: files, directories, kpt packages, kustomizations, stdin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from krm_fn.config import reader
from krm_fn.objects import Object, objects_of
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result
from krm_fn.text import document
from krm_fn.text.document import Document

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_ENDINGS = (".yaml", ".yml", ".json", "Kptfile")
_BUILD_SECONDS = 600


class Loaded(NamedTuple):
    """What some paths hold: the objects, each position counted over all of them, and the configuration found."""

    objects: tuple[Object, ...]
    function_config: Mapping[str, Any] | None


def load(paths: Sequence[str]) -> Loaded:
    """Read every path.

    A directory with a Kptfile is read as kpt reads it, one with a kustomization is built, any other is read
    file by file; `-` is stdin.

    Raises:
        FunctionError: for what cannot be read, all of it at once.
    """
    problems: list[Result] = []
    objects: list[Object] = []
    configs: list[Mapping[str, Any]] = []
    count = 0
    for path in paths:
        try:
            parts, found = _read(path, f"{path.rstrip('/')}/" if len(paths) > 1 else "")
        except FunctionError as error:
            problems += error.results
            continue
        configs += [found] if found else []
        for name, listed in parts:
            for one in objects_of(listed.items, name):
                position = None if one.position is None else one.position + count
                objects.append(one._replace(position=position))
            count += len(listed.items)
            configs += [listed.function_config] if listed.function_config else []
    if problems:
        raise FunctionError(*problems)
    return Loaded(tuple(objects), configs[0] if configs else None)


def read_config(path: str) -> Mapping[str, Any]:
    """Read a file that holds one configuration object.

    Raises:
        FunctionError: if it cannot be read, or holds no object or several.
    """
    listed = _parse(_bytes(path), path)
    if len(listed.items) != 1:
        message = f"holds {len(listed.items)} objects; a configuration is one"
        raise FunctionError(Result(Code.CONFIG_INVALID, message, Ref(file=path)))
    return listed.items[0].value


def _read(path: str, prefix: str) -> tuple[list[tuple[str, Document]], Mapping[str, Any] | None]:
    """Return what a path holds, each part with the name of its file: as its host names it, behind `prefix`."""
    if path == "-":
        return [("", _parse(_stdin(), "stdin"))], None
    directory = Path(path)
    if not directory.is_dir():
        return [(path, _parse(_bytes(path), path))], None
    kustomization = next((directory / name for name in _KUSTOMIZATIONS if (directory / name).is_file()), None)
    if kustomization and not (directory / "Kptfile").is_file():
        return [("", _parse(_built(path), f"the build of {path}"))], _transformer(kustomization)
    parts = list(_files(directory, prefix))
    if not parts:
        raise FunctionError(_problem(path, "holds no Kubernetes objects"))
    return parts, _pipeline_config(directory)


def _stdin() -> bytes:
    try:
        return sys.stdin.buffer.read() if sys.stdin else b""
    except OSError as error:
        raise FunctionError(_problem("stdin", f"cannot be read: {error}")) from error


def _files(directory: Path, prefix: str) -> Iterator[tuple[str, Document]]:
    problems: list[Result] = []
    for file in _walk(directory):
        name = prefix + file.relative_to(directory).as_posix()
        try:
            yield name, _parse(_bytes(str(file)), name)
        except FunctionError as error:
            # Values, data and the like lie beside manifests; what is no object is none of ours.
            ours = {Code.INPUT_SHAPE, Code.INPUT_EMPTY} | ({Code.INPUT_SYNTAX} if name.endswith(".json") else set())
            problems += [result for result in error.results if result.code not in ours]
    if problems:
        raise FunctionError(*problems)


def _walk(directory: Path) -> Iterator[Path]:
    try:
        from pathspec import GitIgnoreSpec  # noqa: PLC0415 - the function itself never walks a directory
    except ImportError as error:
        message = "the image reads no directories: send the documents through stdin (-), or install the Python package"
        raise FunctionError(_problem(str(directory), message)) from error

    ignores: list[tuple[Path, GitIgnoreSpec]] = []
    for place, folders, names in os.walk(directory):
        here = Path(place)
        if ".krmignore" in names:
            lines = _bytes(str(here / ".krmignore")).decode(errors="replace").split("\n")
            ignores.append((here, GitIgnoreSpec.from_lines(lines)))

        def kept(path: Path, *, is_dir: bool = False) -> bool:
            return not any(
                spec.match_file(path.relative_to(root).as_posix() + ("/" if is_dir else ""))
                for root, spec in ignores
                if path.is_relative_to(root)
            )

        folders[:] = sorted(name for name in folders if not name.startswith(".") and kept(here / name, is_dir=True))
        for name in sorted(names):
            if name.endswith(_ENDINGS) and name not in _KUSTOMIZATIONS and kept(here / name):
                yield here / name


def _pipeline_config(package: Path) -> Mapping[str, Any] | None:
    """Return the configuration that the package's Kptfile gives this function, as `kpt fn render` would."""
    file = package / "Kptfile"
    if not file.is_file():
        return None
    pipeline = _parse(_bytes(str(file)), "Kptfile").items[0].value.get("pipeline")
    steps = pipeline.get("mutators") if isinstance(pipeline, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if not isinstance(step, dict) or FUNCTION not in f"{step.get('image', '')} {step.get('exec', '')}":
            continue
        if isinstance(step.get("configPath"), str):
            return read_config(str(package / step["configPath"]))
        if isinstance(step.get("configMap"), dict):
            return {"apiVersion": "v1", "kind": "ConfigMap", "data": step["configMap"]}
    return None


def _transformer(kustomization: Path) -> Mapping[str, Any] | None:
    """Return the configuration of this function that a kustomization lists among its transformers."""
    text = _bytes(str(kustomization))
    header = b"" if b"kind:" in text else b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    listed = _parse(header + text, str(kustomization))
    entries = listed.items[0].value.get("transformers")
    for entry in entries if isinstance(entries, list) else ():
        path = kustomization.parent / str(entry)
        if "\n" not in str(entry) and path.is_file():
            value = read_config(str(path))
            if reader.is_own(value) or reader.is_operator(value):
                return value
    return None


def _built(path: str) -> bytes:
    """Build a kustomization without its exec functions: this one is about to run itself."""
    program = shutil.which("kustomize")
    command = [program, "build"] if program else [shutil.which("kubectl") or "", "kustomize"]
    if not command[0]:
        message = "is a kustomization, and neither kustomize nor kubectl is in PATH: install one, or pipe its build in"
        raise FunctionError(_problem(path, message))
    command += ["--enable-alpha-plugins", path]
    try:
        built = subprocess.run(command, capture_output=True, timeout=_BUILD_SECONDS, check=False)  # noqa: S603 - found in PATH on purpose
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FunctionError(_problem(path, f"{' '.join(command)}: {error}")) from error
    if built.returncode:
        message = f"{' '.join(command)} failed: {built.stderr.decode(errors='replace').strip()}"
        raise FunctionError(_problem(path, message))
    return built.stdout


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise FunctionError(_problem(path, f"cannot be read: {error.strerror}")) from error


def _parse(raw: bytes, name: str) -> Document:
    try:
        return document.parse(raw)
    except FunctionError as error:
        raise FunctionError(*(_in_file(result, name) for result in error.results)) from error


def _in_file(result: Result, name: str) -> Result:
    ref = result.ref or Ref()
    return result._replace(ref=ref if ref.file else ref._replace(file=name))


def _problem(path: str, message: str) -> Result:
    return Result(Code.PATH_UNREADABLE, message, Ref(file=path))
