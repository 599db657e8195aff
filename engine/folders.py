"""Where things lie: one data folder with the database, cache, models, plugins, inputs and outputs.

Every path that comes from a document or a request goes through :meth:`Folders.inside` or :meth:`Folders.find`,
which follow symbolic links and refuse what leads out of the root.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.model_paths import read_model_paths

SAVED_MODELS = "models"
"""Folder below the outputs where nodes save models."""


class PathError(ValueError):
    """A path leads out of its root, or names nothing."""


def hugging_face_cache() -> Path:
    """Where huggingface_hub keeps models: ``HF_HUB_CACHE``, or ``hub`` in ``HF_HOME``."""
    given = os.environ.get("HF_HUB_CACHE")
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    return Path(given).expanduser() if given else home.expanduser() / "hub"


@dataclass(frozen=True, slots=True)
class Folders:
    """The data folder and what is in it.

    Attributes:
        data: the root.
        outputs: where finished files go; ``data/outputs`` unless chosen otherwise.
        anywhere: whether documents may name any file of this machine (true for a person at the command line,
            false for what arrives over HTTP).
        base: folder against which relative names are also tried when ``anywhere`` is set.
    """

    data: Path
    outputs: Path
    anywhere: bool = False
    base: Path | None = None

    @classmethod
    def at(
        cls, data: Path, *, outputs: Path | None = None, anywhere: bool = False, base: Path | None = None
    ) -> Folders:
        """Folders below ``data``."""
        root = data.expanduser().absolute()
        return cls(root, (outputs or root / "outputs").expanduser().absolute(), anywhere, base)

    @property
    def inputs(self) -> Path:
        """Uploaded files."""
        return self.data / "inputs"

    @property
    def models(self) -> Path:
        """Model files."""
        return self.data / "models"

    @property
    def extra_model_paths(self) -> tuple[Path, ...]:
        """Files that name further folders of models, those of other programs, used in place."""
        return self.data / "extra_model_paths.txt", self.data / "extra_model_paths.yaml"

    @property
    def saved_models(self) -> Path:
        """Models that workflows made: results like others, and found like models."""
        return self.outputs / SAVED_MODELS

    def model_roots(self) -> list[Path]:
        """Folders in which models are looked for: our own, those that workflows made, those of
        ``extra_model_paths``, the Hugging Face cache."""
        roots = [self.models, self.saved_models]
        for file in self.extra_model_paths:
            roots += read_model_paths(file) if file.is_file() else []
        known = dict.fromkeys([*roots, hugging_face_cache()])
        return [root for root in known if root == self.models or root.is_dir()]

    @property
    def plugins(self) -> Path:
        """Drop-in plugins."""
        return self.data / "plugins"

    @property
    def environments(self) -> Path:
        """Plugins that have an environment of their own."""
        return self.data / "environments"

    @property
    def plugin_trials(self) -> Path:
        """What is known of plugins' imports (see :mod:`engine.plugins.trials`)."""
        return self.cache / "plugin_trials.json"

    @property
    def cache(self) -> Path:
        """The disk tier of the cache."""
        return self.data / "cache"

    @property
    def cache_budgets(self) -> Path:
        """What has been set for the tiers of the cache."""
        return self.data / "cache_budgets.json"

    @staticmethod
    def inside(root: Path, name: str) -> Path:
        """The path of ``name`` below ``root``, with links followed.

        Raises:
            PathError: when it leads out of the root or is not a usable name.
        """
        if "\0" in name or name.startswith(("/", "\\")) or "\\" in name or (len(name) > 1 and name[1] == ":"):
            raise PathError(f"{name!r} is not a path below {root.name!r}")
        resolved_root = root.resolve()
        path = (resolved_root / name).resolve()
        if path != resolved_root and resolved_root not in path.parents:
            raise PathError(f"{name!r} leads out of {root.name!r}")
        return path

    def find(self, name: str, kind: str) -> Path:
        """The file that a document names: below inputs, outputs or (for models) the models folder.

        Raises:
            PathError: when it is nowhere, or outside although ``anywhere`` is not set.
        """
        roots = self.model_roots() if kind == "model" else [self.inputs, self.outputs]
        if self.anywhere:
            direct = Path(name).expanduser()
            for candidate in (
                [direct] if direct.is_absolute() else [(self.base or Path.cwd()) / direct, Path.cwd() / direct]
            ):
                if candidate.exists():
                    return candidate.resolve()
            if direct.is_absolute():
                raise PathError(f"there is no file {name}")
        for root in roots:
            path = self.inside(root, name)
            if path.exists():
                return path
        places = ", ".join(str(root.name) for root in roots)
        raise PathError(f"there is no {'' if kind == 'file' else kind + ' '}file {name!r} (looked in {places})")
