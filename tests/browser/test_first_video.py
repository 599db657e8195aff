"""The first minute: a template, Run, and the video appears where it is made."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import expect


def test_a_template_becomes_a_video(editor: Any) -> None:
    """One click loads text-to-video, one runs it; the preview forms in the sampler, the player in the saver."""
    page = editor.page
    begin = time.monotonic()
    editor.template("Text to video")
    expect(page.locator(".react-flow__node")).to_have_count(7)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("sampler").get_by_role("img", name="Preview of")).to_be_visible()
    expect(editor.node("sampler").get_by_role("progressbar")).to_contain_text("/ 16")
    expect(editor.node("save").locator("video")).to_be_visible()
    expect(page.locator(".run-note")).to_have_text("Everything is cached")
    assert time.monotonic() - begin < 15
    expect(page.locator("video")).to_have_js_property("readyState", 4)


def test_the_player_steps_loops_and_opens_large(editor: Any) -> None:
    """Frame stepping stops the film; the large player has the same controls."""
    page = editor.page
    editor.template("Text to video")
    page.get_by_role("button", name="Run", exact=True).click()
    save = editor.node("save")
    expect(save.locator("video")).to_be_visible()
    save.locator("video").hover()
    page.wait_for_function("document.querySelector('video').readyState >= 2")
    save.get_by_role("button", name="One frame forward").click()
    expect(save.get_by_role("button", name="Play")).to_be_visible()
    save.get_by_role("button", name="Large").click()
    large = page.get_by_role("dialog")
    expect(large.locator("video")).to_be_visible()
    # the frame rate is the file's own, and every press is one frame
    place = large.get_by_role("status")
    expect(place).to_contain_text("8 fps")
    large.locator("video").evaluate("async (video) => { video.pause(); video.currentTime = 0; }")
    expect(place).to_contain_text("1 of ")
    for frame in (2, 3, 4):
        large.get_by_role("button", name="One frame forward").click()
        expect(place).to_contain_text(f"{frame} of ")
    large.get_by_role("button", name="One frame back").click()
    expect(place).to_contain_text("3 of ")
    film = large.locator("video")
    for rate in (2, 0.25, 0.5):
        large.get_by_role("button", name="Speed").click()
        expect(film).to_have_js_property("playbackRate", rate)
    expect(film).to_have_js_property("loop", True)
    large.get_by_role("button", name="Loop").click()
    expect(film).to_have_js_property("loop", False)
    with page.expect_download() as download:
        large.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename.endswith(".mp4")
    large.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement?.matches('.player-large')")
    page.keyboard.press("Escape")
    page.evaluate("document.fullscreenElement && document.exitFullscreen()")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_an_error_lands_on_the_node(editor: Any) -> None:
    """What fails says so on its node in plain words, with the details one click away."""
    page = editor.page
    editor.template("Text to video")
    editor.node("prompt").get_by_role("textbox").fill("please fail")
    page.get_by_role("button", name="Run", exact=True).click()
    error = editor.node("prompt").get_by_role("button", name="the prompt asks to fail")
    expect(error).to_be_visible()
    error.click()
    panel = page.get_by_role("complementary", name="Details")
    expect(panel).to_contain_text("the prompt asks to fail")
    panel.get_by_text("Technical details").click()
    expect(panel).to_contain_text("Traceback")


def test_a_random_seed_is_the_one_that_made_the_result(editor: Any) -> None:
    """With a seed that changes, what stands in the field after Run is what was sent."""
    page = editor.page
    editor.template("Text to video")
    noise = editor.node("noise")
    noise.get_by_role("button", name="Seed is fixed").click()
    sent: list[Any] = []
    page.on(
        "request",
        lambda request: (
            sent.append(request.post_data_json)
            if request.url.endswith("/api/jobs") and request.method == "POST"
            else None
        ),
    )
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("save").locator("video")).to_be_visible()
    seed = sent[0]["workflow"]["nodes"]["noise"]["values"]["seed"]
    assert seed != 7
    assert noise.get_by_role("spinbutton", name="seed").get_attribute("aria-valuenow") == str(seed)
    assert editor.document()["nodes"]["noise"]["values"]["seed"] == seed
