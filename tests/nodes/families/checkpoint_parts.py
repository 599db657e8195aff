"""What tiny checkpoints of all families are made of: text encoders, tokenizers, scaled random weights, the folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

SENTENCE = "a red blue green ball cat dog runs over the meadow in rain slowly at night fast low quality blurry"
WORDS = SENTENCE.split()
TEXT_WIDTH = 32


def randomised(network: nn.Module, seed: int, gain: float = 1.0) -> nn.Module:
    """Every weight random, of a size that keeps activations about 1."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim >= 2 and "table" not in name:
                parameter.copy_(drawn * gain / max(1, parameter[0].numel()) ** 0.5)
            elif name.endswith("weight") or "gamma" in name:
                parameter.copy_(1.0 + 0.1 * drawn)
            else:
                parameter.copy_(0.1 * drawn)
    return network.eval()


def t5_tokenizer() -> Any:
    """A Unigram tokenizer with a vocabulary of whole words and single letters."""
    from transformers import T5Tokenizer

    letters = [chr(code) for code in range(33, 127)]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    vocabulary += [(f"▁{word}", -2.0) for word in WORDS] + [(letter, -5.0) for letter in letters]
    return T5Tokenizer(vocab=vocabulary, extra_ids=0)


def t5_encoder(kind: str = "T5EncoderModel", seed: int = 1) -> nn.Module:
    """A T5 encoder of one layer."""
    import transformers

    config_kind = transformers.UMT5Config if kind.startswith("UMT5") else transformers.T5Config
    config = config_kind(
        vocab_size=160,
        d_model=TEXT_WIDTH,
        d_kv=8,
        d_ff=32,
        num_layers=1,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=True,
    )
    encoder: Any = randomised(getattr(transformers, kind)(config), seed)
    with torch.no_grad():
        encoder.encoder.final_layer_norm.weight.mul_(4.0)  # so that words matter
    return encoder  # type: ignore[no-any-return]


def word_tokenizer(texts: str = SENTENCE, length: int = 77) -> Any:
    """A tokenizer of whole words and signs, for language models and CLIP."""
    import re

    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<pad>", "<s>", "</s>", "<unk>", *sorted(set(re.findall(r"\w+|[^\w\s]+", f"{texts} {SENTENCE}")))]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        model_max_length=length, padding_side="right",
    )  # fmt: skip


def clip_encoder(width: int = 16) -> nn.Module:
    """A CLIP text encoder of one layer."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=200, hidden_size=width, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=77, projection_dim=width, bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )  # fmt: skip
    return randomised(CLIPTextModel(config), 5)


def saved(folder: Path, pipeline: str, components: dict[str, Any], **settings: Any) -> Path:
    """Write a folder as ``save_pretrained`` of a pipeline does."""
    index: dict[str, Any] = {"_class_name": pipeline, "_diffusers_version": "0.42.1", **settings}
    for name, component in components.items():
        library = type(component).__module__.split(".")[0]
        index[name] = [library, type(component).__name__]
        component.save_pretrained(folder / name)
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))
    return folder
