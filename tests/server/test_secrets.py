"""Over HTTP, too, the value of a secret is in no answer, no event, no log and no file."""

from __future__ import annotations

from pathlib import Path

from engine.execution.secrets import Secrets
from tests.engine.execution.test_secrets import PLUGIN, VALUE
from tests.server.live import LiveServer, workflow


def test_nothing_that_the_server_keeps_or_says_holds_the_value(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "plugins").mkdir(parents=True)
    (data / "plugins" / "vault.py").write_text(PLUGIN)
    Secrets(data).set("api.key", VALUE)
    server = LiveServer(data).start()
    try:
        said = []
        for kind in ("vault.Length", "vault.Fail", "vault.Leak"):
            job = server.submit(workflow({"a": (kind, {"key": "secret://api.key"})}))
            said.append(server.wait_job(job))
            said += server.events(job)
        assert [item["state"] for item in said if "state" in item and "workflow" in item] == [
            "succeeded", "failed", "failed"]  # fmt: skip
        refused = server.post("/api/jobs", {"workflow": workflow({"a": ("vault.Length", {"key": VALUE})})})
        assert refused.status == 422
        said += [refused.body.decode(), server.get("/api/jobs").body.decode(), server.get("/metrics").body.decode()]
        assert VALUE not in repr(said)
        assert "401 for secret://api.key" in repr(said)
    finally:
        server.stop()
    assert "printed secret://api.key" in (data / "logs" / "server.log").read_text()
    holding = [path.name for path in tmp_path.rglob("*") if path.is_file() and VALUE.encode() in path.read_bytes()]
    assert holding == ["secrets.json"]
