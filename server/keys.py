"""What handlers find in the application, typed."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from engine.folders import Folders
from server.connections import Connections
from server.database import Database
from server.event_log import EventLog
from server.history import History
from server.jobs import Jobs
from server.limits import Limits
from server.node_types import NodeTypeCatalogue
from server.security import Access
from server.stream import Hub
from server.supervisor import Supervisor
from server.traffic import Traffic
from server.web_parts import WebParts
from server.workflows import WorkflowStore

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
