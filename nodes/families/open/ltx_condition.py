"""LTX-Video from 0.9.5 on: pictures and clips are known anywhere, each as strongly as is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from kinograph import DiffusionModel, InvalidInput, Latent, VideoVAE
from nodes.families.bundle import library
from nodes.families.diffusers_family import Conditions, DiffusersFamily
from nodes.families.family import GENERATOR, KnownPixels, Request, Sampling
from nodes.families.open.ltx import LTXFamily
from nodes.families.traits import Traits

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from nodes.families.bundle import Bundle
    from nodes.sampling.solvers import State, Velocity

IN_FRONT = 2
"""Latent frames that stand in front, of a clip that is known later on; what is behind them lies in place."""
KNOWN_NOISE = 0.15
"""Noise in what is known wholly, at noise level 1; it falls with the square. The clip then moves on from it."""


class LTXConditionFamily(LTXFamily):
    """LTX-Video with conditions: known frames at the beginning lie in the latent, later ones stand in front of it as
    latent frames of their own, which are thrown away afterwards. Every token has a noise level of its own: at most what
    the strength leaves open."""

    name = "ltx_condition"
    pipelines: ClassVar[tuple[str, ...]] = ("LTXConditionPipeline",)
    defaults = replace(LTXFamily.defaults, family="ltx_condition")
    max_tokens = 256
    wide_guidance = False
    graded = True

    def encode(self, bundle: Bundle, text: str) -> dict[str, Tensor]:
        """Encoder and transformer see the mask."""
        ids, attention = self.tokens(bundle, text)
        mask = attention.bool()
        return {"embeds": bundle.network("text_encoder")(ids, attention_mask=mask)[0], "mask": mask}

    def tell(self, vae: VideoVAE, latent: Latent, known: KnownPixels) -> Latent | None:
        """Adds what is known to what the latent is told already."""
        import torch

        from nodes.families.diffusers_run import generators_after_noise

        traits: Traits = vae.extras["traits"]
        told, generators = latent.told, generators_after_noise(latent)
        front = int(told["front"]) if "front" in told else 0
        samples = latent.samples.float().cpu()
        marks = told["marks"].clone() if "marks" in told else torch.zeros(1, samples.shape[2])
        begun, made = [samples[:, :, :front], samples[:, :, front:].clone()], samples.shape[2] - front
        times = self.times(front, made, traits) if "times" not in told else told["times"]
        early, late = marks[:, :front], marks[:, front:]
        early_times, late_times = times[:, :front], times[:, front:]
        for pixels, at in known.places(traits.pixel_size((made, 1, 1))[2]):
            pixels, at = whole_frames(pixels, at, traits, ends=pixels is known.last, begins=pixels is known.first)
            seen = torch.cat([self.seen(vae, pixels, generator) for generator in generators])  # [B, C, n, h, w]
            prefix = 0 if at == 0 else min(IN_FRONT, seen.shape[2])
            place = slice(at // traits.temporal + prefix, at // traits.temporal + seen.shape[2])
            begun[1][:, :, place] = torch.lerp(begun[1][:, :, place], seen[:, :, prefix:], known.strength)
            late[:, place] = known.strength
            if prefix:
                fresh = torch.cat([torch.randn(seen[:1, :, :prefix].shape, generator=one) for one in generators])
                begun[0] = torch.cat([begun[0], torch.lerp(fresh, seen[:, :, :prefix], known.strength)], 2)
                early = torch.cat([early, torch.full((1, prefix), known.strength)], 1)
                early_times = torch.cat([early_times, self.times(0, prefix, traits) + at], 1)
        samples, marks = torch.cat(begun, 2), torch.cat([early, late], 1)
        more = {
            "front": torch.tensor([begun[0].shape[2]]),
            "marks": marks,
            "times": torch.cat([early_times, late_times], 1),
            "given": samples * by_frame(wholly(marks), samples),
            GENERATOR: torch.stack([generator.get_state() for generator in generators]),
        }
        return replace(latent, samples=samples, told={**told, **more})

    def seen(self, vae: VideoVAE, pixels: Tensor, generator: Any) -> Tensor:
        """What the VAE draws for a clip ``[n, H, W, 3]``, normalised."""
        import torch

        bundle: Bundle = vae.extras["bundle"]
        network = bundle.network("vae")
        clip = (pixels.permute(3, 0, 1, 2)[None] * 2.0 - 1.0).to(bundle.device, network.dtype)
        with torch.no_grad():
            drawn = network.encode(clip).latent_dist.sample(generator)
        return self.normalise(bundle, drawn).float().cpu()

    def times(self, front: int, frames: int, traits: Traits) -> Tensor:
        """The first frame ``[1, front + frames]`` that each latent frame of a clip stands for."""
        import torch

        return (torch.arange(front + frames)[None] * traits.temporal + 1 - traits.temporal).clamp(min=0).float()

    def set_timesteps(self, scheduler: Any, steps: int, request: Request, traits: Traits) -> None:
        """Half of the steps evenly through a fortieth of the way, the others faster and faster."""
        schedule = library("diffusers").pipelines.ltx.pipeline_ltx_condition.linear_quadratic_schedule
        scheduler.set_timesteps(timesteps=schedule(steps) * 1000, device=request.device)

    def prepare(self, model: DiffusionModel, request: Request) -> Sampling:
        """With its own schedule each token is stepped from its own level; other solvers know one level only."""
        from nodes.families.schedulers import SchedulerSolver

        sampling = super().prepare(model, request)
        if isinstance(sampling.solver, SchedulerSolver):
            scheduler = sampling.solver.scheduler
            levels = scheduler.timesteps.cpu() / 1000.0, scheduler.sigmas.cpu()
            return replace(sampling, solver=TokenSolver(*levels, request.told), solver_name="token euler")
        if "marks" in request.told:
            raise InvalidInput("solver", "known frames have noise levels of their own", wanted="auto", example="auto")
        return sampling

    def constants(
        self, bundle: Bundle, traits: Traits, request: Request, settings: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Where each token is, ``[1, 3, N]``, in seconds and pixels."""
        import torch

        frames, height, width = request.shape[2:]
        times = request.told["times"] if "times" in request.told else self.times(0, frames, traits)
        rows, columns = (torch.arange(0.0, side * traits.spatial, traits.spatial) for side in (height, width))
        places = torch.meshgrid(times[0] * (1.0 / request.fps), rows, columns, indexing="ij")
        return {"video_coords": torch.stack(places).flatten(1)[None].to(request.device)}

    def predict(
        self, network: Any, x: Tensor, timestep: Tensor, conditions: Conditions, constants: Mapping[str, Any]
    ) -> Tensor:
        """With a timestep for every token where something is known."""
        import torch

        timestep = timestep[:, None].float()
        if "marks" in conditions:
            open_to = (1.0 - conditions["marks"]) * 1000.0  # [B, t]
            timestep = torch.minimum(timestep, open_to.repeat_interleave(x.shape[1] // open_to.shape[1], 1))
        more = {
            "encoder_attention_mask": conditions["mask"],
            "video_coords": constants["video_coords"].expand(x.shape[0], -1, -1),
        }
        return DiffusersFamily.predict(self, network, x, timestep, conditions, more)


@dataclass(frozen=True)
class TokenSolver:
    """Euler's method, from a noise level for each latent frame to the next lower one of the schedule.

    Attributes:
        times: what the transformer is told at each step, 1 is noise ``[steps]``. (The stock pipeline steps from there,
            even where its scheduler bends the levels.)
        levels: of the schedule ``[steps + 1]``.
        told: see :meth:`LTXConditionFamily.tell`; empty where nothing is known.
    """

    times: Tensor
    levels: Tensor
    told: Mapping[str, Tensor]

    def __call__(self, velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
        """One step. What is known wholly gets fresh noise before it; what is not noisy yet waits."""
        import torch

        from nodes.families.diffusers_run import restored
        from nodes.sampling.solvers import State

        x, time = state.latent, self.times[state.step]
        marks, memory = torch.zeros(1, x.shape[2]), {}
        if "marks" in self.told:
            marks = self.told["marks"].cpu()
            generators = restored(state.memory.get(GENERATOR, self.told[GENERATOR]))
            x = self.noised(x, marks, time, generators)
            memory[GENERATOR] = torch.stack([one.get_state() for one in generators])
        output = velocity(x, sigmas[state.step]).float()
        current = torch.minimum(time, 1.0 - marks)  # [1, t]
        lower = self.levels[:, None, None]
        following = (lower * (lower < current - 1e-6)).amax(0)
        noisy = by_frame(time - 1e-6 < 1.0 - marks, x)
        stepped = torch.where(noisy, x - by_frame(current - following, x) * output, x)
        prediction = torch.where(noisy, x - by_frame(current, x) * output, x)
        return State(stepped, state.step + 1, state.seed, prediction, memory)

    def noised(self, x: Tensor, marks: Tensor, time: Tensor, generators: list[torch.Generator]) -> Tensor:
        """The latent with fresh noise on what is known wholly; it is drawn for every token."""
        import torch

        _, channels, *sides = x.shape
        fresh = [torch.randn(1, *sides, channels, generator=one).permute(0, 4, 1, 2, 3) for one in generators]
        known = self.told["given"].to(x) + (KNOWN_NOISE * torch.cat(fresh) * time**2).to(x)
        return torch.where(by_frame(wholly(marks), x), known, x)


def by_frame(values: Tensor, like: Tensor) -> Tensor:
    """Values ``[1, t]``, one for each latent frame, shaped to act on ``[B, C, t, h, w]``."""
    return values[:, None, :, None, None].to(like.device)


def wholly(marks: Tensor) -> Tensor:
    """Which frames ``[1, t]`` are known wholly."""
    return marks > 1.0 - 1e-6


def whole_frames(pixels: Tensor, at: int, traits: Traits, ends: bool, begins: bool) -> tuple[Tensor, int]:
    """As many frames of a piece of a clip as make whole latent frames, and where they begin: those nearest to what is
    made, so that of first frames the first are left out.

    Raises:
        InvalidInput: for a clip that begins where no latent frame does.
    """
    count = 1 + (len(pixels) - 1) // traits.temporal * traits.temporal
    if begins:
        return pixels[-count:], at
    if ends:
        return pixels[-count:], at + len(pixels) - count
    if count > 1 and at % traits.temporal:
        near = round(at / traits.temporal) * traits.temporal
        raise InvalidInput("at", "known clips begin at a latent frame", wanted=f"{traits.temporal}k", example=near)
    return pixels[:count], at


FAMILY = LTXConditionFamily()
