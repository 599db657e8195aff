"""A scheduler of diffusers as a solver: one pure step, all its memory in the state, so that a run can be stopped.

diffusers' schedulers keep what a multistep method needs inside themselves. Here every step starts from a scheduler as
it was right after ``set_timesteps``, puts the memory of the state into it, steps, and takes the memory out again. So
a run continues with the same bits after a checkpoint, and two runs never share anything.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from nodes.sampling.solvers import State, Velocity

Prediction = Callable[[Tensor, Tensor, int], Tensor]
"""``(x, model output, step) -> the clean clip that the model expects``."""
RANDOM = "random"
"""Name in a state's memory: the state of the random generator."""
PREVIOUS = "previous"
"""Name in a state's memory: the last prediction, for schedulers that want it handed back."""
_KINDS: dict[type, str] = {bool: "bool", int: "int", float: "float"}


@dataclass(slots=True)
class SchedulerSolver:
    """Steps a scheduler whose ``set_timesteps`` has been called.

    Attributes:
        scheduler: as it is before the first step; not changed.
        timesteps: what the model is told at each step ``[steps]``.
        prediction: for previews.
        generator: in the state that it has after the starting noise was drawn, or ``None`` where none is needed.
        axes: the order of the latent's axes in which the scheduler draws noise.
        rounded_to: number format to which the latent is rounded, at the beginning and after every step.
        initial: by what the starting noise is multiplied before the first step.
    """

    scheduler: Any
    timesteps: Tensor
    prediction: Prediction
    generator: torch.Generator | None = None
    axes: tuple[int, ...] = (0, 1, 2, 3, 4)
    rounded_to: torch.dtype | None = None
    initial: float | Tensor = 1.0
    _fresh: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._fresh = snapshot(self.scheduler)

    def __call__(self, velocity: Velocity, sigmas: Sequence[float], state: State) -> State:
        """One step, from ``sigmas[state.step]`` to ``sigmas[state.step + 1]``."""
        index, x = state.step, state.latent
        if index == 0:
            x = (self._narrow(x) * self.initial).to(x.dtype)
        output = velocity(x, sigmas[index])
        scheduler = with_memory(self.scheduler, self._fresh, state.memory)
        if not state.memory and hasattr(scheduler, "set_begin_index"):
            scheduler.set_begin_index(index)  # a run may begin in the middle of the schedule
        wanted = inspect.signature(scheduler.step).parameters
        memory: dict[str, Tensor] = {}
        extra: dict[str, Any] = {}
        generator = self._generator(state) if "generator" in wanted else None
        if generator is not None:
            extra["generator"] = generator
        t = self.timesteps[index]
        sample, direction = self._narrow(x).permute(self.axes), output.permute(self.axes)
        if "old_pred_original_sample" in wanted:  # CogVideoX's DPM-Solver++ keeps nothing itself
            old = state.memory.get(PREVIOUS)
            before = self.timesteps[index - 1] if index > 0 else None
            sample, old = scheduler.step(direction, old, t, before, sample, return_dict=False, **extra)
            memory[PREVIOUS] = old
        else:
            sample = scheduler.step(direction, t, sample, return_dict=False, **extra)[0]
        memory |= differences(self._fresh, snapshot(scheduler))
        if generator is not None:
            memory[RANDOM] = generator.get_state()
        back = [self.axes.index(axis) for axis in range(len(self.axes))]
        latent = sample.permute(back)
        return State(self._narrow(latent).to(x.dtype), index + 1, state.seed, self.prediction(x, output, index), memory)

    def _narrow(self, latent: Tensor) -> Tensor:
        """The latent in the number format in which the stock pipeline keeps it, and schedulers compute."""
        return latent if self.rounded_to is None else latent.to(self.rounded_to)

    def _generator(self, state: State) -> torch.Generator | None:
        if self.generator is None:
            return None
        generator = torch.Generator("cpu")
        generator.set_state(state.memory[RANDOM].cpu() if RANDOM in state.memory else self.generator.get_state())
        return generator


def snapshot(scheduler: Any) -> dict[str, Any]:
    """What a scheduler holds besides its configuration; lists are copied, tensors are not (none changes in place)."""
    return {
        name: list(value) if isinstance(value, list) else value
        for name, value in vars(scheduler).items()
        if name != "_internal_dict"
    }


def differences(fresh: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Tensor]:
    """What has changed since ``fresh``, as named tensors: ``"step_index:int"``, ``"model_outputs.0:tensor"``.

    Raises:
        TypeError: for a scheduler that keeps something else.
    """
    found: dict[str, Tensor] = {}
    for name, value in now.items():
        before = fresh.get(name)
        if isinstance(value, list):
            same = isinstance(before, list) and len(before) == len(value)
            if not same or any(one is not other for one, other in zip(before or (), value, strict=True)):
                found[f"{name}:list"] = torch.tensor(len(value))
                for index, item in enumerate(value):
                    if item is not None:
                        kind, tensor = encoded(item)
                        found[f"{name}.{index}:{kind}"] = tensor
        elif value is not before and value is not None and (isinstance(value, Tensor) or value != before):
            kind, tensor = encoded(value)
            found[f"{name}:{kind}"] = tensor
    return found


def encoded(value: Any) -> tuple[str, Tensor]:
    """The kind of a remembered value, and the value as a tensor."""
    if isinstance(value, Tensor):
        return "tensor", value
    kind = _KINDS.get(type(value))
    if kind is None:
        raise TypeError(f"a scheduler keeps a {type(value).__name__}, which cannot be stored")
    return kind, torch.tensor(value, dtype=torch.float64 if kind == "float" else None)


def with_memory(scheduler: Any, fresh: Mapping[str, Any], memory: Mapping[str, Tensor]) -> Any:
    """A scheduler like ``scheduler`` in its ``fresh`` state, with what ``memory`` holds put in."""
    restored = copy.copy(scheduler)
    vars(restored).update({name: list(value) if isinstance(value, list) else value for name, value in fresh.items()})
    plain = {key: value for key, value in memory.items() if ":" in key}
    for key, value in sorted(plain.items(), key=lambda item: "." in item[0]):  # lists first, then what is in them
        name, kind = key.rsplit(":", 1)
        content = value if kind == "tensor" else [None] * int(value) if kind == "list" else value.item()
        if "." in name:
            owner, index = name.rsplit(".", 1)
            getattr(restored, owner)[int(index)] = content
        else:
            setattr(restored, name, content)
    return restored
