"""A kustomization and those that it builds upon: which layer names the function, and what other programs they name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from krm_fn.command.reading import KUSTOMIZATIONS, Place, parse, read_bytes
from krm_fn.config import reader
from krm_fn.objects import annotations_of, ref_of
from krm_fn.results import FUNCTION, Code, FunctionError, Ref, Result
from krm_fn.values import mapping, strings

_PLUGINS = ("transformers", "generators", "validators")
_BELOW = ("resources", "bases", "components")
_KIND = re.compile(rb"^[\"']?kind[\"']?:|^\{", re.MULTILINE)  # kustomize takes files without one
_ANNOTATIONS = ("config.kubernetes.io/function", "config.k8s.io/function")
# Fields by which an outer layer changes what the function has seen, in the order in which they are told.
_CHANGES = (
    *("namePrefix", "nameSuffix", "namespace", "labels", "commonLabels", "patches", "patchesStrategicMerge"),
    *("patchesJson6902", "replacements", "replicas", "resources", "components", "transformers"),
)


class Plugin(NamedTuple):
    """An object that a kustomization names as a transformer, generator or validator.

    Attributes:
        value: the object.
        field: how the kustomization names it.
        shown: the file that holds it.
        program: the program on this machine that it wants to run; empty for none.
        image: the image that it wants to run; empty for none.
    """

    value: Mapping[str, Any]
    field: str
    shown: str
    program: str
    image: str

    @property
    def is_own(self) -> bool:
        """Whether it configures this function."""
        named = is_own_image(self.image) or Path(self.program).name == FUNCTION
        return named or reader.is_own(self.value) or reader.is_operator(self.value)


def is_own_image(image: str) -> bool:
    """Tell whether an image goes by this function's name, whatever its registry and tag."""
    return re.split("[:@]", image.rpartition("/")[2])[0] == FUNCTION


class Layer(NamedTuple):
    """A kustomization.

    Attributes:
        shown: its file.
        value: what it says.
        plugins: what it names as transformers, generators and validators, as far as this machine has it.
        below: the layers that it builds upon, but those that kustomize would fetch.
    """

    shown: str
    value: Mapping[str, Any]
    plugins: tuple[Plugin, ...]
    below: tuple[Layer, ...]

    def all(self) -> Iterator[Layer]:
        """Yield it and every layer below it, each once."""
        found = {id(self): self}
        left = [self]
        while left:
            one = left.pop(0)
            yield one
            for below in one.below:
                if id(below) not in found:
                    found[id(below)] = below
                    left.append(below)

    @property
    def own(self) -> Plugin | None:
        """The plugin that is this function's configuration."""
        return next((one for one in self.plugins if one.is_own), None)


def kustomization_of(directory: Place) -> Place | None:
    """Return the kustomization file of a directory, if it has one."""
    return next((directory.below(name) for name in KUSTOMIZATIONS if (directory.path / name).is_file()), None)


def read(directory: Place) -> Layer:
    """Read the kustomization of a directory and, as far as they are local, those that it builds upon.

    Raises:
        FunctionError: if one of them is no YAML.
    """
    return _Reader().layer(directory) or Layer(directory.shown, {}, (), ())


def outermost(directories: Sequence[Place]) -> list[Place]:
    """Return those of some directories that are built by themselves: no other one's parts, and no Components."""
    reader = _Reader()
    found: list[tuple[Place, Layer | None]] = []
    for one in directories:
        try:
            found.append((one, reader.layer(one)))
        except FunctionError:  # whoever builds it is told why
            found.append((one, None))
    below = {id(part) for _, layer in found if layer for part in layer.below}
    return [
        one
        for one, layer in found
        if layer is None or (id(layer) not in below and layer.value.get("kind") != "Component")
    ]


