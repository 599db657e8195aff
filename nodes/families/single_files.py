"""Models put together from single files, alone or in the place of parts of a folder in diffusers layout."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodes.families import hunyuan15_names
from nodes.families.gguf_file import open_gguf
from nodes.families.key_layouts import (
    DIFFUSERS_UTILITIES,
    KeyLayout,
    Shape,
    from_folder,
    recognised,
    what_it_is,
)
from nodes.families.layout import Component, Layout, read_layout
from nodes.families.safetensors_check import Stored, read_header
from nodes.families.weight_files import safetensors_metadata

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.stored_weights import StoredFile

PARTS = ("transformer", "transformer_2", "vae", "text_encoder", "text_encoder_2")
"""Components that may come as a single file."""
SENTENCEPIECE = "spiece_model"
"""Tensor of bytes in text encoders as they are shared for ComfyUI: the tokenizer."""


@dataclass(frozen=True)
class FileComponent(Component):
    """A component in a single file.

    Attributes:
        file: the file.
        layout: how it was recognised.
        prefix: what stands before the names of its weights.
        described: its configuration.
    """

    file: Path = field(kw_only=True)
    layout: KeyLayout = field(kw_only=True)
    prefix: str = field(kw_only=True)
    described: Mapping[str, Any] = field(kw_only=True)

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its configuration, from the shapes of its weights."""
        return {**self.described, "_class_name": self.kind}

    @cached_property
    def weight_files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.file,)

    @cached_property
    def tensors(self) -> dict[str, Stored]:
        """What of the file belongs to it."""
        mine = (name for name in names_in(self.file) if name.startswith(self.prefix))
        return {name.removeprefix(self.prefix): names_in(self.file)[name] for name in mine}

    @property
    def files(self) -> tuple[Path, ...]:
        """The file."""
        return (self.file,)

    def state(self) -> tuple[dict[str, Tensor], list[StoredFile]]:
        """Its weights under the names that its class has."""
        from nodes.families.stored_weights import stored_file

        opened = stored_file(self.file)
        state = {
            self.layout.expects + ours(name).removeprefix(self.prefix): tensor
            for name, tensor in opened.tensors.items()
            if ours(name).startswith(self.prefix) and name != SENTENCEPIECE
        }
        for part, wanted in self.layout.renamed:
            state = {name.replace(part, wanted): tensor for name, tensor in state.items()}
        if self.layout.converter:
            module, _, function = self.layout.converter.rpartition(".")
            converter = getattr(import_module(module or DIFFUSERS_UTILITIES), function)
            try:
                state = converter(state)
            except (KeyError, IndexError, RuntimeError) as error:
                raise ValueError(f"{self.file}: expected the weights of {self.kind}, {error} is missing") from error
        return state, [opened]


@dataclass(frozen=True)
class GivenComponent(Component):
    """A component without files: a scheduler with the published settings of its family."""

    described: Mapping[str, Any] = field(kw_only=True, default_factory=dict)

    @cached_property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return dict(self.described)

    @property
    def files(self) -> tuple[Path, ...]:
        """None."""
        return ()


@dataclass(frozen=True)
class FileTokenizer(Component):
    """The tokenizer that a text encoder's file carries."""

    file: Path = field(kw_only=True)

    @cached_property
    def config(self) -> dict[str, Any]:
        """It has none."""
        return {}

    @property
    def files(self) -> tuple[Path, ...]:
        """The file that carries it."""
        return (self.file,)

    def make(self) -> Any:
        """The tokenizer.

        Raises:
            ValueError: naming the file, when it cannot be read.
        """
        from nodes.families.tokenizer_files import t5_from_gguf, t5_from_sentencepiece

        if self.file.suffix == ".gguf":
            return t5_from_gguf(self.file)
        stored = names_in(self.file)[SENTENCEPIECE]
        with self.file.open("rb") as stream:
            stream.seek(stored.begin)
            return t5_from_sentencepiece(stream.read(stored.end - stored.begin), self.file)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What single files leave out: the pipeline's name, its scheduler and settings, as published."""

    pipeline: str
    scheduler: str
    settings: Mapping[str, Any]
    needs: tuple[str, ...]
    """Parts without which the model cannot run, with examples of files as they are shared."""


