"""Figures in the text format of Prometheus. They carry no names of people, files or workflows."""

from __future__ import annotations

from server.scheduler import Scheduler
from server.stream import Hub
from server.supervisor import Supervisor


def metrics_text(jobs: Scheduler, hub: Hub, supervisor: Supervisor, connections: int, uptime: float) -> str:
    """Everything at this moment."""
    lines: list[str] = []

    def add(name: str, kind: str, about: str, values: dict[str, float]) -> None:
        lines.append(f"# HELP kinograph_{name} {about}")
        lines.append(f"# TYPE kinograph_{name} {kind}")
        lines.extend(f"kinograph_{name}{labels} {value:g}" for labels, value in values.items())

    add("uptime_seconds", "gauge", "Seconds since the server started.", {"": uptime})
    add("jobs_waiting", "gauge", "Jobs in the queue.", {"": len(jobs.waiting)})
    add("jobs_running", "gauge", "Jobs that a worker has.", {"": len(jobs.running)})
    add(
        "jobs_ended_total",
        "counter",
        "Runs that ended, by how.",
        {f'{{state="{state}"}}': n for state, n in jobs.finished.items()},
    )
    add("events_total", "counter", "Events published.", {"": hub.published})
    add("listeners", "gauge", "Open event streams.", {"": len(hub.outboxes)})
    add("listeners_dropped_total", "counter", "Streams closed because they were not read.", {"": hub.overflows})
    add("connections", "gauge", "Open sockets.", {"": connections})
    workers = supervisor.workers
    add(
        "worker_ready",
        "gauge",
        "1 while a worker takes jobs.",
        {f'{{worker="{w.index}"}}': float(w.state == "ready") for w in workers},
    )
    add(
        "worker_memory_bytes",
        "gauge",
        "Memory of a worker.",
        {f'{{worker="{w.index}"}}': float(w.memory) for w in workers},
    )
    add(
        "worker_restarts_total",
        "counter",
        "Times a worker was replaced.",
        {f'{{worker="{w.index}"}}': float(max(w.restarts, 0)) for w in workers},
    )
    return "\n".join(lines) + "\n"
