# expected: state failed it changed torch's global random numbers
"""Seeds everybody's random numbers."""

from kinograph import Frames, node


@node("global_seed.Bad", category="hostile")
def bad(frames: Frames) -> Frames:
    """Seeds everybody's random numbers.

    Args:
        frames: a clip.
    """
    import torch

    torch.manual_seed(7)
    return Frames(torch.rand_like(frames.pixels), frames.fps)
