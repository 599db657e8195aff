"""The measures: requests, confidence intervals, tables, and the command's arguments."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nodes.evaluation.adherence import SamplerSettings, generate, truth_answers
from nodes.evaluation.codec_gate import chunk_flicker, codec_gate, edge_sharpness, gate_report
from nodes.evaluation.command import main, with_defaults
from nodes.evaluation.requests import held_out_requests
from nodes.evaluation.tables import Answer, markdown_table, shares, table, wilson
from nodes.evaluation.typos import mistyped
from nodes.evaluation.wording import WORDINGS
from nodes.models.dit import DiT, DiTConfig
from nodes.models.mini import MiniParts
from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import Tokenizer
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from nodes.training.codec import start_from_components
from nodes.training.world.captions import vocabulary
from nodes.training.world.render import render, to_signed
from nodes.training.world.specs import WorldMix, held_out, sample_clip


@pytest.fixture(scope="module")
def vae() -> VideoVAE:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = VideoVAE(VideoVAEConfig(64, 8, 1, 1, 8, 1))
    start_from_components(model, 64, 1)
    return model.eval().requires_grad_(False)


def test_requests_are_held_out_and_always_the_same() -> None:
    requests = held_out_requests(5, 2, ["one object", "two objects"], ["en", "zh"])
    assert len(requests) == 2 * 2 * 5 * 2
    assert requests == held_out_requests(5, 2, ["one object", "two objects"], ["en", "zh"])
    assert all(held_out(o.colour, o.shape, o.motion) for r in requests for o in r.spec.objects)
    chinese = [r for r in requests if r.language == "zh"]
    assert chinese == held_out_requests(5, 2, ["one object", "two objects"], ["zh"])


def test_wilson_interval() -> None:
    low, high = wilson(60, 100)
    assert (round(low, 3), round(high, 3)) == (0.502, 0.691)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == 1.0


def test_table_and_shares() -> None:
    request = held_out_requests(1, 1, ["one object"], ["en"])[0]
    right = dict.fromkeys(("background", "colour", "shape", "motion", "camera", "all"), True)
    found = [Answer(request, right), Answer(request, {**right, "shape": False, "all": False})]
    assert shares(found)["one object, en"]["shape"] == 50
    assert "one object, en" in table(found)
    assert " 50.0 [  9,  91]" in table(found)


def test_a_line_says_how_it_was_sampled() -> None:
    plain = held_out_requests(1, 1, ["one object"], ["en"])[0]
    right = dict.fromkeys(("background", "colour", "shape", "motion", "camera", "all"), True)
    found = [Answer(replace(plain, note=note), right) for note in ("euler 20", "unipc 8", "unipc 8")]
    assert {name: row["n"] for name, row in shares(found).items()} == {
        "one object, en, euler 20": 1,
        "one object, en, unipc 8": 2,
    }


def test_every_size_and_length_gets_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--size", "32x32", "48x32", "--frames", "1", "5"]
    assert main(["--truth", "--prompts", "1", "--kind", "one object", "--language", "en", *sizes]) == 0
    shown = capsys.readouterr().out
    assert all(f"one object, en, {size}" in shown for size in ("32x32x1", "32x32x5", "48x32x1", "48x32x5"))


def test_the_whole_table_has_every_axis(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert (
        main(["--full", "--truth", "--prompts", "1", "--seeds", "1", "--markdown", "--json", str(tmp_path / "f")]) == 0
    )
    table = capsys.readouterr().out.splitlines()
    lines = {line.split(" | ")[0].strip("| "): line for line in table if line.startswith("| ")}
    kinds = ("one object", "camera", "two objects", "passing behind", "returning", "overall")
    wanted = {f"{kind}, {language}" for kind in kinds for language in ("en", "zh")}
    wanted |= {f"one object, en, {wording}" for wording in WORDINGS[1:]} | {"one object, mixed"}
    wanted |= {f"one object, en, {size}" for size in ("32x32x17", "96x64x17", "160x96x17", "64x64x1", "64x64x65")}
    assert wanted <= set(lines)
    assert lines["overall, en"].split(" | ")[1] == "3"
    assert set(json.loads((tmp_path / "f").read_text(encoding="utf-8"))) >= wanted - {"overall, en", "overall, zh"}


def test_a_table_in_markdown() -> None:
    request = held_out_requests(1, 1, ["one object"], ["en"])[0]
    right = dict.fromkeys(("background", "colour", "shape", "motion", "camera", "all"), True)
    head, rule, line = markdown_table([Answer(request, right)] * 4).splitlines()
    assert head.count("|") == rule.count("|") == line.count("|") == 9
    assert line.startswith("| one object, en | 4 | 100.0 [51, 100] |")


def test_how_much_is_measured_where_nothing_is_said() -> None:
    def usual(**given: object) -> tuple[int, int, bool]:
        asked = {"prompts": None, "seeds": None, "quick": False, "abilities": False, "long": None, "bf16": False}
        arguments = Namespace(**asked | given)
        with_defaults(arguments)
        return arguments.prompts, arguments.seeds, arguments.bf16

    assert usual() == (200, 3, False)
    assert usual(quick=True) == (12, 1, True)
    assert usual(long=60.0) == (3, 1, False)
    assert usual(quick=True, prompts=5) == (5, 1, True)


def test_typing_mistakes_are_read_as_what_was_meant() -> None:
    rng, tokenizer = np.random.default_rng(3), Tokenizer(vocabulary())
    prompts = [one.prompt for one in held_out_requests(100, 1, ["one object", "camera", "two objects"], ["en"])]
    mistakes = [mistyped(prompt, rng) for prompt in prompts]
    assert sum(one != other for one, other in zip(prompts, mistakes, strict=True)) > 0.9 * len(prompts)
    read = [
        tokenizer.encode(one).ids == tokenizer.encode(other).ids for one, other in zip(prompts, mistakes, strict=True)
    ]
    assert sum(read) >= 0.98 * len(read)


def test_british_and_american_spelling_are_known() -> None:
    tokenizer = Tokenizer(vocabulary())
    for british, american in (
        ("grey", "gray"),
        ("centre", "center"),
        ("coloured", "colored"),
        ("travelling", "traveling"),
    ):
        assert not tokenizer.encode(f"{british} {american}").unknown


def test_truth_is_right() -> None:
    found = list(truth_answers(held_out_requests(8, 1, ["one object"], ["en"])))
    assert shares(found)["one object, en"]["all"] == 100


def test_untrained_weights_make_clips_and_fail_the_measure(vae: VideoVAE) -> None:
    words = vocabulary()
    encoder = TextEncoder(TextEncoderConfig(len(words), width=16, head_dim=16)).eval()
    dit = DiT(DiTConfig(64, 16, depth=1, head_dim=16, text_width=16)).eval()
    parts = MiniParts(Tokenizer(words), encoder, vae, dit)
    prompts = ["a red ball bounces", "一个红色的球"]
    clips = generate(parts, prompts, [1, 2], SamplerSettings(steps=2))
    assert clips.shape == (2, 17, 3, 64, 64)
    assert clips.dtype == torch.uint8
    alone = generate(parts, prompts[1:], [2], SamplerSettings(steps=2))
    assert (clips[1].int() - alone[0].int()).abs().max() <= 1  # a clip depends on its own seed and prompt only


def test_codec_gate_reports_both_kinds(vae: VideoVAE) -> None:
    lines = codec_gate(vae, clips=4)
    assert [line.kind for line in lines] == ["one object", "two objects"]
    assert all(line.psnr > 20 and line.right["background"] == 100 for line in lines)
    assert "PSNR" in gate_report(lines)


def test_flicker_between_latent_frames_is_found() -> None:
    clip = render([sample_clip(np.random.default_rng(k), "train", WorldMix(0, 0)) for k in range(4)])
    target = to_signed(clip.frames)
    noise = 0.05 * torch.randn(4, 3, 17, 64, 64, generator=torch.Generator().manual_seed(0))
    assert float(chunk_flicker(target + noise, target).mean()) == pytest.approx(1.0, abs=0.1)
    latent_frame = torch.tensor([0, *(1 + k // 4 for k in range(16))])
    shade = 0.1 * (latent_frame % 2).float().view(1, 1, 17, 1, 1)  # every other latent frame is a little brighter
    assert float(chunk_flicker(target + 0.1 * noise + shade, target).min()) > 3


def test_blur_is_less_sharp() -> None:
    clip = render([sample_clip(np.random.default_rng(k), "train", WorldMix(0, 0)) for k in range(4)])
    target = to_signed(clip.frames)
    assert edge_sharpness(target, target, clip.cover).tolist() == pytest.approx([1.0] * 4)
    soft = torch.nn.functional.avg_pool3d(target, (1, 5, 5), 1, (0, 2, 2))
    assert float(edge_sharpness(soft, target, clip.cover).max()) < 0.85


def test_wrong_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--prompts", "0"])
    assert stopped.value.code == 2
    with pytest.raises(SystemExit) as stopped:
        main(["--weights", "nowhere", "--prompts", "1"])
    assert stopped.value.code == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["nodes.evaluation.command", "nodes.training.command"])
def test_help_does_not_load_torch(module: str) -> None:
    call = f"import sys, {module} as m\ntry: m.main(['--help'])\nexcept SystemExit: pass\n"
    code = call + "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
