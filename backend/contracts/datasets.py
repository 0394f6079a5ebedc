"""Datasets on the wire."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class Dataset(BaseModel):
    """An ordered, hashed list of stimuli. A version never changes."""

    name: str
    version: int
    title: str
    dataset_hash: str = Field(description="SHA-256 over the ordered manifest.")
    n_stimuli: int
    n_labels: int
    n_groups: int = Field(description="Groups that resampling moves as one (patches of one picture); 0: none.")
    domain: str
    licence: str
    description: str = ""
    source: str = ""
    shows_stimuli: bool = Field(False, description="The licence lets the pictures themselves be shown.")
    created_at: datetime


class Stimulus(BaseModel):
    """One input of a dataset."""

    ord: int = Field(description="Row of the embedding.")
    stimulus_id: str
    sha256: str
    label: str | None = None
    group: str | None = None
    image: str | None = Field(default=None, description="Path of its picture; null where it may not be shown.")
