"""Sampling runs of rectified-flow models with our own schedule and solvers."""

from __future__ import annotations

from nodes.families.family import Request, Sampling
from nodes.families.traits import Traits
from nodes.sampling.guidance import Model
from nodes.sampling.registry import solver_named
from nodes.sampling.schedule import flow_sigmas


def flow_sampling(model: Model, traits: Traits, request: Request) -> Sampling:
    """The run of a model that predicts velocity: evenly spaced times, shifted, and a solver by name."""
    name = traits.solver if request.solver == "auto" else request.solver
    levels = request.levels or flow_sigmas(request.steps or traits.steps, request.shift or traits.shift, request.sigma)
    return Sampling(levels, solver_named(name, request.eta), name, model)
