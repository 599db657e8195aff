"""What the families that load through diffusers have in common; each of them overrides where it differs.

A latent on the wires is ``[B, C, t, h, w]`` and normalised, for every family. A family turns it into what its
transformer reads (:meth:`DiffusersFamily.pack`) and what its VAE reads (:meth:`DiffusersFamily.denormalise`). Networks
come from a :class:`~nodes.families.bundle.Bundle` and are loaded when they are used.

A new family is a subclass with the name of its pipeline, and the methods in which it differs from this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import DiffusionModel, InvalidInput, Latent, TextEncoder, VideoVAE
from nodes.families.family import (
    Adapted,
    Control,
    EncodedText,
    KnownPixels,
    LoRAFile,
    Parts,
    Request,
    Sampling,
)
from nodes.families.layout import Layout, pipeline_of, read_layout
from nodes.families.traits import Traits
from nodes.families.vae_stages import VAEStages
from nodes.families.weight_files import adapted_digest

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.families.bundle import Bundle
    from nodes.families.packed import Packing

Conditions = Mapping[str, "Tensor"]
EXPERTS: dict[str, tuple[str, ...]] = {
    "both": ("transformer", "transformer_2"),
    "high noise": ("transformer",),
    "low noise": ("transformer_2",),
}
"""The components behind the experts of a model."""


class DiffusersFamily(VAEStages):
    """A text-to-video family with a T5-like encoder, a flow-matching transformer and a video VAE.

    Attributes:
        name: the family's name.
        pipelines: the pipeline classes whose folders it reads.
        kinds: the classes that components may have; those that are not named here are not checked.
        defaults: geometry and defaults where the files say nothing.
        max_tokens: length of a prompt in tokens; longer ones are cut, with a warning.
        flow: whether the transformer predicts the velocity of a rectified flow, so that our own solvers and partly
            noised latents work.
        even: whether the schedule goes evenly from 1 to 1 / steps before the scheduler shifts it.
        wide_guidance: whether guidance and the scheduler compute in float32 although the transformer does not.
        narrow_latents: whether latents are rounded to the transformer's number format after every step.
        precise: components that stay in float32 on every device.
        text_parts: the components that read a prompt; their files identify the encoder.
        graded: whether known frames may hold by less than all of their strength.
    """

    name: ClassVar[str]
    pipelines: ClassVar[tuple[str, ...]]
    kinds: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    defaults: ClassVar[Traits]
    max_tokens: ClassVar[int] = 512
    flow: ClassVar[bool] = True
    even: ClassVar[bool] = False
    wide_guidance: ClassVar[bool] = False
    narrow_latents: ClassVar[bool] = False
    precise: ClassVar[tuple[str, ...]] = ()
    graded: bool = False
    text_parts: ClassVar[tuple[str, ...]] = ("text_encoder", "tokenizer")

    # --- the folder

    def recognises(self, folder: Path) -> bool:
        """Whether ``model_index.json`` names one of the family's pipelines."""
        return pipeline_of(folder) in self.pipelines

    def layout(self, folder: Path) -> Layout:
        """The components of a folder, each of a class that the family knows.

        Raises:
            ValueError: naming the file and what was expected.
        """
        return self.checked(read_layout(folder))

    def checked(self, layout: Layout) -> Layout:
        """The same components, each of a class that the family knows.

        Raises:
            ValueError: naming the file and what was expected.
        """
        for name, kinds in self.kinds.items():
            if name in layout.components or not name.endswith(("_2", "_3")):
                layout.component(name, kinds)
        for part in ("transformer", "vae", "scheduler", *self.text_parts):
            layout.component(part)
        return layout

    def traits(self, folder: Path) -> Traits:
        """Geometry and defaults, read from the configurations."""
        return self.geometry(self.layout(folder))

    def geometry(self, layout: Layout) -> Traits:
        """Traits of a model with these components: what the configurations say, by the names they have for it."""
        transformer, vae, scheduler = (layout.component(name).config for name in ("transformer", "vae", "scheduler"))
        patch = transformer.get("patch_size")
        shift = scheduler.get("flow_shift") or scheduler.get("shift")
        told = {
            "channels": vae.get("latent_channels") or vae.get("z_dim"),
            "spatial": vae.get("spatial_compression_ratio") or vae.get("scale_factor_spatial"),
            "temporal": vae.get("temporal_compression_ratio") or vae.get("scale_factor_temporal"),
            "patch": patch[-1] if isinstance(patch, list | tuple) else patch,
        }
        found: dict[str, Any] = {name: int(value) for name, value in told.items() if value}
        if shift and not scheduler.get("use_dynamic_shifting"):
            found["shift"] = float(shift)
        return replace(self.defaults, **found)

    def load(self, folder: Path, device: str, dtype: str = "auto") -> Parts:
        """Check all files and make stand-ins for the networks; each is loaded when it is first used."""
        return self.load_layout(read_layout(folder), device, dtype)

    def load_layout(self, layout: Layout, device: str, dtype: str = "auto", packing: Packing | None = None) -> Parts:
        """The same for parts that may lie in different places."""
        from nodes.families.bundle import Bundle

        bundle = Bundle(self.checked(layout), device, dtype, dict.fromkeys(self.precise, "float32"), packing)
        bundle.check()
        return self.parts(bundle)

    def parts(self, bundle: Bundle) -> Parts:
        """The records that travel on the wires."""
        extras = {"traits": self.geometry(bundle.layout), "bundle": bundle}
        model_files, text_files = ("transformer", "transformer_2", "scheduler"), self.text_parts
        return Parts(
            DiffusionModel(self.name, bundle.resident("transformer"), bundle.digest(*model_files), dict(extras)),
            TextEncoder(self.name, bundle.resident(text_files[0]), bundle.digest(*text_files), dict(extras)),
            VideoVAE(self.name, bundle.resident("vae"), bundle.digest("vae"), dict(extras)),
        )

    # --- known frames

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Text-to-video models are told nothing."""
        return None

    def control(self, vae: VideoVAE, latent: Latent, control: Control) -> Latent | None:
        """Most models follow nothing."""
        return None

    def needs_picture(self, bundle: Bundle, traits: Traits) -> bool:
        """Whether the transformer wants known frames beside the latent: it was trained for image to video only."""
        config = bundle.config("transformer")
        return int(config.get("in_channels", traits.channels)) > traits.channels

    def with_lora(self, model: DiffusionModel, encoder: TextEncoder | None, lora: LoRAFile) -> Adapted:
        """The adaptation acts in the transformer while a run lasts; the encoder stays as it is."""
        from nodes.families.building import skeleton
        from nodes.families.bundle import class_of, library
        from nodes.families.low_rank import Adaptation
        from nodes.families.low_rank_files import changes_of

        bundle: Bundle = model.extras["bundle"]
        networks = tuple(name for name in EXPERTS[lora.expert] if bundle.has(name))
        if not networks:
            raise InvalidInput("expert", "this model has one transformer only", wanted="both")
        component = bundle.layout.component(networks[0])
        pipeline = getattr(library("diffusers"), bundle.layout.pipeline, class_of(component))
        found = changes_of(lora.file, skeleton(component), pipeline)
        adaptation = Adaptation(lora.weight, networks, found.layers)
        extras = {**model.extras, "adaptations": (*model.extras.get("adaptations", ()), adaptation)}
        return Adapted(
            replace(model, digest=adapted_digest(model.digest, lora), extras=extras), encoder, found.warnings
        )

    # --- text

    def clean(self, prompt: str) -> str:
        """The prompt as the tokenizer gets it."""
        return prompt

    def encode_text(self, encoder: TextEncoder, prompt: str, picture: Tensor | None = None) -> EncodedText:
        """Encode one prompt; says what was cut off."""
        import torch

        bundle: Bundle = encoder.extras["bundle"]
        text = self.clean(prompt)
        reads = self.reads_pictures(bundle)
        if picture is not None and not reads:
            raise InvalidInput("picture", f"the text encoder of this {self.name} sees no picture", wanted="nothing")
        with torch.no_grad():  # with gradients on, another attention kernel answers
            tensors = self.encode_beside(bundle, text, picture) if reads else self.encode(bundle, text)
        return EncodedText(tensors, self.cut_off(bundle, text))

    def reads_pictures(self, bundle: Bundle) -> bool:
        """Whether the text encoder is shown the picture that a clip begins with."""
        return False

    def encode_beside(self, bundle: Bundle, text: str, picture: Tensor | None) -> dict[str, Tensor]:
        """Conditioning tensors of a cleaned prompt and a picture ``[H, W, 3]`` in 0..1 (``None``: a black one)."""
        raise NotImplementedError

    def cut_off(self, bundle: Bundle, text: str) -> tuple[str, ...]:
        """What of a prompt is longer than the encoder reads, as a sentence."""
        tokenizer = bundle.plain("tokenizer")
        ids = tokenizer(text).input_ids
        if len(ids) <= self.max_tokens:
            return ()
        lost = tokenizer.decode(ids[self.max_tokens - 1 : -1])
        return (f"the prompt is longer than the {self.max_tokens} tokens that {self.name} reads; cut off: {lost!r}",)

    def tokens(self, bundle: Bundle, text: str, tokenizer: str = "tokenizer", length: int = 0) -> tuple[Tensor, Tensor]:
        """Token ids and attention mask, each ``[1, max_tokens]``, padded."""
        found = bundle.plain(tokenizer)(
            [text],
            padding="max_length",
            max_length=length or self.max_tokens,
            truncation=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        return found.input_ids.to(bundle.device), found.attention_mask.to(bundle.device)

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """Conditioning tensors of a cleaned prompt."""
        ids, _ = self.tokens(bundle, text)
        return {"embeds": bundle.network("text_encoder")(ids)[0]}

    # --- sampling

    def prepare(self, model: DiffusionModel, request: Request) -> Sampling:
        """A run with the model's own scheduler, or with one of our solvers where that is asked for."""
        from nodes.families.diffusers_run import native_sampling, scheduled_sampling

        missing = not {"concat", "held", "control"} & set(request.told)
        if missing and self.needs_picture(model.extras["bundle"], model.extras["traits"]):
            raise InvalidInput(
                "latent",
                "this model makes clips from a picture, and no frame is known",
                wanted="KnownFrames before it (or ControlVideo, where it follows one)",
            )
        own = request.solver == "auto" and request.sigma >= 1.0 and request.levels is None and not request.plain
        if own:
            return scheduled_sampling(self, model, request)
        if not self.flow:
            socket, problem = "solver", f"solver {request.solver!r}"
            if request.levels is not None:
                socket, problem = "timesteps", "other noise levels than those of its schedule"
            elif request.sigma < 1.0:
                socket, problem = "latent", "a clip that is only partly noised"
            elif request.plain:
                socket, problem = "latent", "parts of the clip known"
            raise InvalidInput(
                socket, f"{self.name} cannot sample with {problem}: it is no rectified flow", wanted="its own scheduler"
            )
        return native_sampling(self, model, request)

    def set_timesteps(self, scheduler: Any, steps: int, request: Request, traits: Traits) -> None:
        """Give a scheduler its timesteps, as the stock pipeline does."""
        if not self.even:
            scheduler.set_timesteps(steps, device=request.device)
            return
        import numpy

        scheduler.set_timesteps(sigmas=numpy.linspace(1.0, 0.0, steps + 1)[:-1], device=request.device)

    def shifted(self, scheduler: Any, shift: float) -> dict[str, Any]:
        """Changes to a scheduler's configuration for another shift than the model's own."""
        known = [name for name in ("flow_shift", "shift") if name in scheduler.config]
        if not known:
            raise InvalidInput("shift", f"the schedule of {self.name} has no shift", wanted="nothing: leave it empty")
        return {known[0]: shift, "use_dynamic_shifting": False}

    def levels(self, scheduler: Any) -> list[float]:
        """The noise levels of a scheduler, from the first to 0."""
        return [float(sigma) for sigma in scheduler.sigmas]

    def own_shift(self, scheduler: Any, request: Request, traits: Traits) -> float:
        """The shift with which our own solvers bend time."""
        return traits.shift

    def timestep(self, sigma: float) -> float:
        """What the transformer is told at a noise level that is none of its scheduler's."""
        return sigma * 1000.0

    def direction(self) -> float:
        """1 where the transformer predicts ``noise - clean``, -1 where it predicts the opposite."""
        return 1.0

    def network_at(self, bundle: Bundle, timestep: float, settings: Mapping[str, Any]) -> str:
        """Which transformer is evaluated at a timestep."""
        return "transformer"

    def scale_at(self, scale: float, timestep: float, bundle: Bundle, settings: Mapping[str, Any]) -> float:
        """The guidance scale at a timestep."""
        return scale

    def pack(self, latent: Tensor) -> Tensor:
        """``[B, C, t, h, w]`` as the transformer reads it."""
        return latent

    def unpack(self, output: Tensor, shape: tuple[int, ...]) -> Tensor:
        """What the transformer gives as ``[B, C, t, h, w]``, the shape of the latent."""
        return output

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Arguments of the transformer that stay the same for the whole run."""
        return {}

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """One evaluation of the transformer; ``x`` packed, ``timestep [B]``."""
        output: Tensor = network(
            hidden_states=x,
            timestep=timestep,
            encoder_hidden_states=conditions["embeds"].to(x.dtype),
            return_dict=False,
            **constants,
        )[0]
        return output

    def prediction(self, scheduler: Any, x: Tensor, output: Tensor, step: int) -> Tensor:
        """The clean clip that a scheduler expects at a step, for previews: straight on to the end of the flow."""
        left: Tensor = scheduler.sigmas[-1] - scheduler.sigmas[step]
        return x + left.to(x.device, x.dtype) * output

    def finished(self, latent: Tensor, request: Request) -> Tensor:
        """What becomes of the clean latent ``[B, C, t, h, w]`` after the last step."""
        return latent

    def forward(self, scheduler: Any, clean: Tensor, noise: Tensor, step: int) -> Tensor:
        """A clean clip at the noise level at which a step begins."""
        level = scheduler.sigmas[step]
        mixed: Tensor = (1.0 - level) * clean + level * noise
        return mixed

    def preview(self, model: DiffusionModel, latent: Tensor) -> Tensor | None:
        """A linear picture of a latent, fitted once to the VAE."""
        from nodes.families.linear_preview import preview_of

        return preview_of(self, model, latent)
