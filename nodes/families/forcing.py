"""Diffusion forcing (arXiv:2407.01392): every latent frame has a noise level of its own, so that a clip grows from what
is known, block after block and window after window, as SkyReels V2 does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from kinograph import DiffusionModel, InvalidInput
from nodes.families.diffusers_run import Run, fresh_noise, restored
from nodes.families.family import GENERATOR, Request, Sampling
from nodes.families.schedulers import SchedulerSolver
from nodes.families.traits import Traits
from nodes.sampling.noise import item_seed
from nodes.sampling.solvers import State, Velocity

if TYPE_CHECKING:
    from nodes.families.diffusers_family import DiffusersFamily

NOT_BEGUN = 999
"""The timestep that the transformer is told of frames that have not begun."""
LAST_SAMPLE = "last_sample:tensor"
"""In a scheduler's memory: where it stepped from. In the stock pipeline (and in that of the model's authors) this is a
view of the clip after the first step, so that it shows where the step ended; clips of this model are made with that."""
Rows = list[list[int]]
"""For every turn and every block of frames: 0 is not begun, ``k`` takes step ``k``, more than all steps is done."""


@dataclass(frozen=True, slots=True)
class Forcing:
    """How a clip grows.

    Attributes:
        window: frames that are made at a time.
        overlap: frames of a window that are known from the one before it.
        lag: steps by which each block is behind the one before it; 0: all frames together.
        block: latent frames in a block; a block sees itself and those before it. 0: as the model was trained.
        noise: how noisy known frames are said and made to be, in thousandths.
    """

    window: int = 97
    overlap: int = 17
    lag: int = 0
    block: int = 0
    noise: int = 0


@dataclass(frozen=True)
class Window:
    """A part of the clip that is made at a time, in latent frames.

    Attributes:
        begin: its first latent frame in the clip.
        frames: how many it has.
        known: how many of them are known.
        drawn: from which on it begins with noise of its own; ``frames``: the clip's noise is there already.
        block: latent frames in a block.
        rows: what its blocks do in each turn.
    """

    begin: int
    frames: int
    known: int
    drawn: int
    block: int
    rows: Rows

    @property
    def place(self) -> slice:
        """Where it is in the clip."""
        return slice(self.begin, self.begin + self.frames)

    @cached_property
    def together(self) -> list[tuple[int, list[int]]]:
        """Neighbouring blocks that take the same steps: the first of them, and its row in every turn."""
        columns = list(zip(*self.rows, strict=True))
        return [(i, list(column)) for i, column in enumerate(columns) if i == 0 or column != columns[i - 1]]

    def frames_of(self, index: int) -> slice:
        """The latent frames of the window that group ``index`` of :attr:`together` has."""
        starts = [first * self.block for first, _ in self.together] + [self.frames]
        return slice(starts[index], starts[index + 1])


def rows_of(blocks: int, ready: int, steps: int, lag: int) -> Rows:
    """What each block does in each turn until all have taken all steps.

    A block begins with the one before it, or ``lag`` steps later; when that one has ended, it goes on by itself.
    """
    done = steps + 1
    now = [done] * ready + [0] * (blocks - ready)
    turns: Rows = []
    while min(now) < steps:
        following: list[int] = []
        for block in range(blocks):
            alone = block == 0 or now[block - 1] >= steps
            following.append(now[block] + 1 if alone else following[block - 1] - lag)
        now = [min(max(row, 0), done) for row in following]
        turns.append(now)
    return turns


def windows_of(forcing: Forcing, traits: Traits, frames: int, known: int, steps: int) -> list[Window]:
    """The windows of a clip of so many latent frames, of which the first ones are known.

    Raises:
        InvalidInput: where blocks, windows and the clip do not fit into each other.
    """
    base, overlap, block = traits.latent_frames(forcing.window), traits.latent_frames(forcing.overlap), forcing.block
    length = min(base, frames)
    if known >= length or (frames > base and overlap >= base):
        given, size = (known, length) if known >= length else (overlap, base)
        raise InvalidInput("model", f"{given} latent frames of a window of {size} are known", wanted="a longer window")
    if frames > base and overlap % block:
        raise InvalidInput(
            "model",
            f"an overlap of {overlap} latent frames is no whole number of blocks of {block}",
            wanted=f"{traits.temporal * block}k - {traits.temporal - 1} frames of overlap",
        )
    found, begin = [], 0
    while begin == 0 or begin + overlap < frames:
        size = min(base, frames - begin)
        if size % block:
            raise InvalidInput(
                "latent",
                f"{size} latent frames are no whole number of blocks of {block}",
                wanted=f"{traits.temporal * block}k - {traits.temporal - 1} frames",
            )
        ready = overlap if begin else known
        drawn = size if frames <= base else ready
        found.append(
            Window(begin, size, ready, drawn, block, rows_of(size // block, ready // block, steps, forcing.lag))
        )
        begin += base - overlap
        if frames <= base:
            break
    return found


def forced_sampling(
    family: DiffusersFamily, model: DiffusionModel, request: Request, forcing: Forcing, scheduled: Sampling
) -> Sampling:
    """A run in which every latent frame steps through the model's own schedule when its turn has come."""
    traits: Traits = model.extras["traits"]
    assert isinstance(scheduled.solver, SchedulerSolver)
    scheduler, frames = scheduled.solver.scheduler, request.shape[2]
    known = int(request.told["prefix"]) if "prefix" in request.told else 0
    steps = len(scheduler.timesteps)
    windows = windows_of(forcing, traits, frames, known, steps)
    template = torch.tensor([NOT_BEGUN, *scheduler.timesteps.tolist(), 0], device=request.device)
    left = [*scheduled.levels[:1], *scheduled.levels, 0.0]  # noise in a frame before the step of its row
    noise = [left[0]] * frames
    noise[:known] = [0.0] * known
    levels, timesteps = [], {}
    for window in windows:
        for turn in window.rows:
            rows = torch.tensor(turn).repeat_interleave(window.block)
            noise[window.place] = [left[row] for row in rows.tolist()]
            told = template[rows.to(request.device)]
            if forcing.noise:
                told[: window.known] = forcing.noise
            levels.append(sum(noise) / frames)
            timesteps[levels[-1]] = told
        noise[window.place] = [0.0] * window.frames
    levels.append(0.0)
    run = Run(family, model, request, levels, timesteps, scheduler)
    solver = ForcingSolver(scheduled.solver, scheduled.levels, windows, forcing.noise / 1000.0, traits, request.told)
    exact = "step_cache" not in run.settings
    name = f"forced {scheduled.solver_name}"
    return Sampling(levels, solver, name, run.model, run.within, run.scale_at, run.around, exact)


