"""``kinograph serve``: the graph editor and its HTTP interface."""

from __future__ import annotations

import argparse
from pathlib import Path

from kinograph.commands.common import add_data_folder
from kinograph.data_folder import default_data_folder


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default: this machine only); others demand a token",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8188,
        help="port to listen on (default: %(default)s; 0 chooses a free one)",
    )
    parser.add_argument(
        "--plugins",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a further folder with plugins",
    )
    parser.add_argument("--token", help="demand this token from every client")
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        help="how many worker processes at least; there is one for each device anyway (default: %(default)s)",
    )
    parser.add_argument("--open", action="store_true", help="open the editor in the browser")
    parser.add_argument(
        "--device", action="append", default=[], help="device of a worker: cpu, cuda:0 ...; may be given several times"
    )
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further host name by which people reach it"
    )
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from server.main import serve  # aiohttp comes in only here

    return serve(
        host=arguments.host,
        port=arguments.port,
        data_dir=arguments.data_dir or default_data_folder(),
        plugins=arguments.plugins,
        token=arguments.token,
        workers=arguments.workers,
        open_browser=arguments.open,
        devices=arguments.device or None,
        allow_hosts=arguments.allow_host or None,
    )
