"""Files that people hand in: dataset archives and checkpoint files. Both describe themselves.

A dataset archive is a zip with `manifest.json` and the picture files it lists; the order of `stimuli` is the order of
every embedding's rows. A checkpoint is a safetensors file whose metadata says how timm builds the network.
"""

from __future__ import annotations

import json
import struct
from typing import Annotated, Any, BinaryIO, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, field_validator

from backend.domain.attributes import DOMAINS, MODEL_ATTRIBUTES, SLUG_PATTERN
from backend.domain.errors import FieldError, FieldErrors, InvalidInput

Wire = TypeVar("Wire", bound=BaseModel)
MANIFEST_FILE = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024**2
MAX_HEADER_BYTES = 8 * 1024**2
# Keyword arguments that would make timm load something else than the file at hand.
REFUSED_ARGUMENTS = frozenset(
    {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"}
)


class StimulusEntry(BaseModel):
    """One picture of an archive."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(min_length=1, max_length=200)
    file: str = Field(min_length=1, max_length=400)
    label: str | None = None
    group: str | None = None


class ArchiveManifest(BaseModel):
    """What `manifest.json` of a dataset archive says."""

    model_config = ConfigDict(extra="forbid")
    format: Literal["parallax-dataset"] = "parallax-dataset"
    format_version: Literal[1] = 1
    name: str = Field(pattern=f"^{SLUG_PATTERN}$")
    version: int = Field(1, ge=1, le=999_999)
    title: str = Field(min_length=1, max_length=200)
    domain: str
    licence: str = Field(min_length=1, max_length=400)
    description: str = Field("", max_length=4000)
    source: str = Field("", max_length=1000)
    shows_stimuli: bool = Field(False, description="The licence lets the pictures themselves be shown.")
    stimuli: list[StimulusEntry] = Field(min_length=4, max_length=200_000)

    @field_validator("domain")
    @classmethod
    def _known_domain(cls, value: str) -> str:
        if value not in DOMAINS:
            raise ValueError(f"{value!r} is not a domain; use one of {', '.join(DOMAINS)}")
        return value

    @field_validator("stimuli")
    @classmethod
    def _distinct(cls, value: list[StimulusEntry]) -> list[StimulusEntry]:
        seen: set[str] = set()
        for index, entry in enumerate(value):
            if entry.id in seen:
                raise ValueError(f"the id {entry.id!r} of stimulus {index} occurs twice")
            seen.add(entry.id)
        return value


Side = Annotated[int, Field(ge=1, le=2048)]
Deviation = Annotated[FiniteFloat, Field(gt=0)]


class DataConfig(BaseModel):
    """Preprocessing of a model, as timm's data config writes it."""

    model_config = ConfigDict(extra="forbid")
    input_size: tuple[Literal[3], Side, Side]
    mean: tuple[FiniteFloat, FiniteFloat, FiniteFloat]
    std: tuple[Deviation, Deviation, Deviation]
    interpolation: Literal["bicubic", "bilinear", "nearest", "lanczos"] = "bicubic"
    crop_pct: float = Field(1.0, gt=0, le=1)
    crop_mode: Literal["center", "squash", "border"] = "center"


class CheckpointHeader(BaseModel):
    """What a checkpoint file says of itself (the metadata of the safetensors file)."""

    model_config = ConfigDict(extra="ignore")
    format: Literal["parallax-checkpoint"]
    format_version: Literal["1"]
    name: str = Field(pattern=f"^{SLUG_PATTERN}$")
    timm_architecture: str = Field(min_length=1, max_length=200)
    timm_kwargs: dict[str, Any] = {}
    data_config: DataConfig
    objective: str
    architecture: str
    training_data: str
    description: str = ""
    seed: str = ""
    tags: list[str] = []

    @field_validator("timm_kwargs", "data_config", "tags", mode="before")
    @classmethod
    def _from_json(cls, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    @field_validator("timm_kwargs")
    @classmethod
    def _plain(cls, value: dict[str, Any]) -> dict[str, Any]:
        refused = sorted(REFUSED_ARGUMENTS & set(value))
        if refused:
            raise ValueError(f"{', '.join(refused)} cannot be given in a checkpoint file")
        return value

    @field_validator("objective", "architecture", "training_data")
    @classmethod
    def _known(cls, value: str, info: Any) -> str:
        words = MODEL_ATTRIBUTES[info.field_name]
        if value not in words:
            raise ValueError(f"{value!r} is not known; use one of {', '.join(words)}")
        return value


def read_checkpoint_header(file: BinaryIO, size_bytes: int) -> CheckpointHeader:
    """Reads and checks the header of a checkpoint file without touching its tensors.

    Raises InvalidInput when it is not a safetensors file, FieldErrors naming every metadata entry that is wrong.
    """
    if size_bytes < 10:
        raise InvalidInput("The file is empty or too short to be a safetensors file.", "Choose a .safetensors file.")
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(MAX_HEADER_BYTES, size_bytes - 8):
        raise InvalidInput(
            "This is not a safetensors file: its header has an impossible length.",
            "Save the weights with safetensors.torch.save_file; pickled checkpoints (.pt, .pth) are not accepted.",
        )
    try:
        metadata = json.loads(file.read(length))["__metadata__"]
        if not isinstance(metadata, dict):
            raise TypeError("metadata is not an object")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput(
            "The safetensors file carries no metadata that says which model it holds.",
            "Give save_file a `metadata` dictionary; docs/how-to/add-a-model.md lists its entries.",
        ) from error
    return validated(CheckpointHeader, metadata)


def validated(kind: type[Wire], value: Any) -> Wire:
    """`value` as a contract type; all its problems together as FieldErrors."""
    try:
        return kind.model_validate(value)
    except (ValidationError, RecursionError) as error:
        problems = error.errors() if isinstance(error, ValidationError) else [{"loc": (), "msg": str(error)}]
        raise FieldErrors([
            FieldError(".".join(str(part) for part in problem["loc"]) or "file", str(problem["msg"]))
            for problem in problems[:50]
        ]) from error
