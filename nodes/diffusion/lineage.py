"""What the states of a sampling run depend on, as one digest: runs with equal ones share them."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from kinograph import Conditioning, DiffusionModel, Latent, NodeContext, SamplingState
from nodes.diffusion.denoising import Course, known_part
from nodes.diffusion.settings import Settings


def lineage_of(
    context: NodeContext,
    model: DiffusionModel,
    positive: Conditioning,
    negative: Conditioning | None,
    settings: Settings,
    course: Course,
    start: SamplingState | None = None,
    *,
    latent: Latent,
) -> str:
    """Digest of everything that the states of a run depend on; empty where the model's weights have no digest.

    Equal digests mean equal states, on the same kind of device with the same torch.
    """
    import torch

    if not model.digest or not context.keeps:
        return ""
    summary = hashlib.blake2b(digest_size=16)
    device = torch.device(context.device).type
    plain = (model.family, model.digest, asdict(settings), course.solver, course.levels, course.first.seed)
    origin = (None, 0) if start is None else (start.lineage, start.step)
    summary.update(repr((plain, origin, device, context.memory_saving, torch.__version__)).encode())
    against = model.extras.get("unconditional") if negative is None else negative.tensors
    schedule = [(part.at, part.blend) for part in (positive, *positive.later)]
    summary.update(repr(schedule).encode())
    groups = {
        "positive": positive.tensors,
        **{f"positive {number}": part.tensors for number, part in enumerate(positive.later, 1)},
        "negative": against or {},
        "known": {} if latent.keep is None else dict(zip(("clean", "keep"), known_part(context, latent), strict=True)),
        "told": latent.told,
        "first": {"latent": course.first.latent, **course.first.memory},
    }
    for group, tensors in groups.items():
        for name, tensor in sorted(tensors.items()):
            summary.update(f"{group}\0{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
            summary.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return summary.hexdigest()
