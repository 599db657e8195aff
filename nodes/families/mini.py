"""Kinograph Mini: the small text-to-video model that comes with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kinograph import DiffusionModel, InvalidInput, Latent, TextEncoder, VideoVAE, content_digest
from nodes.families.family import Adapted, Control, EncodedText, KnownPixels, LoRAFile, Parts, Request, Sampling
from nodes.families.traits import Traits
from nodes.families.weight_files import combined, safetensors_metadata

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nodes.models.lora import LoRA
    from nodes.models.mini import MiniParts
    from nodes.models.tokenizer import UnknownWord

TRAITS = Traits("mini", 48, width=64, height=64, frames=17, fps=8.0, steps=20, guidance=4.0, shift=2.0, solver="euler")
PIXELS_AT_ONCE = 1 << 18
"""Latent frames times height times width in pixels that the VAE takes at a time: about 100 MB of memory."""


class MiniFamily:
    """Rectified flow whose time is the noise level, words as tokens, a causal video VAE."""

    name = "mini"
    graded = False

    def recognises(self, folder: Path) -> bool:
        """Whether the folder holds Mini's files."""
        return (folder / "dit.safetensors").is_file() and (folder / "tokenizer.json").is_file()

    def traits(self, folder: Path) -> Traits:
        """Mini's geometry and what it was trained for; the weights say how many channels a latent has."""
        path = folder / "dit.safetensors"
        try:
            config = json.loads(safetensors_metadata(path)["config"])
            return replace(TRAITS, channels=int(config["latent_channels"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path}: expected weights of Kinograph Mini's transformer") from error

    def load(self, folder: Path, device: str, dtype: str = "auto") -> Parts:
        """Load the three networks of ``folder``, always in float32."""
        from nodes.models.mini import load_mini

        return assemble(load_mini(folder), device, files_digests(folder))

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Mini is told of what a sampler keeps, at every step."""
        return None

    def control(self, vae: VideoVAE, latent: Latent, control: Control) -> Latent | None:
        """Mini follows nothing."""
        return None

    def encode_text(self, encoder: TextEncoder, prompt: str, picture: Tensor | None = None) -> EncodedText:
        """Encode the words of a prompt; words outside the vocabulary are reported."""
        if picture is not None:
            raise InvalidInput("picture", "the text encoder of Mini sees no picture", wanted="KnownFrames for the clip")
        encoded = encoder.extras["tokenizer"].encode(prompt)
        warnings = tuple(unknown_word(word) for word in encoded.unknown)
        return EncodedText(encode_ids(encoder.module, encoded.ids), warnings)

    def prepare(self, model: DiffusionModel, request: Request) -> Sampling:
        """Mini predicts ``noise - clip`` and takes the noise level as its time; it may be told what is known."""
        from nodes.families.flow import flow_sampling

        def velocity(x: Tensor, sigma: Tensor, conditioning: Mapping[str, Tensor]) -> Tensor:
            words, pooled, mask = (conditioning[name] for name in ("tokens", "pooled", "mask"))
            told = {name: conditioning[name] for name in ("known", "known_mask") if name in conditioning}
            predicted: Tensor = model.module(x, sigma, words, pooled, mask, **told)
            return predicted

        return flow_sampling(velocity, model.extras["traits"], request)

    def encode_frames(self, vae: VideoVAE, pixels: Tensor, smallest: bool = False) -> Iterator[Tensor]:
        """Causal: pieces with the memory of the last one equal the whole clip at once."""
        from nodes.models.video_vae import CausalState

        state = CausalState()
        count, temporal = 1 if smallest else at_once(pixels.shape[-2] * pixels.shape[-1]), TRAITS.temporal
        start, end = 0, 1 + temporal * (count - 1)
        while start < pixels.shape[2]:
            yield vae.module.encode_chunk(pixels[:, :, start:end], state)  # type: ignore[operator]
            start, end = end, end + temporal * count

    def decode_latent(
        self,
        vae: VideoVAE,
        latent: Tensor,
        smallest: bool = False,
        seed: int = 0,
        generator: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Causal: pieces with the memory of the last one equal the whole clip at once."""
        import torch

        from nodes.models.video_vae import CausalState

        state = CausalState()
        count = 1 if smallest else at_once(latent.shape[-2] * latent.shape[-1] * TRAITS.spatial**2)
        for piece in torch.split(latent, count, dim=2):
            yield vae.module.decode_chunk(piece, state)  # type: ignore[operator]

    def preview(self, model: DiffusionModel, latent: Tensor) -> Tensor | None:
        """The linear path of the VAE's decoder, which alone gives a slightly blurred clip of full size."""
        from nodes.models.video_vae import PATCH, join_patches

        cells = latent.permute(1, 2, 3, 0).unsqueeze(0)  # [1, t, h, w, C]
        image, video = model.extras["preview"]  # each (weight [C, values], bias [values])
        parts = cells[:, :1] @ image[0] + image[1], cells[:, 1:] @ video[0] + video[1]
        pixels = join_patches(*parts, PATCH)[0]  # [T, 3, H, W]
        return (pixels.permute(0, 2, 3, 1) * 0.5 + 0.5).clamp(0, 1)

    def with_lora(self, model: DiffusionModel, encoder: TextEncoder | None, lora: LoRAFile) -> Adapted:
        """A LoRA of Mini changes its transformer and its text encoder, and may bring words.

        Raises:
            ValueError: when the file is no LoRA of Mini, or there is no encoder to change.
        """
        from nodes.families.safetensors_check import read_header
        from nodes.models.lora import LoRA

        if encoder is None:
            raise ValueError("a LoRA of Kinograph Mini changes the text encoder too: wire one in")
        read_header(lora.file)
        return Adapted(*adapted(model, encoder, LoRA.load(lora.file), lora.weight, content_digest(lora.file)))


def adapted(
    model: DiffusionModel, encoder: TextEncoder, lora: LoRA, weight: float, digest: str = ""
) -> tuple[DiffusionModel, TextEncoder]:
    """Mini's networks with ``weight`` times the changes of a LoRA.

    Args:
        model: the transformer.
        encoder: its text encoder.
        lora: the changes.
        weight: how much of them.
        digest: of the changes; empty: the result has none.

    Raises:
        ValueError: when the changes are of another architecture.
    """
    from nodes.models.lora import with_lora

    dit, text, tokenizer = with_lora(model.module, encoder.module, encoder.extras["tokenizer"], lora, weight)
    unconditional = encode_ids(text, tokenizer.encode("").ids)

    def of(base: str) -> str:
        return combined((("base", base), ("lora", digest), ("weight", repr(weight)))) if base and digest else ""

    return (
        replace(model, module=dit, digest=of(model.digest), extras={**model.extras, "unconditional": unconditional}),
        replace(encoder, module=text, digest=of(encoder.digest), extras={**encoder.extras, "tokenizer": tokenizer}),
    )


def assemble(mini: MiniParts, device: str, digests: tuple[str, str, str] = ("", "", "")) -> Parts:
    """Put Mini's networks on a device, with what the nodes want to know of them."""
    dit, encoder, vae = mini.dit.to(device), mini.text_encoder.to(device), mini.video_vae.to(device)
    traits = replace(TRAITS, channels=dit.config.latent_channels)
    unconditional = encode_ids(encoder, mini.tokenizer.encode("").ids)
    # decoder input = latent / scale + mean, folded into the linear path for previews
    preview = tuple(
        (layer.weight.T / vae.latent_scale[:, None], layer.bias + layer.weight @ vae.latent_mean)
        for layer in (vae.decode_image, vae.decode_video)
    )
    extras = {"traits": traits, "unconditional": unconditional, "preview": preview}
    return Parts(
        DiffusionModel("mini", dit, digests[0], extras),
        TextEncoder("mini", encoder, digests[1], {"tokenizer": mini.tokenizer}),
        VideoVAE("mini", vae, digests[2], {"traits": traits}),
    )


def files_digests(folder: Path) -> tuple[str, str, str]:
    """Content digests of the transformer, of the encoder with its tokenizer, and of the VAE."""
    words = (("encoder", "text_encoder.safetensors"), ("tokenizer", "tokenizer.json"))
    encoder = combined((name, content_digest(folder / file)) for name, file in words)
    return content_digest(folder / "dit.safetensors"), encoder, content_digest(folder / "video_vae.safetensors")


def encode_ids(encoder: torch.nn.Module, ids: list[int]) -> dict[str, Tensor]:
    """Conditioning tensors ``tokens [1, L, D]``, ``pooled [1, D]``, ``mask [1, L]`` of word ids."""
    import torch

    device = next(encoder.parameters()).device
    with torch.no_grad():
        encoding = encoder(torch.tensor([ids], device=device))
    return {"tokens": encoding.tokens, "pooled": encoding.pooled, "mask": encoding.mask}


def unknown_word(unknown: UnknownWord) -> str:
    """What became of a word that is not in the vocabulary, as a sentence."""
    if unknown.read_as is not None:
        return f"{unknown.word!r} is read as {unknown.read_as!r}"
    known = ", ".join(repr(word) for word in unknown.nearest)
    nearest = f"; the nearest words it knows: {known}" if known else ""
    return f"{unknown.word!r} is not a word that Mini knows and means nothing to it{nearest}"


def at_once(pixels: int) -> int:
    """How many latent frames of this many pixels the VAE takes at a time."""
    return max(1, PIXELS_AT_ONCE // pixels)


FAMILY = MiniFamily()
