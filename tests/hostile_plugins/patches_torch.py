# expected: state failed it changed functions of other modules (torch.nn.functional.relu)
"""Replaces a function of torch."""

from kinograph import Frames, node


@node("patches_torch.Bad", category="hostile")
def bad(frames: Frames) -> Frames:
    """Replaces a function of torch.

    Args:
        frames: a clip.
    """
    import torch.nn.functional

    torch.nn.functional.relu = lambda x: x
    return frames
