"""Choose the command, import only its module, and turn every error into a message and an exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from importlib.metadata import entry_points
from typing import NoReturn

from engine.folders import PathError
from engine.problems import WorkflowError
from kinograph import __version__

COMMANDS = {
    "run": "run a workflow and save what it makes",
    "serve": "open the graph editor in the browser",
    "validate": "check a workflow without running it",
    "plan": "show what a run would do: cached or computed, why, how long",
    "nodes": "list the node types, or explain one",
    "diff": "what differs between two workflows, in words",
    "merge": "join two changes of one workflow; usable by git",
    "export": "write a workflow as a Python script",
    "format": "bring workflow files into their normal form",
    "verify": "whether a workflow would give the same result here",
    "secrets": "keep passwords and keys that workflows only name",
    "lock": "write into a workflow what it requires",
    "schema": "print the JSON Schema of workflow files",
    "cache": "look at the cache of results",
    "models": "list the models on this machine, check and add them",
    "plugins": "list plugins and what is wrong with them",
}
TAKES_INPUTS = frozenset({"run", "plan", "validate"})
"""Commands on a workflow: its declared inputs are options, ``--prompt "..."``."""
COMMAND_GROUP = "kinograph.commands"
EXIT_PROBLEM, EXIT_INTERRUPTED = 2, 130


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"kinograph: {message}\nSee '{self.prog} --help'.", file=sys.stderr)
        sys.exit(EXIT_PROBLEM)


def run_command(argv: list[str]) -> int:
    """Run ``kinograph ARGV``; the exit code."""
    name = next((word for word in argv if not word.startswith("-")), "")
    contributed = {} if name in COMMANDS else {entry.name: entry for entry in entry_points(group=COMMAND_GROUP)}
    if name in contributed:
        command = contributed[name].load()
        return int(command(argv[argv.index(name) + 1 :]))
    parser = _Parser(
        prog="kinograph",
        description="A node-graph engine for generative video.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"kinograph {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for command_name, text in COMMANDS.items():
        about = text[0].upper() + text[1:] + "."
        sub = commands.add_parser(
            command_name, help=text, description=about, allow_abbrev=command_name not in TAKES_INPUTS
        )
        sub.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error"
        )
        if command_name == name:
            importlib.import_module(f"kinograph.commands.{command_name}").configure(sub)
            if name in TAKES_INPUTS:
                importlib.import_module("kinograph.commands.inputs").add_to_help(sub, argv)
    for other in sorted(contributed):
        commands.add_parser(other, help="from an installed plugin", add_help=False)
    arguments, extra = parser.parse_known_args(argv)
    if extra and name not in TAKES_INPUTS:
        parser.error(f"unknown arguments: {' '.join(extra)}")
    arguments.extra = extra
    if not arguments.command:
        parser.print_help()
        return 0
    return _guarded(arguments)


def _guarded(arguments: argparse.Namespace) -> int:
    module = importlib.import_module(f"kinograph.commands.{arguments.command}")
    try:
        return int(module.run(arguments))
    except WorkflowError as error:
        first, *others = error.problems
        _complain(str(error) if others or first.node else str(first), arguments)
    except PathError as error:
        _complain(str(error), arguments)
    except KeyboardInterrupt:
        _complain("interrupted", arguments)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: `kinograph nodes | head`
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123 - kept open until the process ends
        return 0
    except OSError as error:
        _complain(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), arguments)
    except Exception as error:
        if arguments.debug:
            raise
        _complain(f"unexpected {type(error).__name__}: {error}\nRun again with --debug to see where.", arguments)
        return 1
    return EXIT_PROBLEM


def _complain(message: str, arguments: argparse.Namespace) -> None:
    if arguments.debug:
        traceback.print_exc()
    print(f"kinograph: {message}", file=sys.stderr)
