"""Models on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class Model(BaseModel):
    """A network at a pinned revision, with the node and pooling it is read at. Attributes and tags are those by which
    sets of models are made: of a published model the published ones."""

    name: str
    source: Literal["timm", "checkpoint"]
    timm_name: str = Field(description="Name of the architecture (with a pretrained tag, if any) in timm.")
    revision: str = Field(description="Commit of the hub repository, or the SHA-256 of the checkpoint file.")
    weights_sha256: str = Field(description="SHA-256 over the parameters and buffers as loaded, in float32.")
    node: str = Field(description="Where the embedding is read: `pre_logits` is what a classifier's last layer gets.")
    pooling: str
    preprocessing: dict[str, Any] = Field(description="The model's own data config: size, crop, mean, deviation.")
    objective: str
    architecture: str
    training_data: str
    training_data_audited: str = Field(description="As the weights were trained; else as `training_data` says.")
    size: str
    n_parameters: int
    embedding_dim: int
    tags: list[str] = Field(default=[], description="Its own, and those of the published model that it is.")
    description: str = ""
    created_at: datetime
