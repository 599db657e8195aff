"""Kinograph's built-in nodes: a plugin like any other.

Discovery imports the modules named here; importing this package alone brings in nothing.
"""

PLUGIN_MODULES: tuple[str, ...] = (
    "nodes.clips.frames",
    "nodes.clips.image_files",
    "nodes.clips.pictures",
    "nodes.clips.preview",
    "nodes.clips.time_warp",
    "nodes.clips.upscaling",
    "nodes.clips.video_files",
    "nodes.diffusion.conditioning",
    "nodes.diffusion.control",
    "nodes.diffusion.diffusion_views",
    "nodes.diffusion.known",
    "nodes.diffusion.latents",
    "nodes.diffusion.loading",
    "nodes.diffusion.long_video",
    "nodes.diffusion.mechanics",
    "nodes.diffusion.model_options",
    "nodes.diffusion.sampler",
    "nodes.diffusion.vae",
    "nodes.flow.approval",
    "nodes.flow.lists",
    "nodes.flow.logic",
    "nodes.flow.loops",
    "nodes.learning.data",
    "nodes.learning.from_models",
    "nodes.learning.results",
    "nodes.learning.training",
    "nodes.lora",
    "nodes.stock_pipeline",
    "nodes.tensors",
    "nodes.values.arithmetic",
    "nodes.values.primitives",
    "nodes.values.text",
    "nodes.viewing",
)
"""Modules of this package that define nodes, sorted. None of them imports torch at module level."""
