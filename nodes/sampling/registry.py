"""Solvers by the names that people know them by, and the loop that runs one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from types import MappingProxyType

from nodes.sampling.solvers import Solver, State, Velocity, dpmpp_2m, euler, euler_ancestral, heun, lcm
from nodes.sampling.unipc import unipc

SOLVERS: MappingProxyType[str, Solver] = MappingProxyType(
    {
        "euler": euler,
        "heun": heun,
        "dpmpp_2m": dpmpp_2m,
        "unipc": unipc,
        "euler_ancestral": euler_ancestral,
        "lcm": lcm,
    }
)


def solver_named(name: str, eta: float = 1.0) -> Solver:
    """A solver of :data:`SOLVERS`; ``eta`` is how much noise an ancestral one adds.

    Raises:
        ValueError: for a name that is not there.
    """
    if name == "euler_ancestral":
        return partial(euler_ancestral, eta=eta)
    if name not in SOLVERS:
        raise ValueError(f"unknown solver {name!r}; there are {', '.join(SOLVERS)}")
    return SOLVERS[name]


def sample(velocity: Velocity, sigmas: Sequence[float], state: State, solver: Solver) -> Iterator[State]:
    """Run a solver from ``state`` to the end of ``sigmas``, yielding the state after every step."""
    while state.step < len(sigmas) - 1:
        state = solver(velocity, sigmas, state)
        yield state
