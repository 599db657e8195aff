"""Run ComfyUI's execution engine (validation, cache keys, scheduling, node calls) inside this process.

Give the folder of a ComfyUI checkout. Only its engine is used: its server is replaced by one that counts messages, and
everything about models, which trivial nodes never touch, by empty stand-ins. Nothing of it is part of this project.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.abc
import importlib.machinery
import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock

_STANDINS = ("comfy", "comfy_aimdo", "latent_preview", "folder_paths", "av", "tqdm", "psutil", "server", "app")


class _Standins(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Empty modules in place of what is not there."""

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] in _STANDINS:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = MagicMock(name=spec.name)
        module.__path__ = []
        module.__spec__ = spec
        return module  # type: ignore[return-value]

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Add:
    RETURN_TYPES = ("INT",)
    FUNCTION = "add"
    CATEGORY = "benchmark"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 - the name that it looks for
        return {"required": {"a": ("INT", {"default": 0}), "b": ("INT", {"default": 1})}}

    def add(self, a: int, b: int) -> tuple[int]:
        return (a + b,)


class _Show(_Add):
    RETURN_TYPES = ()
    OUTPUT_NODE = True

    def add(self, a: int, b: int) -> dict[str, Any]:  # type: ignore[override]
        return {"ui": {"value": [a + b]}}


class _Server:
    """Stands for the web server; what it would send is written as JSON and counted."""

    client_id = "benchmark"
    last_node_id = None

    def __init__(self) -> None:
        self.nbytes = 0

    def send_sync(self, event: str, data: Any, *_: Any) -> None:
        self.nbytes += len(json.dumps({"type": event, "data": data}, default=str))

    def queue_updated(self) -> None:
        pass


class ComfyUI:
    """ComfyUI's engine. ``version`` says which."""

    def __init__(self, folder: Path) -> None:
        sys.path.insert(0, str(folder))
        sys.meta_path.insert(0, _Standins())
        arguments, sys.argv = sys.argv, sys.argv[:1]
        nodes = ModuleType("nodes")
        vars(nodes).update(
            NODE_CLASS_MAPPINGS={"Add": _Add, "Show": _Show},
            NODE_DISPLAY_NAME_MAPPINGS={},
            before_node_execution=lambda: None,
            interrupt_processing=lambda *_: None,
            MAX_RESOLUTION=16384,
        )
        ours = {name: module for name, module in sys.modules.items() if name == "nodes" or name.startswith("nodes.")}
        sys.modules["nodes"] = nodes
        try:
            self._execution = importlib.import_module("execution")
            management = sys.modules["comfy.model_management"]
            vars(management)["InterruptProcessingException"] = type("InterruptProcessingException", (Exception,), {})
            memory = sys.modules.get("comfy.memory_management")  # newer versions only
            if memory is not None:
                vars(memory)["aimdo_enabled"] = False
            self.version = importlib.import_module("comfyui_version").__version__
        finally:
            sys.argv = arguments
            sys.modules.update(ours)
        logging.getLogger().setLevel(logging.ERROR)
        self.server = _Server()
        self.executor = self._execution.PromptExecutor(self.server, cache_type=False, cache_args={"lru": 0, "ram": 0})

    def run(self, prompt: dict[str, Any], targets: list[str]) -> None:
        """Validate and run a prompt, as its server does when one is posted.

        Raises:
            RuntimeError: when it refuses the prompt or a node fails.
        """
        valid = asyncio.run(self._execution.validate_prompt("benchmark", prompt, None))
        if not valid[0]:
            raise RuntimeError(f"refused: {str(valid[1])[:200]}")
        self.executor.execute(prompt, "benchmark", {"client_id": "benchmark"}, targets)
        if not self.executor.success:
            raise RuntimeError("failed")
