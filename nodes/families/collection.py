"""The models on this machine: in the models folder, in folders shared with other programs, in the Hugging Face cache.

Nothing is moved and no weights are read: families are recognised by configurations, files checked by their headers.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodes.families.known_digests import DIGESTS, announced, known_digests
from nodes.families.layout import INDEX, read_layout
from nodes.families.registry import family_of
from nodes.families.safetensors_check import read_header
from nodes.families.single_files import components_in, names_in

"""File in the models folder: what ``verify`` found the first time."""
_SNAPSHOT = re.compile(r"models--(.+?)/snapshots/[^/]+")
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A model on this machine.

    Attributes:
        name: as a workflow names it: its path below ``root``.
        path: the folder, or the single file.
        root: the folder of models in which it lies.
        family: the family that loads it, or empty.
        pipeline: the stock pipeline that it belongs to; for a single file the classes of what it holds; or empty.
        nbytes: size of its files.
    """

    name: str
    path: Path
    root: Path
    family: str
    pipeline: str
    nbytes: int

    @property
    def title(self) -> str:
        """A short name: for the Hugging Face cache that of the repository."""
        match = _SNAPSHOT.fullmatch(self.name)
        return match[1].replace("--", "/") if match else self.name

    def files(self) -> list[Path]:
        """All its files."""
        if self.path.is_file():
            return [self.path]
        return sorted(path for path in self.path.rglob("*") if path.is_file() and not path.name.startswith("."))

    def problem(self) -> str:
        """What is wrong with its files, or empty: the structure of every file of weights is checked."""
        try:
            if self.path.is_file():
                names_in(self.path)
                return ""
            family = family_of(self.path)
            if family is not None:
                family.traits(self.path)
            if (self.path / INDEX).is_file():
                for component in read_layout(self.path).components.values():
                    _ = component.config, component.tensors if component.has_weights else None
            else:
                for path in self.path.glob("*.safetensors"):
                    read_header(path)
        except (ValueError, OSError, KeyError, TypeError) as error:
            return str(error) or type(error).__name__
        return ""


def find_models(roots: Sequence[Path]) -> list[FoundModel]:
    """All models below these folders, by name."""
    return sorted((model for root in roots for model in _below(root)), key=lambda model: model.title.lower())


def _below(root: Path) -> Iterator[FoundModel]:
    for place, folders, names in os.walk(root):
        folder = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "blobs")
        if len(folder.relative_to(root).parts) >= _DEEPEST:
            folders.clear()
        family = family_of(folder) if folder != root else None
        pipeline = _pipeline(folder) if INDEX in names else ""
        if family is not None or pipeline:
            folders.clear()  # its components are no models of their own
            yield _found(folder, root, family.name if family is not None else "", pipeline)
            continue
        for name in sorted(names):
            if name.endswith((".safetensors", ".gguf")):
                yield _found(folder / name, root, "", _single_file(folder / name))


def _single_file(path: Path) -> str:
    """What a single file holds, as far as its header says."""
    try:
        return " and ".join(found.kind for found in components_in(path).values())
    except (ValueError, KeyError, IndexError):
        return ""


def _pipeline(folder: Path) -> str:
    try:
        return read_layout(folder).pipeline
    except ValueError:
        return "?"


def _found(path: Path, root: Path, family: str, pipeline: str) -> FoundModel:
    model = FoundModel(path.relative_to(root).as_posix(), path, root, family, pipeline, 0)
    nbytes = sum(file.stat().st_size for file in model.files() if file.exists())
    return FoundModel(model.name, path, root, family, pipeline, nbytes)


def model_named(name: str, roots: Sequence[Path]) -> FoundModel:
    """The model of this name, title or path.

    Raises:
        ValueError: when there is none, or more than one.
    """
    models = find_models(roots)
    exact = [model for model in models if name in (model.name, model.title, str(model.path))]
    close = exact or [model for model in models if name.lower() in model.title.lower()]
    if len(close) != 1:
        known = ", ".join(model.title for model in (close or models)[:8]) or "none at all"
        what = f"{len(close)} models match" if close else "there is no model"
        raise ValueError(f"{what} {name!r}; there are: {known}")
    return close[0]


def add_model(source: Path, models: Path, name: str = "", copy: bool = False) -> Path:
    """Put a model folder or file into the models folder: as hard links, which take no space, or as a copy.

    Raises:
        ValueError: when it is damaged, or the name is taken or leads elsewhere.
    """
    target = models / (name or source.name)
    if target.exists() or models.resolve() not in target.resolve().parents:
        raise ValueError(f"{target} {'exists already' if target.exists() else 'lies outside of the models folder'}")
    found = FoundModel(target.name, source, source.parent, "", "", 0)
    if not found.files():
        raise ValueError(f"{source}: there are no files")
    if problem := found.problem():
        raise ValueError(problem)
    for file in found.files():
        place = target if source.is_file() else target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        _bring(file.resolve(), place, copy)
    return target


def _bring(file: Path, place: Path, copy: bool) -> None:
    if not copy:
        try:
            os.link(file, place)
        except OSError:  # another disk
            shutil.copy2(file, place)
    else:
        shutil.copy2(file, place)


def verify_model(model: FoundModel, models: Path, accept: bool = False) -> Iterator[tuple[Path, str]]:
    """Hash every file: ``(file, verdict)``, with verdicts ``ok``, ``new`` (hashed for the first time) or ``CHANGED``.

    A file is compared with what was found the first time, and in the Hugging Face cache with its name there, which is
    the hash of its content. ``accept``: what is found now counts from now on.
    """
    known = known_digests(models)
    for file in model.files():
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        expected = announced(file, known)
        if expected is None or accept:
            known[str(file.absolute())] = digest
        yield file, "new" if expected is None else "ok" if expected == digest else "CHANGED"
    remember_digests(models, known)


def remember_digests(models: Path, known: dict[str, str]) -> None:
    """Keep them for the next time."""
    store = models / DIGESTS
    models.mkdir(parents=True, exist_ok=True)
    temporary = store.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(known, indent=1, sort_keys=True), encoding="utf-8")
    temporary.replace(store)
