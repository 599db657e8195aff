# expected: state failed it changed torch's default dtype
"""Changes torch's default dtype."""

from kinograph import Frames, node


@node("default_dtype.Bad", category="hostile")
def bad(frames: Frames) -> Frames:
    """Changes torch's default dtype.

    Args:
        frames: a clip.
    """
    import torch

    torch.set_default_dtype(torch.float64)
    return frames
