"""What comes back of known parts, and what stays of long clips: the measures themselves, on a tiny model."""

import pytest
import torch

from nodes.evaluation.abilities import (
    ABILITIES,
    Kept,
    abilities_table,
    ability_figures,
    kept_clips,
    psnr,
    seam,
)
from nodes.evaluation.adherence import SamplerSettings
from nodes.evaluation.long_clips import Moment, long_figures, long_table, moments_of
from nodes.evaluation.requests import held_out_requests
from nodes.evaluation.tables import Answer
from nodes.families.family import Parts
from nodes.training.world.size import ClipSize

ONE_STEP = SamplerSettings(steps=1)


@pytest.fixture(scope="module")
def found(tiny: Parts) -> dict[str, Kept]:
    torch.set_num_threads(1)
    small = [
        one
        for one in held_out_requests(8, 1, ["one object"], ["en"], size=ClipSize(64, 64, 17))
        if one.spec.objects[0].size == "small" and one.spec.objects[0].motion != "shrink"
    ][:1]
    return dict(kept_clips(tiny, small, ONE_STEP, list(ABILITIES)))


def test_known_parts_come_back_as_well_as_the_codec_allows(found: dict[str, Kept]) -> None:
    for name in ("first frame", "extension forward"):  # what is before them is known too, so nothing bleeds in
        kept = found[name]
        assert kept.psnr == pytest.approx(kept.codec, abs=0.01)
    for name in ("last frames", "first and last", "extension backward", "loop", "region"):
        assert found[name].psnr is not None and found[name].codec is not None
    for name in ("text to video", "video to video"):
        assert found[name].psnr is None


def test_a_jump_where_known_and_new_meet_is_found() -> None:
    given = torch.linspace(0.0, 0.5, 9).view(9, 1, 1, 1).expand(9, 8, 8, 3)
    known = torch.arange(9) < 4
    assert seam(given, given, known) == pytest.approx(1.0, abs=0.01)
    assert seam(given + 0.25 * ~known.view(9, 1, 1, 1), given, known) == pytest.approx(5.0, abs=0.1)
    assert seam(given, given, torch.ones(9, dtype=torch.bool)) is None
    assert psnr(given, given + 0.1) == pytest.approx(20.0, abs=0.01)


def test_the_table_has_a_line_for_each_ability(found: dict[str, Kept]) -> None:
    lines = abilities_table(list(found.items())).splitlines()
    assert [line[:24].strip() for line in lines[1:]] == list(ABILITIES)
    right = dict.fromkeys(found["loop"].answer.right, True)
    request = found["loop"].answer.request
    rows = [
        ("loop", Kept(Answer(request, {**right, "all": all_right}), 30.0, None, 2.0)) for all_right in (True, False)
    ]
    assert ability_figures(rows)["loop"] == {
        "n": 2,
        "background": 100,
        "colour": 100,
        "shape": 100,
        "motion": 100,
        "camera": 100,
        "all": 50,
        "psnr": 30.0,
        "codec": None,
        "jump": 2.0,
    }


def test_every_second_of_a_long_clip_is_looked_at(tiny: Parts) -> None:
    (request,) = held_out_requests(1, 1, ["one object"], ["en"], size=ClipSize(32, 32, 17))
    moments = list(moments_of(tiny, request, ONE_STEP, seconds=3.0))
    assert [moment.second for moment in moments] == [0, 1, 2]
    assert all(moment.memory > 10 and "colour" in moment.right for moment in moments)


def test_start_middle_and_end_are_told_apart() -> None:
    moments = [
        Moment(second, {"background": True, "colour": second < 54, "shape": second < 25}, 400.0 + second)
        for second in range(60)
    ]
    figures = long_figures([moments])
    assert [figures[name]["colour"] for name in ("start", "middle", "end")] == [100, 100, 0]
    assert [figures[name]["shape"] for name in ("start", "middle", "end")] == [100, 0, 0]
    assert figures["start"]["memory"] == 402.5 and figures["end"]["n"] == 6
    assert len(long_table([moments]).splitlines()) == 4
