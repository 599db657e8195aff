"""What the interface says of itself, and what runs in the server process."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from engine import events
from server import protocol
from server.contract.stream import StreamEvent
from server.openapi import document
from server.routes import ROUTES
from tests.node_types_json import node_types_json
from tests.server.live import ROOT, LiveServer


def test_openapi_describes_every_route(server: LiveServer) -> None:
    served = server.get("/api/openapi.json").json()
    assert served["openapi"].startswith("3.1")
    for path in (
        "/api/jobs",
        "/api/jobs/{id}/cancel",
        "/api/stream",
        "/api/files/{name}",
        "/api/workflows/{name}",
        "/metrics",
    ):
        assert path in served["paths"], path
    described = {(method.upper(), path) for path, item in document("0")["paths"].items() for method in item}
    assert len(described) == sum(not route.path.startswith("/{") for route in ROUTES)


def test_the_editor_s_protocol_is_the_generated_one() -> None:
    kept = ROOT / "web" / "src" / "api" / "protocol.ts"
    assert kept.read_text() == protocol.typescript(), "run: python -m server.protocol > web/src/api/protocol.ts"


def test_the_editor_s_stand_in_knows_the_node_types_of_the_code() -> None:
    kept = ROOT / "web" / "fake-server" / "node-types.json"
    command = "python -m tests.node_types_json > web/fake-server/node-types.json"
    assert kept.read_text(encoding="utf-8") == node_types_json(), f"run: {command}"


def test_every_field_of_an_engine_event_is_in_the_protocol() -> None:
    known = set(StreamEvent.model_fields)
    for cls in events.Event.__args__:
        if cls is not events.NodePreview:
            assert set(cls.__dataclass_fields__) - {"key"} <= known, cls.__name__


def test_every_event_type_is_documented() -> None:
    text = (ROOT / "docs" / "server.md").read_text()
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    types = {cls.__dataclass_fields__["type"].default for cls in events.Event.__args__} - {"node_preview"}
    told = {
        name
        for path in (ROOT / "server").rglob("*.py")
        for name in re.findall(r'"((?:jobs?|worker|queue|node_types|node|workflow)_[a-z]+ed)"', path.read_text())
    }
    assert types | told <= documented, (types | told) - documented


def test_the_server_process_never_loads_torch() -> None:
    heavy = "[name for name in ('torch', 'numpy', 'PIL', 'nodes') if name in sys.modules]"
    code = f"import sys, server.main, server.app, server.openapi; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_server_stays_light(server: LiveServer) -> None:
    assert server.memory() < 120 << 20
    libraries = Path(f"/proc/{server.pid}/maps").read_text()
    assert "libtorch" not in libraries


def test_health_system_metrics_and_models(server: LiveServer) -> None:
    assert server.get("/api/health").json()["status"] == "ok"
    system = server.get("/api/system").json()
    assert system["workers"][0]["device"] == "cpu"
    assert system["versions"]["torch"] == metadata.version("torch"), "also while no worker has loaded it"
    metrics = server.get("/metrics").body.decode()
    assert re.search(r"^kinograph_jobs_waiting \d", metrics, re.MULTILINE)
    figures = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    assert float(figures['kinograph_requests_total{status="200"}']) >= 2
    buckets = [float(value) for name, value in figures.items() if name.startswith("kinograph_request_seconds_bucket")]
    assert buckets == sorted(buckets)
    assert figures['kinograph_request_seconds_bucket{le="+Inf"}'] == figures["kinograph_request_seconds_count"]
    assert server.get("/api/models").json() == {"models": []}


def test_node_types_have_a_revision_and_are_not_sent_twice(server: LiveServer) -> None:
    first = server.get("/api/node-types")
    assert {"trials.Add", "SaveVideo"} <= {item["id"] for item in first.json()["node_types"]}
    assert first.headers["ETag"] == f'"{first.json()["revision"]}"'
    assert server.get("/api/node-types", **{"If-None-Match": first.headers["ETag"]}).status == 304


def test_errors_have_one_form(server: LiveServer) -> None:
    for answer in (server.get("/api/nothing"), server.get("/api/jobs/none"), server.request("PATCH", "/api/jobs", {})):
        assert answer.status in (404, 405)
        assert set(answer.json()) == {"error", "message", "problems"}
