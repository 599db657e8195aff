"""Which plugin a node type belongs to, as far as a document tells (``web/src/graph/provider.ts`` says the same)."""

from __future__ import annotations

from engine.document.workflow import Workflow

_LONGEST_VERSION = 40


def provider_of(workflow: Workflow, type_id: str) -> str:
    """The plugin's name, with the version that the document asks for; empty for a built-in type."""
    name, dot, _ = type_id.partition(".")
    if not name or not dot:
        return ""
    plugins = workflow.requires.get("plugins")
    wanted = plugins.get(name) if isinstance(plugins, dict) else None
    version = wanted.get("version") if isinstance(wanted, dict) else wanted
    if isinstance(version, str) and version.isprintable() and 0 < len(version) <= _LONGEST_VERSION:
        return f"{name} {version}"
    return name
