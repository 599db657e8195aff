"""A request to stop, shared between who asks and who works."""

from __future__ import annotations

import threading
from collections.abc import Callable


class CancelToken:
    """Asked once, heard everywhere. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._listeners: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask to stop. Asking again does nothing."""
        with self._lock:
            if self._asked:
                return
            self._asked = True
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def cancelled(self) -> bool:
        """Whether somebody asked."""
        return self._asked

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` when somebody asks (at once if somebody has)."""
        with self._lock:
            if not self._asked:
                self._listeners.append(listener)
                return
        listener()

    def forget(self, listener: Callable[[], None]) -> None:
        """Do not call ``listener`` any more."""
        with self._lock:
            self._listeners = [other for other in self._listeners if other != listener]
