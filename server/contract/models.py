"""The bodies of the HTTP interface. OpenAPI and the editor's ``protocol.ts`` are generated from these classes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.node_types.schema import NodeTypeInfo
from engine.planning.reason_codes import ReasonCode
from engine.viewers import Kind
from server.contract.states import JobState


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(_Body):
    """One mistake in a workflow: where, what is wrong, and what would be right."""

    code: str
    message: str
    node: str = ""
    socket: str = ""
    given: str = ""
    wanted: str = ""
    example: Any = None


class ErrorBody(_Body):
    """Every error answer has this form."""

    error: str = Field(description="Stable short name for programs.")
    message: str = Field(description="What is wrong, for people.")
    problems: list[Problem] = []


class Health(_Body):
    """Whether the server works."""

    status: str = Field(description="ok, or starting while no worker is ready yet.")
    version: str
    uptime: float


class NodeTypesReply(_Body):
    """All node types that are known."""

    node_types: list[NodeTypeInfo]
    revision: str = Field(description="Another one means that something has changed.")
    plugin_errors: list[dict[str, Any]] = []
    web_parts: list[str] = Field([], description="Plugins whose own widgets are under /plugins/NAME/.")


class JobRequest(_Body):
    """A workflow to run."""

    workflow: dict[str, Any]
    targets: list[str] | None = Field(
        None, description="Nodes to compute; all output nodes by default.", max_length=10_000
    )
    priority: int = Field(0, ge=-100, le=100, description="Higher runs first.")
    client: str = Field("", max_length=100, description="Who asks; clients take turns.")


class ForkRequest(_Body):
    """Keep the first steps of a job's sampler, and go on with changed values."""

    node: str = Field(max_length=1000, description="The sampler.")
    step: int = Field(ge=1, le=1000, description="How many steps stay as they were.")
    values: dict[str, dict[str, Any]] = Field(
        {}, max_length=10_000, description="New values by node and input; a value takes the place of a wire."
    )
    priority: int = Field(0, ge=-100, le=100)
    client: str = Field("", max_length=100)


class JobAccepted(_Body):
    """The job is stored and will run."""

    id: str
    n: int = Field(description="Number of the event that announced it; listen after it.")


class OutputFile(_Body):
    """A finished file."""

    node: str
    path: str = Field(description="Below its root folder.")
    url: str
    media_type: str
    size: int = 0
    job: str = ""
    created: float = 0.0
    title: str = Field("", description="Of its job; only in the gallery.")


class JobError(_Body):
    """Why a job failed or was parked."""

    code: str
    message: str
    node: str = ""
    problems: list[Problem] = []


class JobSummary(_Body):
    """A job as lists show it. Times are seconds since 1970."""

    id: str
    state: JobState
    title: str = ""
    client: str = ""
    priority: int = 0
    created: float
    started: float | None = None
    finished: float | None = None
    attempts: int = Field(0, description="How often a worker took it up.")
    seconds: float | None = Field(None, description="Time of the last run.")
    nodes_run: int | None = None
    nodes_cached: int | None = None
    peak_memory: int | None = Field(None, description="Most bytes that its worker's process held meanwhile.")
    peak_device_memory: int | None = Field(None, description="Most bytes that tensors took on its accelerator.")
    error: JobError | None = None
    outputs: list[OutputFile] = []
    retry_of: str = Field("", description="The job that this one repeats.")
    fork_of: str = Field("", description="The job of which this one keeps a sampler's first steps.")
    asked: Literal["", "pause", "cancel"] = Field("", description="What a running job was asked and has not done yet.")


class Job(JobSummary):
    """A job with its workflow."""

    workflow: dict[str, Any]
    targets: list[str] | None = None


class JobPage(_Body):
    """A part of the queue or of the history."""

    jobs: list[JobSummary]
    total: int
    n: int = Field(description="The stream's number at this moment: listen after it and nothing is missed.")


class JobsDeleted(_Body):
    """How many jobs were forgotten."""

    deleted: int


class JobOrder(_Body):
    """A new order of queued jobs."""

    ids: list[str] = Field(min_length=1, max_length=10_000)


class NodeAnswer(_Body):
    """A person's answer to the question of a node."""

    node: str = Field(max_length=1000)
    answer: str = Field(max_length=1000)


class JobEvents(_Body):
    """Events of one job."""

    events: list[dict[str, Any]]
    n: int = Field(description="Ask again after this number.")
    more: bool = False
    missed: bool = Field(False, description="Events before these are no longer kept: load the job itself.")


class ValueRequest(_Body):
    """Which wire of a workflow to look at."""

    workflow: dict[str, Any]
    node: str = Field(max_length=1000)
    output: str = Field(max_length=1000)
    path: list[str] = Field([], max_length=16, description="Parts of the value: fields, keys, places in a list.")


