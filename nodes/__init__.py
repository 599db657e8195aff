"""Kinograph's built-in nodes: a plugin like any other.

Discovery imports the modules named here; importing this package alone brings in nothing.
"""

PLUGIN_MODULES: tuple[str, ...] = (
    "nodes.approval",
    "nodes.arithmetic",
    "nodes.conditioning",
    "nodes.diffusion_views",
    "nodes.frames",
    "nodes.image_files",
    "nodes.known",
    "nodes.latents",
    "nodes.lists",
    "nodes.loading",
    "nodes.logic",
    "nodes.long_video",
    "nodes.loops",
    "nodes.lora",
    "nodes.mechanics",
    "nodes.model_options",
    "nodes.pictures",
    "nodes.preview",
    "nodes.primitives",
    "nodes.sampler",
    "nodes.stock_pipeline",
    "nodes.tensors",
    "nodes.text",
    "nodes.training_data",
    "nodes.training_from_models",
    "nodes.training_nodes",
    "nodes.training_results",
    "nodes.upscaling",
    "nodes.vae",
    "nodes.video_files",
    "nodes.viewing",
)
"""Modules of this package that define nodes, sorted. None of them imports torch at module level."""
