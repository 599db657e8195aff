"""Names for the identifiers that travel through the engine, so that they are never mixed up."""

from __future__ import annotations

from typing import NewType

NodeId = NewType("NodeId", str)
"""A node's name inside one workflow, chosen by its author (``"sampler"``) or the editor (``"n7"``)."""

TypeId = NewType("TypeId", str)
"""A node type's public name: bare for built-ins (``"TextEncode"``), dotted for plugins (``"pack.Name"``)."""

Key = NewType("Key", str)
"""The content address of a step's outputs: 32 hexadecimal digits."""

JobId = NewType("JobId", str)
"""One durable request to run a plan."""
