"""What several commands share: the data folder, and reading a workflow with values set on the command line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from engine.document.workflow import Workflow
from engine.folders import Folders
from engine.graph.fork import forked
from engine.graph.form import filled
from engine.graph.inline import set_inner_value
from engine.node_types.registry import Registry
from engine.problems import Problem, WorkflowError, did_you_mean
from kinograph.commands.documents import read_document
from kinograph.commands.inputs import given_inputs
from kinograph.data_folder import default_data_folder

_NOTHING = object()


def add_data_folder(parser: argparse.ArgumentParser) -> None:
    """``--data-dir``."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="folder for cache, models, plugins, inputs and outputs (default: KINOGRAPH_DATA_DIR or the user's)",
    )


def add_workflow(parser: argparse.ArgumentParser) -> None:
    """The workflow and ``--set``."""
    parser.add_argument(
        "workflow",
        type=Path,
        metavar="WORKFLOW",
        help="a workflow (JSON), or a video or picture that carries one",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE.INPUT=VALUE",
        help="change a value; may be given several times",
    )
    add_data_folder(parser)


def add_output_folder(parser: argparse.ArgumentParser) -> None:
    """``--output-dir``."""
    parser.add_argument(
        "--output-dir",
        type=Path,
        metavar="DIR",
        help="where results are saved (default: outputs in the data folder)",
    )


def folders_of(arguments: argparse.Namespace) -> Folders:
    """The folders that the arguments name. At the command line a workflow may name any file of the machine."""
    base = getattr(arguments, "workflow", None)
    data = arguments.data_dir or default_data_folder()
    outputs = getattr(arguments, "output_dir", None)
    return Folders.at(data, outputs=outputs, anywhere=True, base=base.resolve().parent if base is not None else None)


def load_workflow(path: Path, settings: list[str], extra: list[str], registry: Registry, fork: str = "") -> Workflow:
    """Read a document, or the one inside a media file, and apply ``NODE.INPUT=VALUE`` settings.

    ``extra`` are further arguments: ``--NAME VALUE`` sets an input that the workflow declares. With ``fork``
    (``NODE@STEP``) the settings apply after the first steps of that sampler; ``registry`` knows the node types.

    Raises:
        WorkflowError: with everything that is wrong.
    """
    workflow = read_document(path)
    before = workflow.model_copy(deep=True) if fork else workflow
    workflow = filled(workflow, given_inputs(workflow, extra, registry)).model_copy(deep=True)
    problems = [problem for setting in settings if (problem := _apply(workflow, setting))]
    if problems:
        raise WorkflowError(problems)
    return _forked(before, workflow, registry, fork) if fork else workflow


def _forked(before: Workflow, after: Workflow, registry: Registry, fork: str) -> Workflow:
    node, at, step = fork.rpartition("@")
    if not at or not step.isdecimal() or int(step) < 1:
        message = f"--fork {fork!r}: a sampler and the number of steps that stay as they were are wanted"
        raise WorkflowError([Problem("bad_setting", message, wanted="NODE@STEP", example="sampler@8")])
    wired = {edge.target for edge in before.edges} - {edge.target for edge in after.edges}
    changes = {
        name: {
            socket: value
            for socket, value in found.values.items()
            if (name, socket) in wired or before.nodes[name].values.get(socket, _NOTHING) != value
        }
        for name, found in after.nodes.items()
    }
    return forked(before, registry, node, int(step), {name: values for name, values in changes.items() if values})


def _apply(workflow: Workflow, setting: str) -> Problem | None:
    place, equals, text = setting.partition("=")
    if not equals:
        return Problem(
            "bad_setting",
            f"--set {setting!r} has no value",
            wanted="NODE.INPUT=VALUE",
            example="prompt.prompt=a red ball",
        )
    # node ids may contain dots themselves: the longest one that exists is meant
    candidates = [place[:at] for at in range(len(place)) if place[at] == "."]
    node_id = next((name for name in reversed(candidates) if name in workflow.nodes), None)
    inner = next((name for name in candidates if "/" in name), None)
    if node_id is None and inner and set_inner_value(workflow, inner, place[len(inner) + 1 :], _value(text)):
        return None
    if node_id is None:
        name = place.partition(".")[0]
        hint = did_you_mean(name, workflow.nodes) or f"; its nodes are {', '.join(list(workflow.nodes)[:12])}"
        return Problem(
            "unknown_node",
            f"--set {setting!r}: there is no node {name!r}{hint}",
            node=name,
            wanted="NODE.INPUT=VALUE",
        )
    name = place[len(node_id) + 1 :]
    workflow.nodes[node_id].values[name] = _value(text)
    # a value given by hand takes the place of a wire
    workflow.edges[:] = [edge for edge in workflow.edges if edge.target != (node_id, name)]
    return None


def _value(text: str) -> Any:
    """A JSON number, true, false, null, list, object or quoted text; anything else is text as it stands."""
    try:
        return json.loads(text, parse_constant=lambda name: name)
    except ValueError:
        return text
