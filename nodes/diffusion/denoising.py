"""The sampling loop as a node runs it: checks, progress, previews, checkpoints. No node is defined here."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kinograph import Conditioning, DiffusionModel, Facts, InvalidInput, Latent, NodeContext, SamplingState
from nodes.diffusion.guidance_curve import along
from nodes.diffusion.previews import PreviewMaker
from nodes.diffusion.settings import Settings
from nodes.families.family import GENERATOR, Request, Sampling
from nodes.families.registry import family_named
from nodes.families.traits import Traits

if TYPE_CHECKING:
    from torch import Tensor

    from nodes.sampling.guidance import Weighted
    from nodes.sampling.solvers import State, Velocity

SHARE = "share"
"""What a latent is told: of its model's schedule, the last share of the steps is to be taken ``[1]``."""


def sampled_facts(model: Any, positive: Any, latent: Any, negative: Any) -> Facts | None:
    """Facts of the denoised latent; refuses parts of different families before anything runs."""
    family = model.get("family") if isinstance(model, Facts) else None
    for socket, value in (("positive", positive), ("negative", negative), ("latent", latent)):
        if isinstance(value, Facts):
            check_family(socket, value.get("family"), family)
    if not isinstance(latent, Facts):
        return None
    if latent.get("sigma") == 0.0:
        raise nothing_to_denoise()
    return Facts(**{**latent, "sigma": 0.0})


def check_family(socket: str, given: str | None, wanted: str | None) -> None:
    """Raise where an input was made for another model."""
    if given is not None and wanted is not None and given != wanted:
        what = {"latent": "latent", "start": "sampling run"}.get(socket, "conditioning")
        raise InvalidInput(
            socket,
            f"this {what} belongs to family {given!r}, the model to {wanted!r}",
            wanted=f"a {wanted} {what}",
        )


def nothing_to_denoise() -> InvalidInput:
    """The mistake of sampling a clean latent."""
    return InvalidInput(
        "latent",
        "this latent is clean (sigma 0): there is nothing to denoise",
        wanted="pure noise (NoiseLatent) or a clip partly noised (AddNoise)",
    )


@dataclass(frozen=True, slots=True)
class Course:
    """What a sampling run is going to do.

    Attributes:
        sampling: how the model's family does it.
        first: the state in which it begins.
    """

    sampling: Sampling
    first: State

    @property
    def levels(self) -> list[float]:
        """The noise levels that it visits, from the first to 0."""
        return self.sampling.levels

    @property
    def solver(self) -> str:
        """Name of the solver."""
        return self.sampling.solver_name


def course_of(
    context: NodeContext,
    model: DiffusionModel,
    latent: Latent,
    settings: Settings,
    start: SamplingState | None = None,
) -> Course:
    """Levels, solver and first state of a run; with ``start``, of one that goes on where another was stopped.

    A run that goes on draws fresh noise from ``latent.seed``. With the same steps and shift it visits the levels of
    the run that was stopped; otherwise what is left of its ``steps`` is spread over what is left of the noise.

    Raises:
        InvalidInput: for a clean latent, or a start that does not fit.
    """
    from nodes.sampling.known import placed
    from nodes.sampling.registry import SOLVERS
    from nodes.sampling.schedule import flow_sigmas
    from nodes.sampling.solvers import State

    traits: Traits = model.extras["traits"]
    family = family_named(model.family)
    if start is None:
        sampling = sampling_of(context, model, latent, settings)
        if SHARE in latent.told:
            return part_of_schedule(context, traits, latent, sampling)
        samples = latent.samples.to(context.device)
        if latent.keep is not None:
            clean, keep = known_part(context, latent)
            samples = placed(samples, clean, keep, sampling.levels[0], latent.seed)
        samples = held(latent, samples)
        return Course(sampling, State(samples, seed=latent.seed))
    check_family("start", start.family, model.family)
    if start.samples.shape != latent.samples.shape:
        raise InvalidInput(
            "start",
            f"the stopped run has shape {list(start.samples.shape)}, the latent {list(latent.samples.shape)}",
            wanted="the size, length and batch of the run that was stopped",
        )
    steps = settings.count(traits)
    if steps <= start.step:
        raise InvalidInput(
            "steps", f"{start.step} steps are done already, {steps} are wanted", wanted=f"more than {start.step}"
        )
    scheduled = start.solver not in SOLVERS  # a model's own schedule may begin a little below 1
    request = request_of(context, latent, settings, 1.0 if scheduled else start.levels[0])
    sampling = family.prepare(model, request)
    done = start.levels[: start.step + 1]
    if sampling.levels[: start.step + 1] != done:
        levels = done + flow_sigmas(steps - start.step, settings.shift or traits.shift, done[-1])[1:]
        sampling = family.prepare(model, replace(request, levels=levels))
    memory = start.memory if sampling.solver_name == start.solver else {}
    first = State(
        start.samples.to(context.device),
        start.step,
        latent.seed,
        memory={name: tensor.to(context.device) for name, tensor in memory.items()},
    )
    return Course(sampling, first)


