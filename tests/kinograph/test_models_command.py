"""``kinograph models``: models of our own folder, of shared folders and of the Hugging Face cache; checks; adding."""

from __future__ import annotations

import hashlib
import json
import math
import re
import shutil
from pathlib import Path

import pytest

from engine.folders import Folders
from kinograph.commands import run_command
from nodes.families.registry import SHIPPED_WEIGHTS


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINOGRAPH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "data"


def models(*words: str) -> int:
    return run_command(["models", *words])


def test_nothing_there(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models("list") == 0
    assert capsys.readouterr().out.startswith("no models in")


def test_add_list_info_verify(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models("add", str(SHIPPED_WEIGHTS / "mini"), "--as", "my-mini", "--copy") == 0
    assert "a workflow names it 'my-mini'" in capsys.readouterr().out
    assert models("list", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["family"]) == ("my-mini", "mini")
    assert found["nbytes"] > 1e6
    assert models("info", "my-mini") == 0
    assert "in 20 steps" in capsys.readouterr().out
    assert models("verify", "my-mini") == 0
    assert "new" in capsys.readouterr().out
    assert models("verify", "my-mini") == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"ok"}
    assert models("add", str(SHIPPED_WEIGHTS / "mini"), "--as", "my-mini") == 2
    assert "exists already" in capsys.readouterr().out


def test_one_flipped_bit_is_found(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models("add", str(SHIPPED_WEIGHTS / "mini"), "--copy")
    models("verify", "mini")
    file = data / "models" / "mini" / "dit.safetensors"
    content = bytearray(file.read_bytes())
    content[-1000] ^= 1
    file.write_bytes(content)
    capsys.readouterr()
    assert models("scan") == 0  # its structure is sound
    assert models("verify", "mini") == 2
    assert f"CHANGED  {file}" in capsys.readouterr().out


def test_scan_names_what_is_damaged(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models("add", str(SHIPPED_WEIGHTS / "mini"), "--copy")
    file = data / "models" / "mini" / "dit.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    capsys.readouterr()
    assert models("scan") == 2
    assert "dit.safetensors: the file is cut short" in capsys.readouterr().out
    assert models("add", str(data / "models" / "mini"), "--as", "again") == 2
    assert "cut short" in capsys.readouterr().out
    assert not (data / "models" / "again").exists()


def test_shared_folders_and_the_cache_of_others_are_used_in_place(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = tmp_path / "ComfyUI" / "models"
    shutil.copytree(SHIPPED_WEIGHTS / "mini", shared / "video" / "mini-there")
    data.mkdir()
    (data / "extra_model_paths.txt").write_text(f"# shared\n{shared}\n{tmp_path / 'not there'}\n")
    snapshot = tmp_path / "hub" / "models--somebody--mini" / "snapshots" / "abc"
    blobs = snapshot.parents[1] / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for file in (SHIPPED_WEIGHTS / "mini").iterdir():
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copy(file, blobs / digest)
        (snapshot / file.name).symlink_to(f"../../blobs/{digest}")
    assert models("list", "--json") == 0
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert set(found) == {"video/mini-there", "models--somebody--mini/snapshots/abc"}
    folders = Folders.at(data)
    for name in found:
        assert folders.find(name, "model").is_dir()
    assert models("verify", "somebody/mini") == 0  # the names there are hashes
    assert "new" not in capsys.readouterr().out


def test_a_name_that_fits_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert models("info", "wan") == 2
    assert "there is no model 'wan'" in capsys.readouterr().out
    assert models("add", "/no/such/place") == 2
    assert models("info") == 2


def test_the_file_in_which_comfyui_names_its_folders(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "ComfyUI"
    for kind in ("diffusion_models", "unet", "vae"):
        shutil.copytree(SHIPPED_WEIGHTS / "mini", base / "models" / kind / f"mini-{kind}")
    data.mkdir()
    (data / "extra_model_paths.yaml").write_text(
        f"# as ComfyUI reads it\ncomfyui:\n    base_path: {base}/\n    is_default: true\n"
        "    vae: models/vae/  # one folder\n    diffusion_models: |\n        models/diffusion_models\n"
        f"        models/unet\n\nother:\n  checkpoints: {tmp_path / 'nothing there'}\n"
    )
    assert models("list", "--json") == 0
    found = {item["name"] for item in json.loads(capsys.readouterr().out)}
    assert found == {"mini-diffusion_models", "mini-unet", "mini-vae"}
    assert Folders.at(data).find("mini-unet", "model") == base / "models/unet/mini-unet"
    (data / "extra_model_paths.yaml").write_text("comfyui:\n    - a list\n")
    assert models("list") == 2
    assert "extra_model_paths.yaml, line 2: expected 'kind: folder'" in capsys.readouterr().out


def test_what_a_single_file_is_says_its_header(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No weights are read, nothing of torch is imported: names and shapes are enough."""
    shapes = {
        "patch_embedding.weight": [64, 16, 1, 2, 2], "head.modulation": [1, 2, 64], "head.head.weight": [64, 64],
        "time_projection.1.weight": [384, 64], "time_embedding.0.weight": [64, 32], "text_embedding.0.weight": [64, 32],
        "blocks.0.ffn.0.weight": [128, 64], "blocks.1.ffn.0.weight": [128, 64],
    }  # fmt: skip
    header, end = {}, 0
    for name, shape in shapes.items():
        begin, end = end, end + math.prod(shape)
        header[f"model.diffusion_model.{name}"] = {"dtype": "F8_E4M3", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    file = data / "models" / "diffusion_models" / "wan2.1_t2v_fp8.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(end))
    assert models("list") == 0
    assert "WanTransformer3DModel" in capsys.readouterr().out
    assert models("info", "wan2.1") == 0
    told = capsys.readouterr().out
    assert "a file for LoadModelFiles" in told
    assert re.search(r"transformer +WanTransformer3DModel .*F8_E4M3", told)
    assert models("scan") == 0
    file.write_bytes(file.read_bytes()[:-5])
    assert models("scan") == 2