_FLOW_MATCH = "FlowMatchEulerDiscreteScheduler"
_T5 = "text_encoder (t5xxl_fp16.safetensors)"
_WAN_SCHEDULE: Mapping[str, Any] = {
    "prediction_type": "flow_prediction",
    "use_flow_sigmas": True,
    "num_train_timesteps": 1000,
    "flow_shift": 3.0,
}
_WAN_NEEDS = ("transformer", "vae (wan_2.1_vae.safetensors)", "text_encoder (umt5_xxl_fp8_e4m3fn_scaled.safetensors)")
ASSEMBLIES: dict[str, Assembly] = {
    "wan": Assembly(
        "WanPipeline",
        "UniPCMultistepScheduler",
        _WAN_SCHEDULE,
        _WAN_NEEDS,
    ),
    "wan_vace": Assembly(
        "WanVACEPipeline",
        "UniPCMultistepScheduler",
        _WAN_SCHEDULE,
        _WAN_NEEDS,
    ),
    "skyreels_forcing": Assembly(
        "SkyReelsV2DiffusionForcingPipeline",
        "UniPCMultistepScheduler",
        {**_WAN_SCHEDULE, "flow_shift": 8.0},
        _WAN_NEEDS,
    ),
    "ltx": Assembly(
        "LTXPipeline",
        _FLOW_MATCH,
        {"use_dynamic_shifting": True, "base_shift": 0.95, "max_shift": 2.05, "base_image_seq_len": 1024,
         "max_image_seq_len": 4096, "shift_terminal": 0.1},
        ("transformer", "vae", _T5),
    ),
    "mochi": Assembly("MochiPipeline", _FLOW_MATCH, {"invert_sigmas": True}, ("transformer", "vae", _T5)),
    "hunyuan_video": Assembly(
        "HunyuanVideoPipeline",
        _FLOW_MATCH,
        {"shift": 7.0},
        ("transformer", "vae", "text_encoder (llava_llama3_fp16.safetensors)", "text_encoder_2 (clip_l.safetensors)"),
    ),
}  # fmt: skip


def names_in(path: Path) -> dict[str, Stored]:
    """The tensors of a file, under the names that are recognised.

    Raises:
        ValueError: naming the file when it is damaged, a pickle, or of another kind.
    """
    stored = open_gguf(path).stored() if path.suffix == ".gguf" else read_header(path)
    return {ours(name): found for name, found in stored.items()}


_T5_OF_GGUF = (
    (r"^token_embd\.", "shared."),
    (r"^enc\.output_norm\.", "encoder.final_layer_norm."),
    (r"^enc\.blk\.(\d+)\.attn_rel_b\.", r"encoder.block.\1.layer.0.SelfAttention.relative_attention_bias."),
    (r"^enc\.blk\.(\d+)\.attn_([qkvo])\.", r"encoder.block.\1.layer.0.SelfAttention.\2."),
    (r"^enc\.blk\.(\d+)\.attn_norm\.", r"encoder.block.\1.layer.0.layer_norm."),
    (r"^enc\.blk\.(\d+)\.ffn_gate\.", r"encoder.block.\1.layer.1.DenseReluDense.wi_0."),
    (r"^enc\.blk\.(\d+)\.ffn_up\.", r"encoder.block.\1.layer.1.DenseReluDense.wi_1."),
    (r"^enc\.blk\.(\d+)\.ffn_down\.", r"encoder.block.\1.layer.1.DenseReluDense.wo."),
    (r"^enc\.blk\.(\d+)\.ffn_norm\.", r"encoder.block.\1.layer.1.layer_norm."),
)
"""T5's weights as llama.cpp names them in GGUF files, and as transformers does."""


def ours(name: str) -> str:
    """The name under which a tensor is looked for."""
    if name.startswith(("enc.", "token_embd.")):
        for pattern, wanted in _T5_OF_GGUF:
            renamed, count = re.subn(pattern, wanted, name)
            if count:
                return renamed
    return name


def metadata_of(path: Path) -> dict[str, Any]:
    """What a safetensors file says of itself; JSON in it is read."""
    if path.suffix == ".gguf":
        return {}
    found = safetensors_metadata(path)
    try:
        return {**found, "config": json.loads(found["config"])} if "config" in found else found
    except ValueError:
        return {name: value for name, value in found.items() if name != "config"}


