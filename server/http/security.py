"""Who gets in. Every request, also the one that becomes a WebSocket, passes here before a handler sees it.

The rules, in order: the ``Host`` must be one of ours (a foreign name that resolves to us is DNS rebinding); an
``Origin`` must be the page's own, exactly; a browser that says the request comes from another site is refused; where a
token is set it is demanded; a body must be of a type that a foreign page cannot send by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Middleware

from server.contract.errors import ApiError
from server.storage.database import StorageBusy, StorageFull

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger("kinograph.security")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_SIMPLE_TYPES = frozenset({"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
_OPEN_PATHS = frozenset({"/api/health", "/login"})
_MULTIPART_PATHS = frozenset({"/api/uploads"})

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'self'"

HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """What is allowed in.

    Attributes:
        host: the address that the server listens on.
        token: what must be shown; empty where none is needed (only on loopback).
        names: further host names by which people reach the server.
    """

    host: str
    token: str = ""
    names: frozenset[str] = field(default_factory=frozenset)

    @property
    def cookie_value(self) -> str:
        """What a browser keeps instead of the token."""
        return hashlib.sha256(b"kinograph-session\0" + self.token.encode()).hexdigest()

    def host_allowed(self, header: str) -> bool:
        """Whether a ``Host`` header names this server.

        Beside the configured names, an address is enough where we listen beyond loopback: rebinding needs a name.
        """
        name = _host_name(header)
        if name is None:
            return False
        if name in self.names or is_loopback(name):
            return True
        if is_loopback(self.host):
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name == self.host
        return True

    def token_fits(self, given: str) -> bool:
        """Whether the token is right, compared in constant time."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())

    def cookie_fits(self, given: str) -> bool:
        """Whether a browser's cookie is right."""
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.cookie_value.encode())


@lru_cache(maxsize=256)
def _host_name(header: str) -> str | None:
    """The name in a ``Host`` header, without the port; ``None`` where it is malformed."""
    if not header or any(char in header for char in "/@\\ ,?#%"):
        return None
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port
        return parts.hostname
    except ValueError:
        return None


def origin_allowed(request: web.Request) -> bool:
    """Whether the request comes from our own page, or from a program."""
    origins = request.headers.getall("Origin", [])
    if len(origins) > 1:
        return False
    if origins:
        origin = origins[0]
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in ("http", "https") and origin == f"{parts.scheme}://{request.headers['Host']}"
    site = request.headers.get("Sec-Fetch-Site")
    if site is None or site == "same-origin":
        return True
    page = request.method in ("GET", "HEAD") and not request.path.startswith("/api/")
    if site == "none":  # typed, or from a bookmark
        return request.method in ("GET", "HEAD")
    return (
        page
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
    )


def cookie_name(request: web.Request) -> str:
    """Cookies do not know ports: two servers on one machine keep apart by name."""
    port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
    return f"kinograph_{port}"


def authorised(request: web.Request, access: Access) -> bool:
    """Whether the request shows the token."""
    if not access.token:
        return True
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given:
        return access.token_fits(given.strip())
    cookie = request.cookies.get(cookie_name(request), "")
    return bool(cookie) and access.cookie_fits(cookie)


def check_request(request: web.Request, access: Access) -> None:
    """Apply the rules.

    Raises:
        ApiError: 403, 401 or 415.
    """
    if len(request.headers.getall("Host", [])) != 1 or not access.host_allowed(request.headers["Host"]):
        raise ApiError(403, "foreign_host", "this server is not known by that name (see --allow-host)", close=True)
    if not origin_allowed(request):
        raise ApiError(403, "foreign_origin", "requests from other sites are refused", close=True)
    entering = request.path == "/" and "token" in request.query  # the page checks it, and sets the cookie
    if not authorised(request, access) and request.path not in _OPEN_PATHS and not entering:
        raise ApiError(401, "no_token", "a token is needed: Authorization: Bearer TOKEN")
    if request.method not in _SAFE_METHODS:
        kind = request.content_type if "Content-Type" in request.headers else ""
        multipart = kind == "multipart/form-data" and request.path in _MULTIPART_PATHS
        form = kind == "application/x-www-form-urlencoded" and request.path == "/login"
        if kind in _SIMPLE_TYPES and not (multipart or form):
            raise ApiError(415, "not_json", "send JSON, with Content-Type: application/json", close=True)


def secure(access: Access) -> Middleware:
    """The middleware: rules before the handler, one form of error after it."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            check_request(request, access)
            return await handler(request)
        except ApiError as error:
            if error.status == 401 and _wants_page(request):
                raise web.HTTPSeeOther("/login") from None
            return error.response()
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return ApiError(error.status, error.reason.lower().replace(" ", "_"), error.reason).response()
        except StorageFull as error:
            return ApiError(507, "storage_full", str(error)).response()
        except StorageBusy as error:
            return ApiError(503, "storage_busy", str(error)).response()
        except (ConnectionError, TimeoutError):
            raise
        except Exception:
            log.exception("%s %s failed", request.method, request.rel_url.raw_path)
            return ApiError(500, "internal", "something went wrong; the server's log says more").response()

    return middleware


def _wants_page(request: web.Request) -> bool:
    return (
        request.method == "GET"
        and not request.path.startswith("/api/")
        and "text/html" in request.headers.get("Accept", "")
    )


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put the protecting headers on every answer; a handler's own stay."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.pop("Server", None)
