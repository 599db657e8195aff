"""A real server in a process of its own, for tests, faults and benchmarks. Talks only to loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = Path(__file__).parent / "plugins"


class Answer:
    """What came back."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    def json(self) -> Any:
        return json.loads(self.body)

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:300]!r}>"


class LiveServer:
    """``python -m server.main`` over a data folder; may be killed and started again."""

    def __init__(self, data: Path, *arguments: str, plugins: Path | None = PLUGINS, token: str = "") -> None:
        self.data = data
        self.arguments = arguments
        self.plugins = plugins
        self.token = token
        self.port = 0
        self.prefix: list[str] = []  # a command that runs the server's
        self.process: subprocess.Popen[bytes] | None = None
        self.output = data.parent / f"{data.name}.out"

    # ------------------------------------------------------------------------------------- life

    def start(self, *, ready: bool = True, environment: dict[str, str] | None = None) -> LiveServer:
        command = [sys.executable, "-m", "server.main", "--port", str(self.port), "--data-dir", str(self.data)]
        if self.plugins is not None:
            command += ["--plugins", str(self.plugins)]
        if self.token:
            command += ["--token", self.token]
        command = [*self.prefix, *command, *self.arguments]
        before = self.output.stat().st_size if self.output.exists() else 0
        with self.output.open("ab") as stream:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = re.search(rb"Kinograph is at http://[^/]*:(\d+)/", self.output.read_bytes()[before:])
            if found:
                self.port = int(found[1])
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.output.read_text()[before:]}")
            time.sleep(0.005)
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, timeout: float = 240.0) -> None:
        """Until a worker takes jobs."""
        before = self.output.stat().st_size

        def ready() -> bool:
            told = self.output.read_text(errors="replace")[before:]
            if "ended: it exited with code 1" in told:
                raise RuntimeError(f"the worker does not start: {told}")
            if self.get("/api/health").json()["status"] != "ok":
                return False
            # on a machine that is very busy, plugins may join after the worker has said that it is ready
            return self.plugins != PLUGINS or b'"trials.Add"' in self.get("/api/node-types").body

        self.wait(ready, timeout)

    def stop(self) -> int:
        """SIGTERM, and wait."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self.process = None
        return code

    def kill(self) -> None:
        """SIGKILL the server alone; its workers must end by themselves."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def worker_pids(self) -> list[int]:
        """Children that are workers."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                    if int(status[1]) == self.pid and b"server.workers.worker" in (entry / "cmdline").read_bytes():
                        found.append(int(entry.name))
                except (OSError, IndexError):
                    continue
        return found

    def memory(self) -> int:
        """Resident bytes of the server."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    # ------------------------------------------------------------------------------------- talking

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        raw: bytes | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {self.token}"
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        request = urllib.request.Request(self.url + path, data=data, headers=sent, method=method)
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=60) as reply:
                return Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.request("POST", path, {} if body is None else body)

    def submit(self, workflow: dict[str, Any], **more: Any) -> str:
        """Hand in a job that must be accepted."""
        answer = self.post("/api/jobs", {"workflow": workflow, **more})
        assert answer.status == 202, answer
        return str(answer.json()["id"])

    def job(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/api/jobs/{job}").json()
        return found

    def wait_job(self, job: str, timeout: float = 60.0) -> dict[str, Any]:
        """Until a job has come to an end."""

        def ended() -> bool:
            listed = self.get(f"/api/jobs?limit=1&search={job}").json()["jobs"]
            return bool(listed) and listed[0]["state"] in ("succeeded", "failed", "cancelled", "parked")

        self.wait(ended, timeout, f"job {job} has not come to an end")
        return self.job(job)

    def events(self, job: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/jobs/{job}/events?after=0&limit=20000").json()["events"]
        return found

    @staticmethod
    def wait(condition: Any, timeout: float = 30.0, what: str = "") -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                if condition():
                    return
            except (ConnectionError, urllib.error.URLError):
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(what or "it did not happen in time")
            time.sleep(0.02)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def workflow(nodes: dict[str, Any], *edges: tuple[str, str, str, str]) -> dict[str, Any]:
    """A document: ``{"a": ("Int", {"value": 1})}`` and wires ``("a", "value", "b", "x")``."""
    return {
        "format": "kinograph-workflow",
        "version": 1,
        "nodes": {name: {"type": kind, "values": values} for name, (kind, values) in nodes.items()},
        "edges": [{"from": [a, b], "to": [c, d]} for a, b, c, d in edges],
    }
