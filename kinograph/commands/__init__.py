"""The command line: one module per command, each with ``configure(parser)`` and ``run(arguments) -> exit code``."""

from kinograph.commands.main import run_command

__all__ = ["run_command"]
