"""What cannot be compared is refused before anything is computed; what has no value is excluded with its reason."""

import numpy as np
import pytest

from backend.domain.metrics import (
    CATALOGUE,
    DEFAULT_PREPROCESS,
    BadPreprocess,
    parse_metric,
    parse_preprocess,
)
from tests.science.populations import compared, related, sources, table
from workers.similarity.embeddings import EmbeddingSource
from workers.similarity.engine import compare
from workers.similarity.errors import (
    ConstantEmbedding,
    MemoryBudgetTooSmall,
    MismatchedStimuli,
    NonFiniteEmbedding,
    NotFloatRows,
    TooFewStimuli,
)

LINEAR = parse_metric("cka.linear.unbiased")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_non_finite_row_is_named(metric, bad):
    X, Y = related(20, [5, 6])
    Y[13, 2] = bad
    with pytest.raises(NonFiniteEmbedding, match=r"Row 13 .* model-1"):
        compared([X, Y], metric)


def test_both_shapes_are_named_when_the_stimuli_differ(metric):
    X, Y = related(20, [5])[0], related(21, [7])[0]
    with pytest.raises(MismatchedStimuli, match=r"\(20, 5\).*\(21, 7\)"):
        compared([X, Y], metric)


def test_constant_embedding(metric):
    X, Y = related(20, [5, 6])
    Y[:] = Y[0]
    with pytest.raises(ConstantEmbedding, match="model-1"):
        compared([X, Y], metric)


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.key)
def test_too_few_stimuli(spec):
    least = spec.default.minimum_n
    X, Y = related(least, [5, 6])
    assert len(compared([X, Y], spec.default).rows) == 2
    with pytest.raises(TooFewStimuli, match=f"at least {least}"):
        compared([X[:-1], Y[:-1]], spec.default)


@pytest.mark.parametrize("array", [np.zeros((4, 3), dtype=np.int64), np.zeros((4, 3), dtype=object)])
def test_numbers_that_are_not_floating_point(array):
    with pytest.raises(NotFloatRows, match="model-0"):
        compared([array, array], LINEAR)


def test_an_array_that_is_not_what_was_announced():
    X, Y = related(20, [5, 6])
    wrong = EmbeddingSource("other", 20, 9, lambda: X)
    with pytest.raises(NotFloatRows, match=r"\(20, 5\).*\(20, 9\)"):
        compare([wrong, *sources([Y])], LINEAR, DEFAULT_PREPROCESS, new=2, memory_mib=64)
    with pytest.raises(NotFloatRows, match=r"\(3,\)"):
        EmbeddingSource.from_array("flat", np.zeros(3, dtype=np.float32))


def test_a_budget_too_small_says_what_would_do():
    embeddings = related(600, [900, 800, 700])
    with pytest.raises(MemoryBudgetTooSmall) as refused:
        compared(embeddings, LINEAR, memory_mib=3)
    least = int(refused.value.hint.split()[-2])
    assert len(compared(embeddings, LINEAR, memory_mib=least).rows) == 3
    with pytest.raises(MemoryBudgetTooSmall):
        compared(embeddings, LINEAR, memory_mib=least - 1)


def test_the_last_embedding_is_checked_before_the_first_is_used():
    embeddings = related(600, [900, 800, 700])
    embeddings[-1][7] = np.nan
    steps: list[int] = []
    for budget in (26, 512):
        with pytest.raises(NonFiniteEmbedding, match="Row 7"):
            compare(
                sources(embeddings), LINEAR, DEFAULT_PREPROCESS, new=3, memory_mib=budget,
                progress=lambda done, total: steps.append(done),
            )  # fmt: skip
        assert max(steps, default=0) <= len(embeddings), "no tile was computed"


def test_a_zero_row_excludes_its_model_alone(metric):
    X, Y, Z = related(30, [5, 6, 7])
    Y[4] = 0
    found = compared([X, Y, Z], metric, "l2")
    assert set(found.excluded) == {1} and "row 4" in found.excluded[1]
    assert [row.against.tolist() for row in found.rows] == [[0], [], [0, 2]]
    assert table(found)[2, 0] == table(compared([X, Z], metric, "l2"))[1, 0]


@pytest.mark.parametrize(
    ("metric_id", "preprocess"),
    [
        ("cka.linear.unbiased", "none"),
        ("cka.rbf.unbiased:sigma=0.4", "l2"),
        ("cka.rbf.unbiased:median=1", "l2"),
        ("rsa.correlation.pearson", "l2"),
        ("rsa.correlation.spearman", "l2"),
    ],
)
def test_a_model_to_which_all_stimuli_are_equally_alike_is_excluded(metric_id, preprocess):
    """A one-hot embedding: what rounding leaves of its kernel or its distances must not be taken for structure."""
    found = compared(
        [np.eye(30, dtype=np.float32) * 0.7, *related(30, [6])], parse_metric(metric_id), preprocess
    )
    assert set(found.excluded) == {0} and found.rows[1].against.tolist() == [1]


def test_a_row_without_variance_has_no_correlation():
    X, Y = related(20, [5, 6])
    X[3] = 2.5
    found = compared([X, Y], parse_metric("rsa.correlation.spearman"))
    assert "row 3" in found.excluded[0]


def test_a_kernel_far_too_narrow_is_excluded():
    X, Y = related(20, [50, 60])
    found = compared([X, Y], parse_metric("cka.rbf.unbiased:sigma=0.01"), "none")
    assert set(found.excluded) == {0, 1} and "width" in found.excluded[0]


def test_rows_that_preprocessing_makes_equal():
    X, Y = related(20, [1, 6])
    found = compared([np.abs(X), Y], LINEAR, "l2")
    assert found.excluded == {0: "its preprocessed rows are all the same"}


def test_unknown_step_is_refused_by_the_catalogue():
    with pytest.raises(BadPreprocess, match="whiten"):
        parse_preprocess("whiten+l2")
