"""Numbers that describe one model: by hand, against their formulas, at their bounds."""

import numpy as np
import pytest

from backend.domain.diagnostics import DIAGNOSTICS
from tests.science.populations import related, with_massive_activations
from workers.similarity.diagnostics import diagnose, modality_gap
from workers.similarity.errors import (
    BadEmbedding,
    ConstantEmbedding,
    MismatchedStimuli,
    NonFiniteEmbedding,
    NotFloatRows,
)


@pytest.mark.parametrize("d", [5, 40, 90])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_against_the_formulas(d, dtype):
    X = related(40, [d], seed=1)[0].astype(dtype)
    found, Z = diagnose(X), X.astype(np.float64)
    C = np.cov(Z.T)
    assert found["participation_ratio"] == pytest.approx(np.trace(C) ** 2 / np.trace(C @ C))
    s = np.linalg.svd(Z - Z.mean(axis=0), compute_uv=False)
    p = s[s > 1e-12] / s[s > 1e-12].sum()
    assert found["effective_rank"] == pytest.approx(np.exp(-np.sum(p * np.log(p))))
    power = np.sort((Z**2).sum(axis=0))[::-1]
    assert found["outlier_dominance"] == pytest.approx(power[: 1 if d == 5 else 3].sum() / power.sum())


def test_equal_directions_count_in_full_and_one_direction_as_one():
    X = np.concatenate([np.eye(6), -np.eye(6)])
    assert diagnose(X)["participation_ratio"] == pytest.approx(6)
    assert diagnose(X)["effective_rank"] == pytest.approx(6)
    line = np.outer(np.arange(9.0), np.ones(4))
    assert diagnose(line)["participation_ratio"] == pytest.approx(1)
    assert diagnose(line)["effective_rank"] == pytest.approx(1, abs=1e-6)


def test_massive_activations_dominate():
    X = related(100, [200], seed=2)[0]
    assert diagnose(X)["outlier_dominance"] < 0.03
    assert diagnose(with_massive_activations(X))["outlier_dominance"] > 0.99


def test_within_the_stated_ranges_and_blind_to_scale():
    for scale in (1e-30, 1.0, 1e200):
        found = diagnose(related(30, [12], seed=3)[0].astype(np.float64) * scale)
        assert found == pytest.approx(diagnose(related(30, [12], seed=3)[0]))
        for name, number in found.items():
            bounds = DIAGNOSTICS[name]
            assert bounds.lower <= number <= (bounds.upper or 12)
    assert {*found, "modality_gap"} == set(DIAGNOSTICS)
    assert [d.name for d in DIAGNOSTICS.values() if d.two_towers] == ["modality_gap"]


def test_the_embedding_is_not_changed():
    X = related(30, [12], seed=3)[0].astype(np.float64)
    before = X.copy()
    diagnose(X)
    np.testing.assert_array_equal(X, before)


def test_modality_gap_by_hand():
    """Mean directions (1, 0) and (0, 1): the square root of 2; opposite ones: 2."""
    A, B = np.array([[2.0, 0.0], [5.0, 0.0], [1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]])
    assert modality_gap(A, B) == pytest.approx(np.sqrt(2))
    assert modality_gap(A, -A) == pytest.approx(2)
    assert modality_gap(A, 3 * A) == pytest.approx(0)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (np.ones((5, 3)), ConstantEmbedding, "All 5 rows"),
        (np.array([[1.0], [np.nan]]), NonFiniteEmbedding, "Row 1"),
        (np.arange(6).reshape(3, 2), NotFloatRows, "int64"),
        (np.arange(3.0), NotFloatRows, r"\(3,\)"),
    ],
)
def test_what_has_no_diagnostics(bad, error, says):
    with pytest.raises(error, match=says):
        diagnose(bad, "model-0")


def test_towers_that_do_not_belong_together():
    A = related(10, [4])[0]
    with pytest.raises(MismatchedStimuli, match=r"\(10, 4\).*\(9, 4\)"):
        modality_gap(A, A[1:])
    with pytest.raises(BadEmbedding, match="4 and 3 features"):
        modality_gap(A, A[:, 1:])
    with pytest.raises(BadEmbedding, match=r"Row 3 .* second tower"):
        modality_gap(A, np.where(np.arange(10)[:, None] == 3, 0, A))
