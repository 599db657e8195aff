"""Read what comes in: with limits on size, time, depth and numbers, before anything is made of it."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from server.contract.errors import ApiError
from server.contract.limits import DEFAULT, Limits

ModelT = TypeVar("ModelT", bound=BaseModel)

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_INLINE = 1 << 16


async def read_body(request: web.Request, limits: Limits = DEFAULT, most: int = 0) -> bytes:
    """The whole body.

    Raises:
        ApiError: 413 when it is too large, 408 when it comes too slowly, 415 when it is compressed.
    """
    most = most or limits.json_body
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise ApiError(415, "compressed_body", "a compressed body is not taken", close=True)
    if (request.content_length or 0) > most:
        raise ApiError(413, "too_large", f"the body is larger than {most} bytes", close=True)
    parts: list[bytes] = []
    size, started = 0, time.monotonic()
    while True:
        try:
            async with asyncio.timeout(limits.body_idle_seconds):
                part = await request.content.readany()
        except TimeoutError:
            raise ApiError(408, "too_slow", "the body came too slowly", close=True) from None
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > most:
            raise ApiError(413, "too_large", f"the body is larger than {most} bytes", close=True)
        check_rate(started, size, limits)


def check_rate(started: float, size: int, limits: Limits = DEFAULT) -> None:
    """Refuse a sender that trickles.

    Raises:
        ApiError: 408.
    """
    seconds = time.monotonic() - started
    if seconds > limits.body_idle_seconds and size / seconds < limits.body_bytes_per_second:
        raise ApiError(408, "too_slow", "the body came too slowly", close=True)


def parse_json(raw: bytes, limits: Limits = DEFAULT) -> Any:
    """JSON without what other readers understand differently: NaN, Infinity, huge numbers, names that stand twice.

    Raises:
        ApiError: 400, saying what is wrong.
    """

    def whole(text: str) -> int:
        if len(text) > limits.json_integer_digits:
            raise ValueError(f"a whole number of {len(text)} digits")
        return int(text)

    # without so many digits in a row no number is too long, or more than a double holds, and none need be looked at
    large = re.search(rb"\d{%d}|[eE][+-]?\d{3}" % limits.json_integer_digits, raw) is not None
    try:
        found = json.loads(
            raw.decode("utf-8"),
            parse_int=whole if large else None,
            parse_float=_finite if large else None,
            parse_constant=_refused,
            object_pairs_hook=_object,
        )
        if _SURROGATE.search(raw):
            json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeError:
        raise ApiError(400, "broken_json", "the body is not well-formed Unicode in UTF-8") from None
    except RecursionError:
        raise ApiError(400, "too_deep", "the JSON is nested too deeply") from None
    except ValueError as error:
        raise ApiError(400, "broken_json", f"the body is not usable JSON: {error}") from None
    if _deeper(found, limits.json_depth):
        raise ApiError(400, "too_deep", f"the JSON is nested more than {limits.json_depth} levels deep")
    return found


def _deeper(found: Any, most: int) -> bool:
    """Whether lists and objects nest deeper than ``most``."""
    level = [found] if isinstance(found, dict | list) else []
    for _ in range(most):
        if not level:
            return False
        level = [
            part
            for parts in level
            for part in (parts.values() if type(parts) is dict else parts)
            if type(part) is dict or type(part) is list
        ]
    return bool(level)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not a number that JSON allows")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


async def read_json(request: web.Request, limits: Limits = DEFAULT) -> Any:
    """The body as JSON.

    Raises:
        ApiError: 415 without ``Content-Type: application/json``, otherwise as :func:`read_body` and :func:`parse_json`.
    """
    if request.content_type != "application/json":
        raise ApiError(415, "not_json", "send JSON, with Content-Type: application/json")
    raw = await read_body(request, limits)
    if len(raw) <= _INLINE:
        return parse_json(raw, limits)
    return await asyncio.to_thread(parse_json, raw, limits)


async def read_model(request: web.Request, model: type[ModelT], limits: Limits = DEFAULT) -> ModelT:
    """The body as one of :mod:`server.contract.models`.

    Raises:
        ApiError: 400 naming the fields that are wrong.
    """
    data = await read_json(request, limits)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        parts = [
            f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}" for item in error.errors()[:5]
        ]
        raise ApiError(400, "bad_request", "; ".join(parts)) from None


def query_int(request: web.Request, name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query, brought into its range.

    Raises:
        ApiError: 400 when it is no number.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
        raise ApiError(400, "bad_request", f"{name}: a whole number is wanted")
    return min(max(int(text), low), high)
