"""The application put together, and its life from the first socket to the last commit."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from aiohttp import web

from engine.folders import Folders
from server.contract.limits import DEFAULT, Limits
from server.events.log import EventLog
from server.events.store import EventStore
from server.events.stream import Hub
from server.http.connections import Connections, clocked
from server.http.keys import (
    ACCESS,
    CONNECTIONS,
    DATABASE,
    EVENTS,
    FOLDERS,
    HISTORY,
    HUB,
    JOBS,
    KILLED,
    LIMITS,
    NODE_TYPES,
    STARTED,
    STATIC,
    SUPERVISOR,
    TRAFFIC,
    WEB_PARTS,
    WORKFLOWS,
)
from server.http.security import Access, add_headers, secure
from server.http.traffic import Traffic, counted
from server.jobs.history import History
from server.jobs.leftovers import remove_partial_files
from server.jobs.scheduler import Scheduler
from server.jobs.service import Jobs
from server.jobs.store import JobStore
from server.jobs.workflows import WorkflowStore
from server.places import PACKAGE
from server.routes import ROUTES
from server.routes.events import close_streams, open_streams
from server.storage.database import Database
from server.workers.node_types import NodeTypeCatalogue
from server.workers.supervisor import Supervisor
from server.workers.web_parts import WebParts

log = logging.getLogger("kinograph.server")


def make_app(
    folders: Folders,
    access: Access,
    *,
    plugins: Sequence[Path] = (),
    devices: Sequence[str] = ("cpu",),
    slots: int = 4,
    limits: Limits = DEFAULT,
    static: Path | None = None,
    killed: bool = True,
) -> web.Application:
    """The application over one data folder. It opens the database now, and starts workers when it is run.

    ``killed``: whether the last server over this folder was killed: then a large database is looked through for damage
    first, and what it was running is a little suspicious.
    """
    connections, traffic = Connections(limits), Traffic()
    app = web.Application(
        middlewares=[clocked(connections), counted(traffic), secure(access)], client_max_size=limits.json_body
    )
    app[FOLDERS], app[ACCESS], app[LIMITS], app[CONNECTIONS] = folders, access, limits, connections
    app[TRAFFIC] = traffic
    app[STARTED] = time.monotonic()
    app[KILLED] = killed
    app[STATIC] = static or PACKAGE / "static"
    app[DATABASE] = database = Database(folders.data / "kinograph.sqlite", outputs=folders.outputs, thorough=killed)
    app[HUB] = hub = Hub()
    app[EVENTS] = events = EventLog(EventStore(database, limits.event_log), hub)
    store = JobStore(database)
    scheduler = Scheduler(store, events, folders)
    app[JOBS] = Jobs(store, events, scheduler)
    app[HISTORY] = History(database)
    app[WORKFLOWS] = WorkflowStore(database)
    app[NODE_TYPES] = NodeTypeCatalogue(folders, plugins)
    app[WEB_PARTS] = WebParts(folders, plugins)
    app[SUPERVISOR] = Supervisor(scheduler, data=folders.data, plugins=plugins, devices=devices, slots=slots)
    hub.on_audience = app[SUPERVISOR].watch
    for route in ROUTES:
        route.add_to(app)
    app.on_response_prepare.append(add_headers)
    app.on_startup.append(open_streams)
    app.on_shutdown.append(close_streams)
    app.cleanup_ctx.append(_life)
    return app


async def _life(app: web.Application) -> AsyncIterator[None]:
    jobs, events, supervisor, known = app[JOBS].scheduler, app[EVENTS], app[SUPERVISOR], app[NODE_TYPES]
    jobs.on_node_types = lambda payload: _take_node_types(app, payload)
    await events.open()
    waiting = await jobs.open(supervisor, killed=app[KILLED])
    if waiting:
        log.info("%d jobs wait from before", waiting)
    loop = asyncio.get_running_loop()
    sweeper, warming = loop.create_task(app[CONNECTIONS].sweep()), loop.create_task(_warm(app))
    yield
    jobs.stop()
    with contextlib.suppress(Exception):
        await warming
    await supervisor.close()
    await jobs.close()
    await events.close()
    await known.close()
    sweeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sweeper
    await asyncio.to_thread(app[DATABASE].close)


async def _warm(app: web.Application) -> None:
    """What the first page need not wait for. Leftovers go before anybody writes."""
    try:
        for root in (app[FOLDERS].outputs, app[FOLDERS].inputs):
            await asyncio.to_thread(remove_partial_files, root)
    finally:
        app[SUPERVISOR].start()
    await asyncio.to_thread(app[NODE_TYPES].load, asyncio.get_running_loop())
    gc.freeze()  # what is there now stays: without this, looking through it for garbage stops the loop for 60 ms


def _take_node_types(app: web.Application, payload: bytes) -> None:
    if app[NODE_TYPES].take(payload):
        app[EVENTS].job_event("", "node_types_changed", revision=app[NODE_TYPES].revision)
