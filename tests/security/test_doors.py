"""Who gets in: hosts, origins, tokens, content types, methods, headers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.conftest import Target, status_of
from tests.server.live import ROOT, LiveServer, workflow

JOB = json.dumps({"workflow": workflow({"a": ("trials.Add", {})})}).encode()
CHANGING = [
    ("POST", "/api/jobs"),
    ("POST", "/api/jobs/reorder"),
    ("POST", "/api/jobs/x/cancel"),
    ("POST", "/api/jobs/x/pause"),
    ("POST", "/api/jobs/x/resume"),
    ("POST", "/api/jobs/x/retry"),
    ("POST", "/api/jobs/x/answer"),
    ("DELETE", "/api/jobs/x"),
    ("POST", "/api/plan"),
    ("PUT", "/api/workflows/x"),
    ("DELETE", "/api/workflows/x"),
    ("POST", "/api/uploads?name=x.png"),
]
UPGRADE = (
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def post(target: Target, *headers: str, body: bytes = JOB, host: str = "", path: str = "/api/jobs") -> int:
    head = target.head("POST", path, f"Content-Length: {len(body)}", *headers, host=host)
    return status_of(target.raw(head + body))


def upgrade(target: Target, *headers: str, host: str = "") -> int:
    head = target.head("GET", "/api/stream", *UPGRADE, *headers, host=host).replace(
        b"Connection: close", b"Connection: Upgrade"
    )
    return status_of(target.raw(head, timeout=1.0))


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://127.0.0.1:1", "http://127.0.0.1", "http://localhost.evil.example", "file://"],
)
def test_A01_A11_foreign_origins_are_refused(target: Target, origin: str) -> None:
    before = target.jobs()
    for extra in ((), ("Cookie: kinograph=1; session=2",)):
        assert post(target, "Content-Type: application/json", f"Origin: {origin}", *extra) == 403
    assert target.jobs() == before
    own = f"Origin: http://127.0.0.1:{target.port}"
    assert post(target, "Content-Type: application/json", own) == 202
    assert post(target, "Content-Type: application/json") == 202


def test_A02_the_null_origin_is_foreign(target: Target) -> None:
    before = target.jobs()
    assert post(target, "Content-Type: application/json", "Origin: null") == 403
    assert post(target, "Content-Type: application/json", "Origin: ") == 403
    assert post(target, "Content-Type: application/json", "Sec-Fetch-Site: cross-site") == 403
    assert post(target, "Content-Type: application/json", "Sec-Fetch-Site: same-site") == 403
    assert target.jobs() == before


def test_A03_a_foreign_host_is_refused_everywhere(target: Target) -> None:
    for host in (
        "rebind.evil.example",
        f"rebind.evil.example:{target.port}",
        "127.0.0.1.evil.example",
        "10.0.0.7",
        "a@127.0.0.1",
    ):
        for path in ("/", "/api/health", "/api/jobs", "/metrics", "/api/files/outputs/x", "/assets/x.js"):
            assert status_of(target.raw(target.head("GET", path, host=host))) in (400, 403), (host, path)
        assert upgrade(target, host=host) in (400, 403)
    doubled = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert status_of(target.raw(doubled)) in (400, 403)
    for host in ("localhost", f"localhost:{target.port}", "127.0.0.1:9", f"[::1]:{target.port}"):
        assert status_of(target.raw(target.head("GET", "/api/health", host=host))) == 200, host


def test_A04_a_foreign_page_gets_no_stream(target: Target) -> None:
    for origin in ("https://evil.example", "null", f"http://localhost:{target.port + 1}"):
        assert upgrade(target, f"Origin: {origin}") == 403
    assert upgrade(target, "Sec-Fetch-Site: cross-site") == 403
    assert upgrade(target, f"Origin: http://127.0.0.1:{target.port}") == 101
    assert upgrade(target) == 101


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain;x=application/json",
    ],
)
def test_A06_a_form_cannot_speak_json(target: Target, kind: str) -> None:
    before = target.jobs()
    for method, path in CHANGING:
        if method != "POST" or (path.startswith("/api/uploads") and kind.startswith("multipart")):
            continue
        for body in (JOB, b""):
            assert post(target, f"Content-Type: {kind}", body=body, path=path) in (400, 415), path
    assert post(target, path="/api/jobs") in (400, 415)
    assert target.jobs() == before


def test_A07_nothing_changes_by_get(target: Target) -> None:
    before = target.jobs()
    for method, path in CHANGING:
        for safe in ("GET", "HEAD"):
            status = status_of(target.raw(target.head(safe, path)))
            assert status in (404, 405) or (status == 200 and path in ("/api/jobs",)), (safe, method, path, status)
    assert target.jobs() == before


def test_A08_no_answer_invites_other_origins(target: Target) -> None:
    for path in ("/api/jobs", "/api/uploads", "/"):
        answer = target.raw(
            target.head("OPTIONS", path, "Origin: https://evil.example", "Access-Control-Request-Method: POST")
        )
        assert status_of(answer) in (403, 404, 405)
        assert b"access-control-allow" not in answer.lower()


def test_A09_beyond_loopback_a_token_is_made(tmp_path: Path) -> None:
    live = LiveServer(tmp_path / "data", "--host", "0.0.0.0")
    live.start(ready=False)
    try:
        told = live.output.read_text()
        token = told.rpartition("): ")[2].strip()
        assert len(token) >= 32
        assert live.get("/api/jobs").status == 401
        assert live.get("/api/jobs", Authorization=f"Bearer {token}").status == 200
        assert token not in (live.data / "logs" / "server.log").read_text()
    finally:
        live.stop()


def test_A12_a_stream_cannot_be_taken_over(target: Target) -> None:
    assert upgrade(target, "X-Client: somebody") == 101
    head = target.head("GET", "/api/stream?clientId=somebody", *UPGRADE)
    assert status_of(target.raw(head.replace(b"Connection: close", b"Connection: Upgrade"), timeout=1.0)) == 101


def test_A13_H03_every_answer_carries_the_protecting_headers(target: Target) -> None:
    (target.data / "outputs" / "seen.png").write_bytes(b"x")
    paths = [
        "/",
        "/api/jobs",
        "/api/health",
        "/metrics",
        "/api/nothing",
        "/nothing",
        "/login",
        "/api/files/outputs/seen.png",
    ]
    for path in paths:
        headers = target.get(path).headers
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"], path
        for name in (
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy",
        ):
            assert headers[name], (path, name)
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy or "default-src 'none'" in policy
        assert "unsafe-eval" not in policy
        assert headers["Server"] is None


def test_A14_no_header_is_reflected(target: Target) -> None:
    spoofed = ("X-Forwarded-Host: evil.example", "X-Forwarded-Prefix: //evil.example", "Forwarded: host=evil.example")
    for path in ("/", "/?token=x", "//evil.example", "/\\evil.example", "/login", "/api/openapi.json"):
        answer = target.raw(target.head("GET", path, *spoofed))
        assert b"evil.example" not in answer.replace(b"evil.example\r\n\r\n", b"") or status_of(answer) >= 400
        assert b"location: //" not in answer.lower()


def test_H02_with_a_token_everything_is_closed(locked: Target) -> None:
    for path in (
        "/",
        "/api/jobs",
        "/api/system",
        "/metrics",
        "/api/node-types",
        "/api/files/outputs/x",
        "/api/openapi.json",
        "/x.js",
    ):
        assert LiveServer.request(locked, "GET", path, headers={"Authorization": "none"}).status == 401, path
    for wrong in ("Bearer wrong", "Bearer ", "Basic dGhlLXJpZ2h0LXRva2Vu", "Bearer the-right-token2"):
        assert LiveServer.request(locked, "GET", "/api/jobs", headers={"Authorization": wrong}).status == 401
    assert locked.get("/api/jobs").status == 200
    system = json.dumps(locked.get("/api/system").json())
    assert "the-right-token" not in system
    assert str(locked.data) not in system
    assert LiveServer.request(locked, "GET", "/api/health", headers={"Authorization": "none"}).status == 200


def test_H02_a_browser_enters_with_the_token_once(locked: Target) -> None:
    answer = LiveServer.request(locked, "GET", "/?token=the-right-token", headers={"Authorization": "none"})
    assert LiveServer.request(locked, "GET", "/?token=wrong", headers={"Authorization": "none"}).status == 401
    form = {"Authorization": "none", "Content-Type": "application/x-www-form-urlencoded"}
    by_form = LiveServer.request(locked, "POST", "/login", headers=form, raw=b"token=the-right-token")
    assert by_form.status == 303
    assert LiveServer.request(locked, "POST", "/login", headers=form, raw=b"token=wrong").status == 401
    assert answer.status == 303
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "the-right-token" not in cookie
    pair = cookie.partition(";")[0]
    assert LiveServer.request(locked, "GET", "/api/jobs", headers={"Authorization": "", "Cookie": pair}).status == 200
    foreign = {"Authorization": "", "Cookie": pair, "Origin": "https://evil.example"}
    assert LiveServer.request(locked, "GET", "/api/jobs", headers=foreign).status == 403


def test_H06_logs_hold_no_token(locked: Target) -> None:
    LiveServer.request(locked, "GET", "/?token=the-right-token", headers={"Authorization": "none"})
    locked.get("/api/nothing?token=the-right-token")
    assert "the-right-token" not in (locked.data / "logs" / "server.log").read_text()
    assert "the-right-token" not in Path(f"/proc/{locked.worker_pids()[0]}/cmdline").read_text()


def test_F10_F11_F16_no_route_installs_or_evaluates(target: Target) -> None:
    described = target.get("/api/openapi.json").body.lower()
    for word in (b"install", b"pip", b"git", b"eval", b"exec", b"shell"):
        assert b"/" + word not in described
    names = [item["id"].lower() for item in target.get("/api/node-types").json()["node_types"]]
    names.remove("evaluate")  # measures a model; evaluates no text
    assert not [name for name in names if any(word in name for word in ("eval", "exec", "python", "shell", "debugger"))]
    missing = workflow({"a": ("https://evil.example/plugin.Node", {})})
    answer = target.post("/api/jobs", {"workflow": missing})
    assert answer.status == 422
    assert answer.json()["problems"][0]["code"] == "unknown_type"


def test_F07_plugins_have_no_way_to_add_routes() -> None:
    code = (
        "import kinograph; print([name for name in dir(kinograph) if 'route' in name.lower() or 'web' in name.lower()])"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True).stdout.strip() == "[]"


def test_G15_a_taken_port_is_a_clear_error(target: Target, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "server.main", "--port", str(target.port), "--data-dir", str(tmp_path / "other")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"port {target.port}" in done.stderr
    assert "Traceback" not in done.stderr
