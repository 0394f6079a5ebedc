"""Requests for work: check everything, then insert. The insert is the acceptance: after its commit nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, RowMapping

from backend.contracts.archives import CheckpointHeader
from backend.contracts.jobs import CheckpointModel, Comparison, ExistingModel, Submission, TimmModel
from backend.contracts.probes import ProbeRequest, SubsampleRequest
from backend.db.repositories import datasets, embeddings, job_listing, jobs, matrices, models, probes, subsamples
from backend.db.repositories.comparing import comparison
from backend.db.repositories.jobs import NewJob
from backend.domain.attributes import MODEL_ATTRIBUTES, is_slug, slug_of
from backend.domain.errors import (
    Conflict,
    FieldError,
    FieldErrors,
    InvalidInput,
    NotFound,
    TooManyJobs,
    nearest_hint,
)
from backend.domain.identity import key_of
from backend.domain.metrics import DEFAULT_METRICS, DEFAULT_PREPROCESS, Metric, parse_metric, parse_preprocess
from backend.domain.timm_names import hint_for, is_known
from backend.settings import Settings

OWNER = "local"
MOST_CHOSEN = 12  # models of one request for a metric that is computed on request
Parsed = TypeVar("Parsed")


def submit(
    connection: Connection, submission: Submission, settings: Settings, *, idempotency_key: str | None,
    header: CheckpointHeader | None,
) -> int:
    """Queues a submission; answers the id of the job to follow.

    `header` is that of the checkpoint file, if the submission names one that is stored. The same idempotency key
    with the same body answers the first job again. Raises FieldErrors (all at once), Conflict, TooManyJobs.
    """
    request_hash = key_of(submission.model_dump(mode="json"))
    repeated = _repeated(connection, idempotency_key, request_hash)
    if repeated is not None:
        return repeated
    _refuse_too_many(connection, settings)
    errors: list[FieldError] = []
    dataset_ids = _datasets(connection, submission.datasets, errors)
    metrics = _metrics(submission.metrics, errors)
    described = _model(connection, submission.model, header, errors)
    if errors:
        raise FieldErrors(errors)

    known_model = models.get(connection, described["name"])
    name = described["name"]
    if isinstance(submission.model, ExistingModel):
        assert known_model is not None, "checked by _model"
        title = f"Compute {name} on {len(dataset_ids)} datasets"
    else:
        if known_model is not None and not _same(known_model, described):
            raise Conflict(
                f"Another model is called {name!r} already.", "Give this one another name, or open the existing one."
            )
        busy = jobs.registering(connection, name)
        if busy is not None:
            raise Conflict(
                f"A model called {name!r} is being added right now by job {busy}.",
                "Follow that job, or choose another name.",
            )
        title = f"Add {name} and compute it on {len(dataset_ids)} datasets"
    spec = {
        "model": described, "dataset_ids": dataset_ids, "metrics": metrics, "preprocess": DEFAULT_PREPROCESS.id,
    }
    new = NewJob(
        kind="register", spec=spec, title=title, max_attempts=settings.max_attempts, owner=OWNER,
        model_id=known_model["id"] if known_model else None, idempotency_key=idempotency_key,
        request_hash=request_hash,
    )
    return jobs.enqueue(connection, [new])[0]


def compare(
    connection: Connection, wanted: Comparison, settings: Settings, *, idempotency_key: str | None
) -> int:
    """Queues a comparison; answers the job to follow: of a queued one for the same work, if there is one.

    Raises FieldErrors (all at once) and TooManyJobs.
    """
    # Told apart from a submission with the same key.
    request_hash = key_of({"comparison": wanted.model_dump(mode="json")})
    repeated = _repeated(connection, idempotency_key, request_hash)
    if repeated is not None:
        return repeated
    _refuse_too_many(connection, settings)
    errors: list[FieldError] = []
    dataset = _dataset(connection, "dataset", wanted.dataset, errors)
    metric = _checked("metric", parse_metric, wanted.metric, errors)
    preprocess = _checked("preprocess", parse_preprocess, wanted.preprocess, errors)
    if dataset is not None and metric is not None and dataset["n_stimuli"] < metric.minimum_n:
        errors.append(FieldError(
            "metric", f"{metric.id} needs at least {metric.minimum_n} stimuli; {dataset['name']} has "
            f"{dataset['n_stimuli']}.", "Choose another dataset or metric.",
        ))
    models = _chosen(connection, wanted.models or [], metric, dataset, errors)
    if errors:
        raise FieldErrors(errors)
    assert dataset is not None and metric is not None and preprocess is not None, "else there were errors"
    return jobs.enqueue(connection, [comparison(
        dataset["id"], dataset["name"], metric.id, preprocess.id, max_attempts=settings.max_attempts, owner=OWNER,
        models=models, idempotency_key=idempotency_key, request_hash=request_hash,
    )])[0]


def probe(connection: Connection, wanted: ProbeRequest, settings: Settings, *, idempotency_key: str | None) -> int:
    """Queues the probes that a dataset lacks; answers the job to follow, of a queued one for the same work, if there is
    one. Raises FieldErrors and TooManyJobs."""
    request_hash = key_of({"probes": wanted.model_dump(mode="json")})
    repeated = _repeated(connection, idempotency_key, request_hash)
    if repeated is not None:
        return repeated
    _refuse_too_many(connection, settings)
    errors: list[FieldError] = []
    dataset = _dataset(connection, "dataset", wanted.dataset, errors)
    if dataset is not None and not probes.can_be_probed(connection, dataset["id"]):
        errors.append(FieldError(
            "dataset", f"{dataset['name']} has no two labels that two or more stimuli share, so there is nothing to "
            "tell apart.", "Choose a dataset whose stimuli have labels.",
        ))
    if errors:
        raise FieldErrors(errors)
    assert dataset is not None, "else there were errors"
    return jobs.enqueue(connection, [probes.probing(
        dataset["id"], dataset["name"], max_attempts=settings.max_attempts, owner=OWNER,
        idempotency_key=idempotency_key, request_hash=request_hash,
    )])[0]


def subsample(
    connection: Connection, wanted: SubsampleRequest, settings: Settings, *, idempotency_key: str | None
) -> int:
    """Queues a matrix on parts of its stimuli; answers the job to follow. Raises FieldErrors and TooManyJobs."""
    request_hash = key_of({"subsamples": wanted.model_dump(mode="json")})
    repeated = _repeated(connection, idempotency_key, request_hash)
    if repeated is not None:
        return repeated
    _refuse_too_many(connection, settings)
    errors: list[FieldError] = []
    dataset = _dataset(connection, "dataset", wanted.dataset, errors)
    metric = _checked("metric", parse_metric, wanted.metric, errors)
    preprocess = _checked("preprocess", parse_preprocess, wanted.preprocess, errors)
    if metric is not None and metric.spec.on_request:
        errors.append(FieldError("metric", f"{metric.id} is computed for chosen models only.", "Choose another."))
    elif dataset is not None and metric is not None and preprocess is not None and (
        (metric.id, preprocess.id) not in matrices.list_on(connection, dataset["id"])
    ):
        errors.append(FieldError(
            "metric", f"{metric.id} ({preprocess.id}) was not computed on {dataset['name']} yet.",
            "Ask for the comparison first (POST /comparisons).",
        ))
    if errors:
        raise FieldErrors(errors)
    assert dataset is not None and metric is not None and preprocess is not None, "else there were errors"
    return jobs.enqueue(connection, [subsamples.subsampling(
        dataset["id"], dataset["name"], metric.id, preprocess.id, max_attempts=settings.max_attempts, owner=OWNER,
        idempotency_key=idempotency_key, request_hash=request_hash,
    )])[0]


def ingest(connection: Connection, *, archive_sha256: str, name: str, settings: Settings) -> int:
    """Queues the check of a stored dataset archive; answers the job."""
    new = NewJob(
        kind="ingest", spec={"archive_sha256": archive_sha256}, title=f"Add the dataset {name}",
        max_attempts=settings.max_attempts, owner=OWNER,
    )
    running = jobs.unfinished_like(connection, new)
    return running if running is not None else jobs.enqueue(connection, [new])[0]


def _repeated(connection: Connection, idempotency_key: str | None, request_hash: str) -> int | None:
    """The job that the same request made before; InvalidInput if the key was used for another one."""
    if idempotency_key is None:
        return None
    known = jobs.get_by_idempotency_key(connection, OWNER, idempotency_key)
    if known is None:
        return None
    if known["request_hash"] != request_hash:
        raise InvalidInput("This Idempotency-Key was used for another request.", "Use a new key for a new request.")
    return int(known["id"])


def _refuse_too_many(connection: Connection, settings: Settings) -> None:
    if jobs.count_unfinished(connection, OWNER) >= settings.max_queued_per_owner:
        raise TooManyJobs(
            f"There are {settings.max_queued_per_owner} unfinished jobs already.", "Wait until some are done."
        )


def _dataset(connection: Connection, field: str, name: str, errors: list[FieldError]) -> RowMapping | None:
    found = datasets.get(connection, name)
    if found is None:
        hint = nearest_hint(name, datasets.list_names(connection), "datasets")
        errors.append(FieldError(field, f"There is no dataset {name!r}.", hint))
    return found


def _datasets(connection: Connection, names: Sequence[str], errors: list[FieldError]) -> list[int]:
    if not names:
        errors.append(FieldError("datasets", "No dataset is chosen.", "Choose at least one."))
    found = [_dataset(connection, f"datasets.{index}", name, errors) for index, name in enumerate(names)]
    return list(dict.fromkeys(row["id"] for row in found if row is not None))


def _checked(field: str, parse: Callable[[str], Parsed], text: str, errors: list[FieldError]) -> Parsed | None:
    try:
        return parse(text)
    except InvalidInput as error:
        errors.append(FieldError(field, error.message, error.hint))
        return None


def _metrics(texts: Sequence[str], errors: list[FieldError]) -> list[str]:
    if not texts:
        return [metric.id for metric in DEFAULT_METRICS]
    ids = []
    for index, text in enumerate(texts):
        metric = _checked(f"metrics.{index}", parse_metric, text, errors)
        if metric is not None and metric.spec.on_request:
            errors.append(FieldError(
                f"metrics.{index}", f"{metric.id} is computed for chosen models only.",
                "Ask for it once the models are embedded (POST /comparisons).",
            ))
        elif metric is not None and metric.id not in ids:
            ids.append(metric.id)
    return ids


def _chosen(
    connection: Connection, names: Sequence[str], metric: Metric | None, dataset: RowMapping | None,
    errors: list[FieldError],
) -> list[int] | None:
    """Ids of the models that a comparison is for; None: all of them. Problems are added to `errors`."""
    if metric is not None and not metric.spec.on_request:
        if names:
            errors.append(FieldError(
                "models", f"{metric.id} is computed for all models of a dataset.", "Leave the models out."
            ))
        return None
    if metric is not None and not 2 <= len(names) <= MOST_CHOSEN:
        errors.append(FieldError(
            "models", f"{metric.id} is computed for 2 to {MOST_CHOSEN} chosen models; {len(names)} were given.",
            f"Name 2 to {MOST_CHOSEN} models.",
        ))
    embedded = {} if dataset is None else {
        row["name"]: row["model_id"] for row in embeddings.list_current(connection, dataset["id"])
    }
    known = set(models.list_names(connection))
    for index, name in enumerate(names[:MOST_CHOSEN]):
        if name not in known:
            problem, hint = f"There is no model {name!r}.", nearest_hint(name, sorted(known), "models")
        elif dataset is not None and name not in embedded:
            problem = f"{name} has no embedding on {dataset['name']} yet."
            hint = "Compute it on this dataset first (POST /jobs)."
        elif name in names[:index]:
            problem, hint = f"{name} is named twice.", "Name every model once."
        else:
            continue
        errors.append(FieldError(f"models.{index}", problem, hint))
    return [embedded[name] for name in names if name in embedded]


def _model(
    connection: Connection, model: TimmModel | CheckpointModel | ExistingModel, header: CheckpointHeader | None,
    errors: list[FieldError],
) -> dict[str, Any]:
    """What the register job needs of the model. Problems are added to `errors`."""
    if isinstance(model, ExistingModel):
        row = models.get(connection, model.name)
        if row is None:
            names = [r["name"] for r in models.list_page(connection, limit=1000, after=None)[0]]
            errors.append(FieldError("model.name", f"There is no model {model.name!r}.",
                                     nearest_hint(model.name, names, "models")))
            return {"name": model.name}
        return _of_row(row)
    if isinstance(model, CheckpointModel):
        if header is None:
            errors.append(FieldError("model.checkpoint_sha256", "That checkpoint file is not stored here.",
                                     "Upload the file first (POST /checkpoints)."))
            return {"name": model.name}
        described = model.model_dump(mode="json") | {"name": model.name or header.name}
    else:
        described = model.model_dump(mode="json")
        described["timm_name"] = model.timm_name.strip()
        if not described["timm_name"]:
            errors.append(FieldError("model.timm_name", "No model is named.", "Give its name in timm."))
        elif not is_known(described["timm_name"]):
            errors.append(FieldError("model.timm_name", f"timm has no model {described['timm_name']!r}.",
                                     hint_for(described["timm_name"])))
        if not model.name:
            suffix = "" if model.pretrained else f"-untrained-s{model.seed}"
            described["name"] = slug_of(described["timm_name"]) + suffix
        for attribute in ("objective", "architecture", "training_data"):
            words, value = MODEL_ATTRIBUTES[attribute], getattr(model, attribute)
            if value not in words:
                problem = f"{value!r} is not known." if value else "Nothing is chosen."
                errors.append(FieldError(f"model.{attribute}", problem, f"Choose one of {', '.join(words)}."))
        if not model.pretrained and model.objective != "untrained" and model.objective in MODEL_ATTRIBUTES["objective"]:
            errors.append(FieldError("model.objective", "A model with random weights was not trained.",
                                     "Choose untrained, or pretrained weights."))
    if described["name"] and not is_slug(described["name"]):
        errors.append(FieldError(
            "model.name", f"{described['name']!r} cannot be a name.",
            "Use lower-case letters, digits, dots, hyphens and underscores; at most 120.",
        ))
    for index, tag in enumerate(model.tags):
        if not is_slug(tag):
            errors.append(FieldError(f"model.tags.{index}", f"{tag!r} cannot be a tag.",
                                     "Use lower-case letters, digits, dots, hyphens and underscores."))
    return described


def _of_row(row: Any) -> dict[str, Any]:
    """The submission that an existing model came from."""
    return {
        **row["config"], "name": row["name"], "timm_name": row["timm_name"], "tags": list(row["tags"]),
        **{name: row[name] for name in ("objective", "architecture", "training_data", "description")},
    }


def _same(row: Any, described: dict[str, Any]) -> bool:
    """Whether an existing model is the one that is being described: then the request means that one."""
    if row["source"] != described["source"]:
        return False
    if described["source"] == "checkpoint":
        return bool(row["config"]["checkpoint_sha256"] == described["checkpoint_sha256"])
    keys = ("timm_name", "pretrained", "seed")
    return all(row["config"][key] == described[key] for key in keys)


def checkpoint_of(submission: Submission) -> str | None:
    """The stored file that a submission names, if any."""
    return submission.model.checkpoint_sha256 if isinstance(submission.model, CheckpointModel) else None


def require_job(connection: Connection, job_id: int) -> Any:
    """A job's row, or NotFound."""
    row = job_listing.get(connection, job_id)
    if row is None:
        raise NotFound(f"There is no job {job_id}.", "Look at the list of jobs.")
    return row
