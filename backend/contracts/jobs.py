"""Jobs on the wire: what can be asked for, and how it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.domain.jobs import JobKind, JobState


class TimmModel(BaseModel):
    """A model by its name in timm, with the attributes that describe it."""

    model_config = ConfigDict(extra="forbid")
    source: Literal["timm"] = "timm"
    timm_name: str = Field(description="For example `resnet18.a1_in1k`; a bare architecture means its default tag.")
    pretrained: bool = Field(True, description="false: random weights from `seed`, an untrained control.")
    seed: int = Field(0, ge=0, lt=2**31, description="Seed of the random weights when not pretrained.")
    name: str = Field("", description="Slug to show; empty: made from the timm name.")
    objective: str
    architecture: str
    training_data: str
    tags: list[str] = []
    description: str = ""


class CheckpointModel(BaseModel):
    """A model of one's own: a checkpoint file that was uploaded before, which describes itself."""

    model_config = ConfigDict(extra="forbid")
    source: Literal["checkpoint"] = "checkpoint"
    checkpoint_sha256: str = Field(description="As answered by POST /checkpoints.")
    name: str = Field("", description="Slug to show; empty: the name inside the file.")
    tags: list[str] = []


class ExistingModel(BaseModel):
    """A model that Parallax already has."""

    model_config = ConfigDict(extra="forbid")
    source: Literal["existing"] = "existing"
    name: str


class Submission(BaseModel):
    """A request to compute one model against datasets by metrics."""

    model_config = ConfigDict(extra="forbid")
    model: Annotated[TimmModel | CheckpointModel | ExistingModel, Field(discriminator="source")]
    datasets: list[str] = Field(description="Names; `name@2` is a version, a bare name the newest.")
    metrics: list[str] = Field(default=[], description="Metric ids; empty: the default metrics.")


class Comparison(BaseModel):
    """A request to compare models on one dataset by one metric: everything that is missing is computed."""

    model_config = ConfigDict(extra="forbid")
    dataset: str = Field(max_length=200, description="Name; `name@2` is a version, a bare name the newest.")
    metric: str = Field(max_length=200, description="Metric id.")
    preprocess: str = Field("l2", max_length=100, description="Steps joined by `+`, or `none`.")
    models: list[Annotated[str, Field(max_length=200)]] | None = Field(None, description=(
        "For metrics that are computed on request: names of 2 to 12 models with an embedding on the dataset. Every "
        "other metric compares all models."
    ))


class Checkpoint(BaseModel):
    """What an uploaded checkpoint file says of itself."""

    checkpoint_sha256: str
    size_bytes: int
    name: str
    timm_architecture: str
    objective: str
    architecture: str
    training_data: str
    description: str = ""
    tags: list[str] = []


class JobProgress(BaseModel):
    """How far a running job is. `done` and `total` count the unit of the step (stimuli, model pairs)."""

    step: str = ""
    done: int = 0
    total: int = 0


class JobError(BaseModel):
    """Why a job failed."""

    cause: Literal["user", "ours"]
    step: str
    message: str
    hint: str = ""


class Job(BaseModel):
    """One piece of work. A `register` job is what a submission opens; the jobs it expands into are its children."""

    id: int
    kind: JobKind
    state: JobState
    title: str = Field(description="What it does, in words.")
    parent: int | None = None
    model: str | None = None
    dataset: str | None = None
    metric: str | None = None
    attempt: int = Field(description="How often it was claimed.")
    max_attempts: int
    progress: JobProgress = JobProgress()
    error: JobError | None = None
    cancel_requested: bool = False
    worker: str | None = None
    children: dict[str, int] = Field(default={}, description="State -> number of jobs opened by this one.")
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    lease_until: datetime | None = None


class JobEvent(BaseModel):
    """One entry of a job's history."""

    at: datetime
    state: JobState
    attempt: int
    detail: str = ""


class JobCounts(BaseModel):
    """Number of jobs per state, and of workers seen within the last minute."""

    states: dict[str, int]
    workers: int


class Version(BaseModel):
    """What runs here."""

    version: str
    schema_revision: str | None
