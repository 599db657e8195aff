"""``kinograph schema``: the JSON Schema of workflow documents."""

from __future__ import annotations

import argparse

from engine.document.json_schema import schema_text


def configure(parser: argparse.ArgumentParser) -> None:
    """No arguments."""


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes them
    """Print it."""
    print(schema_text(), end="")
    return 0
