"""One sampling run of a family that loads through diffusers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kinograph import DiffusionModel, InvalidInput, Latent
from nodes.families.acceleration import accelerated
from nodes.families.bundle import Bundle
from nodes.families.family import GENERATOR, Request, Sampling
from nodes.families.low_rank import Adaptation, Adapter
from nodes.families.residency import MEMORY
from nodes.families.schedulers import SchedulerSolver
from nodes.families.traits import Traits
from nodes.sampling.guidance import Branch
from nodes.sampling.noise import item_seed
from nodes.sampling.registry import solver_named
from nodes.sampling.schedule import flow_sigmas

if TYPE_CHECKING:
    from nodes.families.diffusers_family import DiffusersFamily

CONTEXTS: dict[Branch, str] = {"positive": "cond", "negative": "uncond", "both": "cond_uncond"}
"""Names under which diffusers' caches keep what belongs to an evaluation."""
TRANSFORMERS = ("transformer", "transformer_2")
"""The networks that a run may evaluate."""
FASTER = frozenset({"step_cache", "attention", "compile"})
"""Settings of a model that :func:`nodes.families.acceleration.accelerated` acts on."""


class Run:
    """Evaluations of the transformer in one run, with what stays the same during it.

    Args:
        family: what is particular.
        model: the record of the wires.
        request: what is asked for.
        levels: the noise levels.
        timesteps: what the transformer is told at each of them (but the last).
        scheduler: the one that steps, or ``None`` where our own solvers do.
    """

    def __init__(
        self,
        family: DiffusersFamily,
        model: DiffusionModel,
        request: Request,
        levels: list[float],
        timesteps: Mapping[float, Tensor],
        scheduler: Any = None,
    ) -> None:
        self.family = family
        self.bundle: Bundle = model.extras["bundle"]
        self.settings: Mapping[str, Any] = {**model.extras.get("settings", {}), "steps": len(levels) - 1}
        self.levels = levels
        self._request = request
        self._traits: Traits = model.extras["traits"]
        adaptations: tuple[Adaptation, ...] = model.extras.get("adaptations", ())
        self._adapters = {name: Adapter(name, adaptations) for name in TRANSFORMERS}
        if self.settings.get("compile") and any(adapter.acts for adapter in self._adapters.values()):
            raise InvalidInput("model", "compiled blocks do not hear a LoRA", wanted="compile off, or no LoRA")
        self._timesteps = timesteps
        self._scheduler = scheduler
        self._constants: dict[str, Any] | None = None
        self._sigma = levels[0]
        self._begun = False
        self._faster = bool(FASTER.intersection(self.settings))
        self._accelerators = ExitStack()
        self._current: Any = None

    def timestep(self, sigma: float) -> Tensor:
        """What the transformer is told at a noise level; of each latent frame ``[t]`` where they differ."""
        found = self._timesteps.get(sigma)
        return torch.tensor(self.family.timestep(sigma), device=self._request.device) if found is None else found

    def name_at(self, sigma: float) -> str:
        """Which transformer is evaluated at a noise level."""
        return self.family.network_at(self.bundle, float(self.timestep(sigma).max()), self.settings)

    def within(self, sigma: float, branch: Branch) -> AbstractContextManager[object]:
        """Around an evaluation: which noise level it is for, and where caches keep what belongs to it."""
        self._sigma = sigma
        network = self._network(self.name_at(sigma))
        if not self._begun:
            self._begun = True
            for name in ("transformer_2", "vae"):
                if self.bundle.has(name):
                    self.bundle.resident(name).read_ahead()
        if "step_cache" not in self.settings:  # looking for caches at every step costs a hundredth of a small model
            return nullcontext()
        step = self.levels.index(sigma) if sigma in self.levels else 0
        where: AbstractContextManager[object] = network.cache_context(
            CONTEXTS[branch], step_index=step, sigma=sigma, num_inference_steps=len(self.levels) - 1
        )
        return where

    def model(self, x: Tensor, level: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The transformer's output ``[B, C, t, h, w]`` at the level that :meth:`within` named."""
        family, t = self.family, self.timestep(self._sigma)
        name = self.name_at(self._sigma)
        network = self._network(name)
        if self._constants is None:
            self._constants = family.constants(self.bundle, self._traits, self._request, self.settings)
        inputs = self._scaled(x, t)
        if "concat" in conditions:
            inputs = torch.cat([inputs, conditions["concat"].to(inputs)], 1)
        packed = family.pack(inputs).to(self.bundle.dtype(name))
        with self._adapters[name].on(network):
            output = family.predict(network, packed, t.expand(x.shape[0], *t.shape), conditions, self._constants)
        unpacked = family.unpack(output, tuple(x.shape))
        return unpacked.float() if family.wide_guidance else unpacked

    def _scaled(self, x: Tensor, t: Tensor) -> Tensor:
        """The latent as the scheduler wants the transformer to see it; the scheduler itself stays as it is."""
        if self._scheduler is None or not hasattr(self._scheduler, "scale_model_input"):
            return x
        scheduler = copy.copy(self._scheduler)
        if hasattr(scheduler, "_step_index"):
            scheduler._step_index = self.levels.index(self._sigma)
        narrow = x.to(self.bundle.dtype("transformer")) if self.family.narrow_latents else x
        scaled: Tensor = scheduler.scale_model_input(narrow, t)
        return scaled

    def velocity(self, x: Tensor, level: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The output as the velocity ``noise - clean`` in float32, for our own solvers."""
        return self.family.direction() * self.model(x, level, conditions).float()

    def scale_at(self, scale: float, sigma: float) -> float:
        """The guidance scale at a noise level."""
        return self.family.scale_at(scale, float(self.timestep(sigma).max()), self.bundle, self.settings)

    @contextmanager
    def around(self) -> Iterator[None]:
        """Around the whole run: what makes it faster is there while it lasts, and knows nothing of another run."""
        with MEMORY.saving(self._request.saving), self._accelerators:
            yield

    def _network(self, name: str) -> Any:
        """A transformer, made faster where that is asked for; what the one before it was given is undone."""
        network = self.bundle.network(name)
        if self._faster and self._current is not network:
            self._accelerators.close()
            self._accelerators.enter_context(accelerated(network, self.settings, len(self.levels) - 1))
            self._current = network
        return network


def scheduled_sampling(family: DiffusersFamily, model: DiffusionModel, request: Request) -> Sampling:
    """A run with the model's own scheduler, step by step what the stock pipeline does."""
    bundle: Bundle = model.extras["bundle"]
    traits: Traits = model.extras["traits"]
    scheduler = bundle.scheduler()
    if request.shift is not None:
        scheduler = bundle.scheduler(**family.shifted(scheduler, request.shift))
    family.set_timesteps(scheduler, request.steps or traits.steps, request, traits)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)
    if hasattr(scheduler, "is_scale_input_called"):
        scheduler.is_scale_input_called = True  # it is, on a copy
    levels = family.levels(scheduler)
    run = Run(family, model, request, levels, dict(zip(levels, scheduler.timesteps, strict=False)), scheduler)
    axes = tuple(1 + "CTHW".index(axis) for axis in traits.axes)
    solver = SchedulerSolver(
        scheduler,
        scheduler.timesteps,
        partial(family.prediction, scheduler),
        generator_after_noise(request),
        (0, *axes),
        rounded_to=bundle.dtype("transformer") if family.narrow_latents else None,
        initial=getattr(scheduler, "init_noise_sigma", 1.0),
    )
    exact = "step_cache" not in run.settings
    name = type(scheduler).__name__
    forward = partial(family.forward, scheduler)
    finish = partial(family.finished, request=request)
    return Sampling(levels, solver, name, run.model, run.within, run.scale_at, run.around, exact, forward, finish)


def native_sampling(family: DiffusersFamily, model: DiffusionModel, request: Request) -> Sampling:
    """A run of a rectified flow with one of our own solvers, also from a clip that is only partly noised."""
    traits: Traits = model.extras["traits"]
    name = traits.solver if request.solver == "auto" else request.solver
    levels = request.levels
    if levels is None:
        shift = request.shift or family.own_shift(model.extras["bundle"].scheduler(), request, traits)
        levels = flow_sigmas(request.steps or traits.steps, shift, request.sigma)
    run = Run(family, model, request, levels, {})
    exact = "step_cache" not in run.settings
    solver = solver_named(name, request.eta)
    finish = partial(family.finished, request=request)
    return Sampling(levels, solver, name, run.velocity, run.within, run.scale_at, run.around, exact, finish=finish)


def generator_after_noise(request: Request) -> torch.Generator:
    """The random generator as the stock pipeline has it after drawing the starting noise of one clip."""
    generator = torch.Generator("cpu").manual_seed(item_seed(request.seed, 0))
    if GENERATOR in request.told:  # more was drawn than noise
        return restored(request.told[GENERATOR])[0]
    torch.randn(request.shape[1:], generator=generator)
    return generator


def generators_after_noise(latent: Latent) -> list[torch.Generator]:
    """For each clip of a batch the random generator as it was left: after what the latent was told, or its noise."""
    if GENERATOR in latent.told:
        return restored(latent.told[GENERATOR])
    found = [torch.Generator().manual_seed(item_seed(latent.seed + item, 0)) for item in range(len(latent.samples))]
    for generator in found:
        torch.randn(latent.samples.shape[1:], generator=generator)
    return found


def restored(states: Tensor) -> list[torch.Generator]:
    """Generators in these states ``[B, bytes]``. (Torch reads a state from the beginning of its storage: no views.)"""
    return [torch.Generator().set_state(state.cpu().clone()) for state in states]


def fresh_noise(traits: Traits, shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Noise ``[1, C, t, h, w]`` for one clip of a batch ``[B, C, t, h, w]``, drawn in the model's order of axes."""
    sizes = dict(zip("CTHW", shape[1:], strict=True))
    drawn = torch.randn([1, *(sizes[axis] for axis in traits.axes)], generator=generator)
    return drawn.permute(0, *(1 + traits.axes.index(axis) for axis in "CTHW")).contiguous()
