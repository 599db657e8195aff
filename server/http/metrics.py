"""Figures in the text format of Prometheus. They carry no names of people, files or workflows."""

from __future__ import annotations

from collections.abc import Mapping

from server.events.log import EventLog
from server.http.connections import Connections
from server.http.traffic import BOUNDS, Traffic
from server.jobs.scheduler import Scheduler
from server.workers.supervisor import Supervisor


class _Text:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, name: str, kind: str, about: str, values: Mapping[str, float]) -> None:
        """One figure; ``values`` by labels."""
        self.lines += [f"# HELP kinograph_{name} {about}", f"# TYPE kinograph_{name} {kind}"]
        self.lines += [f"kinograph_{name}{labels} {value:.15g}" for labels, value in values.items()]

    def histogram(self, name: str, about: str, counts: list[int], total: float) -> None:
        """How many were at most as large as each of :data:`server.http.traffic.BOUNDS`."""
        self.lines += [f"# HELP kinograph_{name} {about}", f"# TYPE kinograph_{name} histogram"]
        below = 0
        for bound, count in zip((*(f"{bound:g}" for bound in BOUNDS), "+Inf"), counts, strict=True):
            below += count
            self.lines.append(f'kinograph_{name}_bucket{{le="{bound}"}} {below}')
        self.lines += [f"kinograph_{name}_sum {total:.15g}", f"kinograph_{name}_count {below}"]


def metrics_text(
    jobs: Scheduler,
    events: EventLog,
    supervisor: Supervisor,
    connections: Connections,
    traffic: Traffic,
    uptime: float,
) -> str:
    """Everything at this moment."""
    text = _Text()
    hub = events.hub
    text.add("uptime_seconds", "gauge", "Seconds since the server started.", {"": uptime})
    text.add("jobs_waiting", "gauge", "Jobs in the queue.", {"": len(jobs.waiting)})
    text.add("jobs_running", "gauge", "Jobs that a worker has.", {"": len(jobs.running)})
    ended = {f'{{state="{state}"}}': count for state, count in jobs.finished.items()}
    text.add("jobs_ended_total", "counter", "Runs that ended, by how.", ended)
    text.add("job_seconds_total", "counter", "Seconds that runs took.", {"": jobs.seconds})
    text.add("events_total", "counter", "Events published.", {"": hub.published})
    text.add("events_lost_total", "counter", "Events that could not be kept.", {"": events.lost})
    text.add("listeners", "gauge", "Open event streams.", {"": len(hub.outboxes)})
    text.add("listeners_dropped_total", "counter", "Streams closed because they were not read.", {"": hub.overflows})
    text.add("connections", "gauge", "Open sockets.", {"": len(connections)})
    text.add("connections_refused_total", "counter", "Sockets beyond the limits.", {"": connections.refused})
    text.add("connections_timed_out_total", "counter", "Sockets that dawdled.", {"": connections.timed_out})
    answers = {f'{{status="{status}"}}': count for status, count in sorted(traffic.by_status.items())}
    text.add("requests_total", "counter", "Requests answered, by status.", answers)
    text.histogram("request_seconds", "Seconds until an answer.", traffic.buckets, traffic.seconds)
    workers = {f'{{worker="{worker.index}"}}': worker for worker in supervisor.workers}
    ready = {label: float(worker.state == "ready") for label, worker in workers.items()}
    text.add("worker_ready", "gauge", "1 while a worker takes jobs.", ready)
    memory = {label: worker.memory for label, worker in workers.items()}
    text.add("worker_memory_bytes", "gauge", "Memory of a worker.", memory)
    restarts = {label: max(worker.restarts, 0) for label, worker in workers.items()}
    text.add("worker_restarts_total", "counter", "Times a worker was replaced.", restarts)
    return "\n".join(text.lines) + "\n"
