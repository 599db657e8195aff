"""``kinograph models``: which models are on this machine, whether their files are sound, and how to get another one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.plan import readable_bytes

if TYPE_CHECKING:
    from nodes.families.collection import FoundModel
    from nodes.families.layout import Component


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "action",
        choices=["list", "scan", "info", "verify", "add", "download"],
        help="list: what there is; scan: check the structure of every file; info: one model's parts and defaults; "
        "verify: hash a model's files and compare; add: put a folder or file into the models folder; download: fetch "
        "a repository from the Hugging Face Hub",
    )
    parser.add_argument(
        "name", nargs="?", help="a model, for info and verify; a folder or file, for add; OWNER/NAME, for download"
    )
    parser.add_argument("--as", dest="new_name", default="", metavar="NAME", help="add, download: under another name")
    parser.add_argument(
        "--include", action="append", default=[], metavar="PATTERN", help="download: only these files (may be repeated)"
    )
    parser.add_argument("--revision", default="main", help="download: a branch, tag or commit")
    parser.add_argument("--endpoint", default="", help="download: address of the Hub (default: HF_ENDPOINT)")
    parser.add_argument("--dry-run", action="store_true", help="download: only say what would be fetched")
    parser.add_argument("--copy", action="store_true", help="add: copy, instead of hard links, which take no space")
    parser.add_argument("--accept", action="store_true", help="verify: what is found now counts from now on")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, check, or add."""
    actions = {
        "list": _list, "scan": _scan, "info": _info, "verify": _verify, "add": _add, "download": _download,
    }  # fmt: skip
    needed = {"info": "model", "verify": "model", "add": "path", "download": "repository (OWNER/NAME)"}
    if arguments.action in needed and not arguments.name:
        print(f"kinograph: models {arguments.action} needs a {needed[arguments.action]}")
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
        kind = model.family or (model.pipeline if model.path.is_file() else f"{model.pipeline}: no family")
        kind = kind or "single file"
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
    from nodes.families.single_files import components_in

    model = model_named(arguments.name, folders_of(arguments).model_roots())
    family = family_of(model.path) if model.path.is_dir() else None
    traits = asdict(family.traits(model.path)) if family is not None else {}
    components: Mapping[str, Component] = {}
    if (model.path / INDEX).is_file():
        components = read_layout(model.path).components
    elif model.path.is_file():
        components = components_in(model.path)  # says what it is, where it is of no known family
    parts: dict[str, dict[str, Any]] = {}
    for name, component in components.items():
        formats = sorted({stored.dtype for stored in component.tensors.values()}) if component.has_weights else []
        nbytes = component.nbytes if component.has_weights else 0
        parts[name] = {"class": component.kind, "bytes": nbytes, "formats": formats}
    if arguments.json:
        print(json.dumps({**_plain(model), "traits": traits, "components": parts}, ensure_ascii=False))
        return 0
    kind = "a file for LoadModelFiles" if model.path.is_file() else model.family or "no family"
    print(f"{model.title}\n  {model.path}\n  {kind}, {readable_bytes(model.nbytes)}")
    for name, part in parts.items():
        title, nbytes, formats = part["class"], part["bytes"], part["formats"]
        print(f"  {name:16} {title:36} {readable_bytes(nbytes) if nbytes else '':>9} {' '.join(formats)}")
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
    for file, verdict in verify_model(model, folders.models, arguments.accept):
        verdicts.append((str(file), verdict))
        if not arguments.json:
            print(f"{verdict:8} {file}")
    if arguments.json:
        print(json.dumps([{"file": file, "verdict": verdict} for file, verdict in verdicts], ensure_ascii=False))
    return 2 if not arguments.accept and any(verdict == "CHANGED" for _, verdict in verdicts) else 0


def _add(arguments: argparse.Namespace) -> int:
    from nodes.families.collection import add_model

    source = Path(arguments.name).expanduser()
    if not source.exists():
        raise ValueError(f"there is no {source}")
    target = add_model(source, folders_of(arguments).models, arguments.new_name, arguments.copy)
    print(f"added: a workflow names it {target.name!r}")
    return 0


def _download(arguments: argparse.Namespace) -> int:
    from nodes.families.collection import remember_digests
    from nodes.families.hub import Hub, RemoteFile, chosen, download
    from nodes.families.known_digests import known_digests

    models = folders_of(arguments).models
    hub = Hub(arguments.endpoint)
    if arguments.dry_run:
        _, files = hub.files(arguments.name, arguments.revision)
        wanted = chosen(files, arguments.include)
        for file in wanted:
            print(f"{readable_bytes(file.nbytes):>9}  {file.path}")
        print(f"{readable_bytes(sum(file.nbytes for file in wanted)):>9}  in {len(wanted)} of {len(files)} files")
        return 0
    terminal = sys.stderr.isatty()

    def told(file: RemoteFile, done: int) -> None:
        if terminal:
            share = done / max(1, file.nbytes)
            print(f"\r{share:4.0%}  {readable_bytes(done):>9}  {file.path}", end="", file=sys.stderr, flush=True)

    found: dict[str, str] = {}
    names = (arguments.name, models, arguments.new_name, arguments.revision, arguments.include)
    for file, path in download(hub, *names, told=told):
        print("\r" * terminal + f"{readable_bytes(file.nbytes):>9}  {file.path}", flush=True)
        if file.sha256:
            found[str(path.absolute())] = file.sha256
    remember_digests(models, {**known_digests(models), **found})
    print(f"complete, every file has the hash that the Hub announces: {arguments.new_name or arguments.name}")
    return 0
