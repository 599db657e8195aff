"""A route as data: what the application serves and what OpenAPI says come from the same line."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

from server.http.security import Handler


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    Attributes:
        query: names of query parameters and what they mean.
        media: type of the answer where it is not JSON.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    request: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    query: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"

    def add_to(self, app: web.Application) -> None:
        """Serve it."""
        app.router.add_route(self.method, self.path, self.handler)
        if self.method == "GET":
            app.router.add_route("HEAD", self.path, self.handler)
