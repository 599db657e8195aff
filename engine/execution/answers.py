"""Questions that a running node asks a person, and the answers."""

from __future__ import annotations

import threading

from engine.cancel import CancelToken
from engine.node_types.context import Cancelled


class Answers:
    """Where answers arrive. One per run; thread-safe."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._answers: dict[str, str] = {}

    def give(self, node: str, answer: str) -> None:
        """Answer the question of a node."""
        with self._arrived:
            self._answers[node] = answer
            self._arrived.notify_all()

    def wait(self, node: str, cancel: CancelToken) -> str:
        """The answer to a node's question, as soon as there is one.

        Raises:
            Cancelled: when the run is cancelled first.
        """
        cancel.listen(self._look)
        with self._arrived:
            self._arrived.wait_for(lambda: node in self._answers or cancel.cancelled())
            if node in self._answers:
                return self._answers.pop(node)
        raise Cancelled

    def _look(self) -> None:
        with self._arrived:
            self._arrived.notify_all()