class _Reader:
    """Reads each kustomization once, however often it is named, also where they name one another in a circle."""

    def __init__(self) -> None:
        self._known: dict[Path, Layer | None] = {}  # None while it is being read

    def layer(self, directory: Place) -> Layer | None:
        real = directory.path.resolve()
        file = kustomization_of(directory)
        if real in self._known or file is None:
            return self._known.get(real)
        self._known[real] = None
        text = read_bytes(file)
        header = b"" if _KIND.search(text) else b"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
        items = parse(header + text, file.shown).items
        value = items[0].value if items else {}
        plugins = [
            one for key in _PLUGINS for entry in strings(value.get(key)) for one in self._plugins(directory, key, entry)
        ]
        named = [_beside(directory, entry) for key in _BELOW for entry in strings(value.get(key))]
        below = [layer for place in named if place and (layer := self.layer(place))]
        self._known[real] = found = Layer(file.shown, value, tuple(plugins), tuple(below))
        return found

    def _plugins(self, directory: Place, key: str, entry: str) -> Iterator[Plugin]:
        """Yield the objects of an entry: a file, a directory of which the build has them, or their text itself."""
        if place := _beside(directory, entry):
            layer = self.layer(place)
            for name in strings(layer.value.get("resources")) if layer else ():
                if not _beside(place, name):
                    yield from self._plugins(place, key, name)
            return
        file = directory.below(entry)
        if "\n" in entry:
            raw, shown = entry.encode(), (kustomization_of(directory) or directory).shown
        elif file.path.is_file():
            raw, shown = read_bytes(file), os.path.normpath(file.shown)
        else:
            return
        try:
            listed = parse(raw, shown)
        except FunctionError:
            return  # kustomize says so, in its own words
        for item in listed.items:
            function = _function(item.value)
            program, image = mapping(function, "exec").get("path"), mapping(function, "container").get("image")
            yield Plugin(item.value, key, shown, *(one if isinstance(one, str) else "" for one in (program, image)))


def _beside(directory: Place, entry: str) -> Place | None:
    """Return the directory that an entry names, as the user would call it; None for a file or a URL."""
    path = directory.path / entry
    if "\n" in entry or not path.is_dir():
        return None
    return Place(os.path.normpath(f"{directory.shown}/{entry}"), path, directory.root)


def _function(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the annotation of a function says; nothing where there is none, or it is no YAML."""
    annotations = annotations_of(value)
    text = next((text for key in _ANNOTATIONS if isinstance(text := annotations.get(key), str)), "")
    indented = "".join(f"\n  {line}" for line in text.splitlines())
    try:
        listed = parse(f"apiVersion: v1\nkind: Function\nvalue:{indented}\n".encode(), "")
    except FunctionError:
        return {}
    return mapping(listed.items[0].value, "value")


def findings(top: Layer) -> Iterator[Result]:
    """Yield what the layers keep from being shown as it will be built."""
    yield from _layers(top)
    for layer in top.all():
        for one in layer.plugins:
            if one.program and not one.is_own:
                ref = ref_of(one.value, one.shown)
                message = (
                    f"is a function of the kind exec ({one.program}), which is never run here, so what is shown lacks "
                    "what it does: the tree may be a stranger's; if you trust it, build it yourself and pipe the build "
                    f"in: kustomize build --enable-alpha-plugins --enable-exec … | {FUNCTION} check -"
                )
                yield Result(Code.FUNCTION_NOT_RUN, message, ref)


def _layers(top: Layer) -> Iterator[Result]:
    """Yield a finding where the function is named in a layer that others stand around."""
    if own := top.own:
        rest = [one for one in top.plugins if one.field == "transformers"]
        after = rest[rest.index(own) + 1 :] if own in rest else []
        if after:
            names = ", ".join(str(ref_of(one.value)) for one in after)
            message = (
                f"names other transformers behind the function ({names}): what they rename or label, the routes do not "
                "know; put the function last"
            )
            yield Result(Code.INNER_LAYER, message, Ref(file=top.shown), "transformers")
        return
    for inner in top.all():
        if inner.own:
            around = [key for key in _CHANGES if _changes(top, key)]
            message = (
                f"names the function as its transformer, and {top.shown} is a layer around it ({', '.join(around)}): "
                "kustomize changes what it has made, and renames Services, but not the hosts in the routes; name it in "
                "the outermost kustomization. Shown is what it would do there"
            )
            yield Result(Code.INNER_LAYER, message, Ref(file=inner.shown), "transformers")


def _changes(top: Layer, key: str) -> bool:
    """Tell whether a field of a layer changes or adds anything; that it names the layers below does not."""
    entries = top.value.get(key)
    return len(strings(entries)) > len(top.below) if key == "resources" else bool(entries)


def config_of(top: Layer) -> Mapping[str, Any] | None:
    """Return the configuration of this function: of the outermost layer that names it."""
    return next((one.own.value for one in top.all() if one.own), None)
