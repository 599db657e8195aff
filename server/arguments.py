"""``python -m server.main``: the arguments of ``kinograph serve``, for tests and for running from the source tree."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from server.main import serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``kinograph serve``."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; beyond loopback a token is demanded")
    parser.add_argument("--port", type=int, default=8188)
    parser.add_argument("--data-dir", type=Path, default=None, help="where jobs, models, inputs and outputs lie")
    parser.add_argument("--plugins", type=Path, action="append", default=[], help="a further folder with plugins")
    parser.add_argument(
        "--token", default=os.environ.get("KINOGRAPH_TOKEN"), help="what must be shown to get in (or KINOGRAPH_TOKEN)"
    )
    parser.add_argument("--workers", type=int, default=1, help="worker processes at least; one for each device anyway")
    parser.add_argument(
        "--device", action="append", default=None, help="device of a worker, e.g. cuda:0; one worker each"
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], help="a further host name by which the server is reached"
    )
    parser.add_argument("--open", action="store_true", help="show the editor in the browser")


def main(arguments: list[str] | None = None) -> int:
    """Parse and serve."""
    parser = argparse.ArgumentParser(prog="kinograph serve")
    add_arguments(parser)
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    return serve(
        host=options.host,
        port=options.port,
        data_dir=options.data_dir,
        plugins=options.plugins,
        token=options.token,
        workers=options.workers,
        open_browser=options.open,
        devices=options.device,
        allow_hosts=options.allow_host,
    )
