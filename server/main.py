"""``kinograph serve``: listen at once, load afterwards, end cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import re
import secrets
import signal
import sys
import time
from pathlib import Path

from aiohttp import web

from engine.folders import Folders
from engine.open_files import allow_many_open_files
from server.app import make_app
from server.contract.limits import DEFAULT, Limits
from server.http.keys import CONNECTIONS, DATABASE
from server.http.security import Access, is_loopback
from server.logs import set_up_logs
from server.storage.lock import FolderInUse, FolderLock
from server.storage.migrations import DatabaseUnusable

log = logging.getLogger("kinograph.server")

_DEVICE = re.compile(r"(cpu|cuda|mps|xpu|hpu|mtia)(:\d{1,3})?")
_SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits: the database's threads ask for it at every
statement, and would wait ten times as long for a busy event loop."""


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8188,
    data_dir: Path | None = None,
    plugins: list[Path] | None = None,
    token: str | None = None,
    workers: int = 1,
    open_browser: bool = False,
    devices: list[str] | None = None,
    allow_hosts: list[str] | None = None,
    limits: Limits = DEFAULT,
) -> int:
    """Serve until told to stop; returns the exit code (2 when it cannot start, with the reason on stderr).

    Args:
        host: address to listen on; beyond loopback a token is demanded, and made when none is given.
        port: TCP port; 0 for any free one.
        data_dir: where everything lies; the platform's folder by default.
        plugins: further folders with plugins.
        token: what must be shown to get in.
        workers: how many worker processes at least; one for each device anyway.
        open_browser: show the editor when the server is up.
        devices: devices of workers (``"cuda:0"``); otherwise all accelerators, or the CPU where there is none.
        allow_hosts: further host names by which people reach the server.
        limits: what is taken from the outside at most.
    """
    if data_dir is None:
        from kinograph.data_folder import default_data_folder

        data_dir = default_data_folder()
    unknown = [name for name in devices or () if not _DEVICE.fullmatch(name)]
    if unknown:
        return _refuse(f"there is no device {unknown[0]!r}; devices are written as cpu, cuda, cuda:1, mps, xpu:0")
    folders = Folders.at(data_dir)
    try:
        _prepare(folders)
        lock = FolderLock(folders.data)
    except FolderInUse as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(
            f"the data folder {folders.data} cannot be used: {error.strerror} ({error.filename or folders.data})"
        )
    made = ""
    if token is None and not is_loopback(host):
        token = made = secrets.token_urlsafe(24)
    set_up_logs(folders.data / "logs", token or "")
    try:
        access = Access(host, token or "", frozenset(name.lower() for name in allow_hosts or ()))
        chosen = chosen_devices(devices, workers)
        return asyncio.run(
            _serve(folders, access, port, plugins or [], chosen, limits, made, open_browser, lock.killed)
        )
    except DatabaseUnusable as error:
        return _refuse(str(error))
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            return _refuse(f"cannot listen on {host} port {port}: {error.strerror}")
        raise
    except KeyboardInterrupt:
        return 0
    finally:
        lock.release()


def chosen_devices(asked: list[str] | None, workers: int) -> list[str]:
    """A device for each worker: those asked for, or all that are there; in turns where there are to be more workers."""
    from kinograph.device import likely_devices

    found = asked or likely_devices()
    return [found[index % len(found)] for index in range(max(len(found), workers))]


def _refuse(reason: str) -> int:
    print(f"kinograph serve: {reason}", file=sys.stderr)
    return 2


def _prepare(folders: Folders) -> None:
    for folder in (folders.data, folders.inputs, folders.outputs, folders.models, folders.plugins):
        folder.mkdir(parents=True, exist_ok=True)
    probe = folders.data / ".writable"
    probe.write_bytes(b"")
    probe.unlink()
    allow_many_open_files()


async def _serve(
    folders: Folders,
    access: Access,
    port: int,
    plugins: list[Path],
    devices: list[str],
    limits: Limits,
    made_token: str,
    open_browser: bool,
    killed: bool,
) -> int:
    began = time.monotonic()
    sys.setswitchinterval(_SWITCH_SECONDS)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    app = make_app(folders, access, plugins=plugins, devices=devices, limits=limits, killed=killed)
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=limits.keep_alive_seconds,
        shutdown_timeout=2.0,
        lingering_time=1.0,
        auto_decompress=False,
    )
    await runner.setup()
    assert runner.server is not None
    try:
        listener = await loop.create_server(app[CONNECTIONS].factory(runner.server), access.host, port, backlog=1024)
    except BaseException:
        await runner.cleanup()
        raise
    real_port = listener.sockets[0].getsockname()[1]
    shown = f"[{access.host}]" if ":" in access.host else access.host
    address = f"http://{shown}:{real_port}/"
    if app[DATABASE].recovered:
        print(f"kinograph serve: {app[DATABASE].recovered}", file=sys.stderr)
    told = [f"Kinograph is at {address}"]
    if made_token:
        told.append(f"Token (also as {address}?token={made_token}): {made_token}")
    print("\n".join(told), flush=True)  # in one piece, for programs that wait for it
    log.info("listening on %s after %.2f s, data in %s", address, time.monotonic() - began, folders.data)
    if open_browser:
        await asyncio.to_thread(_show, address, access.token)
    try:
        await stop.wait()
    finally:
        log.info("stopping")
        listener.close()
        await runner.cleanup()
    return 0


def _show(address: str, token: str) -> None:
    import webbrowser

    webbrowser.open(f"{address}?token={token}" if token else address)


if __name__ == "__main__":
    from server.arguments import main

    sys.exit(main())
