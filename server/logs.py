"""Logs: one JSON object a line in a file that is rotated, and short lines on stderr. Tokens never appear in them."""

from __future__ import annotations

import json
import logging
import logging.handlers
import re
import sys
import time
from pathlib import Path

_BEARER = re.compile(r"(?i)(bearer\s+|token=)[A-Za-z0-9._~+/=-]+")


class _Redact(logging.Filter):
    def __init__(self, secret: str) -> None:
        super().__init__()
        self._secret = secret

    def filter(self, record: logging.LogRecord) -> bool:
        text = _BEARER.sub(r"\1***", record.getMessage())
        record.msg, record.args = (text.replace(self._secret, "***") if self._secret else text), None
        return True


class _Lines(logging.Formatter):
    """JSON, one object a line: no message can forge another."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=True)


class _Short(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage().encode("unicode_escape").decode("ascii")
        return f"{time.strftime('%H:%M:%S')} {record.levelname.lower():7} {text}"


def set_up_logs(folder: Path, secret: str) -> None:
    """Log to ``folder/server.log`` (5 files of 8 MiB) and warnings to stderr."""
    logger = logging.getLogger("kinograph")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.handlers.clear()
    redact = _Redact(secret)
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(_Short())
    handlers: list[logging.Handler] = [screen]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = logging.handlers.RotatingFileHandler(folder / "server.log", maxBytes=8 << 20, backupCount=4, delay=True)
        file.setFormatter(_Lines())
        handlers.append(file)
    except OSError as error:
        print(f"no log file: {error}", file=sys.stderr)
    for handler in handlers:
        handler.addFilter(redact)
        logger.addHandler(handler)
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # malformed requests are no news