def request_of(context: NodeContext, latent: Latent, settings: Settings, sigma: float) -> Request:
    """What a run from noise level ``sigma`` asks of the model's family."""
    return Request(
        shape=tuple(latent.samples.shape),
        device=context.device,
        sigma=sigma,
        seed=latent.seed,
        fps=latent.fps,
        steps=settings.steps,
        shift=settings.shift,
        solver="euler" if settings.solver == "auto" and settings.levels is not None else settings.solver,
        eta=settings.eta,
        levels=settings.levels,
        plain=latent.keep is not None or settings.repeats > 1,
        saving=context.memory_saving,
        told=latent.told,
    )


def sampling_of(context: NodeContext, model: DiffusionModel, latent: Latent, settings: Settings) -> Sampling:
    """How the model's family goes through a run from this latent.

    Raises:
        InvalidInput: for a latent that is clean, of another family, or of another shape than the model's.
    """
    check_family("latent", latent.family, model.family)
    traits: Traits = model.extras["traits"]
    if latent.samples.shape[1] != traits.channels:
        raise InvalidInput(
            "latent", f"this latent has {latent.samples.shape[1]} channels", wanted=f"{traits.channels}, as this model"
        )
    if latent.sigma <= 0.0:
        raise nothing_to_denoise()
    sigma = 1.0 if SHARE in latent.told else latent.sigma
    return family_named(model.family).prepare(model, request_of(context, latent, settings, sigma))


def part_of_schedule(context: NodeContext, traits: Traits, latent: Latent, sampling: Sampling) -> Course:
    """The last share of a schedule's steps, from a clean clip noised as its level wants it: how the stock video to
    video pipelines count strength.

    Raises:
        InvalidInput: where parts of the clip are known, or the family samples more latent frames than it has.
    """
    from nodes.diffusion.latents import starting_noise
    from nodes.sampling.solvers import State

    if latent.keep is not None or traits.lead or frames_in_front(latent) or latent.clean is None:
        raise InvalidInput(
            "latent", "a share of the steps cannot be counted here", wanted="AddNoise with strength as noise level"
        )
    total = len(sampling.levels) - 1
    begin = total - max(1, int(total * float(latent.told[SHARE])))
    _, *shape = latent.clean.shape
    fresh = starting_noise(traits, (shape[0], shape[1], shape[2], shape[3]), latent.clean.shape[0], latent.seed)
    samples = sampling.noised(latent.clean.float().cpu(), fresh, begin)
    return Course(sampling, State(samples.to(context.device), begin, latent.seed))


def denoise(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None,
    settings: Settings,
    resumable: bool = True,
    course: Course | None = None,
    stop: int | None = None,
    lineage: str = "",
) -> Iterator[State]:
    """Follow a course (by default from ``latent`` to 0), yielding the state after every step.

    Where it is ``resumable``, it offers a checkpoint after every step and continues from that of a run that was
    cut short, with the same bits as an undisturbed run. Reports progress with seconds per step and a preview, and
    ends within one step when it is cancelled.

    Args:
        stop: end after this many steps of the course.
        lineage: digest under which the states are kept for other runs (see :mod:`lineage`); empty: not at all.
            A run with ``stop`` begins at the last state that is still kept.

    Raises:
        InvalidInput: for parts of different families, a clean latent, or guidance without a negative prompt.
        ArithmeticError: when the result is not finite.
    """
    import torch

    from nodes.sampling.known import finished, repeating
    from nodes.sampling.solvers import State

    course = course or course_of(context, model, latent, settings)
    sampling = course.sampling
    resumable = resumable and sampling.resumable
    lineage = lineage if sampling.resumable else ""
    solver = repeating(sampling.solver, settings.repeats) if settings.repeats > 1 else sampling.solver
    velocity = velocity_of(context, model, positive, latent, negative, settings, sampling)
    stored = context.restore() if resumable else None
    if stored is None and stop is not None and lineage:
        stored = context.kept(lineage, stop)
    state = course.first if stored is None else State.from_state_dict(stored, context.device)

    end = len(course.levels) - 1
    total, done_before = end if stop is None else stop, state.step
    previews = PreviewMaker(model, latent.fps)
    began = time.perf_counter()
    context.progress(state.step, total)
    if state.step >= total:
        yield state
    if state.step >= total:
        return
    with sampling.around():
        while state.step < total:
            with torch.no_grad():
                state = solver(velocity, course.levels, state)
                if latent.keep is not None and state.step == end:
                    state = replace(state, latent=finished(state.latent, *known_part(context, latent)))
                if latent.told:
                    state = replace(state, latent=held(latent, state.latent))
                if sampling.finish is not None and state.step == end:
                    state = replace(state, latent=sampling.finish(state.latent))
            if resumable and state.step < end:
                context.checkpoint(state.state_dict())  # thinned out by the engine to one in a few seconds
            if lineage and state.step < end:
                context.keep(lineage, state.step, state.state_dict())
            seconds = (time.perf_counter() - began) / (state.step - done_before)
            shown = None if state.prediction is None else previews.of(state.prediction[:, :, frames_in_front(latent) :])
            context.progress(state.step, total, shown, pace(seconds, total - state.step))
            if state.step == total and not state.latent.isfinite().all():
                raise ArithmeticError(
                    "the latent became infinite or not a number: lower guidance, or take another solver or precision"
                )
            yield state


