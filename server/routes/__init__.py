"""The handlers, one module per subject. :data:`ROUTES` is everything that the server answers."""

from __future__ import annotations

from server.http.route import Route
from server.routes import (
    events,
    files,
    forms,
    jobs,
    lineage,
    pages,
    plan,
    system,
    uploads,
    values,
    web_parts,
    workflows,
)

ROUTES: tuple[Route, ...] = (
    *system.ROUTES,
    *jobs.ROUTES,
    *lineage.ROUTES,
    *plan.ROUTES,
    *values.ROUTES,
    *events.ROUTES,
    *workflows.ROUTES,
    *forms.ROUTES,
    *uploads.ROUTES,
    *files.ROUTES,
    *web_parts.ROUTES,
    *pages.ROUTES,
)
