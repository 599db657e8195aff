"""The transformer of HunyuanVideo 1.5 under its authors' names, and under those that diffusers gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

MARK = "byt5_in.fc1.weight"
_REFINER = "context_embedder.token_refiner.refiner_blocks"
_NAMES: tuple[tuple[str, str], ...] = (
    (r"^time_in\.mlp\.0", "time_embed.timestep_embedder.linear_1"),
    (r"^time_in\.mlp\.2", "time_embed.timestep_embedder.linear_2"),
    (r"^txt_in\.t_embedder\.mlp\.0", "context_embedder.time_text_embed.timestep_embedder.linear_1"),
    (r"^txt_in\.t_embedder\.mlp\.2", "context_embedder.time_text_embed.timestep_embedder.linear_2"),
    (r"^txt_in\.c_embedder", "context_embedder.time_text_embed.text_embedder"),
    (r"^txt_in\.input_embedder", "context_embedder.proj_in"),
    (r"^txt_in\.individual_token_refiner\.blocks\.(\d+)\.self_attn_proj", rf"{_REFINER}.\1.attn.to_out.0"),
    (r"^txt_in\.individual_token_refiner\.blocks\.(\d+)\.mlp\.fc1", rf"{_REFINER}.\1.ff.net.0.proj"),
    (r"^txt_in\.individual_token_refiner\.blocks\.(\d+)\.mlp\.fc2", rf"{_REFINER}.\1.ff.net.2"),
    (r"^txt_in\.individual_token_refiner\.blocks\.(\d+)\.adaLN_modulation\.1", rf"{_REFINER}.\1.norm_out.linear"),
    (r"^txt_in\.individual_token_refiner\.blocks", _REFINER),
    (r"^byt5_in\.layernorm", "context_embedder_2.norm"),
    (r"^byt5_in\.fc", "context_embedder_2.linear_"),
    (r"^vision_in\.proj\.0", "image_embedder.norm_in"),
    (r"^vision_in\.proj\.1", "image_embedder.linear_1"),
    (r"^vision_in\.proj\.3", "image_embedder.linear_2"),
    (r"^vision_in\.proj\.4", "image_embedder.norm_out"),
    (r"^img_in\.proj", "x_embedder.proj"),
    (r"^cond_type_embedding", "cond_type_embed"),
    (r"^double_blocks", "transformer_blocks"),
    (r"\.img_mod\.", ".norm1."),
    (r"\.txt_mod\.", ".norm1_context."),
    (r"\.img_attn_([qkv])\.", r".attn.to_\1."),
    (r"\.img_attn_([qk])_norm\.", r".attn.norm_\1."),
    (r"\.img_attn_proj\.", ".attn.to_out.0."),
    (r"\.txt_attn_([qkv])\.", r".attn.add_\1_proj."),
    (r"\.txt_attn_([qk])_norm\.", r".attn.norm_added_\1."),
    (r"\.txt_attn_proj\.", ".attn.to_add_out."),
    (r"\.img_mlp\.fc1\.", ".ff.net.0.proj."),
    (r"\.img_mlp\.fc2\.", ".ff.net.2."),
    (r"\.txt_mlp\.fc1\.", ".ff_context.net.0.proj."),
    (r"\.txt_mlp\.fc2\.", ".ff_context.net.2."),
    (r"^final_layer\.linear", "proj_out"),
    (r"^final_layer\.adaLN_modulation\.1", "norm_out.linear"),
)


def converted(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights by the names of diffusers. Queries, keys and values of the token refiner come apart; of the last layer's
    modulation the scale comes first there."""
    import torch

    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        together = re.match(r"txt_in\.individual_token_refiner\.blocks\.(\d+)\.self_attn_qkv\.(\w+)$", name)
        if together:
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                found[f"{_REFINER}.{together[1]}.attn.to_{letter}.{together[2]}"] = part
            continue
        if name.startswith("final_layer.adaLN_modulation"):
            shift, scale = tensor.chunk(2)
            tensor = torch.cat([scale, shift])
        for pattern, wanted in _NAMES:
            name = re.sub(pattern, wanted, name)
        found[name] = tensor
    return found
