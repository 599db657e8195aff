"""Kinograph's public face: what plugin authors and scripts import.

Everything here is light to import; tensors and servers come in only when they are used.
"""

from kinograph.own_packages import foreign_package

if _trouble := foreign_package(("engine",)):
    raise ImportError(_trouble)

from pydantic import Field

from engine.document.workflow import Subgraph
from engine.file_digests import content_digest
from engine.files import SavedFile
from engine.node_types.authoring import (
    Block,
    Display,
    Expansion,
    Facts,
    FilePicker,
    InvalidInput,
    Lazy,
    Outputs,
    Widget,
    Wire,
    node,
)
from engine.node_types.context import Cancelled, NodeContext, Preview
from kinograph.allocation import empty
from kinograph.graphs import Graph, Result, RunFailed
from kinograph.types import (
    Conditioning,
    DiffusionModel,
    Frames,
    Latent,
    LoadedModel,
    SamplingState,
    TextEncoder,
    VideoVAE,
)

__version__ = "0.1.0"

__all__ = [
    "Block",
    "Cancelled",
    "Conditioning",
    "DiffusionModel",
    "Display",
    "Expansion",
    "Facts",
    "Field",
    "FilePicker",
    "Frames",
    "Graph",
    "InvalidInput",
    "Latent",
    "Lazy",
    "LoadedModel",
    "NodeContext",
    "Outputs",
    "Preview",
    "Result",
    "RunFailed",
    "SamplingState",
    "SavedFile",
    "Subgraph",
    "TextEncoder",
    "VideoVAE",
    "Widget",
    "Wire",
    "__version__",
    "content_digest",
    "empty",
    "node",
]
