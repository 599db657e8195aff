"""``kinograph models``: which models are on this machine, whether their files are sound, and how to add one."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.plan import readable_bytes

if TYPE_CHECKING:
    from nodes.families.collection import FoundModel


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "action",
        choices=["list", "scan", "info", "verify", "add"],
        help="list: what there is; scan: check the structure of every file; info: one model's parts and defaults; "
        "verify: hash a model's files and compare; add: put a folder or file into the models folder",
    )
    parser.add_argument("name", nargs="?", help="a model, for info and verify; a folder or file, for add")
    parser.add_argument("--as", dest="new_name", default="", metavar="NAME", help="add: under another name")
    parser.add_argument("--copy", action="store_true", help="add: copy, instead of hard links, which take no space")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, check, or add."""
    actions = {"list": _list, "scan": _scan, "info": _info, "verify": _verify, "add": _add}
    if arguments.action in ("info", "verify", "add") and not arguments.name:
        print(f"kinograph: models {arguments.action} needs a {'path' if arguments.action == 'add' else 'model'}")
        return 2
    try:
        return actions[arguments.action](arguments)
    except (ValueError, OSError) as error:
        print(f"kinograph: {error}")
        return 2


def _found(arguments: argparse.Namespace) -> list[FoundModel]:
    from nodes.families.collection import find_models

    return find_models(folders_of(arguments).model_roots())


def _list(arguments: argparse.Namespace) -> int:
    models = _found(arguments)
    if arguments.json:
        print(json.dumps([_plain(model) for model in models], ensure_ascii=False))
        return 0
    for model in models:
        kind = model.family or (f"{model.pipeline}: no family" if model.pipeline else "single file")
        print(f"{model.title:50}  {kind:24}  {readable_bytes(model.nbytes):>9}  {model.root}")
    if not models:
        print("no models in", *map(str, folders_of(arguments).model_roots()))
    return 0


def _plain(model: FoundModel) -> dict[str, object]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in asdict(model).items()}


def _scan(arguments: argparse.Namespace) -> int:
    checked = [(model, model.problem()) for model in _found(arguments)]
    if arguments.json:
        print(json.dumps([{**_plain(model), "problem": problem} for model, problem in checked], ensure_ascii=False))
    else:
        for model, problem in checked:
            print(f"{model.title}: {problem or 'sound'}")
        print(f"{len(checked)} models, {sum(bool(problem) for _, problem in checked)} with problems")
    return 2 if any(problem for _, problem in checked) else 0


def _info(arguments: argparse.Namespace) -> int:
    from nodes.families.collection import model_named
    from nodes.families.layout import INDEX, read_layout
    from nodes.families.registry import family_of

    model = model_named(arguments.name, folders_of(arguments).model_roots())
    family = family_of(model.path) if model.path.is_dir() else None
    traits = asdict(family.traits(model.path)) if family is not None else {}
    parts: dict[str, dict[str, Any]] = {}
    if (model.path / INDEX).is_file():
        for name, component in read_layout(model.path).components.items():
            formats = sorted({stored.dtype for stored in component.tensors.values()}) if component.has_weights else []
            nbytes = component.nbytes if component.has_weights else 0
            parts[name] = {"class": component.kind, "bytes": nbytes, "formats": formats}
    if arguments.json:
        print(json.dumps({**_plain(model), "traits": traits, "components": parts}, ensure_ascii=False))
        return 0
    print(f"{model.title}\n  {model.path}\n  {model.family or 'no family'}, {readable_bytes(model.nbytes)}")
    for name, part in parts.items():
        kind, nbytes, formats = part["class"], part["bytes"], part["formats"]
        print(f"  {name:16} {kind:36} {readable_bytes(nbytes) if nbytes else '':>9} {' '.join(formats)}")
    if traits:
        print("  makes {width} x {height}, {frames} frames at {fps:g} per second, in {steps} steps".format(**traits))
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from nodes.families.collection import model_named, verify_model

    folders = folders_of(arguments)
    model = model_named(arguments.name, folders.model_roots())
    if problem := model.problem():
        raise ValueError(problem)
    verdicts = []
    for file, verdict in verify_model(model, folders.models):
        verdicts.append((str(file), verdict))
        if not arguments.json:
            print(f"{verdict:8} {file}")
    if arguments.json:
        print(json.dumps([{"file": file, "verdict": verdict} for file, verdict in verdicts], ensure_ascii=False))
    return 2 if any(verdict == "CHANGED" for _, verdict in verdicts) else 0


def _add(arguments: argparse.Namespace) -> int:
    from nodes.families.collection import add_model

    source = Path(arguments.name).expanduser()
    if not source.exists():
        raise ValueError(f"there is no {source}")
    target = add_model(source, folders_of(arguments).models, arguments.new_name, arguments.copy)
    print(f"added: a workflow names it {target.name!r}")
    return 0