def pace(seconds: float, left: int) -> str:
    """Seconds per step, and how long the steps that are left will take."""
    remaining = seconds * left
    after = f", {remaining / 60:.0f} min left" if remaining >= 90 else f", {remaining:.0f} s left"
    return f"{seconds:.2f} s/step" + (after if left else "")


def velocity_of(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    latent: Latent,
    negative: Conditioning | None,
    settings: Settings,
    sampling: Sampling,
) -> Velocity:
    """The guided velocity of a model for these prompts, after checking that everything belongs together."""
    from nodes.sampling.guidance import Guidance, guided_velocity
    from nodes.sampling.known import keeping

    check_family("positive", positive.family, model.family)
    check_family("latent", latent.family, model.family)
    if negative is not None:
        check_family("negative", negative.family, model.family)
    traits: Traits = model.extras["traits"]
    guidance = Guidance(
        scale=traits.guidance if settings.guidance is None else settings.guidance,
        low=settings.guidance_low,
        high=settings.guidance_high,
        rescale=settings.rescale,
        batched=not context.memory_saving
        and (traits.batched if settings.batching == "auto" else settings.batching == "together"),
        scales=along(settings.guidance_curve, sampling.levels, sampling.scales),
    )
    against = model.extras.get("unconditional") if negative is None else negative.tensors
    if against is None and guidance.scale != 1.0:
        raise InvalidInput(
            "negative",
            f"{model.family} needs a negative prompt for guidance other than 1",
            wanted="a TextEncode with an empty prompt will do, or guidance 1",
        )
    told = on_device(latent.told, context)
    for name in ("front", GENERATOR, SHARE):  # how the noise came about is no concern of the model
        told.pop(name, None)
    if latent.keep is not None and settings.tell_known:
        told |= dict(zip(("known", "known_mask"), known_part(context, latent), strict=True))
    away = None if against is None else on_device(against, context) | told
    velocity = guided_velocity(
        sampling.model, towards(context, positive, latent, told), away, guidance, sampling.within
    )
    batch = latent.samples.shape[0]
    conditions = [*positive.tensors.values(), *(against or {}).values(), *told.values()]
    alone = all(tensor.shape[0] == 1 for tensor in conditions)
    if context.memory_saving and batch > 1 and alone and not positive.later:
        velocity = clip_by_clip(velocity)
    return velocity if latent.keep is None else keeping(velocity, *known_part(context, latent))


def known_part(context: NodeContext, latent: Latent) -> tuple[Tensor, Tensor]:
    """What a latent keeps, and where, on the context's device.

    Raises:
        InvalidInput: when it says where to keep and not what.
    """
    if latent.keep is None or latent.clean is None:
        raise InvalidInput(
            "latent", "it says where to keep the clip and not what", wanted="a latent from KnownFrames or KeepRegion"
        )
    return latent.clean.to(context.device), latent.keep.to(context.device)


def frames_in_front(latent: Latent) -> int:
    """Latent frames in front of the clip that stand for pictures that the model is told of (``Family.control``)."""
    return int(latent.told["front"]) if "front" in latent.told else 0


def held(latent: Latent, samples: Tensor) -> Tensor:
    """Samples whose known frames are those that the model is told to take as they are (see ``Family.tell``)."""
    if "held" not in latent.told:
        return samples
    clean, mask = (latent.told[name].to(samples) for name in ("held", "held_mask"))
    return samples * (1.0 - mask) + clean * mask


def towards(
    context: NodeContext, positive: Conditioning, latent: Latent, told: dict[str, Tensor]
) -> Mapping[str, Tensor] | list[Weighted]:
    """The prompt as the guidance takes it: one, or those of a schedule with their weights over the latent frames."""
    import torch

    from nodes.sampling.guidance import schedule_weights

    if not positive.later:
        return on_device(positive.tensors, context) | told
    parts = (positive, *positive.later)
    frames = latent.samples.shape[2]
    places = torch.linspace(0.0, 1.0, frames) if frames > 1 else torch.zeros(1)
    weights = schedule_weights([part.at for part in parts], places, positive.blend)
    return [
        (weight.to(context.device), on_device(part.tensors, context) | told)
        for weight, part in zip(weights, parts, strict=True)
        if bool(weight.any())
    ]


def clip_by_clip(velocity: Velocity) -> Velocity:
    """The same velocity, computed for one clip of the batch after the other: less memory, more time."""
    import torch

    def one_by_one(x: Tensor, sigma: float) -> Tensor:
        return torch.cat([velocity(clip, sigma) for clip in torch.split(x, 1)])

    return one_by_one


def on_device(tensors: Mapping[str, Tensor], context: NodeContext) -> dict[str, Tensor]:
    """Named tensors on the context's device."""
    return {name: tensor.to(context.device) for name, tensor in tensors.items()}
