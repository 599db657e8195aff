"""The sampler: noise becomes a clip, step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from kinograph import (
    Conditioning,
    DiffusionModel,
    Facts,
    Field,
    InvalidInput,
    Latent,
    NodeContext,
    SamplingState,
    Widget,
    node,
)
from nodes.diffusion.denoising import check_family, course_of, denoise, frames_in_front, sampled_facts
from nodes.diffusion.lineage import lineage_of
from nodes.diffusion.settings import Batching, Settings, SolverName
from nodes.families.family import GENERATOR
from nodes.families.traits import Traits
from nodes.values.curves import LEVEL, AdvancedCurve, points_of

if TYPE_CHECKING:
    from torch import Tensor

OWN = "the model's own"
Steps = Annotated[int | None, Field(ge=1, le=1000), Widget(placeholder=OWN)]
GuidanceScale = Annotated[float | None, Field(ge=0.0, le=100.0), Widget(step=0.5, placeholder=OWN)]
Shift = Annotated[float | None, Field(gt=0.0, le=100.0), Widget(step=0.5, placeholder=OWN, advanced=True)]
Timesteps = Annotated[str, Widget(placeholder="1000, 757, 522", advanced=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0), Widget(kind="slider", step=0.05, advanced=True)]


def finished_facts(
    model: Any,
    positive: Any,
    latent: Any,
    negative: Any,
    start: Any,
    timesteps: str | None,
    guidance_curve: list[Any] | None = None,
) -> Facts | None:
    """Facts of the denoised latent; refuses to go on with a run of another size or family, and timesteps and curves
    that are none."""
    _ = Settings(timesteps=timesteps or "").levels
    if guidance_curve is not None:
        points_of(guidance_curve, "guidance_curve")
    found = sampled_facts(model, positive, latent, negative)
    if isinstance(start, Facts):
        check_family("start", start.get("family"), model.get("family") if isinstance(model, Facts) else None)
        for name in ("width", "height", "frames"):
            stopped, wanted = start.get(name), None if found is None else found.get(name)
            if None not in (stopped, wanted) and stopped != wanted:
                raise InvalidInput(
                    "start",
                    f"the run was stopped at {name} {stopped}, the latent has {wanted}",
                    wanted="the size and length of the run that was stopped",
                )
    return found


@node(
    "DiTSampler",
    category="sampling",
    title="DiT Sampler",
    keywords=("ksampler", "denoise", "diffusion", "steps", "guidance", "cfg", "euler", "unipc", "dpm"),
    lane="device",
    saves_memory=True,
    infer=finished_facts,
)
def dit_sampler(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None = None,
    steps: Steps = None,
    guidance: GuidanceScale = None,
    solver: SolverName = "auto",
    shift: Shift = None,
    guidance_low: Share = 0.0,
    guidance_high: Share = 1.0,
    guidance_rescale: Share = 0.0,
    guidance_batching: Annotated[Batching, Widget(advanced=True)] = "auto",
    eta: Share = 1.0,
    start: SamplingState | None = None,
    repeats: Annotated[int, Field(ge=1, le=20), Widget(advanced=True)] = 1,
    tell_known: Annotated[bool, Widget(advanced=True)] = True,
    timesteps: Timesteps = "",
    guidance_curve: AdvancedCurve = LEVEL,
) -> Latent:
    """Denoise a latent with a diffusion transformer: from its noise level down to a clean clip.

    Integrates ``dx / dsigma = velocity`` (rectified flow, arXiv:2209.03003) from ``latent.sigma`` to 0.
    Pure noise (NoiseLatent) gives a new clip, a clip partly noised (AddNoise) a variation of it. Takes and
    returns ``samples [B, C, t, h, w]`` float32; the same inputs give the same bits on the same kind of
    device.

    A long run keeps checkpoints: after a crash it continues where it was, with an identical result.

    Args:
        model: the transformer.
        positive: what the clip shows.
        latent: noise, or a clip partly noised.
        negative: what the clip should not show. Without it guidance pushes away from the empty prompt.
        steps: number of steps. All are taken, also from a lower noise level. Empty: the model's own (Mini
            20).
        guidance: scale of classifier-free guidance (arXiv:2207.12598); 1 switches it off and halves the time.
            Empty: the model's own (Mini 4).
        solver: euler (order 1), heun (order 2, two evaluations per step), dpmpp_2m (arXiv:2211.01095, order
            2), unipc (arXiv:2302.04867, order 2 with corrector), euler_ancestral (adds fresh noise at each
            step), lcm (for models distilled to a few steps). auto: the model's own.
        shift: above 1 spends more steps at high noise (arXiv:2403.03206). Empty: the model's own (Mini 2).
        guidance_low: guidance acts from this noise level up (arXiv:2404.07724); steps below cost half.
        guidance_high: guidance acts up to this noise level.
        guidance_rescale: 0 to 1, against over-saturation at high guidance (arXiv:2305.08891).
        guidance_batching: evaluate both prompts together, in a batch of twice the size, or one by one, with
            less memory. Same result up to rounding. auto: as the model's own pipeline does.
        eta: how much fresh noise euler_ancestral adds; 0 is euler.
        start: go on with a run that DiTSamplerSteps stopped, instead of beginning with the latent (of which the
            seed counts for fresh noise). Everything else may be other than in that run.
        repeats: take each step this often, with fresh noise in between, so that new parts fit the known ones better
            (RePaint, arXiv:2201.09865); costs as many times as much.
        tell_known: tell a model that was trained for it what is known, besides keeping it.
        timesteps: the timesteps to visit, from 1000 (pure noise) down, in the place of ``steps`` and ``shift``: as
            checkpoints that were distilled to a few steps publish them (FastWan: 1000, 757, 522 with lcm). With solver
            auto euler takes them. Not for CogVideoX and Allegro.
        guidance_curve: how much of the guidance acts from the first step (left) to the last (right): all of it at the
            top, none (a scale of 1) at the bottom, where a step costs half.
    """
    settings = Settings(
        steps=steps,
        guidance=guidance,
        solver=solver,
        shift=shift,
        guidance_low=guidance_low,
        guidance_high=guidance_high,
        rescale=guidance_rescale,
        batching=guidance_batching,
        eta=eta,
        repeats=repeats,
        tell_known=tell_known,
        timesteps=timesteps,
        guidance_curve=points_of(guidance_curve, "guidance_curve"),
    )
    course = course_of(context, model, latent, settings, start)
    lineage = lineage_of(context, model, positive, negative, settings, course, start, latent=latent)
    state = course.first
    for now in denoise(context, model, positive, latent, negative, settings, course=course, lineage=lineage):
        state = now
    samples, drawn = without_lead(model, latent, state.latent), state.memory.get(GENERATOR, latent.told.get(GENERATOR))
    told = {} if drawn is None else {GENERATOR: drawn.cpu()}
    return replace(latent, samples=samples, sigma=0.0, clean=None, keep=None, told=told)


def without_lead(model: DiffusionModel, latent: Latent, samples: Tensor) -> Tensor:
    """A clip without the latent frames that some families sample in front of it."""
    traits: Traits = model.extras["traits"]
    return samples[:, :, traits.lead + frames_in_front(latent) :]


class StoppedRun(NamedTuple):
    """A sampling run that was stopped.

    Args:
        state: for the ``start`` of a DiTSampler, which goes on from there.
        noisy: the latent as it was then.
        prediction: the clean clip as the model expected it then (x0).
    """

    state: SamplingState
    noisy: Latent
    prediction: Latent


def stopped_facts(
    model: Any,
    positive: Any,
    latent: Any,
    negative: Any,
    start: Any,
    stop: int | None,
    steps: int | None,
    timesteps: str | None,
    guidance_curve: list[Any] | None = None,
) -> dict[str, Facts]:
    """Facts of a stopped run; refuses to stop at or after the end."""
    end = finished_facts(model, positive, latent, negative, start, timesteps, guidance_curve)
    levels = Settings(timesteps=timesteps or "").levels
    total = steps or (model.get("steps") if isinstance(model, Facts) else None)
    if levels is not None:
        total = len(levels) - 1
    if stop is not None and total is not None:
        check_stop(stop, total)
    if end is None:
        return {}
    noisy = Facts(**{name: value for name, value in end.items() if name != "sigma"})
    return {"state": noisy, "noisy": noisy, "prediction": end}


def check_stop(stop: int, total: int) -> None:
    """Raise where there is nothing left to do after stopping."""
    if stop >= total:
        raise InvalidInput("stop", f"the run has {total} steps", wanted=f"1 to {total - 1}", example=total // 2)


@node(
    "DiTSamplerSteps",
    category="sampling",
    title="DiT Sampler, First Steps",
    keywords=("fork", "stop", "two stages", "switch prompt", "partial", "ksampler advanced"),
    lane="device",
    saves_memory=True,
    infer=stopped_facts,
)
def dit_sampler_steps(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    latent: Latent,
    stop: Annotated[int, Field(ge=1, le=999)],
    negative: Conditioning | None = None,
    steps: Steps = None,
    guidance: GuidanceScale = None,
    solver: SolverName = "auto",
    shift: Shift = None,
    guidance_low: Share = 0.0,
    guidance_high: Share = 1.0,
    guidance_rescale: Share = 0.0,
    guidance_batching: Annotated[Batching, Widget(advanced=True)] = "auto",
    eta: Share = 1.0,
    start: SamplingState | None = None,
    repeats: Annotated[int, Field(ge=1, le=20), Widget(advanced=True)] = 1,
    tell_known: Annotated[bool, Widget(advanced=True)] = True,
    timesteps: Timesteps = "",
    guidance_curve: AdvancedCurve = LEVEL,
) -> StoppedRun:
    """Begin like DiTSampler and stop after some steps, so that a DiTSampler can go on with other values.

    Nothing else changed, the two together give the same bits as one DiTSampler. The states of recent sampling
    runs are kept for a while: what a DiTSampler with the same inputs has already computed is not computed again.

    Args:
        model: the transformer.
        positive: what the clip shows.
        latent: noise, or a clip partly noised.
        stop: how many steps to take.
        negative: what the clip should not show. Without it guidance pushes away from the empty prompt.
        steps: number of steps of the whole run. Empty: the model's own.
        guidance: scale of classifier-free guidance. Empty: the model's own.
        solver: see DiTSampler.
        shift: see DiTSampler. Empty: the model's own.
        guidance_low: guidance acts from this noise level up.
        guidance_high: guidance acts up to this noise level.
        guidance_rescale: 0 to 1, against over-saturation at high guidance.
        guidance_batching: see DiTSampler.
        eta: how much fresh noise euler_ancestral adds; 0 is euler.
        start: go on with a run that was stopped before.
        repeats: take each step this often, with fresh noise in between, so that new parts fit the known ones better
            (RePaint, arXiv:2201.09865); costs as many times as much.
        tell_known: tell a model that was trained for it what is known, besides keeping it.
        timesteps: the timesteps to visit, from 1000 (pure noise) down, in the place of ``steps`` and ``shift``: as
            checkpoints that were distilled to a few steps publish them (FastWan: 1000, 757, 522 with lcm). With solver
            auto euler takes them. Not for CogVideoX and Allegro.
        guidance_curve: how much of the guidance acts from the first step (left) to the last (right): all of it at the
            top, none (a scale of 1) at the bottom, where a step costs half.
    """
    settings = Settings(
        steps=steps,
        guidance=guidance,
        solver=solver,
        shift=shift,
        guidance_low=guidance_low,
        guidance_high=guidance_high,
        rescale=guidance_rescale,
        batching=guidance_batching,
        eta=eta,
        repeats=repeats,
        tell_known=tell_known,
        timesteps=timesteps,
        guidance_curve=points_of(guidance_curve, "guidance_curve"),
    )
    course = course_of(context, model, latent, settings, start)
    check_stop(stop, len(course.levels) - 1)
    if stop <= course.first.step:
        raise InvalidInput(
            "stop", f"{course.first.step} steps are done already", wanted=f"more than {course.first.step}"
        )
    lineage = lineage_of(context, model, positive, negative, settings, course, start, latent=latent)
    states = denoise(context, model, positive, latent, negative, settings, course=course, stop=stop, lineage=lineage)
    *_, state = states
    stopped = SamplingState(
        state.latent, latent.family, state.step, course.levels, course.solver, dict(state.memory), lineage
    )
    known = None if latent.keep is None else latent.clean
    noisy = replace(latent, samples=without_lead(model, latent, state.latent), sigma=course.levels[stop], clean=known)
    prediction = state.latent if state.prediction is None else state.prediction
    clean = replace(latent, samples=without_lead(model, latent, prediction), sigma=0.0, clean=None, keep=None, told={})
    return StoppedRun(stopped, noisy, clean)
