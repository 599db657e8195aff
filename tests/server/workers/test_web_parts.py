"""Web parts of plugins are served under their own prefix, as what they are, and reach nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.live import LiveServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    folder = tmp_path_factory.mktemp("parts")
    package = folder / "data" / "plugins" / "dial"
    (package / "web").mkdir(parents=True)
    (package / "__init__.py").write_text("SECRET = 1")
    (package / "kinograph.toml").write_text('[plugin]\nname = "dial"\nweb = "web"\n')
    (package / "web" / "index.js").write_text("export const api = 1;")
    (package / "web" / "page.html").write_text("<script>alert(1)</script>")
    (package / "web" / "drawing.svg").write_text("<svg onload='alert(1)'/>")
    (package / "web" / "large.js").write_bytes(b" " * (3 << 20))
    (package / "web" / "link.js").symlink_to(package / "__init__.py")
    plain = folder / "data" / "plugins" / "plain"
    plain.mkdir()
    (plain / "__init__.py").write_text("")
    live = LiveServer(folder / "data", plugins=None, token="letmein").start()
    yield live
    live.stop()


def test_the_module_is_served_as_a_script_that_opens_as_nothing(server: LiveServer) -> None:
    answer = server.get("/plugins/dial/index.js")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/javascript"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; sandbox")


def test_the_frame_is_a_sandbox_that_may_connect_to_nothing(server: LiveServer) -> None:
    answer = server.get("/plugins/dial/frame")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts;" in policy
    assert "default-src 'none'" in policy
    for word in ("allow-same-origin", "connect-src", "unsafe-eval", "script-src 'unsafe-inline'", "http"):
        assert word not in policy
    assert (
        answer.headers["Content-Security-Policy"]
        != server.get("/plugins/dial/frame").headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize(
    "path",
    [
        "/plugins/dial/page.html",
        "/plugins/dial/drawing.svg",
        "/plugins/dial/large.js",
        "/plugins/dial/link.js",
        "/plugins/dial/../__init__.py",
        "/plugins/dial/%2e%2e/__init__.py",
        "/plugins/dial/..%2fkinograph.toml",
        "/plugins/dial/missing.js",
        "/plugins/plain/index.js",
        "/plugins/plain/frame",
        "/plugins/nobody/frame",
        "/plugins/Dial/frame",
    ],
)
def test_nothing_else_is_served(server: LiveServer, path: str) -> None:
    answer = server.get(path)
    assert answer.status in (400, 403, 404)
    assert b"SECRET" not in answer.body


def test_the_same_doors_as_everywhere(server: LiveServer) -> None:
    for path in ("/plugins/dial/index.js", "/plugins/dial/frame"):
        assert server.get(path, Authorization="Bearer wrong").status == 401
        assert server.get(path, Origin="http://evil.example").status == 403


def test_the_editor_is_told_which_plugins_have_web_parts(server: LiveServer) -> None:
    assert server.get("/api/node-types").json()["web_parts"] == ["dial"]
