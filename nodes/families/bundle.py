"""The components of a diffusers folder, checked first and loaded one by one when they are used."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import nn

from kinograph import InvalidInput, content_digest
from nodes.families.layout import Component, Layout
from nodes.families.residency import Resident, dtype_named
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

    Attributes:
        layout: what the folder holds.
        device: where networks go.
    """

    def __init__(
        self, layout: Layout, device: str, dtype: str = "auto", overrides: Mapping[str, str] | None = None
    ) -> None:
        self.layout = layout
        self.device = device
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
        """Content digest of components (those that are there)."""
        files = ((name, file) for name in names if self.has(name) for file in self.layout.component(name).files)
        return combined((f"{name}/{file.name}", content_digest(file)) for name, file in files)

    def dtype(self, name: str) -> torch.dtype:
        """The number format in which a network computes."""
        wanted = self._dtype if self._dtype != "auto" else self._overrides.get(name, "auto")
        return dtype_named(wanted, self.device)

    def resident(self, name: str) -> Resident:
        """The network of a component, not loaded yet."""
        if name not in self._residents:
            component, dtype = self.layout.component(name), self.dtype(name)
            values = sum(component_values(component))
            self._residents[name] = Resident(
                f"{component.kind} of {self.layout.folder.name}",
                lambda: load_network(component, dtype).to(self.device),
                values * dtype.itemsize,
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


def component_values(component: Component) -> Iterator[int]:
    """How many values each tensor of a component has."""
    for stored in component.tensors.values():
        yield torch.Size(stored.shape).numel()


def class_of(component: Component) -> Any:
    """The class of a component.

    Raises:
        ValueError: when the installed library does not have it.
    """
    found = getattr(library(component.library), component.kind, None)
    if found is None:
        raise ValueError(f"{component.library} {library(component.library).__version__} has no {component.kind}")
    return found


def load_network(component: Component, dtype: torch.dtype) -> nn.Module:
    """A network with its weights.

    Raises:
        ValueError: naming the folder, when weights are missing or do not fit.
    """
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
    module: nn.Module = network
    return module


def _variant(component: Component) -> dict[str, str]:
    parts = component.weight_files[0].name.split(".")
    variant = parts[1] if len(parts) > 2 and parts[1] not in ("safetensors",) else ""
    return {"variant": variant.split("-")[0]} if variant else {}


def check_fits(component: Component) -> None:
    """Compare names and shapes of the stored weights with the network that the configuration describes.

    The network is built without memory (on torch's meta device). Only for networks of diffusers; those of transformers
    rename weights while they load, and are checked then.

    Raises:
        ValueError: naming the file, the weight, and what was expected.
    """
    stored = component.tensors
    if component.library != "diffusers":
        return
    try:
        with torch.device("meta"):
            network = class_of(component).from_config(component.config)
    except (ValueError, TypeError, RuntimeError, KeyError) as error:
        raise ValueError(f"{component.folder / 'config.json'}: describes no {component.kind}: {error}") from error
    place = component.weight_files[0]
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    for name, shape in wanted.items():
        if name not in stored:
            raise ValueError(f"{place}: has no weight {name!r}, which {component.kind} needs: is it of another model?")
        if stored[name].shape != shape:
            raise ValueError(
                f"{place}: {name!r} has shape {list(stored[name].shape)}: expected {list(shape)} for {component.kind}"
            )
        if not stored[name].dtype.startswith(("F", "BF")) and network.state_dict()[name].is_floating_point():
            raise ValueError(f"{place}: {name!r} is stored as {stored[name].dtype}: expected floating point weights")
