"""The components of a diffusers folder, checked first and loaded one by one when they are used."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import nn

from kinograph import InvalidInput, content_digest
from nodes.families.building import build, check, sizes_of
from nodes.families.known_digests import check_content
from nodes.families.layout import Component, Layout
from nodes.families.packed import Packing
from nodes.families.residency import Resident, dtype_named
from nodes.families.single_files import FileComponent, FileTokenizer
from nodes.families.weight_files import combined

EXTRA = "kinograph[models]"


@cache
def library(name: str) -> ModuleType:
    """diffusers or transformers, imported when a family is first used (about three seconds).

    Raises:
        InvalidInput: when it is not installed.
    """
    try:
        module = import_module(name)
    except ImportError as error:
        raise InvalidInput(
            "folder", f"this model needs the package {name}, which is not installed", wanted=f"pip install '{EXTRA}'"
        ) from error
    with contextlib.suppress(AttributeError):
        module.utils.logging.disable_progress_bar()
    return module


class Bundle:
    """The components of one model.

    Args:
        layout: what there is.
        device: where networks go.
        dtype: the number format of weights and computation.
        overrides: number formats of single components, whatever ``dtype`` says.
        packing: how the weights of transformers and text encoders are packed; ``None``: as they are stored.

    Attributes:
        layout: what there is.
        device: where networks go.
        packing: how weights are packed.
    """

    def __init__(
        self,
        layout: Layout,
        device: str,
        dtype: str = "auto",
        overrides: Mapping[str, str] | None = None,
        packing: Packing | None = None,
    ) -> None:
        self.layout = layout
        self.device = device
        self.packing = packing
        self._dtype = dtype
        self._overrides = dict(overrides or {})
        self._residents: dict[str, Resident] = {}
        self._plain: dict[str, Any] = {}

    def has(self, name: str) -> bool:
        """Whether the model has this component."""
        return name in self.layout.components

    def config(self, name: str) -> dict[str, Any]:
        """The configuration of a component, as its file says."""
        return self.layout.component(name).config

    def digest(self, *names: str) -> str:
        """Digest of components (those that are there): of their content, number format and packing."""
        present = [name for name in names if self.has(name)]
        files = [(name, file) for name in present for file in self.layout.component(name).files]
        parts = [(f"{name}/{file.name}", content_digest(file)) for name, file in files]
        parts += [(name, f"{self.dtype(name)} {self.packing}") for name in present]
        return combined(parts)

    def dtype(self, name: str) -> torch.dtype:
        """The number format in which a network computes."""
        return dtype_named(self._overrides.get(name, self._dtype), self.device)

    def resident(self, name: str) -> Resident:
        """The network of a component, not loaded yet."""
        if name not in self._residents:
            component, dtype = self.layout.component(name), self.dtype(name)
            packing = None if name.startswith("vae") else self.packing
            sizes = sizes_of(component, dtype, packing)
            self._residents[name] = Resident(
                f"{component.kind} of {self.layout.folder.name}",
                lambda room: load_network(component, dtype, self.device, packing, room),
                sizes.total,
                sizes.least,
                self.device,
                files=component.weight_files,
            )
        return self._residents[name]

    def network(self, name: str) -> Any:
        """The network of a component, loaded."""
        return self.resident(name).get()

    def plain(self, name: str) -> Any:
        """A component without weights: a tokenizer, a processor."""
        if name not in self._plain:
            component = self.layout.component(name)
            try:
                if isinstance(component, FileTokenizer):
                    self._plain[name] = component.make()
                    return self._plain[name]
                self._plain[name] = class_of(component).from_pretrained(component.folder, local_files_only=True)
            except (OSError, ValueError, TypeError, KeyError) as error:
                raise ValueError(f"{component.folder}: the {component.kind} cannot be loaded: {error}") from error
        return self._plain[name]

    def scheduler(self, **changes: Any) -> Any:
        """A fresh scheduler; none is ever shared between runs."""
        component = self.layout.component("scheduler")
        return class_of(component).from_config({**component.config, **changes})

    def check(self) -> None:
        """Check the files of every component, before anything is loaded.

        Raises:
            ValueError: naming the file, and what was expected.
        """
        for name in self.layout.components:
            component = self.layout.component(name)
            _ = component.config
            if component.has_weights:
                check_fits(component)
                for file in component.weight_files:
                    check_content(file)


def class_of(component: Component) -> Any:
    """The class of a component.

    Raises:
        ValueError: when the installed library does not have it.
    """
    found = getattr(library(component.library), component.kind, None)
    if found is None:
        raise ValueError(f"{component.library} {library(component.library).__version__} has no {component.kind}")
    return found


def load_network(
    component: Component,
    dtype: torch.dtype,
    device: str = "cpu",
    packing: Packing | None = None,
    room: int | None = None,
) -> nn.Module:
    """A network with its weights on a device, within ``room`` bytes (``None``: all that it needs).

    Raises:
        ValueError: naming the folder or file, when weights are missing or do not fit.
    """
    if isinstance(component, FileComponent) or packing is not None or room is not None:
        return build(component, dtype, device, packing, room)
    kind = class_of(component)
    try:
        network, report = kind.from_pretrained(
            component.folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            output_loading_info=True,
            **_variant(component),
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError) as error:
        raise ValueError(f"{component.folder}: the {component.kind} cannot be loaded: {error}") from error
    missing = sorted(report["missing_keys"])
    if missing:
        raise ValueError(
            f"{component.folder}: {len(missing)} weights of {component.kind} are missing: {missing[0]!r}, ..."
        )
    module: nn.Module = network.to(device)
    return module


def _variant(component: Component) -> dict[str, str]:
    parts = component.weight_files[0].name.split(".")
    variant = parts[1] if len(parts) > 2 and parts[1] not in ("safetensors",) else ""
    return {"variant": variant.split("-")[0]} if variant else {}


def check_fits(component: Component) -> None:
    """Compare names and shapes of the stored weights with the network that the configuration describes.

    Nothing is read but headers. Networks of transformers in a folder rename weights while they load, and are checked
    then.

    Raises:
        ValueError: naming the file, the weight, and what was expected.
    """
    _ = component.tensors  # whether the files are whole
    if component.library == "diffusers" or isinstance(component, FileComponent):
        check(component)
