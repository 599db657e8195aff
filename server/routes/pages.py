"""The editor's files, and the page where a token is entered."""

from __future__ import annotations

import asyncio
import html
import mimetypes
from pathlib import Path

from aiohttp import web

from server.contract.errors import ApiError
from server.http.body import read_body
from server.http.keys import ACCESS, STATIC
from server.http.route import Route
from server.http.security import cookie_name
from server.storage.files import read_inside

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}
_MAX_BYTES = 64 << 20
_FOREVER = "public, max-age=31536000, immutable"

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Kinograph</title></head><body><main>{body}</main></body></html>
"""
_MISSING = """<h1>Kinograph is running</h1>
<p>The editor has not been built yet. From the source tree:</p>
<pre>pip install .          (builds it by itself)
cd web &amp;&amp; npm ci &amp;&amp; npm run build   (while working on it)</pre>
<p>The <a href="/api/openapi.json">HTTP interface</a> and <code>kinograph run</code> work without it.</p>"""
_LOGIN = """<h1>Kinograph</h1><p>{note}</p>
<form method="post" action="/login">
<label>Token <input name="token" type="password" autocomplete="current-password" autofocus></label>
<button>Enter</button></form>"""


def _page(body: str, status: int = 200) -> web.Response:
    return web.Response(
        text=_PAGE.format(body=body), status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
    )


async def index(request: web.Request) -> web.StreamResponse:
    """The editor; or how to build it."""
    if "token" in request.query:
        return _logged_in(request, request.query["token"])
    file = request.app[STATIC] / "index.html"
    if not await asyncio.to_thread(file.is_file):
        return _page(_MISSING)
    text = await asyncio.to_thread(file.read_bytes)
    return web.Response(body=text, content_type="text/html", charset="utf-8", headers={"Cache-Control": "no-cache"})


async def static_file(request: web.Request) -> web.StreamResponse:
    """A file of the built editor; compressed where a compressed copy lies beside it."""
    root = request.app[STATIC]
    name = request.match_info["name"]
    suffix = Path(name).suffix.lower()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    headers = {
        "Content-Type": kind,
        "Cache-Control": _FOREVER if name.startswith("assets/") else "no-cache",
        "Vary": "Accept-Encoding",
    }
    accepted = request.headers.get("Accept-Encoding", "")
    for coding, ending in (("br", ".br"), ("gzip", ".gz"), ("", "")):
        if coding and coding not in accepted:
            continue
        try:
            data = await asyncio.to_thread(read_inside, root, name + ending, _MAX_BYTES)
        except ApiError:
            continue
        if coding:
            headers["Content-Encoding"] = coding
        response = web.Response(body=data, headers=headers)
        if not coding and len(data) > 2048 and kind.startswith(("text/", "application/j", "image/svg")):
            response.enable_compression()
        return response
    raise ApiError(404, "not_found", "there is no such page")


async def login_page(_request: web.Request) -> web.Response:
    """Ask for the token."""
    return _page(
        _LOGIN.format(note=html.escape("This server asks for its token. It was printed when the server started."))
    )


async def login(request: web.Request) -> web.Response:
    """Take the token from the form and remember it in a cookie."""
    from urllib.parse import parse_qs

    raw = await read_body(request, most=4096)
    fields = parse_qs(raw.decode("utf-8", "replace"), max_num_fields=4)
    return _logged_in(request, fields.get("token", [""])[0])


def _logged_in(request: web.Request, token: str) -> web.Response:
    access = request.app[ACCESS]
    if access.token and not access.token_fits(token):
        return _page(_LOGIN.format(note="That is not the token."), 401)
    response = web.Response(status=303, headers={"Location": "/", "Cache-Control": "no-store"})
    if access.token:
        response.set_cookie(
            cookie_name(request), access.cookie_value, httponly=True, samesite="Strict", path="/", max_age=30 * 86400
        )
    return response


ROUTES = (
    Route("GET", "/", index, "The editor", media="text/html"),
    Route("GET", "/login", login_page, "Enter the token", media="text/html"),
    Route("POST", "/login", login, "Enter the token", media="text/html", status=303),
    Route(
        "GET",
        "/{name:(?!api/|metrics$|login$).+}",
        static_file,
        "A file of the editor",
        media="application/octet-stream",
    ),
)
