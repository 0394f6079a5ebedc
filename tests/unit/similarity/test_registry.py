"""The catalogue and the code that computes it name the same metrics."""

from backend.domain.metrics import CATALOGUE, PREPROCESS_STEPS
from workers.similarity.preprocess import STEPS
from workers.similarity.registry import MEASURES, measure_of


def test_catalogue_and_registry_hold_the_same_metrics():
    assert list(MEASURES) == list(CATALOGUE)


def test_every_preprocessing_step_is_implemented():
    assert list(STEPS) == list(PREPROCESS_STEPS)


def test_a_measure_keeps_no_model():
    """One measure serves all models of a call: a second `prepare` must not disturb the first."""
    for spec in CATALOGUE.values():
        assert measure_of(spec.default) is not measure_of(spec.default)
