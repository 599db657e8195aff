"""How far tests search that draw their inputs at random.

Every run looks at a moderate number of examples, so that the whole suite stays short. A deeper search of any of them is
one command::

    KINOGRAPH_TEST_DEPTH=30 pytest tests/engine/test_properties.py
"""

from __future__ import annotations

import os

from hypothesis import settings

DEPTH = int(os.environ.get("KINOGRAPH_TEST_DEPTH", "1"))
"""Times as many examples as usual."""


def examples(count: int = 100) -> settings:
    """Decorates a test: it looks at so many examples, :data:`DEPTH` times as many when asked to."""
    return settings(max_examples=count * DEPTH, deadline=None)  # a slow moment of the machine is no failure


SEARCHING = "searching"
"""Profile of all tests that say no number themselves."""
settings.register_profile(SEARCHING, examples())
