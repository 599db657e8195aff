"""Jobs over HTTP: accepted, run, steered."""

from __future__ import annotations

import os
import signal
import time

from tests.server.live import LiveServer, workflow

ADD = workflow(
    {"a": ("trials.Add", {"a": 2, "b": 3}), "s": ("trials.Save", {"name": "sum"})}, ("a", "value", "s", "number")
)


def test_a_job_runs_and_its_file_is_served(server: LiveServer) -> None:
    job = server.wait_job(server.submit(ADD))
    assert job["state"] == "succeeded", job
    output = job["outputs"][0]
    assert output["node"] == "s"
    file = server.get(output["url"])
    assert file.status == 200
    assert file.body == b"5\n"
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert job["workflow"] == ADD
    assert any(item["path"] == output["path"] for item in server.get("/api/files").json()["files"])


def test_mistakes_come_back_at_once_and_nothing_is_queued(server: LiveServer) -> None:
    before = server.get("/api/jobs").json()["total"]
    broken = workflow({"a": ("trials.Add", {"a": "two"}), "b": ("No.Such", {})}, ("a", "nothing", "b", "x"))
    answer = server.post("/api/jobs", {"workflow": broken})
    assert answer.status == 422
    places = {(problem["node"], problem["socket"]) for problem in answer.json()["problems"]}
    assert {("a", "a"), ("b", ""), ("a", "nothing")} <= places
    assert server.get("/api/jobs").json()["total"] == before


def test_the_plan_says_what_would_run(server: LiveServer) -> None:
    plan = server.post("/api/plan", {"workflow": ADD}).json()
    assert plan["requires"]["plugins"]  # an editor saves it with the document
    assert [step["node"] for step in plan["steps"]] == ["a", "s"]
    assert plan["run"] + plan["cached"] >= 1


