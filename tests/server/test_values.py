"""Looking at what wires carry, over HTTP."""

from __future__ import annotations

import base64
import io
import struct
from typing import Any

import pytest
from PIL import Image

from tests.server.live import LiveServer, workflow

CLIP = workflow(
    {
        "noise": ("NoiseLatent", {"width": 32, "height": 32, "frames": 5, "seed": 3}),
        "model": ("LoadModel", {}),
        "decode": ("VAEDecode", {}),
        "sum": ("trials.Add", {"a": 20, "b": 3}),
        "keep": ("trials.Save", {}),
        "show": ("Preview", {}),
        "moment": ("trials.BadUi", {}),
    },
    ("model", "model", "noise", "model"),
    ("model", "vae", "decode", "vae"),
    ("noise", "latent", "decode", "latent"),
    ("decode", "frames", "show", "frames"),
    ("sum", "value", "keep", "number"),
)


@pytest.fixture(scope="module")
def job(server: LiveServer) -> str:
    done = server.wait_job(server.submit(CLIP), 120)
    assert done["state"] == "succeeded", done
    return str(done["id"])


def value(server: LiveServer, job: str, node: str, output: str, query: str = "") -> dict[str, Any]:
    answer = server.get(f"/api/jobs/{job}/values/{node}/{output}{query}")
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def test_a_number_is_itself(server: LiveServer, job: str) -> None:
    found = value(server, job, "sum", "value")
    assert (found["view"]["kind"], found["view"]["value"], found["picture"]) == ("number", 23, "")


def test_a_clip_has_figures_and_frames(server: LiveServer, job: str) -> None:
    found = value(server, job, "decode", "frames")
    view = found["view"]
    assert (view["kind"], view["pictures"], view["width"], view["height"]) == ("frames", 5, 32, 32)
    assert view["tensor"]["shape"] == [5, 32, 32, 3]
    assert 0.0 <= view["tensor"]["minimum"] <= view["tensor"]["mean"] <= view["tensor"]["maximum"] <= 1.0
    for url in (found["picture"] + "?frame=4&size=64", f"/api/jobs/{job}/values/decode/frames/picture?frame=4&size=64"):
        answer = server.get(url)
        assert answer.status == 200, answer.body
        assert answer.headers["Content-Type"] == "image/webp"
        assert Image.open(io.BytesIO(answer.body)).size == (32, 32)
        assert server.get(url, **{"If-None-Match": answer.headers["ETag"]}).status == 304
    assert server.get(found["picture"] + "?frame=5").json()["error"] == "no_picture"


def test_a_part_of_a_value_can_be_asked_for(server: LiveServer, job: str) -> None:
    found = value(server, job, "noise", "latent")
    assert (found["view"]["kind"], found["view"]["pictures"]) == ("latent", 2)
    part = value(server, job, "noise", "latent", "?path=samples")
    assert part["view"]["kind"] == "tensor"
    assert Image.open(io.BytesIO(server.get(part["picture"] + "&frame=1").body)).format == "WEBP"
    missing = server.get(f"/api/jobs/{job}/values/noise/latent?path=nothing")
    assert (missing.status, missing.json()["error"]) == (404, "unknown_part")


def test_what_is_not_there_says_why(server: LiveServer, job: str) -> None:
    for node, output, code in (
        ("sum", "nothing", "unknown_output"),
        ("nobody", "value", "unknown_node"),
        ("moment", "value", "not_kept"),
    ):
        answer = server.get(f"/api/jobs/{job}/values/{node}/{output}")
        assert (answer.status, answer.json()["error"]) == (404, code), answer.body
    assert server.get("/api/jobs/none/values/a/value").json()["error"] == "unknown_job"
    assert server.get(f"/api/values/{'0' * 32}/value/picture").json()["error"] == "not_cached"
    assert server.get("/api/values/..%2f..%2fetc/value/picture").status == 404


def test_a_workflow_s_wire_is_found_by_what_it_computes(server: LiveServer, job: str) -> None:
    asked = {"workflow": CLIP, "node": "sum", "output": "value"}
    assert server.post("/api/values", asked).json()["key"] == value(server, job, "sum", "value")["key"]
    other = workflow({"sum": ("trials.Add", {"a": 987, "b": 654})})
    answer = server.post("/api/values", {**asked, "workflow": other})
    assert (answer.status, answer.json()["error"]) == (404, "not_cached")


def test_a_value_of_a_plugins_class_goes_whole_to_the_plugins_viewer(server: LiveServer) -> None:
    document = workflow({"palette": ("trials.Palette", {})})
    done = server.wait_job(server.submit(document), 60)
    found = value(server, done["id"], "palette", "colours")
    assert found["type"] == "trials.Colours"
    weights = found["data"].pop("weights")["$array"]
    assert found["data"] == {"name": "dusk", "colours": [[1.0, 0.5, 0.0], [0.2, 0.1, 0.4]], "missing": None}
    assert (weights["dtype"], weights["shape"]) == ("float32", [2])
    assert struct.unpack("<2f", base64.b64decode(weights["data"])) == (0.75, 0.25)


def test_of_values_of_our_own_classes_nothing_but_the_description_is_sent(server: LiveServer, job: str) -> None:
    found = value(server, job, "decode", "frames")
    assert (found["type"], found["data"]) == ("Frames", None)
