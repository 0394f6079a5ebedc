"""Maps of models: each is computed once for each state of what it shows, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine

from backend.contracts.model_map import ModelMap
from backend.db.engine import transaction
from backend.domain import model_map as maps
from backend.domain.errors import InvalidInput
from backend.domain.ordering import mean_similarity
from backend.services.consistency import Answer, kept
from backend.services.consistency_scope import Asked, Question, Study, listed, load, resolve
from backend.services.model_sets import ALL, naming
from backend.services.result_cache import ResultCache

MOST_TURNED = 300  # models of a map for which a second one is computed, to turn it by


def model_map(
    engine: Engine, cache: ResultCache, asked: Asked, *, method: str, seed: int, perplexity: float
) -> Answer:
    """The map of the chosen models on the chosen datasets: of the mean where they are several.

    A map of some datasets is turned to lie like that of all of them, so that what moves between two maps has moved.
    """
    with transaction(engine) as connection:
        question = resolve(connection, asked)
        whole = resolve(connection, replace(asked, datasets=""))
    with naming("method"):
        if method not in maps.MAP_METHODS:
            raise InvalidInput(f"There is no method {method!r} of maps.", f"Use {' or '.join(maps.MAP_METHODS)}.")
    way: maps.MapMethod = "mds" if method == "mds" else "tsne"

    def make() -> ModelMap:
        study = load(engine, cache, question)

        def drawn(values: NDArray[np.floating]) -> maps.ModelMap:
            return maps.model_map(
                mean_similarity(values), way, direction=question.direction, seed=seed, perplexity=perplexity
            )

        found = drawn(study.values)
        places = found.positions
        turned = question.datasets != whole.datasets and len(study.names) <= MOST_TURNED
        if turned:
            everywhere = load(engine, cache, whole)
            places = maps.turned_like(places, _among(study.names, everywhere.names, drawn(everywhere.values).positions))
        return _wire(question, study, found, places, way, seed, perplexity, turned)

    return kept(cache, question, ("model-map", method, seed, perplexity, whole.revision), make)


def _among(names: Sequence[str], others: Sequence[str], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of models by name, NaN for one that the other map does not have."""
    place = dict(zip(others, positions, strict=True))
    return np.array([place.get(name, (np.nan, np.nan)) for name in names])


def _wire(
    question: Question, study: Study, found: maps.ModelMap, places: NDArray[np.float64], method: maps.MapMethod,
    seed: int, perplexity: float, turned: bool,
) -> ModelMap:
    placed: NDArray[np.bool_] = np.asarray(np.isfinite(places).all(axis=1))
    models = [study.names[i] for i in np.flatnonzero(placed)]
    left_out = [study.names[i] for i in np.flatnonzero(~placed)]
    random = method == "tsne"
    notes = [note for note in study.scope.notes if len(study.datasets) > 1 or not note.startswith("Consistency")]
    if left_out:
        notes.append(f"{len(models)} of {len(study.names)} models are placed: pairs are missing of {listed(left_out)}.")
    return ModelMap(
        metric=question.metric.id, preprocess=question.preprocess, layer=question.layer, labels=question.labels,
        chosen="" if question.chosen.predicate == ALL else question.chosen.predicate, datasets=study.datasets,
        method=method, seed=seed if random else None, perplexity=perplexity if random else None,
        models=models,
        x=places[placed, 0].tolist(), y=places[placed, 1].tolist(), left_out=left_out,
        n_models_of=study.scope.n_models_of, stress=found.stress, trustworthiness=found.trustworthiness,
        neighbours=found.neighbours, turned=turned, notes=notes, sentence=_sentence(found, method),
    )


def _sentence(found: maps.ModelMap, method: maps.MapMethod) -> str:
    """How far the map is to be believed."""
    near = f"neighbourhoods of {found.neighbours} models" if found.neighbours > 1 else "nearest models"
    true = f"{near} are true with a trustworthiness of {found.trustworthiness:.2f} (1 is best)"
    if method == "tsne":
        return f"The map's {true}; longer distances mean nothing."
    return f"Distances on the map follow the similarities with a stress of {found.stress:.2f} (0 is exact); its {true}."