class TensorFigures(BaseModel):
    """Figures of an array. Least, greatest, mean and deviation are of its finite numbers; null where there are none."""

    shape: list[int]
    dtype: str
    device: str
    nbytes: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    nan: int = 0
    infinite: int = 0


class ValueView(BaseModel):
    """What a value is, in a bounded form."""

    type: str = Field(description="Name of its class.")
    kind: Kind = Field(description="Which of the other fields say most about it.")
    name: str = Field("", description="Of the field, key or place, where it is a part of something.")
    text: str | None = Field(None, description="The text, the number as written, or a short description.")
    value: Any = Field(None, description="The value itself where it is JSON and small.")
    length: int | None = Field(None, description="Of a text, list or record.")
    truncated: bool = Field(False, description="Whether text or items leave something out.")
    items: list[ValueView] = Field([], description="The first parts of a list or record.")
    tensor: TensorFigures | None = None
    pictures: int = Field(0, description="How many pictures there are of it (frames of a clip).")
    width: int = Field(0, description="Of a picture in its natural size.")
    height: int = 0
    fps: float | None = None
    note: str = Field("", description="How the pictures were made.")


class WireValue(BaseModel):
    """The value that a wire carries."""

    node: str
    output: str
    path: list[str]
    key: str = Field(description="Content address of the node's outputs: the same key is the same value.")
    tier: str = Field(description="Where it was found: memory, device or disk.")
    worker: int
    picture: str = Field(description="URL of the picture, to which ?frame= and &size= may be added; empty: none.")
    view: ValueView
    type: str = Field(description="Public name of its class; a plugin's begins with the plugin's name and a dot.")
    data: Any = Field(None, description="A value of a plugin's class as JSON, for the plugin's own viewer.")


class PlanRequest(_Body):
    """A workflow to look at without running it."""

    workflow: dict[str, Any]
    targets: list[str] | None = Field(None, max_length=10_000)


class PlanReason(BaseModel):
    """A reason why a step runs."""

    code: ReasonCode
    params: dict[str, str] = Field({}, description="What it names: nodes, inputs, values before and after.")


class PlanStep(BaseModel):
    """One step of a plan."""

    model_config = ConfigDict(extra="allow")

    node: str
    type: str = ""
    key: str = ""
    status: Literal["cached", "run", "lazy", "unneeded"]
    where: str = ""
    reason: str = Field("", description="Why it runs, in English.")
    reasons: list[PlanReason] = Field([], description="The same for a text in another language.")
    seconds: float | None = None
    nbytes: int | None = None


class PlanInfo(BaseModel):
    """What a run would do, and why."""

    model_config = ConfigDict(extra="allow")

    steps: list[PlanStep]
    targets: list[str] = []
    run: int = 0
    cached: int = 0
    seconds: float = 0.0
    unknown_seconds: int = 0
    nbytes: int = 0
    facts: dict[str, dict[str, Any]] = Field({}, description="What is known of outputs before anything runs.")
    requires: dict[str, Any] = Field(
        {}, description="Plugins, models and files by content: what `requires` of the document should say."
    )
    problems: list[Problem] = []


class WorkflowEntry(_Body):
    """A saved workflow as lists show it."""

    name: str
    version: int
    saved: float
    size: int
    autosave: bool = False
    versions: int = Field(1, description="How many versions are kept; 1 in a list of versions.")


class WorkflowList(_Body):
    """Saved workflows, or the versions of one."""

    workflows: list[WorkflowEntry]
    total: int = 0


class WorkflowName(_Body):
    """A new name for a workflow."""

    name: str = Field(max_length=1000)


class Uploaded(_Body):
    """A file that was taken in; ``name`` is what a file input of a node takes."""

    name: str
    url: str
    media_type: str
    size: int


class FilePage(_Body):
    """A part of the gallery, newest first."""

    files: list[OutputFile]
    total: int


class ModelFile(_Body):
    """A file in the models folder."""

    name: str
    size: int
    modified: float
    format: str
    tensors: int | None = None
    error: str = ""


class ModelList(_Body):
    """Files in the models folder."""

    models: list[ModelFile]


class WorkerInfo(_Body):
    """One worker process."""

    index: int
    state: str = Field(description="starting, ready, stuck or stopped.")
    device: str = ""
    memory: int = 0
    jobs: list[str] = []
    restarts: int = 0


class SystemInfo(_Body):
    """The machine and the server."""

    version: str
    python: str
    platform: str
    uptime: float
    memory_total: int
    memory_server: int
    disk_free: int
    cpus: int
    workers: list[WorkerInfo]
    versions: dict[str, str]
    queue: dict[str, int]
