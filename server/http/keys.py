"""What handlers find in the application, typed."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from engine.folders import Folders
from server.contract.limits import Limits
from server.events.log import EventLog
from server.events.stream import Hub
from server.http.connections import Connections
from server.http.security import Access
from server.http.traffic import Traffic
from server.jobs.history import History
from server.jobs.service import Jobs
from server.jobs.workflows import WorkflowStore
from server.storage.database import Database
from server.workers.node_types import NodeTypeCatalogue
from server.workers.supervisor import Supervisor
from server.workers.web_parts import WebParts

FOLDERS: web.AppKey[Folders] = web.AppKey("folders", Folders)
LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)
DATABASE: web.AppKey[Database] = web.AppKey("database", Database)
HUB: web.AppKey[Hub] = web.AppKey("hub", Hub)
EVENTS: web.AppKey[EventLog] = web.AppKey("events", EventLog)
HISTORY: web.AppKey[History] = web.AppKey("history", History)
JOBS: web.AppKey[Jobs] = web.AppKey("jobs", Jobs)
SUPERVISOR: web.AppKey[Supervisor] = web.AppKey("supervisor", Supervisor)
NODE_TYPES: web.AppKey[NodeTypeCatalogue] = web.AppKey("node_types", NodeTypeCatalogue)
WORKFLOWS: web.AppKey[WorkflowStore] = web.AppKey("workflows", WorkflowStore)
ACCESS: web.AppKey[Access] = web.AppKey("access", Access)
CONNECTIONS: web.AppKey[Connections] = web.AppKey("connections", Connections)
STATIC: web.AppKey[Path] = web.AppKey("static", Path)
TRAFFIC: web.AppKey[Traffic] = web.AppKey("traffic", Traffic)
STARTED: web.AppKey[float] = web.AppKey("started", float)
KILLED: web.AppKey[bool] = web.AppKey("killed", bool)
WEB_PARTS: web.AppKey[WebParts] = web.AppKey("web_parts", WebParts)
