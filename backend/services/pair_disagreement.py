"""The stimuli that two models disagree on most, from the lists of neighbours stored beside their embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, RowMapping

from backend.contracts.pairs import Disagreement, EmbeddingOrigin, SeenByBoth
from backend.db.repositories import datasets, neighbours
from backend.domain.disagreement import Disagreement as Compared
from backend.domain.disagreement import disagreement
from backend.domain.errors import NotFound
from backend.domain.identity import key_of
from backend.services.catalogue import require_dataset
from backend.services.pairs import check_pair
from backend.services.result_cache import ResultCache
from backend.services.stimuli import describe
from backend.storage import ArrayStore, load_array

Order = Literal["disagreement", "agreement"]


def disagreed(
    connection: Connection, cache: ResultCache, store: ArrayStore, *, a: str, b: str, dataset: str, limit: int,
    order: Order,
) -> tuple[str, bytes]:
    """ETag and JSON of the `limit` stimuli of a dataset on which two models part most, or least. A name without a
    version means the version that most models are embedded on. NotFound where neighbours are missing, with why."""
    check_pair(connection, a, b)
    row = datasets.most_embedded(connection, dataset) or require_dataset(connection, dataset)
    known = neighbours.of_models(connection, row["id"], [a, b])
    first, second = (_require(known, name, row) for name in (a, b))
    files = [one["neighbours_sha256"] for one in (first, second)]
    key = key_of([a, b, row["dataset_hash"], row["shows_stimuli"], files, [first["key"], second["key"]], limit, order])

    def make() -> bytes:
        return _answer(connection, store, row, first, second, limit, order).model_dump_json().encode()

    return f'"{key[:32]}-disagreement"', cache.get(f"disagreement {key}", make)


def _require(known: Mapping[str, RowMapping], name: str, dataset: RowMapping) -> RowMapping:
    """The embedding of a model, which has neighbours."""
    if name not in known:
        raise NotFound(
            f"{name} has no embedding on {dataset['name']} yet.",
            f"Submit it for this dataset: parallax models submit {name} --dataset {dataset['name']}.",
        )
    if known[name]["neighbours_sha256"] is None:
        raise NotFound(
            f"The nearest neighbours of the stimuli of {dataset['name']} to {name} are not stored.",
            "They are with the next comparison on this dataset (POST /comparisons), unless a row of the embedding has "
            "no angle.",
        )
    return known[name]


def _answer(
    connection: Connection, store: ArrayStore, dataset: RowMapping, first: RowMapping, second: RowMapping, limit: int,
    order: Order,
) -> Disagreement:
    lists = [load_array(store, one["neighbours_sha256"], mmap=True) for one in (first, second)]
    found = disagreement(*lists)
    rows = (found.order if order == "disagreement" else found.order[::-1])[:limit]
    nearest = [np.asarray(each[:, : found.k]) for each in lists]
    labels = datasets.stimulus_labels(connection, dataset["id"])
    same = [_same_label(each, labels) for each in nearest]
    named = {int(row) for row in rows} | {int(row) for each in nearest for row in each[rows].ravel()}
    stimuli = datasets.get_stimuli(connection, dataset["id"], sorted(named))
    counts = np.bincount(found.shared, minlength=found.k + 1)
    names = first["model"], second["model"]
    return Disagreement(
        a=names[0], b=names[1], dataset=dataset["name"], dataset_version=dataset["version"],
        dataset_hash=dataset["dataset_hash"], title=dataset["title"], licence=dataset["licence"],
        shows_stimuli=dataset["shows_stimuli"], n=len(found.shared), k=found.k,
        depth=min(each.shape[1] for each in lists), order=order, counts=counts.tolist(),
        mean_shared=float(found.shared.mean()), chance=found.chance,
        label_share_a=_mean(same[0], found.k), label_share_b=_mean(same[1], found.k),
        items=[
            SeenByBoth(
                ord=int(row), shared=int(found.shared[row]), agreement=float(found.agreement[row]),
                neighbours_a=nearest[0][row].tolist(), neighbours_b=nearest[1][row].tolist(),
                same_label_a=_count(same[0][row]), same_label_b=_count(same[1][row]),
            )
            for row in rows
        ],
        stimuli=[describe(dict(dataset), dict(stimuli[row])) for row in sorted(stimuli)],
        embedding_a=EmbeddingOrigin.model_validate(dict(first)),
        embedding_b=EmbeddingOrigin.model_validate(dict(second)),
        neighbours_job_a=first["neighbours_job"], neighbours_job_b=second["neighbours_job"],
        sentence=_sentence(names, dataset, found),
    )


def _same_label(nearest: NDArray[np.int32], labels: Sequence[str | None]) -> NDArray[np.float64]:
    """How many neighbours have their stimulus's label: (n,), NaN where it has none."""
    _, numbers = np.unique(np.array([label or "" for label in labels]), return_inverse=True)
    same: NDArray[np.float64] = (numbers[nearest] == numbers[:, None]).sum(axis=1).astype(np.float64)
    same[[label is None for label in labels]] = np.nan
    return same


def _mean(same: NDArray[np.float64], k: int) -> float | None:
    here = same[np.isfinite(same)]
    return float(here.mean() / k) if len(here) else None


def _count(number: Any) -> int | None:
    return int(number) if np.isfinite(number) else None


def _sentence(names: tuple[str, str], dataset: RowMapping, found: Compared) -> str:
    n, none = len(found.shared), int((found.shared == 0).sum())
    return (
        f"On {dataset['title']}, {names[0]} and {names[1]} share on average {found.shared.mean():.1f} of the {found.k} "
        f"nearest neighbours of a stimulus, where chance would share {found.chance:.1f}; on {none:,} of {n:,} stimuli "
        "they share none."
    )
