"""A logger whose messages appear beside the node instead of in the process's log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]
_LEVELS: tuple[tuple[int, Level], ...] = (
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
    (logging.NOTSET, "debug"),
)


class _Forward(logging.Handler):
    def __init__(self, tell: Callable[[Level, str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        for number, level in _LEVELS:
            if record.levelno >= number:
                self._tell(level, record.getMessage())
                return


def node_logger(tell: Callable[[Level, str], None]) -> logging.Logger:
    """A logger of its own (not in the global table, so that nothing stays behind) that forwards each message."""
    logger = logging.Logger("kinograph.node", logging.INFO)
    logger.addHandler(_Forward(tell))
    return logger
