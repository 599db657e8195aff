"""Which samples a step of flow training learns from, and what of them is given beside the noise.

Nothing here has a memory: all follows from the seed and the step's number, so that a run that was stopped goes on with
the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nodes.training.latents import LatentSet
from nodes.training.world.specs import ClipSpec, ToldClip


class SampleOrder:
    """The samples of a set in the order of training: every one once per pass, in an order drawn anew for each pass."""

    def __init__(
        self, data: LatentSet, seed: int, cells: int, crowded: float, window: int = 0, turns: float = 1.0
    ) -> None:
        self.data = data
        self.seed = seed
        self.window = window
        """Side in cells of the part of each sample that is looked at; 0: the whole."""
        size = data.latents[0, 0].numel() if not window else data.latents.shape[2] * window**2
        self.batch = max(1, cells // size)
        """Samples of a step: as many as fit into this many latent cells."""
        self.pool = _pool(data.specs, crowded)
        if window:  # a clip is only cut where nothing of its objects is lost, and nothing where they are not known
            clips = data.latents.shape[2] > 1
            fits = _fitting(data.cover, window) if clips else [not isinstance(one, ToldClip) for one in data.specs]
            self.pool = [i for i in self.pool if fits[i]]
        self.turns = turns
        """How much more often this order's turn comes than its number of samples alone says."""
        self._epoch = -1
        self._permutation = np.arange(0)

    def chosen(self, number: int) -> list[int]:
        """Indices of the samples of batch `number` of this set."""
        size = len(self.pool)
        places = range(number * self.batch, (number + 1) * self.batch)
        return [self.pool[int(self._order(place // size)[place % size])] for place in places]

    def _order(self, epoch: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        if self._epoch != epoch:
            self._epoch = epoch
            self._permutation = np.random.default_rng([self.seed, 1 << 30, epoch]).permutation(len(self.pool))
        return self._permutation


class StepSchedule:
    """Which set each step learns from: single frames in their share of the steps, and every set of a kind in
    proportion to the samples that it has, as evenly spread as can be."""

    def __init__(self, orders: list[SampleOrder], image_steps: float) -> None:
        images = sum(len(order.pool) * order.turns for order in orders if order.data.latents.shape[2] == 1)
        clips = sum(len(order.pool) * order.turns for order in orders) - images
        frames_share = 0.0 if not images else 1.0 if not clips else image_steps
        self._orders = orders
        self._shares = [
            frames_share * len(order.pool) * order.turns / images
            if order.data.latents.shape[2] == 1
            else (1 - frames_share) * len(order.pool) * order.turns / clips
            for order in orders
        ]
        self._taken = [0] * len(orders)
        self._steps: list[tuple[int, int]] = []

    def at(self, step: int) -> tuple[SampleOrder, int]:
        """The set of a step, and which of its batches."""
        while len(self._steps) <= step:
            due = [
                share * (len(self._steps) + 1) - taken for share, taken in zip(self._shares, self._taken, strict=True)
            ]
            most = max(range(len(due)), key=due.__getitem__)
            self._steps.append((most, self._taken[most]))
            self._taken[most] += 1
        chosen, number = self._steps[step]
        return self._orders[chosen], number


def object_windows(cover: Tensor, side: int, rng: np.random.Generator) -> Tensor:
    """Corners `[B, 2]` (row, column) of square windows of `side` cells that hold the objects of covers `[B, T, H, W]`.

    Where an object leaves room its window is drawn at random among those that hold it; of larger ones the middle is
    taken.
    """
    corners = []
    for touched in (cover > 0.01).any(1):
        corner = []
        for axis in (1, 0):
            line = touched.any(axis).nonzero().flatten()
            room = touched.shape[1 - axis] - side
            first, last = (int(line[0]), int(line[-1])) if len(line) else (0, room + side - 1)
            low, high = sorted((last - side + 1, first))
            if last - first + 1 > side:
                low = high = (first + last + 1 - side) // 2
            low, high = min(max(low, 0), room), min(max(high, 0), room)
            corner.append(int(rng.integers(low, high + 1)))
        corners.append(corner)
    return torch.tensor(corners)


def cut_windows(cells: Tensor, corners: Tensor, side: int) -> Tensor:
    """Cut the windows at `corners` `[B, 2]` out of `[B, C, T, H, W]`: `[B, C, T, side, side]`."""
    parts = [whole[..., r : r + side, c : c + side] for whole, (r, c) in zip(cells, corners.tolist(), strict=True)]
    return torch.stack(parts)


def known_cells(grid: tuple[int, ...], share: float, rng: np.random.Generator) -> Tensor:
    """Draw which cells of a clip of `grid` (T, H, W) are given beside the noise: `[1, T, H, W]`, 1 where given.

    With probability `share` first frames, last frames, both, or everything outside a box through all frames; else none.
    """
    known = torch.zeros(1, *grid)
    if rng.random() >= share:
        return known
    frames, height, width = grid
    kind = rng.random()
    if frames == 1 or kind > 0.8:
        top, left = int(rng.integers(height - 1)), int(rng.integers(width - 1))
        bottom, right = int(rng.integers(top + 2, height + 1)), int(rng.integers(left + 2, width + 1))
        known += 1
        known[:, :, top:bottom, left:right] = 0
        return known
    first = 1 if rng.random() < 0.5 else int(rng.integers(1, frames))
    last = 1 if rng.random() < 0.5 else int(rng.integers(1, frames))
    if kind < 0.6:
        known[:, :first] = 1
    if kind > 0.5:
        known[:, frames - last :] = 1
    return known


def _fitting(cover: Tensor, side: int) -> list[bool]:
    """Of which clips, by their covers `[N, T, H, W]`, the objects stay within a window of `side` cells."""
    touched = (cover > 0.01).any(1)  # [N, H, W]
    fits = torch.ones(len(touched), dtype=torch.bool)
    for axis in (1, 2):
        line = touched.any(axis).float()  # [N, cells]
        first, last = line.argmax(1), line.shape[1] - 1 - line.flip(1).argmax(1)
        fits &= last - first < side
    found: list[bool] = fits.tolist()
    return found


def _pool(specs: Sequence[ClipSpec | ToldClip], crowded_share: float) -> list[int]:
    """The clips of the set that are used: all simple ones, and this share of the crowded."""
    chosen, crowded = [], 0
    for i, spec in enumerate(specs):
        if len(spec.objects) > 1 or spec.camera != "static":
            crowded += 1
            if int(crowded * crowded_share) == int((crowded - 1) * crowded_share):
                continue
        chosen.append(i)
    return chosen
