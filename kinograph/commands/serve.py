"""``kinograph serve``: the graph editor and its HTTP interface."""

from __future__ import annotations

import argparse


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from server.arguments import add_arguments  # the face reaches the server only when it is asked to

    add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from server.arguments import serve_as_asked

    return serve_as_asked(arguments)