@dataclass(frozen=True)
class ForcingSolver:
    """One turn at a time.

    Attributes:
        solver: steps all frames of a block by the scheduler.
        sigmas: the scheduler's noise levels.
        windows: what is made one after the other.
        share: of noise in known frames, as the transformer sees them.
        traits: of the model.
        told: what the latent is told.
    """

    solver: SchedulerSolver
    sigmas: Sequence[float]
    windows: Sequence[Window]
    share: float
    traits: Traits
    told: Mapping[str, Tensor]

    def __call__(self, velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
        """The blocks whose turn it is take a step."""
        window, turn = self.at(state.step)
        generators = self.generators(state)
        x, before = state.latent.clone(), dict(state.memory)
        memory: dict[str, Tensor] = {}
        if turn == 0:
            before = {}
            if window.drawn < window.frames:
                shape = (x.shape[0], x.shape[1], window.frames, *x.shape[3:])
                fresh = torch.cat([fresh_noise(self.traits, shape, one) for one in generators])
                x[:, :, window.place][:, :, window.drawn :] = fresh[:, :, window.drawn :].to(x)
        part = x[:, :, window.place]
        output = velocity(self.seen(part, window, generators), sigmas[state.step])
        expected = part.clone()
        for index, (first, rows) in enumerate(window.together):
            frames, prefix = window.frames_of(index), f"{first}|"
            own = {name.removeprefix(prefix): value for name, value in before.items() if name.startswith(prefix)}
            row = rows[turn]
            if row > len(self.solver.timesteps) or (row == (rows[turn - 1] if turn else 0)):
                memory |= {prefix + name: value for name, value in own.items()}
                continue
            mine = State(part[:, :, frames], row - 1, state.seed, memory=own)
            stepped = self.solver(lambda _, __, frames=frames: output[:, :, frames], self.sigmas, mine)  # type: ignore[misc]
            part[:, :, frames] = stepped.latent
            if stepped.prediction is not None:
                expected[:, :, frames] = stepped.prediction
            kept = dict(stepped.memory)
            if row == 1 and LAST_SAMPLE in kept:
                kept[LAST_SAMPLE] = stepped.latent
            memory |= {prefix + name: value for name, value in kept.items()}
        prediction = x.clone()
        prediction[:, :, window.place] = expected
        memory[GENERATOR] = torch.stack([one.get_state() for one in generators])
        return State(x, state.step + 1, state.seed, prediction, memory)

    def at(self, step: int) -> tuple[Window, int]:
        """The window of a turn of the whole run, and the turn in it."""
        for window in self.windows:
            if step < len(window.rows):
                return window, step
            step -= len(window.rows)
        raise IndexError(step)

    def generators(self, state: State) -> list[torch.Generator]:
        """One for each clip of a batch: after the noise of the whole clip, or at the beginning, where windows draw."""
        if GENERATOR in state.memory:
            return restored(state.memory[GENERATOR])
        shape, first = state.latent.shape, self.windows[0]
        found = [torch.Generator().manual_seed(item_seed(state.seed + item, 0)) for item in range(shape[0])]
        if first.drawn == first.frames:
            for generator in found:
                torch.randn(shape[1:], generator=generator)
        return found

    def seen(self, part: Tensor, window: Window, generators: list[torch.Generator]) -> Tensor:
        """A window as the transformer sees it: with a little noise on what is known."""
        if not self.share or not window.known:
            return part
        shape = part[:1, :, : window.known].shape
        fresh = torch.cat([torch.randn(shape, generator=one) for one in generators]).to(part)
        known = part[:, :, : window.known] * (1.0 - self.share) + fresh * self.share
        return torch.cat([known, part[:, :, window.known :]], 2)
