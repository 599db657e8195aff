"""The arguments of ``kinograph serve``; ``python -m server.main`` takes the same, for running from the source tree."""

from __future__ import annotations

import argparse
import os
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only); others demand a token"
    )
    parser.add_argument(
        "--port", type=int, default=8188, help="port to listen on (default: %(default)s; 0 chooses a free one)"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder for jobs, cache, models, plugins, inputs and outputs (default: KINOGRAPH_DATA_DIR or the user's)",
    )
    parser.add_argument(
        "--plugins", type=Path, action="append", default=[], metavar="DIR", help="a further folder with plugins"
    )
    parser.add_argument(
        "--token",
        default=os.environ.get("KINOGRAPH_TOKEN") or None,
        help="demand this token from every client (default: KINOGRAPH_TOKEN)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="how many worker processes at least; there is one for each device anyway (default: %(default)s)",
    )
    parser.add_argument(
        "--device", action="append", help="device of a worker: cpu, cuda:0 ...; may be given several times"
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a further host name by which the server is reached",
    )
    parser.add_argument("--open", action="store_true", help="open the editor in the browser")


def serve_as_asked(options: argparse.Namespace) -> int:
    """Serve until told to stop; the exit code."""
    from server.main import serve  # aiohttp comes in only here

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


def main() -> int:
    """Parse the command line, and serve."""
    parser = argparse.ArgumentParser(prog="kinograph serve")
    add_arguments(parser)
    return serve_as_asked(parser.parse_args())
