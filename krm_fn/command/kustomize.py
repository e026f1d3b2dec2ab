"""A kustomization → its build, without running anything that its tree brings along.

The tree may be a stranger's pull request, and kustomize runs what it names: containers by whatever is called `docker`
in PATH, and plugins from a folder of the user's. So both are stand-ins here that hand on what they get. Programs that
the tree names (exec) are run by no kustomize without --enable-exec, which is never given.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from krm_fn.command import layers
from krm_fn.command.layers import Layer, is_own_image
from krm_fn.command.reading import Place, problem
from krm_fn.command.settings import Flags
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result

_SECONDS = 600
# Where kustomize looks for plugins of these kinds; ours are about to run, so that their stand-ins do nothing.
_OWN_PLUGINS = (
    "virtual-env-fn.dev/v1alpha1/virtualenvironment/VirtualEnvironment",
    "env.alibaba.com/v1alpha2/virtualenvironment/VirtualEnvironment",
)
_NOTHING = "#!/bin/sh\nexec cat\n"


class Built(NamedTuple):
    """A build.

    Attributes:
        file: the outermost kustomization.
        text: the objects.
        config: this function's configuration, as the kustomization names it.
        layer: the file of the kustomization that names this function; empty for none.
        is_outermost: whether that is the outermost one.
        results: what is not shown as it will be.
    """

    file: str
    text: bytes
    config: Mapping[str, Any] | None
    layer: str
    is_outermost: bool
    results: tuple[Result, ...]


@cache  # a command that is given a kustomization twice builds it once
def build(directory: Place, flags: Flags) -> Built:
    """Build a kustomization.

    Raises:
        FunctionError: if there is no kustomize, or it fails.
    """
    top = layers.read(directory)
    own = frozenset(plugin.image for layer in top.all() for plugin in layer.plugins if plugin.is_own and plugin.image)
    with TemporaryDirectory(prefix=f"{FUNCTION}-") as folder:
        stand_ins = _StandIns(Path(folder), flags, own)
        text = _run(directory, flags, stand_ins)
        refused = stand_ins.refused()
    by = next((layer for layer in top.all() if layer.own), None)
    results = [*layers.findings(top), *(_not_run(image, top) for image in refused)]
    return Built(top.shown, text, layers.config_of(top), by.shown if by else "", by is top, tuple(results))


def _not_run(image: str, top: Layer) -> Result:
    named = {plugin.image: plugin.shown for layer in top.all() for plugin in layer.plugins}
    message = (
        f"names the container function {image}, which was not run, so what is shown lacks what it does: the tree may "
        "be a stranger's; --allow-containers runs it"
    )
    return Result(Code.FUNCTION_NOT_RUN, message, Ref(file=named.get(image, top.shown)))


def _run(directory: Place, flags: Flags, stand_ins: _StandIns) -> bytes:
    program = shutil.which("kustomize")
    command = [program, "build"] if program else [shutil.which("kubectl") or "", "kustomize"]
    if not command[0]:
        message = "is a kustomization, and neither kustomize nor kubectl is in PATH: install one, or pipe its build in"
        raise FunctionError(problem(directory.shown, message))
    words = [*command, "--enable-alpha-plugins", *flags.words, "--"]
    told = " ".join([Path(words[0]).name, *words[1:-1], directory.shown])
    try:
        built = subprocess.run(  # noqa: S603 - found in PATH on purpose
            [*words, str(directory.path)],
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=stand_ins.environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FunctionError(problem(directory.shown, f"{told}: {error}")) from error
    if built.returncode:
        said = stand_ins.without_folder(_as_called(built.stderr.decode(errors="replace").strip(), directory))
        raise FunctionError(problem(directory.shown, f"{told} failed: {said}"))
    return built.stdout


def _as_called(text: str, directory: Place) -> str:
    """Return what kustomize says with the user's names of files where they were read from a folder of ours."""
    if directory.root is None:
        return text
    here = directory.path.resolve()

    def called(found: re.Match[str]) -> str:
        return os.path.normpath(Path(directory.shown, os.path.relpath(found[0], here)))

    return re.sub(re.escape(str(directory.root)) + "[^'\"\\s:,]*", called, text)


class _StandIns:
    """A folder with a `docker` and plugins that hand on what they get, the former noting the images."""

    def __init__(self, folder: Path, flags: Flags, own: Sequence[str] | frozenset[str]) -> None:
        self._folder, self._own = folder, own
        self._asked = folder / "asked"
        self._asked.write_text("", encoding="utf-8")
        programs = folder / "bin"
        programs.mkdir()
        docker = shutil.which("docker") if flags.allow_containers else None
        then = f'exec {shlex.quote(docker)} "$@"' if docker else "exec cat"
        if flags.allow_containers and not docker:
            then = "echo 'docker: not found in PATH' >&2; exit 127"
        mine = " | ".join(map(shlex.quote, sorted(own))) or "''"
        _script(
            programs / "docker",
            "#!/bin/sh\n"
            "for image; do :; done\n"  # the last argument
            f'case "$image" in {mine}) exec cat ;; esac\n'
            'name="${image##*/}"; name="${name%%@*}"\n'
            f'[ "${{name%%:*}}" = {FUNCTION} ] && exec cat\n'
            f"printf '%s\\0' \"$image\" >>{shlex.quote(str(self._asked))}\n{then}\n",
        )
        for plugin in _OWN_PLUGINS:
            path = folder / "plugin" / plugin
            path.parent.mkdir(parents=True)
            _script(path, _NOTHING)
        self._allowed = flags.allow_containers

    def environment(self) -> dict[str, str]:
        """Return the environment in which kustomize finds the stand-ins first."""
        path = os.pathsep.join([str(self._folder / "bin"), os.environ.get("PATH", os.defpath)])
        return {**os.environ, "PATH": path, "KUSTOMIZE_PLUGIN_HOME": str(self._folder / "plugin")}

    def without_folder(self, text: str) -> str:
        """Return what kustomize says without the folder of the stand-ins, of which a user knows nothing."""
        return text.replace(f"{self._folder}/", "")

    def refused(self) -> list[str]:
        """Return the images that the tree names and that were not run."""
        if self._allowed:
            return []
        images = self._asked.read_text(encoding="utf-8", errors="replace").split("\0")
        return sorted({image for image in images if image and not is_own_image(image) and image not in self._own})


def _script(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o700)