def test_events_of_a_job_are_kept_in_order(server: LiveServer) -> None:
    job = server.submit(workflow({"a": ("trials.Sleep", {"seconds": 0.05})}))
    server.wait_job(job)
    events = server.events(job)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "job_queued"
    assert kinds[-1] == "job_finished"
    assert kinds.index("run_started") < kinds.index("node_finished") < kinds.index("run_finished")
    numbers = [event["n"] for event in events]
    assert numbers == sorted(set(numbers))
    middle = numbers[len(numbers) // 2]
    later = server.get(f"/api/jobs/{job}/events?after={middle}").json()["events"]
    assert [event["n"] for event in later] == [n for n in numbers if n > middle]


def test_a_running_job_is_cancelled_when_it_is_asked(server: LiveServer) -> None:
    job = server.submit(workflow({"a": ("trials.Polite", {"steps": 500})}))
    server.wait(lambda: server.job(job)["state"] == "running")
    asked = time.monotonic()
    assert server.post(f"/api/jobs/{job}/cancel").status == 202
    assert server.wait_job(job)["state"] == "cancelled"
    assert time.monotonic() - asked < 1.0


def test_a_job_that_does_not_yield_has_its_worker_replaced_within_two_seconds(own_server: LiveServer) -> None:
    server = own_server.start()
    for kind in ("trials.Spin", "trials.HoldInterpreter"):
        server.wait_ready()
        before, pid = server.worker_pids(), server.pid
        job = server.submit(workflow({"a": (kind, {})}))
        server.wait(lambda job=job: server.job(job)["state"] == "running")
        time.sleep(0.3)  # the node holds the interpreter, so its own events may never get out
        asked = time.monotonic()
        server.post(f"/api/jobs/{job}/cancel")
        assert server.wait_job(job)["state"] == "cancelled"
        assert time.monotonic() - asked < 2.0
        server.wait(lambda before=before: server.worker_pids() not in ([], before))
        assert server.pid == pid
    assert server.wait_job(server.submit(ADD))["state"] == "succeeded"


def test_a_paused_job_gives_the_device_back_and_goes_on(server: LiveServer) -> None:
    long = workflow(
        {"w": ("trials.Work", {"seed": 5, "steps": 60}), "s": ("trials.Save", {})}, ("w", "value", "s", "number")
    )
    job = server.submit(long)
    server.wait(lambda: server.job(job)["state"] == "running")
    server.post(f"/api/jobs/{job}/pause")
    server.wait(lambda: server.job(job)["state"] == "paused", 5)
    assert server.wait_job(server.submit(ADD))["state"] == "succeeded"
    assert server.post(f"/api/jobs/{job}/resume").status == 202
    assert server.wait_job(job)["state"] == "succeeded"


def test_queued_jobs_can_be_reordered_cancelled_and_paused(own_server: LiveServer) -> None:
    server = own_server.start()
    blockers = [server.submit(workflow({"a": ("trials.Sleep", {"seconds": 1.5, "salt": n})})) for n in range(4)]
    server.wait(lambda: all(server.job(job)["state"] == "running" for job in blockers))
    first, second, third = (
        server.submit(workflow({"a": ("trials.Sleep", {"seconds": 0.0, "salt": n})})) for n in (7, 8, 9)
    )
    assert server.request("POST", "/api/jobs/reorder", {"ids": [third, first]}).status == 204
    assert server.post(f"/api/jobs/{second}/pause").json()["state"] == "paused"
    queued = [job["id"] for job in server.get("/api/jobs?state=queued").json()["jobs"]]
    assert queued == [third, first]
    assert server.post(f"/api/jobs/{first}/cancel").json()["state"] == "cancelled"
    assert server.post(f"/api/jobs/{first}/cancel").status == 409
    server.wait_job(third)
    assert server.job(second)["state"] == "paused"


def test_priority_goes_first_and_clients_take_turns(own_server: LiveServer) -> None:
    server = own_server.start()
    nap = workflow({"a": ("trials.Sleep", {"seconds": 0.0})})
    blockers = [server.submit(workflow({"a": ("trials.Polite", {"steps": 100_000})})) for _ in range(4)]
    server.wait(lambda: all(server.job(job)["state"] == "running" for job in blockers))
    ann = [server.submit(nap, client="ann") for _ in range(3)]
    bob = [server.submit(nap, client="bob") for _ in range(2)]
    urgent = server.submit(nap, client="cy", priority=5)
    queued = [job["id"] for job in server.get("/api/jobs?state=queued").json()["jobs"]]
    assert queued == [urgent, ann[0], bob[0], ann[1], bob[1], ann[2]]
    assert server.request("POST", "/api/jobs/reorder", {"ids": [ann[2], urgent, bob[0]]}).status == 204
    queued = [job["id"] for job in server.get("/api/jobs?state=queued").json()["jobs"]]
    assert queued == [ann[2], ann[0], urgent, ann[1], bob[1], bob[0]], "also before one of higher priority"


def test_a_node_asks_a_person(server: LiveServer) -> None:
    job = server.submit(workflow({"q": ("trials.Ask", {})}))
    server.wait(lambda: any(event["type"] == "node_asks" for event in server.events(job)))
    answer = f"/api/jobs/{job}/answer"
    assert server.request("POST", answer, {"node": "q", "answer": "maybe"}).status == 400
    assert server.request("POST", answer, {"node": "q", "answer": "yes"}).status == 204
    assert server.wait_job(job)["state"] == "succeeded"
    assert server.request("POST", answer, {"node": "q", "answer": "yes"}).status == 409


def test_jobs_that_wait_for_a_person_leave_their_places_to_others(own_server: LiveServer) -> None:
    server = own_server.start()
    waiting = [server.submit(workflow({"q": ("trials.Ask", {})})) for _ in range(7)]
    for job in waiting:
        server.wait(lambda job=job: any(event["type"] == "node_asks" for event in server.events(job)))
    assert server.get("/api/jobs?state=queued").json()["total"] == 0
    assert server.wait_job(server.submit(ADD))["state"] == "succeeded"
    naps = [server.submit(workflow({"a": ("trials.Sleep", {"seconds": 30, "salt": n})})) for n in range(5)]
    server.wait(lambda: sum(server.job(job)["state"] == "running" for job in naps) == 4)
    assert server.job(naps[4])["state"] == "queued", "those that work count"
    for job in waiting[:3]:
        assert server.request("POST", f"/api/jobs/{job}/answer", {"node": "q", "answer": "yes"}).status == 204
        assert server.wait_job(job)["state"] == "succeeded"
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    for job in waiting[3:]:
        server.post(f"/api/jobs/{job}/cancel")
        assert server.wait_job(job)["state"] == "cancelled"


def test_retry_is_a_new_job_and_delete_forgets_the_old(server: LiveServer) -> None:
    job = server.submit(workflow({"a": ("trials.Die", {"how": "raise"})}))
    failed = server.wait_job(job)
    assert failed["state"] == "failed"
    assert failed["error"]["node"] == "a"
    again = server.post(f"/api/jobs/{job}/retry").json()["id"]
    assert server.wait_job(again)["retry_of"] == job
    assert server.request("DELETE", f"/api/jobs/{job}").status == 204
    assert server.get(f"/api/jobs/{job}").status == 404


def test_history_has_pages_and_search(server: LiveServer) -> None:
    titled = {**ADD, "meta": {"title": "The 100% red_ball"}}
    job = server.submit(titled)
    server.wait_job(job)
    found = server.get("/api/jobs?search=100%25%20red_").json()
    assert [item["id"] for item in found["jobs"]] == [job]
    page = server.get("/api/jobs?limit=1&offset=1").json()
    assert len(page["jobs"]) == 1
    assert server.get("/api/jobs?limit=1000000000&offset=-1").status == 200
    assert server.get("/api/jobs?state=nonsense").status == 400


def test_a_job_says_how_much_memory_it_took_at_most(own_server: LiveServer) -> None:
    server = own_server.start()
    small = server.wait_job(server.submit(ADD))["peak_memory"]
    large = server.wait_job(server.submit(workflow({"h": ("trials.Hog", {"megabytes": 300})})))["peak_memory"]
    after = server.wait_job(server.submit(workflow({"a": ("trials.Add", {"a": 6})})))["peak_memory"]
    assert large - small > 280 << 20
    assert after < large - (200 << 20), "the peak is of the job, not of the worker's whole life"
