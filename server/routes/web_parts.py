"""Web parts of plugins: their files under a prefix of their own, and the frame in which their code runs.

The frame is a sandbox without an origin: its code reaches neither the page around it nor the server. The page hands it
the module's text and talks to it by messages; see docs/plugins.md.
"""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from aiohttp import web

from server.errors import ApiError
from server.files import open_inside
from server.keys import WEB_PARTS
from server.route import Route
from server.security import FILE_POLICY

_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
}
_MAX_BYTES = 2 << 20

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="{theme}"><title>{name}</title>
<style nonce="{nonce}">
html, body {{ margin: 0; background: transparent; overflow: hidden; font: 12px system-ui, sans-serif; }}
</style></head><body><script nonce="{nonce}">
"use strict";
const API = 1;
let port, current;
const tell = (message) => port.postMessage(message);
const host = (mount) => ({{
  api: API, label: mount.label, theme: mount.theme, options: mount.options,
  get value() {{ return current; }},
  set(value, gesture = "") {{ current = value; tell({{ type: "set", value, gesture }}); }},
  onValue() {{}},
}});
let given;
async function take({{ data }}) {{
  try {{
    if (data.type === "mount") {{
      current = data.value;
      const module = await import(URL.createObjectURL(new Blob([data.source], {{ type: "text/javascript" }})));
      if (module.api !== API) throw new Error(`written for interface ${{module.api}}; this Kinograph has ${{API}}`);
      const mount = module.widgets?.[data.widget];
      if (!mount) throw new Error(`there is no widget ${{data.widget}}`);
      given = host(data);
      await mount(document.body, given);
      tell({{ type: "mounted" }});
    }} else if (data.type === "value") {{
      current = data.value;
      given?.onValue(current);
    }}
  }} catch (error) {{
    tell({{ type: "failed", message: String(error) }});
  }}
}}
addEventListener("message", (event) => {{
  if (port || event.source !== parent || event.data !== "kinograph") return;
  port = event.ports[0];
  port.onmessage = take;
}});
</script></body></html>
"""


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
    theme = "dark" if request.query.get("theme") == "dark" else "light"
    return web.Response(
        text=_FRAME.format(name=name, nonce=nonce, theme=theme), content_type="text/html", headers=headers
    )


async def part(request: web.Request) -> web.Response:
    """One file of a plugin's web folder."""
    root = await asyncio.to_thread(request.app[WEB_PARTS].folder, request.match_info["plugin"])
    name = request.match_info["file"]
    kind = _TYPES.get(Path(name).suffix.lower())
    if root is None or kind is None:
        raise ApiError(404, "not_found", "there is no such file")
    data = await asyncio.to_thread(_read, root, name)
    headers = {"Content-Type": kind, "Cache-Control": "no-cache", "Content-Security-Policy": FILE_POLICY}
    return web.Response(body=data, headers=headers)


def _read(root: Path, name: str) -> bytes:
    found = open_inside(root, name)
    with open(found.descriptor, "rb") as stream:  # noqa: PTH123 (a descriptor, not a path)
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ApiError(404, "not_found", "the file is too large")
    return data


_PLUGIN = "/plugins/{plugin:[a-z][a-z0-9_]*}"

ROUTES = (
    Route(
        "GET",
        f"{_PLUGIN}/frame",
        frame,
        "The frame of a plugin's widget",
        media="text/html",
        query={"theme": "light or dark"},
    ),
    Route("GET", _PLUGIN + "/{file:.+}", part, "A file of a plugin's web parts", media="application/octet-stream"),
)
