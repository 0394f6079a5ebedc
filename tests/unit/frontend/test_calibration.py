"""Null, interval and marks beside a heatmap: numbers go to the browser once per pair and mean what they say."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from backend.contracts.matrices import Recipe
from backend.domain.calibration import adjusted, calibrated, z_score
from backend.domain.quantities import ARI, CALIBRATED, CI_HIGH, CI_LOW, NULL_MEAN, NULL_SD, TAU, VALUE, P, Q, Z
from frontend.components.cell_legend import cell_legend
from frontend.figures.chance import BEYOND, UNKNOWN, WITHIN, ChanceData, chance_figure
from frontend.pages.calibration import about_chance, chance_data, chance_payload, pieces_of_cells
from frontend.pages.layers import Numbers, absent_words, packed, tau_differs
from frontend.pages.picture import Picture, picture
from frontend.pages.recipes import chance_entries, floor_of_p
from frontend.pages.study import read_study
from tests.unit.frontend.stub_api import StubApi


def shown(metric: str = "cka.linear.unbiased", dataset: str = "digits", layer: str = VALUE) -> Picture:
    client = StubApi().client()
    study = read_study(client)
    return picture(client, study, study.known_metric(metric), dataset, layer)


def numbers(directed: bool = False, best: float = 1.0) -> Numbers:
    rng = np.random.default_rng(3)
    size = 5
    made = {name: rng.random((size, size)).astype(np.float32) for name in (VALUE, NULL_MEAN, NULL_SD, P, Q)}
    made[TAU] = 0.45 * (made[NULL_MEAN] + made[NULL_SD])
    made[CI_LOW], made[CI_HIGH] = made[VALUE] - 0.1, made[VALUE] + 0.1
    for name in (CALIBRATED, Z, ARI):
        made[name] = np.zeros((size, size), np.float32)
    return Numbers([f"m{i}" for i in range(size)], made, best, directed)


@pytest.mark.parametrize("best", [0.0, 1.0])
def test_a_value_moves_into_a_layer_as_the_definition_says(best: float) -> None:
    found = numbers(best=best)
    value, mean, sd, tau = (found[name].astype(np.float64) for name in (VALUE, NULL_MEAN, NULL_SD, TAU))
    np.testing.assert_allclose(found.moved(found[VALUE], Z), z_score(value, mean, sd), rtol=1e-4)
    np.testing.assert_allclose(found.moved(found[VALUE], ARI), adjusted(value, mean, best), rtol=1e-4)
    np.testing.assert_allclose(
        np.maximum(found.moved(found[VALUE], CALIBRATED), 0), calibrated(value, tau, best), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_array_equal(found.moved(found[VALUE], VALUE), found[VALUE])


def test_widths_are_in_the_units_of_the_layer() -> None:
    found = numbers()
    np.testing.assert_allclose(found.width(VALUE), 0.2, rtol=1e-5)
    np.testing.assert_allclose(found.width(Z), 0.2 / found[NULL_SD], rtol=1e-4)
    cut = found.width(CALIBRATED)
    assert (cut <= 0.2 / np.abs(1 - found[TAU]) + 1e-5).all() and (cut[found[CI_HIGH] < found[TAU]] == 0).all()


@pytest.mark.parametrize("directed", [False, True])
def test_pairs_are_packed_once_in_the_order_that_the_browser_reads(directed: bool) -> None:
    found = numbers(directed)
    sent = packed(found.shown(VALUE), directed)
    values = np.frombuffer(base64.b64decode(sent["layers"][VALUE]["bdata"]), "<f4")
    assert len(values) == (25 if directed else 10)
    for i in range(5):
        for j in range(i):
            at = i * 5 + j if directed else i * (i - 1) // 2 + j
            assert values[at] == found[VALUE][i, j]
    assert set(sent["layers"]) >= {CI_LOW, CI_HIGH, CALIBRATED, Z, P, Q, "width"}


def test_a_directed_metric_has_twice_the_pairs() -> None:
    assert len(numbers(True).pairs(VALUE)) == 20 and len(numbers(False).pairs(VALUE)) == 10
    assert shown("knn.cycle:k=10").numbers.off_diagonal.sum() == 72  # type: ignore[union-attr]


def test_the_payload_has_numbers_and_no_text_per_pair() -> None:
    payload = chance_payload(shown())
    pane = shown().pane()
    for array in (*pane["layers"].values(), pane["self"]):
        assert set(array) == {"dtype", "bdata"} and array["dtype"] == "f4"
    assert pane["floor"] == 1 / 50 and pane["reference"] == 1.0
    assert payload["tau"] == pytest.approx(float(np.median(shown().numbers.pairs(TAU))))  # type: ignore[union-attr]
    assert chance_payload(shown(layer=CALIBRATED))["tau"] is None, "there tau is 0"


def chance(**changes: object) -> ChanceData:
    values = np.linspace(0, 1, 50)
    q = np.where(values > 0.5, 0.01, 0.5)
    given = {"values": values, "null_mean": values * 0.1, "null_sd": np.full(50, 0.05), "tau": 0.2 + values * 0.1,
             "q": q, "words": "CKA"}
    return ChanceData(**(given | changes))  # type: ignore[arg-type]


def test_every_pair_is_in_one_bar() -> None:
    q = chance().q.copy()
    q[:7] = np.nan
    bars = {t.meta["part"]: sum(t.y) for t in chance_figure(chance(q=q)).data if t.type == "bar"}
    assert bars == {BEYOND: 25, WITHIN: 18, UNKNOWN: 7}
    assert {t.name for t in chance_figure(chance(q=q)).data if t.type == "bar"} >= {f"{UNKNOWN}: 7"}


def test_the_null_is_drawn_as_its_median_and_its_range() -> None:
    figure = chance_figure(chance())
    ranges = [t for t in figure.data if t.meta["part"] == "range"]
    assert tuple(ranges[0].x) == pytest.approx((-0.05, 0.15)), "least mean - sd to largest mean + sd"
    assert tuple(ranges[1].x) == pytest.approx((0.2, 0.3)), "tau"
    medians = [t.x[0] for t in figure.data if t.meta["part"] == "median"]
    assert medians == pytest.approx([0.05, 0.25])
    assert figure.layout.shapes[0].x0 == pytest.approx(0.25)
    low, high = figure.layout.xaxis.range
    assert low < -0.05 and high > 1


def test_without_a_null_only_the_values_are_drawn() -> None:
    nothing = np.full(50, np.nan)
    figure = chance_figure(chance(null_mean=nothing, null_sd=nothing, tau=nothing, q=nothing))
    assert [t.meta["part"] for t in figure.data] == [UNKNOWN]
    assert not figure.layout.shapes and figure.layout.yaxis.domain == (0.0, 1.0)
    picture_without = shown("cka.rbf.unbiased:sigma=0.4", "photos", CALIBRATED)
    assert "not calibrated yet" in str(about_chance(picture_without))
    assert len(chance_data(picture_without, picture_without.numbers).values) == 36  # type: ignore[arg-type]
    assert "calibrated" in picture_without.sentence()


def test_a_tau_that_differs_between_pairs_is_said() -> None:
    wide = shown()
    assert tau_differs(wide.numbers, (0.0, 1.0))  # type: ignore[arg-type]
    assert "τ differs between pairs" in str(about_chance(wide))
    assert not tau_differs(wide.numbers, (0.0, 100.0))  # type: ignore[arg-type]


def test_self_similarity_in_calibrated_layers() -> None:
    assert (np.diag(shown(layer=CALIBRATED).values) == 1).all()
    assert np.isnan(np.diag(shown(layer=Z).values)).all()
    assert np.isnan(np.diag(shown("knn.cycle:k=10", layer=CALIBRATED).values)).all(), "it need not be the best"
    payload = shown(layer=Z).payload("/similarity", {})
    assert "not calibrated" not in str(payload["figure"]["data"]), "a model with itself is no gap"


def test_why_a_number_is_absent_is_told() -> None:
    calibrated_one, not_yet = shown(layer=ARI), shown("cka.rbf.unbiased:sigma=0.4", "photos", ARI)
    assert "perfect agreement" in absent_words(calibrated_one.metric, ARI, calibrated_one.numbers)
    assert "does not vary" in absent_words(calibrated_one.metric, Z, calibrated_one.numbers)
    assert absent_words(not_yet.metric, ARI, not_yet.numbers) == "not calibrated yet"
    on_request = calibrated_one.metric.model_copy(update={"on_request": True})
    assert "on request" in absent_words(on_request, Z, None)
    assert absent_words(on_request, VALUE, None) == "not computed"


def test_directions_of_layers_of_a_distance() -> None:
    directions = {layer: shown("procrustes.angular", layer=layer).direction for layer in (VALUE, CALIBRATED, Z, ARI)}
    assert directions == {VALUE: "distance", CALIBRATED: "similarity", Z: "distance", ARI: "similarity"}


def test_the_legend_of_the_marks_has_numbers() -> None:
    legend = str(cell_legend(1.0, {"low": 0.01, "median": 0.05, "high": 0.4}, 12, 351, "CKA"))
    for words in ("0.01 to 0.4", "median 0.05", "12 of 351 pairs", "q > 0.05"):
        assert words in legend
    assert "What a cell says" in str(pieces_of_cells(shown()))


def test_a_dot_has_the_area_of_its_share() -> None:
    dots = cell_legend(2.0, {"low": 0.1, "median": 0.2, "high": 0.3}, 0, 3, "CKA").children[0].children
    for item in dots:
        dot, words = item.children[0].children, item.children[1].children
        assert float(dot.style["width"].rstrip("%")) == pytest.approx(60 * (float(words) / 2.0) ** 0.5, abs=0.06)


def test_the_recipe_names_route_seed_and_the_least_p() -> None:
    cyclic = Recipe(route="cyclic", seed=4, alpha=0.05, ci_method="jackknife over 20 blocks")
    words = dict(chance_entries(cyclic, 400))
    assert "400 cyclic shifts" in words["Chance"] and "seed 4" in words["Chance"] and words["Least p"] == "0.0025"
    assert words["Interval"] == "95 %, jackknife over 20 blocks"
    permuted = Recipe(route="block-permutation", seed=0, alpha=0.05, permutations=200)
    assert "whole groups" in dict(chance_entries(permuted, 400))["Chance"]
    assert floor_of_p(permuted.model_copy(update={"ways": 6}), 400) == 1 / 6, "three groups of one size"
    assert floor_of_p(permuted, 400) == 1 / 201 and floor_of_p(Recipe(), 400) is None
    assert dict(chance_entries(Recipe(), 400)) == {"Chance": "not computed"}
