"""Every error answer has one form (:class:`server.contract.models.ErrorBody`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web


class ApiError(Exception):
    """An answer that is an error. ``close``: the rest of the request is not wanted."""

    def __init__(
        self, status: int, code: str, message: str, *, problems: Sequence[Mapping[str, Any]] = (), close: bool = False
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.problems = list(problems)
        self.close = close

    def response(self) -> web.Response:
        """As an HTTP answer."""
        body: dict[str, Any] = {"error": self.code, "message": str(self), "problems": self.problems}
        response = json_response(body, self.status)
        if self.close:
            response.force_close()
        return response


def json_response(body: Any, status: int = 200) -> web.Response:
    """JSON that is never stored by anybody."""
    return json_text(compact(body), status)


def compact(body: Any) -> str:
    """JSON without spaces."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def json_text(text: str, status: int = 200) -> web.Response:
    """JSON that was written already."""
    return web.Response(
        body=text.encode("utf-8", "replace"),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
