# expected: import warning it imports torch at module level
"""Makes every start wait for torch."""

import torch

from kinograph import node

SIZE = torch.zeros(1).numel()


@node("imports_torch.Good", category="hostile")
def good(value: int = 1) -> int:
    """Give a number back.

    Args:
        value: the number.
    """
    return value
