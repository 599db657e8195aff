"""The folder layout of diffusers, looked at from outside: which components there are, and whether files are whole.

A pipeline is a folder with ``model_index.json``, which names the class of every component, and one folder per component
with its configuration and its weights. Everything here reads JSON and the headers of weights only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodes.families.safetensors_check import Stored, read_header

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.stored_weights import StoredFile

INDEX = "model_index.json"
LIBRARIES = ("diffusers", "transformers")
_LARGEST_JSON = 32 << 20
_STEMS = ("diffusion_pytorch_model", "model")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_WEIGHTLESS = re.compile(r"Tokenizer|Scheduler|Processor|Guid|FeatureExtractor")
"""Classes of components that have no weights."""


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        ValueError: naming the file that is missing, too large or damaged.
    """
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise ValueError(f"it is larger than {_LARGEST_JSON >> 20} MiB")
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"{path} is missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected a JSON object: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a JSON object")
    return content


@dataclass(frozen=True)
class Component:
    """One part of a pipeline.

    Attributes:
        name: as ``model_index.json`` calls it (``"transformer"``).
        library: ``"diffusers"`` or ``"transformers"``.
        kind: name of its class.
        folder: where its files lie.
    """

    name: str
    library: str
    kind: str
    folder: Path

    @property
    def has_weights(self) -> bool:
        """Whether it is a network."""
        return _WEIGHTLESS.search(self.kind) is None

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its configuration; a scheduler's and a tokenizer's have names of their own."""
        kinds = ("scheduler_", "tokenizer_", "preprocessor_", "guider_")
        names = ("config.json", *(f"{kind}config.json" for kind in kinds))
        found = next((name for name in names if (self.folder / name).is_file()), "config.json")
        return read_json(self.folder / found)

    @cached_property
    def weight_files(self) -> tuple[Path, ...]:
        """The files with its weights, in order.

        Raises:
            ValueError: when they are missing, pickles, or an index names a file outside of the folder.
        """
        indexes = sorted(self.folder.glob("*.safetensors.index*.json"))
        if indexes:
            return self._shards(indexes[0])
        single = [path for stem in _STEMS for path in sorted(self.folder.glob(f"{stem}*.safetensors"))]
        plain = [path for path in single if path.name.count(".") == 1] or single  # before "model.fp16.safetensors"
        if plain:
            return (plain[0],)
        pickles = [path for path in sorted(self.folder.glob("*")) if path.suffix in _PICKLES]
        if pickles:
            raise ValueError(
                f"{pickles[0]} is a pickle, which can run code when it is opened: expected weights as safetensors"
            )
        raise ValueError(f"{self.folder}: no weights of {self.kind}: expected {_STEMS[0]}.safetensors or its shards")

    def _shards(self, index: Path) -> tuple[Path, ...]:
        weight_map = read_json(index).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise ValueError(f"{index}: expected an object 'weight_map' with a file for every tensor")
        names = sorted({str(name) for name in weight_map.values()})
        for name in names:
            if not re.fullmatch(r"[\w.+-]+\.safetensors", name):
                raise ValueError(f"{index}: names the file {name!r}: expected a safetensors file in the same folder")
            if not (self.folder / name).is_file():
                raise ValueError(f"{self.folder / name} is missing, although {index.name} names it")
        return tuple(self.folder / name for name in names)

    @cached_property
    def tensors(self) -> dict[str, Stored]:
        """What its weight files hold.

        Raises:
            ValueError: naming the file that is damaged.
        """
        found: dict[str, Stored] = {}
        for path in self.weight_files:
            found |= read_header(path)
        return found

    @cached_property
    def nbytes(self) -> int:
        """Bytes of its weights as stored."""
        return sum(stored.end - stored.begin for stored in self.tensors.values())

    @property
    def place(self) -> Path:
        """What a message names: its first file of weights."""
        return self.weight_files[0]

    def state(self) -> tuple[dict[str, Tensor], list[StoredFile]]:
        """Its weights by name, over the files in which they lie, and these files."""
        from nodes.families.stored_weights import stored_file

        opened = [stored_file(path) for path in self.weight_files]
        return {name: tensor for file in opened for name, tensor in file.tensors.items()}, opened

    @property
    def files(self) -> tuple[Path, ...]:
        """All its files that decide what it computes."""
        small = (path for path in self.folder.iterdir() if path.is_file() and not path.name.startswith("."))
        weights = set(self.weight_files) if self.has_weights else set[Path]()
        kept = (path for path in small if path in weights or path.suffix in (".json", ".txt", ".model", ".jinja"))
        return tuple(sorted(kept))


@dataclass(frozen=True)
class Layout:
    """A folder in diffusers layout.

    Attributes:
        folder: where it lies.
        pipeline: the class that ``model_index.json`` names.
        settings: the plain values in ``model_index.json`` (``boundary_ratio``, ...).
        components: by name; those that the pipeline leaves out are missing here.
    """

    folder: Path
    pipeline: str
    settings: Mapping[str, Any]
    components: Mapping[str, Component] = field(default_factory=dict)

    def component(self, name: str, kinds: tuple[str, ...] = ()) -> Component:
        """A component, checked to be of one of these classes.

        Raises:
            ValueError: when it is missing or of another class.
        """
        found = self.components.get(name)
        if found is None:
            raise ValueError(f"{self.folder / INDEX}: {self.pipeline} needs a component {name!r}, and it names none")
        if not found.folder.is_dir():
            raise ValueError(f"{found.folder} is missing: expected the files of {found.kind}")
        if kinds and found.kind not in kinds:
            named_by = self.folder / INDEX if found.folder == self.folder / name else found.place
            raise ValueError(f"{named_by}: {name!r} is a {found.kind}: expected {' or '.join(kinds)}")
        declared = found.config.get("_class_name", found.kind)
        if found.library == "diffusers" and declared != found.kind:
            raise ValueError(f"{found.folder / 'config.json'}: this is a {declared}: expected {found.kind}")
        return found


def read_layout(folder: Path) -> Layout:
    """What ``model_index.json`` of a folder says.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    path = folder / INDEX
    index = read_json(path)
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise ValueError(f"{path}: expected '_class_name' to name a pipeline")
    settings: dict[str, Any] = {}
    components: dict[str, Component] = {}
    for name, value in index.items():
        if name.startswith("_"):
            continue
        if not (isinstance(value, list) and len(value) == 2):
            settings[name] = value
        elif value[0] is not None:
            library, kind = value
            if library not in LIBRARIES or not isinstance(kind, str) or not re.fullmatch(r"\w+", name):
                raise ValueError(f"{path}: {name!r} comes from {library!r}: expected diffusers or transformers")
            components[name] = Component(name, library, kind, folder / name)
    return Layout(folder, pipeline, settings, components)


def pipeline_of(folder: Path) -> str | None:
    """The pipeline class that a folder names, or ``None`` where it is no folder in diffusers layout."""
    try:
        name = read_json(folder / INDEX).get("_class_name") if (folder / INDEX).is_file() else None
    except ValueError:
        return None
    return name if isinstance(name, str) else None
