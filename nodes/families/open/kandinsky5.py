"""Kandinsky 5: Qwen2.5-VL and CLIP for text of any length, channels last, the VAE of HunyuanVideo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import Latent, VideoVAE
from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import KnownPixels, Request
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle


NORMALISED = 4
"""Latent frames of a clip from a picture that are normalised at the end."""


class Kandinsky5Family(DiffusersFamily):
    """Kandinsky 5.0, text and image to video (arXiv:2511.14993)."""

    name = "kandinsky5"
    pipelines = ("Kandinsky5T2VPipeline", "Kandinsky5I2VPipeline")
    kinds: ClassVar = {
        "transformer": ("Kandinsky5Transformer3DModel",),
        "vae": ("AutoencoderKLHunyuanVideo",),
        "text_encoder": ("Qwen2_5_VLForConditionalGeneration",),
        "text_encoder_2": ("CLIPTextModel",),
    }
    defaults = Traits(
        "kandinsky5", 16, axes="THWC", patch=2, width=768, height=512, frames=121, fps=24.0, shift=5.0, solver="euler",
        batched=False,
    )  # fmt: skip
    narrow_latents = True
    text_parts = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2")

    def cut_off(self, bundle: Bundle, text: str) -> tuple[str, ...]:
        """The words, without the processor's pictures."""
        tokenizer = self.words(bundle)
        ids = tokenizer(text).input_ids
        lost = tokenizer.decode(ids[self.max_tokens :])
        return (f"the prompt is longer than the {self.max_tokens} tokens that it reads; cut off: {lost!r}",) * bool(
            lost
        )

    def words(self, bundle: Bundle) -> Any:
        """The tokenizer; the processor that it comes with would want packages for pictures and films."""
        folder = bundle.layout.component("tokenizer").folder
        return library("transformers").AutoTokenizer.from_pretrained(folder, local_files_only=True)

    def stock(self, bundle: Bundle, **components: Any) -> Any:
        """The stock pipeline with these components alone."""
        kind = getattr(library("diffusers"), bundle.layout.pipeline)
        names = ("transformer", "vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "scheduler")
        return kind(**{name: components.get(name) for name in names})

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """The prompt inside a task for the language model, as long as it is; beside it CLIP's summary."""
        stock = self.stock(
            bundle,
            text_encoder=bundle.network("text_encoder"),
            tokenizer=self.words(bundle),
            text_encoder_2=bundle.network("text_encoder_2"),
            tokenizer_2=bundle.plain("tokenizer_2"),
        )
        embeds, pooled, lengths = stock.encode_prompt(text, max_sequence_length=self.max_tokens, device=bundle.device)
        return {"embeds": embeds, "pooled": pooled, "length": lengths.diff()[None]}

    def needs_picture(self, bundle: Bundle, traits: Traits) -> bool:
        """Text to video has the same places for known frames, and leaves them empty."""
        return "I2V" in bundle.layout.pipeline

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """The first frame stays as it is."""
        from nodes.families.known_pixels import holding, picture_only

        bundle: Bundle = vae.extras["bundle"]
        if not self.needs_picture(bundle, vae.extras["traits"]):
            return None
        picture, latent = self.drawn(vae, latent, picture_only(known, "Kandinsky 5"), noise_first=True)
        return holding(latent, self.normalise(bundle, picture))

    def finished(self, latent: Tensor, request: Request) -> Tensor:
        """After image to video the first latent frames get about the mean and deviation of those behind them, which
        takes a mesh of artefacts away. (Shorter clips have none behind; the stock pipeline fails there.)"""
        import torch

        if "held" not in request.told or latent.shape[2] <= NORMALISED:
            return latent
        kind = library("diffusers").Kandinsky5I2VPipeline
        stock = kind.__new__(kind)
        return torch.cat(
            [self.unpack(stock.normalize_first_frame(self.pack(clip)), ()) for clip in torch.split(latent, 1)]
        )

    def pack(self, latent: Tensor) -> Tensor:
        """``[B, t, h, w, C]``."""
        return latent.permute(0, 2, 3, 4, 1)

    def unpack(self, output: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Back to ``[B, C, t, h, w]``."""
        return output.permute(0, 4, 1, 2, 3)

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Positions of the cells, how much they are spread, and which of them see each other in sparse models."""
        import torch

        stock = self.stock(bundle, transformer=bundle.network("transformer"))
        frames, rows, columns = request.shape[2:]
        sides = (frames, rows // traits.patch, columns // traits.patch)
        cells = torch.empty(1, frames, rows, columns, 1, device="meta")
        return {
            "visual_rope_pos": [torch.arange(side, device=request.device) for side in sides],
            "scale_factor": stock._get_scale_factor(rows * traits.spatial, columns * traits.spatial),
            "sparse_params": stock.get_sparse_params(cells, request.device),
        }

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """One clip after the other: prompts differ in length, and there is no mask. Beside the latent stand zeros, and
        where frames are known."""
        import torch

        if network.visual_cond:
            known = self.pack(conditions["held_mask"]).to(x) if "held_mask" in conditions else x.new_zeros(1)
            x = torch.cat([x, torch.zeros_like(x), known.expand(*x.shape[:-1], 1)], -1)
        outputs = []
        for clip in range(x.shape[0]):
            length = int(conditions["length"][clip])
            one = slice(clip, clip + 1)
            output = network(
                hidden_states=x[one],
                timestep=timestep[one].to(x.dtype),
                encoder_hidden_states=conditions["embeds"][one, :length].to(x.dtype),
                pooled_projections=conditions["pooled"][one].to(x.dtype),
                text_rope_pos=torch.arange(length, device=x.device),
                **constants,
            )
            outputs.append(output.sample)
        return torch.cat(outputs)


FAMILY = Kandinsky5Family()
