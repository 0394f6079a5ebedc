"""Intervals over the API: those of the domain for the same numbers, told with how they were found, heeded in words."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from fastapi.testclient import TestClient

from backend.contracts.consistency import Anchors, Consistency, DatasetPair, Difference, MetricAgreement, SetPairs
from backend.domain.consistency import ModelSet, every, resample
from tests.support.population import FLAT, IN_ORDER, LINEAR, SPEARMAN, Population

SSL, SUP = "objective:self-supervised", "objective:supervised"


def set_of(population: Population, **attributes: str) -> ModelSet:
    inside = population.named(**attributes)
    return ModelSet("", "", np.array([name in inside for name in population.names]))


@pytest.fixture(scope="module")
def stack(population: Population) -> np.ndarray:
    return np.stack([population.values[LINEAR, name] for name in IN_ORDER]).astype(float)


def test_the_table_has_an_interval_around_every_r(
    api: TestClient, population: Population, stack: np.ndarray
) -> None:
    params = {"metric": LINEAR, "set_a": SSL, "set_b": SUP, "intervals": True}
    found = Consistency.model_validate(api.get("/consistency", params=params).json())
    pair = set_of(population, objective="self-supervised"), set_of(population, objective="supervised")
    expected = resample(stack, [pair])
    assert found.ci_low is not None and found.ci_high is not None and found.scope is not None
    np.testing.assert_allclose(np.array(found.ci_low, float), expected.interval(0)[0], atol=1e-12)
    np.testing.assert_allclose(np.array(found.ci_high, float), expected.interval(0)[1], atol=1e-12)
    assert (found.median_ci_low, found.median_ci_high) == pytest.approx(expected.median_interval(0))
    for a, b in combinations(range(4), 2):
        assert -1 <= found.ci_low[a][b] < found.r[a][b] < found.ci_high[a][b] <= 1  # type: ignore[operator]
    assert "resample models" in found.scope.interval and found.scope.resamples == 1000 and found.scope.seed == 0
    assert f"[{found.median_ci_low:.2f}, {found.median_ci_high:.2f}]".replace("-", "−") in found.sentence


def test_set_pairs_that_cannot_be_told_apart_are_said_to_tie(api: TestClient) -> None:
    params = {"metric": LINEAR, "by": "objective"}
    found = SetPairs.model_validate(api.get("/consistency/set-pairs", params=params | {"intervals": True}).json())
    plain = SetPairs.model_validate(api.get("/consistency/set-pairs", params=params).json())
    for one in (found.baseline, *found.pairs):
        assert one.ci_low is not None and one.ci_low < one.median < one.ci_high  # type: ignore[operator]
    assert [one.median for one in plain.pairs] == [one.median for one in found.pairs]
    assert plain.baseline.ci_low is None and plain.scope.interval == ""
    # Sets of seven models each: flagged, and nothing is claimed of them.
    assert all(one.small and "not to be relied on" in one.note for one in found.pairs)
    assert "they tie" in found.sentence and "too few models" in found.sentence


def test_a_planted_difference_is_found_and_its_absence_is_a_tie(api: TestClient, population: Population) -> None:
    def difference(a: str, b: str, **more: str) -> Difference:
        params = {"metric": LINEAR, "a": a, "b": b, **more}
        return Difference.model_validate(api.get("/consistency/difference", params=params).json())

    tie = difference(SSL, SUP)
    assert tie.verdict == "tie" and tie.ci_low < 0 < tie.ci_high and " tie" in tie.sentence  # type: ignore[operator]
    assert tie.scope.interval and tie.ci_low < tie.difference < tie.ci_high  # type: ignore[operator]
    matched = difference(SSL, SUP, match="architecture")
    assert matched.ci_low is not None and matched.a.ci_low is not None
    steady = ",".join(population.steady)
    unsteady = ",".join(name for name in population.names if name not in population.steady)
    first = difference(f"model:{steady}", f"model:{unsteady}")
    assert first.verdict == "a" and first.ci_low > 0  # type: ignore[operator]
    second = difference(f"model:{unsteady}", f"model:{steady}")
    assert second.verdict == "b" and second.ci_high < 0  # type: ignore[operator]
    assert second.difference == pytest.approx(-first.difference)  # type: ignore[operator]


def test_two_datasets_have_the_interval_of_the_table(api: TestClient) -> None:
    params = {"metric": LINEAR, "intervals": True}
    table = Consistency.model_validate(api.get("/consistency", params=params).json())
    params = {"metric": LINEAR, "a": "photos", "b": "shapes", "by": "architecture"}
    found = DatasetPair.model_validate(api.get("/consistency/dataset-pair", params=params).json())
    a, b = (table.datasets.index(name) for name in ("photos", "shapes"))
    assert table.ci_low is not None and table.ci_high is not None
    assert (found.ci_low, found.ci_high) == pytest.approx((table.ci_low[a][b], table.ci_high[a][b]))
    assert all(one.ci_low < one.r < one.ci_high for one in found.groups)  # type: ignore[operator]
    assert found.scope.datasets == ["photos", "shapes"]


def test_anchors_and_metrics_have_intervals(api: TestClient, stack: np.ndarray, population: Population) -> None:
    params = {"metric": LINEAR, "anchors": "net-03", "intervals": True}
    (anchor,) = Anchors.model_validate(api.get("/consistency/anchors", params=params).json()).anchors
    alone = np.array([name == "net-03" for name in population.names])
    expected = resample(stack, [(ModelSet("", "", alone), ModelSet("", "", ~alone))])
    assert (anchor.ci_low, anchor.ci_high) == pytest.approx(expected.median_interval(0)) and not anchor.small

    params = {"metric": LINEAR, "other": SPEARMAN}
    found = MetricAgreement.model_validate(api.get("/consistency/metrics", params=params).json())
    both = np.stack([population.values[metric, "digits"][:18, :18] for metric in (LINEAR, SPEARMAN)])
    low, high = resample(both, [(every(18), every(18))]).interval(0)
    assert (found.ci_low[1], found.ci_high[1]) == pytest.approx((low[0, 1], high[0, 1]))


TOO_LITTLE = (
    {"datasets": "digits"}, {"datasets": "domain:structured & domain:specialized"}, {"models": "model:net-00,net-01"},
    {"models": "objective:untrained"}, {"models": "model:net-00"},
)  # fmt: skip


@pytest.mark.parametrize("params", TOO_LITTLE, ids=str)
def test_what_has_no_r_has_no_interval_and_is_said_by_every_answer(api: TestClient, params: dict[str, str]) -> None:
    asked = {"metric": LINEAR, "intervals": True, **params}
    found = Consistency.model_validate(api.get("/consistency", params=asked).json())
    assert found.median is None and found.median_ci_low is None and "not defined" in found.sentence
    pairs = SetPairs.model_validate(api.get("/consistency/set-pairs", params=asked).json())
    assert pairs.baseline.median is None and "not defined" in pairs.sentence
    for match in ("", "size"):
        answer = api.get("/consistency/difference", params={**asked, "a": SSL, "b": SUP, "match": match})
        difference = Difference.model_validate(answer.json())
        assert difference.verdict == "undefined" and "nothing can be said" in difference.sentence
    left = api.get("/consistency/influence", params=asked).json()
    assert left["median"] is left["ci_low"] is left["ci_high"] is None
    agreement = MetricAgreement.model_validate(
        api.get("/consistency/metrics", params={**asked, "other": SPEARMAN}).json()
    )
    assert agreement.consistency_r is None and agreement.sentence
    assert api.get("/consistency/spread", params=asked).json()["sentence"]
    if "datasets" in params:
        anchors = Anchors.model_validate(
            api.get("/consistency/anchors", params={**asked, "anchors": "net-03", "by": "size"}).json()
        )
        assert all(one.median is None for one in anchors.anchors) and "not defined" in anchors.sentence


def test_values_that_are_all_equal_have_no_r_and_are_named(api: TestClient) -> None:
    found = Consistency.model_validate(api.get("/consistency", params={"metric": FLAT, "intervals": True}).json())
    assert found.datasets == ["photos", "cars", "digits"] and found.scope is not None
    assert found.r[0][2] is None and found.r[2][2] is None and found.n_pairs[0][2] == 210
    assert found.r[0][1] is not None and found.median == found.r[0][1]
    assert "over 1 of 3 pairs of 3 datasets" in found.sentence
    assert "All values are equal on digits: no r is defined there." in found.scope.notes
    asked = {"metric": FLAT, "a": "photos", "b": "digits"}
    behind = DatasetPair.model_validate(api.get("/consistency/dataset-pair", params=asked).json())
    assert behind.r is None and behind.pairs.contribution == [None] * 210, "what is not defined is never 0"


def test_a_layer_that_was_not_computed_is_said_to_be_missing(api: TestClient) -> None:
    # Calibrated values of a matrix without nulls are not computed: nothing is correlated, nothing is zero.
    asked = {"metric": LINEAR, "layer": "calibrated", "intervals": True}
    found = SetPairs.model_validate(api.get("/consistency/set-pairs", params=asked).json())
    assert found.baseline.median is None and found.baseline.n_dataset_pairs == 0
    assert any("0 of 21" in note for note in found.scope.notes)
