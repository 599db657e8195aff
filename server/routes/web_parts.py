"""Web parts of plugins: their files under a prefix of their own, and the frame in which their code runs.

The frame is a sandbox without an origin: its code reaches neither the page around it nor the server. The page hands it
the module's text and talks to it by messages; see docs/plugins.md.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import cache
from pathlib import Path

from aiohttp import web

from server.contract.errors import ApiError
from server.http.keys import WEB_PARTS
from server.http.route import Route
from server.http.security import FILE_POLICY
from server.places import PACKAGE
from server.storage.files import read_inside

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
}
_MAX_BYTES = 2 << 20

_FRAME = PACKAGE / "frame.html"


async def frame(request: web.Request) -> web.Response:
    """An empty page that runs the module that it is given, and may reach nothing."""
    name = request.match_info["plugin"]
    if await asyncio.to_thread(request.app[WEB_PARTS].folder, name) is None:
        raise ApiError(404, "not_found", "this plugin has no web parts")
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"sandbox allow-scripts; default-src 'none'; script-src 'nonce-{nonce}' blob:; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    headers = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    text = _page().replace("$NONCE", nonce).replace("$NAME", name)
    text = text.replace("$THEME", "dark" if request.query.get("theme") == "dark" else "light")
    text = text.replace("$OVERFLOW", "auto" if request.query.get("part") == "viewers" else "hidden")
    return web.Response(text=text, content_type="text/html", headers=headers)


@cache
def _page() -> str:
    return _FRAME.read_text(encoding="utf-8")


async def part(request: web.Request) -> web.Response:
    """One file of a plugin's web folder."""
    root = await asyncio.to_thread(request.app[WEB_PARTS].folder, request.match_info["plugin"])
    name = request.match_info["file"]
    kind = _TYPES.get(Path(name).suffix.lower())
    if root is None or kind is None:
        raise ApiError(404, "not_found", "there is no such file")
    data = await asyncio.to_thread(read_inside, root, name, _MAX_BYTES)
    headers = {"Content-Type": kind, "Cache-Control": "no-cache", "Content-Security-Policy": FILE_POLICY}
    return web.Response(body=data, headers=headers)


_PLUGIN = "/plugins/{plugin:[a-z][a-z0-9_]*}"

ROUTES = (
    Route(
        "GET",
        f"{_PLUGIN}/frame",
        frame,
        "The frame of a plugin's widget or viewer",
        media="text/html",
        query={"theme": "light or dark", "part": "widgets or viewers"},
    ),
    Route("GET", _PLUGIN + "/{file:.+}", part, "A file of a plugin's web parts", media="application/octet-stream"),
)
