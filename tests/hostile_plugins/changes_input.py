# expected: inputs failed it changed its input 'frames' in place
"""Changes its input in place."""

from kinograph import Frames, node


@node("changes_input.Bad", category="hostile")
def bad(frames: Frames) -> Frames:
    """Changes its input in place.

    Args:
        frames: a clip.
    """
    frames.pixels.mul_(0.5)
    return Frames(frames.pixels.clone(), frames.fps)
