"""Forks of real sampling runs over HTTP, and the plan that a job keeps."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.live import LiveServer, workflow

STEPS = 6


def document(prompt: str, **sampler: Any) -> dict[str, Any]:
    return workflow(
        {
            "load": ("LoadModel", {}),
            "prompt": ("TextEncode", {"prompt": prompt}),
            "noise": ("NoiseLatent", {"width": 32, "height": 32, "frames": 5, "seed": 11}),
            "sampler": ("DiTSampler", {"steps": STEPS, **sampler}),
            "decode": ("VAEDecode", {}),
            "show": ("Preview", {}),
        },
        ("load", "encoder", "prompt", "encoder"),
        ("load", "model", "noise", "model"),
        ("load", "model", "sampler", "model"),
        ("prompt", "conditioning", "sampler", "positive"),
        ("noise", "latent", "sampler", "latent"),
        ("sampler", "latent", "decode", "latent"),
        ("load", "vae", "decode", "vae"),
        ("decode", "frames", "show", "frames"),
    )


@pytest.fixture(scope="module")
def first(server: LiveServer) -> str:
    done = server.wait_job(server.submit(document("a red ball", solver="unipc")), 120)
    assert done["state"] == "succeeded", done
    return str(done["id"])


def fork(server: LiveServer, job: str, step: int, values: dict[str, Any]) -> dict[str, Any]:
    answer = server.post(f"/api/jobs/{job}/fork", {"node": "sampler", "step": step, "values": values})
    assert answer.status == 202, answer.body
    done: dict[str, Any] = server.wait_job(answer.json()["id"], 120)
    assert done["state"] == "succeeded", done
    assert done["fork_of"] == job
    return done


def figures(server: LiveServer, job: str, node: str, output: str, query: str = "") -> Any:
    return server.get(f"/api/jobs/{job}/values/{node}/{output}{query}").json()["view"]["tensor"]


def picture(server: LiveServer, job: str, node: str, output: str) -> bytes:
    return server.get(f"/api/jobs/{job}/values/{node}/{output}/picture?frame=4&size=256").body


def test_a_fork_without_changes_is_the_same_to_the_last_bit(server: LiveServer, first: str) -> None:
    done = fork(server, first, 4, {})
    assert figures(server, done["id"], "sampler", "latent") == figures(server, first, "sampler", "latent")
    assert picture(server, done["id"], "decode", "frames") == picture(server, first, "decode", "frames")
    progress = [e for e in server.events(done["id"]) if e["type"] == "node_finished" and e["node"] == "sampler_origin"]
    assert progress, "the first steps are a node of the fork"


def test_a_fork_with_another_prompt_shares_its_beginning_and_differs_at_the_end(server: LiveServer, first: str) -> None:
    same = fork(server, first, 3, {})
    other = fork(server, first, 3, {"prompt": {"prompt": "a blue square"}, "sampler": {"guidance": 3.0}})
    for output in ("prediction", "noisy"):
        shared = figures(server, same["id"], "sampler_origin", output)
        assert figures(server, other["id"], "sampler_origin", output) == shared
    assert figures(server, other["id"], "sampler", "latent") != figures(server, first, "sampler", "latent")
    nodes = other["workflow"]["nodes"]
    assert nodes["prompt_origin"]["values"]["prompt"] == "a red ball"
    assert nodes["prompt"]["values"]["prompt"] == "a blue square"
    again = fork(server, other["id"], 5, {"sampler": {"guidance": 1.0}})
    assert figures(server, again["id"], "sampler", "latent") != figures(server, other["id"], "sampler", "latent")


def test_what_cannot_be_forked_is_a_clear_mistake(server: LiveServer, first: str) -> None:
    url = f"/api/jobs/{first}/fork"
    assert server.post("/api/jobs/none/fork", {"node": "sampler", "step": 1}).status == 404
    for body, code in (
        ({"node": "decode", "step": 1}, "cannot_fork"),
        ({"node": "nobody", "step": 1}, "unknown_node"),
        ({"node": "sampler", "step": 1, "values": {"sampler": {"guidance": "much"}}}, "wrong_type"),
    ):
        answer = server.post(url, body)
        assert answer.status == 422, answer.body
        if code != "wrong_type":
            assert [problem["code"] for problem in answer.json()["problems"]] == [code]
    assert server.post(url, {"node": "sampler", "step": 0}).status in (400, 422)
    job = server.post(url, {"node": "sampler", "step": STEPS}).json()["id"]
    failed = server.wait_job(job)
    assert (failed["state"], failed["error"]["problems"][0]["socket"]) == ("failed", "stop")


def test_a_job_keeps_its_plan(server: LiveServer, first: str) -> None:
    plan = server.get(f"/api/jobs/{first}/plan").json()
    steps = {step["node"]: step for step in plan["steps"]}
    assert set(steps) == set(document("")["nodes"])
    assert steps["sampler"]["status"] in ("run", "cached")
    assert steps["sampler"]["key"] == server.get(f"/api/jobs/{first}/values/sampler/latent").json()["key"]
    again = server.wait_job(server.post(f"/api/jobs/{first}/retry").json()["id"])
    assert server.get(f"/api/jobs/{again['id']}/plan").json()["run"] == 0
    job = server.get(f"/api/jobs/{first}").json()
    assert job["seconds"] > 0
    assert job["peak_memory"] > 1 << 20
    queued = server.submit(workflow({"a": ("trials.Sleep", {"seconds": 0.5})}))
    assert server.get(f"/api/jobs/{queued}/plan").json()["error"] == "no_plan"