def components_in(path: Path, like: Component | None = None) -> dict[str, FileComponent]:
    """The components that a file holds, by part.

    Args:
        path: the file.
        like: a component of a folder, in the place of which it is to be used; its configuration is used for a file that
            has the names that diffusers gives it, or those of HunyuanVideo 1.5.

    Raises:
        ValueError: naming the file, when it is damaged or of no known family.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    shapes: dict[str, Shape] = {name: stored.shape for name, stored in names_in(path).items()}
    try:
        found = recognised(shapes, metadata_of(path))
    except (LookupError, ArithmeticError, ValueError) as error:  # a weight from which a size follows
        raise ValueError(f"{path}: expected whole weights; {error} is missing or of another shape") from error
    beside = None if found else from_folder(shapes)
    if beside is not None:
        prefix, title, kinds = beside
        if like is None or like.kind not in kinds:
            given = "" if like is None else f"; that of the folder is a {like.kind}"
            raise ValueError(
                f"{path}: this is a transformer of {title}; expected a folder (in diffusers layout) of the same model "
                f"beside it, for its configuration and the other parts{given}"
            )
        return {like.name: _like(path, like, prefix, prefix + hunyuan15_names.MARK in shapes)}
    if not found:
        known = what_it_is(shapes)
        some = ", ".join(repr(name) for name in list(shapes)[:3])
        why = f"this is {known}: it cannot be used as a single file" if known else f"of no known family (it has {some})"
        raise ValueError(
            f"{path}: {why}; expected a transformer of {', '.join(sorted(ASSEMBLIES))}, a VAE of Wan or LTX, or a text "
            "encoder (T5, UMT5, CLIP, Llama)"
        )
    return {
        part: FileComponent(
            part, layout.library, layout.kind, path.parent, file=path, layout=layout, prefix=prefix, described=config
        )
        for part, (layout, config, prefix) in found.items()
    }


def _like(path: Path, like: Component, prefix: str, renamed: bool) -> FileComponent:
    """A file as a component of a folder, with the configuration that lies there."""
    converter = f"{hunyuan15_names.__name__}.converted" if renamed else ""
    layout = KeyLayout("", like.name, like.library, like.kind, (), lambda _: dict(like.config), converter)
    return FileComponent(
        like.name, like.library, like.kind, path.parent, file=path, layout=layout, prefix=prefix, described=like.config
    )


SAME_NAMES = {("WanTransformer3DModel", "SkyReelsV2Transformer3DModel")}
"""Networks whose files cannot be told apart: what a file looks like, and what it is in a folder of the other."""


def put_together(files: Mapping[str, Path], folder: Path | None = None, tokenizer: Path | None = None) -> Layout:
    """A model from single files, by part, over a folder in diffusers layout where one is given.

    Raises:
        ValueError: naming the file that does not fit, or what is missing.
    """
    parts: dict[str, Component] = {}
    family = ""
    base = None if folder is None else read_layout(folder)
    for part, path in files.items():
        like = None if base is None else base.components.get(part)
        held = components_in(path, like)
        if part in held and like is not None and (held[part].kind, like.kind) in SAME_NAMES:
            held[part] = replace(held[part], kind=like.kind)
        wanted = part.removesuffix("_2") if part == "transformer_2" else part
        if wanted not in held:
            what = " and ".join(f"the {name} of a {found.kind}" for name, found in held.items())
            raise ValueError(f"{path}: expected a {part}; this holds {what}")
        parts[part] = replace(held[wanted], name=part)
        if wanted == "transformer":
            family = held[wanted].layout.family
            if "vae" in held:
                parts.setdefault("vae", held["vae"])
    for part, found in list(parts.items()):
        if part.startswith("text_encoder"):
            given = _tokenizer_of(found, tokenizer)
            if given is not None:
                parts[given.name] = given
    if base is not None:
        return replace(base, components={**base.components, **parts})
    if not family:
        raise ValueError("a model needs a transformer: a file, or a folder in diffusers layout that has one")
    return complete(family, parts)


def _tokenizer_of(encoder: Component, folder: Path | None) -> Component | None:
    name = "tokenizer" + encoder.name.removeprefix("text_encoder")
    if folder is not None:
        own = folder / name
        place = own if own.is_dir() else folder
        kind = {"CLIPTextModel": "CLIPTokenizerFast", "LlamaModel": "LlamaTokenizerFast"}.get(
            encoder.kind, "T5Tokenizer"
        )
        return Component(name, "transformers", kind, place)
    file = encoder.files[0]
    carries = file.suffix == ".gguf" or SENTENCEPIECE in names_in(file)
    if encoder.kind in ("T5EncoderModel", "UMT5EncoderModel") and carries:
        return FileTokenizer(name, "transformers", "T5Tokenizer", file.parent, file=file)
    return None


def complete(family: str, parts: dict[str, Component]) -> Layout:
    """A model of these parts, with what its family adds as published.

    Raises:
        ValueError: naming what is missing.
    """
    assembly = ASSEMBLIES[family]
    missing = [need for need in assembly.needs if need.split()[0] not in parts]
    missing += [
        f"{name} (a folder with its files)"
        for name in ("tokenizer", "tokenizer_2")
        if name.replace("tokenizer", "text_encoder") in parts and name not in parts
    ]
    if missing:
        raise ValueError(f"a {family} model from single files also needs {', '.join(missing)}")
    transformer = parts["transformer"]
    settings: dict[str, Any] = {}
    scheduler = dict(assembly.settings)
    if family == "wan":
        if "transformer_2" in parts:
            settings["boundary_ratio"] = 0.875
        if transformer.config["in_channels"] == 48:
            settings["expand_timesteps"] = True
            scheduler["flow_shift"] = 5.0
    pipeline = assembly.pipeline
    if family == "ltx" and "LTXVideo095DownBlock3D" in parts["vae"].config.get("down_block_types", ()):  # from 0.9.5 on
        pipeline, scheduler = "LTXConditionPipeline", {"use_dynamic_shifting": False}
    if family == "wan" and transformer.config["in_channels"] > transformer.config["out_channels"]:
        pipeline = "WanImageToVideoPipeline"
    parts["scheduler"] = GivenComponent(
        "scheduler", "diffusers", assembly.scheduler, transformer.folder, described=scheduler
    )
    return Layout(transformer.files[0], pipeline, settings, parts)
