"""The models that the editor offers: files and folders of all roots, under the names that workflows give them."""

from __future__ import annotations

import json
from pathlib import Path

from server.workers.model_files import list_models


def put(file: Path, content: bytes = b"x") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_files_and_folders_of_every_root(tmp_path: Path) -> None:
    ours, theirs, cache = tmp_path / "models", tmp_path / "comfy", tmp_path / "hub"
    for part in ("transformer", "vae"):
        put(ours / f"Wan/{part}/diffusion_pytorch_model.safetensors")
    put(ours / "Wan/model_index.json", json.dumps({"_class_name": "WanPipeline"}).encode())
    put(ours / ".Other.c0ffee.part/vae/half.safetensors")  # a download that is not complete
    for name in ("dit.safetensors", "text_encoder.safetensors", "tokenizer.json", ".dit.1.partial.safetensors"):
        put(ours / "mini_0001" / name)
    put(ours / ".moon.1.partial.safetensors")
    put(theirs / "unet/wan.gguf")
    put(theirs / "old.ckpt")
    put(cache / "models--a--b/snapshots/1/model_index.json")
    put(cache / "models--a--b/blobs/file.safetensors")
    found = {item["name"]: item["format"] for item in list_models([ours, theirs, cache])}
    assert found == {
        "Wan": "diffusers",
        "mini_0001": "mini",
        "unet/wan.gguf": "gguf",
        "old.ckpt": "pickle",
        "models--a--b/snapshots/1": "diffusers",
    }


def test_what_a_name_means_is_decided_by_the_first_root(tmp_path: Path) -> None:
    put(tmp_path / "one/same.gguf", b"12345")
    put(tmp_path / "two/same.gguf")
    assert [item["size"] for item in list_models([tmp_path / "one", tmp_path / "two"])] == [5]
