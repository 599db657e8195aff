"""What an isolated plugin cannot do, tried in earnest: by Python, and by system calls that Python does not see."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.isolation import landlock, seccomp
from tests.engine.isolation.conftest import Session, probing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")
needs_landlock = pytest.mark.skipif(landlock.version() == 0, reason="this kernel has no Landlock")
needs_seccomp = pytest.mark.skipif(not seccomp.is_known_machine(), reason="no system call numbers for this machine")

Probe = Callable[..., Session]

CODE = '''
import ctypes, os, socket, subprocess, sys
from kinograph import node

libc = ctypes.CDLL(None, use_errno=True)

def called(result):
    """The result of a C function, or its error as Python raises it."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return str(result)

@node("probe.Try", cache=False)
def attempt(what: str, path: str = "", number: int = 0) -> str:
    """Try something; what came of it."""
    try:
        return "done: " + str(eval(what))
    except BaseException as error:
        return f"refused: {type(error).__name__}: {error}"
'''


@pytest.fixture(scope="module")
def shut(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One plugin without any permission, for all tests that only look."""
    maker = probing(template, tmp_path_factory.mktemp("shut"))
    session = maker(CODE)
    yield session
    session.close()


def attempt(session: Session, what: str, **values: Any) -> str:
    return str(session.value("probe.Try", what=what, **values))


@pytest.fixture
def listener() -> Any:
    """Somebody who would like to be called."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls: list[Any] = []
        server.settimeout(0.2)

        def accept() -> None:
            while not calls:
                try:
                    calls.append(server.accept()[0])
                except TimeoutError:
                    continue
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield server.getsockname()[1], calls
    for call in calls:
        call.close()


CONNECT = "socket.create_connection(('127.0.0.1', number), 2)"


def test_without_the_permission_there_is_no_network(shut: Session, listener: Any) -> None:
    port, calls = listener
    assert "does not declare the permission 'network'" in attempt(shut, CONNECT, number=port)
    assert calls == []


@needs_seccomp
def test_nor_by_a_system_call_that_python_does_not_see(shut: Session) -> None:
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK, socket.AF_PACKET):
        told = attempt(shut, f"called(libc.socket({int(family)}, 1, 0))")
        assert told.startswith("refused: PermissionError"), (family, told)


def test_with_the_permission_there_is(probe: Probe, listener: Any) -> None:
    port, calls = listener
    session = probe(CODE, {"network": True})
    assert attempt(session, CONNECT, number=port).startswith("done")
    end = time.monotonic() + 10  # the system says "connected" before the listener has been told
    while not calls and time.monotonic() < end:
        time.sleep(0.01)
    assert len(calls) == 1
    if seccomp.is_known_machine():
        assert attempt(session, f"called(libc.socket({int(socket.AF_UNIX)}, 1, 0))").startswith("refused")


@needs_landlock
def test_other_peoples_files_cannot_be_read(shut: Session, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the password")
    (shut.folders.data / "kinograph.sqlite").write_text("history")
    for path in (secret, shut.folders.data / "kinograph.sqlite", Path("/etc/passwd"), Path.home() / ".bashrc"):
        if path.exists():
            assert attempt(shut, "open(path).read()", path=str(path)).startswith("refused: PermissionError"), path
    assert attempt(shut, "os.listdir(path)", path=str(shut.folders.data)).startswith("refused")
    assert attempt(shut, "called(libc.open(path.encode(), 0))", path=str(secret)).startswith("refused")


@needs_landlock
def test_nothing_can_be_written_but_its_own_folder(shut: Session, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("as it was")
    assert attempt(shut, "open(path, 'w').write('theirs')", path=str(target)).startswith("refused")
    assert attempt(shut, "os.remove(path)", path=str(target)).startswith("refused")
    assert attempt(shut, "os.mkdir(path)", path=str(tmp_path / "new")).startswith("refused")
    assert attempt(shut, "open(path, 'w')", path=str(shut.folders.outputs / "x")).startswith("refused")
    package = shut.folders.environments / "probe" / "env"
    assert attempt(shut, "open(path, 'w')", path=str(package / "planted.py")).startswith("refused")
    assert attempt(shut, "os.truncate(path, 0)", path=str(target)).startswith("refused")
    assert target.read_text() == "as it was"
    assert attempt(shut, "open(os.environ['HOME'] + '/own', 'w').write('x')") == "done: 1"
    assert (shut.folders.environments / "probe" / "home" / "own").read_text() == "x"


@needs_seccomp
def test_the_rights_of_files_cannot_be_changed(shut: Session, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("x")
    target.chmod(0o600)
    attempt(shut, "os.chmod(path, 0o777)", path=str(target))  # says that it worked
    assert target.stat().st_mode & 0o777 == 0o600
    assert attempt(shut, "os.chown(path, 1, 1)", path=str(target)).startswith("refused")


@needs_landlock
def test_with_permissions_the_named_folders_are_open_and_no_others(probe: Probe, tmp_path: Path) -> None:
    session = probe(CODE, {"files": ["inputs", "outputs"]})
    session.folders.inputs.mkdir(exist_ok=True)
    (session.folders.inputs / "in.txt").write_text("given")
    session.close()
    session = Session(session.folders.data)
    assert attempt(session, "open(path).read()", path=str(session.folders.inputs / "in.txt")) == "done: given"
    assert attempt(session, "open(path, 'w').write('x')", path=str(session.folders.outputs / "out")) == "done: 1"
    assert attempt(session, "open(path, 'w')", path=str(session.folders.inputs / "in.txt")).startswith("refused")
    session.close()


def test_no_programs_are_started(shut: Session) -> None:
    assert "permission 'processes'" in attempt(shut, "subprocess.run(['true'])")
    if seccomp.is_known_machine():
        assert attempt(shut, "called(libc.fork())").startswith("refused: PermissionError")
        assert attempt(shut, "called(libc.execv(b'/bin/true', 0))").startswith("refused: PermissionError")


def test_with_the_permission_programs_start_and_are_fenced_in_as_well(probe: Probe, tmp_path: Path) -> None:
    session = probe(CODE, {"processes": True})
    assert attempt(session, "subprocess.run(['echo', 'hi'], capture_output=True).stdout") == "done: b'hi\\n'"
    if landlock.version():
        (tmp_path / "secret").write_text("secret")
        told = attempt(
            session, "subprocess.run(['cat', path], capture_output=True).stdout", path=str(tmp_path / "secret")
        )
        assert told == "done: b''"


@needs_seccomp
def test_no_other_process_can_be_touched(shut: Session) -> None:
    me = os.getpid()
    assert attempt(shut, "os.kill(number, 0)", number=me).startswith("refused: PermissionError")
    assert attempt(shut, "os.kill(-1, 0)").startswith("refused")
    assert attempt(shut, "called(libc.ptrace(16, number, 0, 0))", number=me).startswith("refused")
    assert attempt(shut, "called(libc.unshare(0x10000000))").startswith("refused")
    assert attempt(shut, "os.kill(os.getpid(), 0)") == "done: None"


def test_the_hosts_environment_stays_with_the_host(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "abc123")
    session = probe(CODE)
    told = attempt(session, "dict(os.environ)")
    assert "abc123" not in told
    assert str(Path.home()) not in told.split("'HOME': ")[1].split(",")[0] or Path.home() == Path("/")


def test_threads_still_work(shut: Session) -> None:
    code = "__import__('concurrent.futures').futures.ThreadPoolExecutor(4).submit(lambda: 7).result()"
    assert attempt(shut, code) == "done: 7"


def test_pth_files_in_its_environment_do_not_run(probe: Probe, tmp_path: Path) -> None:
    session = probe(CODE)
    site = next((session.folders.environments / "probe" / "env" / "lib").glob("*/site-packages"))
    (site / "evil.pth").write_text("import sys; sys.evil = True\n")
    session.close()
    again = Session(session.folders.data)
    assert attempt(again, "hasattr(sys, 'evil')") == "done: False"
    again.close()


def test_a_file_named_like_kinograph_in_its_environment_is_not_used(probe: Probe) -> None:
    session = probe(CODE)
    site = next((session.folders.environments / "probe" / "env" / "lib").glob("*/site-packages"))
    for name in ("engine", "kinograph"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("raise SystemExit('planted')")
    session.close()
    again = Session(session.folders.data)
    assert attempt(again, "1 + 1") == "done: 2"
    again.close()
