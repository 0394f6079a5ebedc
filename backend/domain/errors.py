"""The tree of errors that Parallax raises on purpose.

ParallaxError
├── InvalidInput            what a person gave cannot be used (HTTP 422, exit code 2)
│   ├── FieldErrors         several problems of one form, each with its field
│   ├── TooLarge            a file of more bytes than are accepted (413)
│   ├── BadData             the data in a file, rather than what was asked for (exit code 1)
│   │   └── BadEmbedding    (workers.similarity.errors; of files: workers.pipelines.embedding_errors)
│   ├── UnknownMetric, BadMetricParameter, BadPreprocess   (backend.domain.metrics)
│   └── MemoryBudgetTooSmall                               (workers.similarity.errors)
├── NotFound                no such model, dataset, matrix or job (404)
├── NotPermitted            a licence or the like forbids it (403)
├── Conflict                it clashes with what exists (409)
├── TooManyJobs             the owner's share of the queue is full (429)
├── StorageFull             the array store cannot take more (507)
├── StoredFileDamaged       a stored file's bytes no longer hash to its name
├── UnsafeSetting           a setting that would expose the service
├── NotAvailable            database, broker or another service cannot be reached (503)
└── JobFailed               a job ends in `failed`: cause (user | ours), step, message, hint
    └── RipserMissing       (workers.similarity.rtd)
    Cancellation of running work is not an error: see `JobInterrupted` in workers.runtime.

Every message says what is wrong, what was given and, in `hint` or the message itself, what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal


class ParallaxError(Exception):
    """Root of the tree. `hint` says what to do about it, in one sentence."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(ParallaxError):
    """What was given cannot be used as it is."""


@dataclass(frozen=True)
class FieldError:
    """One problem of a form or request: the path of the field, what is wrong with it, what to do, and for a text that
    cannot be read the character at fault, counted from 1."""

    field: str
    message: str
    hint: str = ""
    position: int | None = None


class FieldErrors(InvalidInput):
    """All problems of one form or request, together."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in errors))
        self.errors = errors


class BadData(InvalidInput):
    """What was asked for is understood, but the data it is asked for cannot be used."""


class TooLarge(InvalidInput):
    """A file has more bytes than are accepted."""


class NotFound(ParallaxError):
    """Nothing of that name exists."""


class NotPermitted(ParallaxError):
    """It exists, but may not be given away."""


class Conflict(ParallaxError):
    """The request clashes with what is already there."""


class TooManyJobs(ParallaxError):
    """The owner already has as many unfinished jobs as one owner may have."""


class StorageFull(ParallaxError):
    """The disk of the array store is full; nothing was written under a final name."""


class StoredFileDamaged(ParallaxError):
    """A stored file is missing, or its bytes do not hash to its name."""


class UnsafeSetting(ParallaxError):
    """A setting would make the service unsafe; it does not start."""


class NotAvailable(ParallaxError):
    """A service that is needed cannot be reached at the moment."""


class JobFailed(ParallaxError):
    """The work of a job cannot succeed: trying again would fail the same way.

    `cause` is `user` when the input is at fault and `ours` when we are; `step` names the part of the work.
    """

    def __init__(self, step: str, message: str, hint: str = "", cause: Literal["user", "ours"] = "user") -> None:
        super().__init__(message, hint)
        self.step = step
        self.cause: Literal["user", "ours"] = cause


def nearest_hint(given: str, known: list[str], what: str) -> str:
    """`Did you mean ...?` for a name that does not exist, from the names that begin with it or else resemble it; if
    there are none, the first few names."""
    begun = [name for name in known if given and name.startswith(given)]
    close = begun[:3] or get_close_matches(given, known, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    shown = ", ".join(known[:8])
    return f"Known {what}: {shown}{', ...' if len(known) > 8 else ''}." if known else f"There are no {what} yet."
