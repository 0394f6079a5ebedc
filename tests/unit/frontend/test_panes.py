"""The matrices of a view: which they are, what they say, and what goes to the browser, against numpy."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from frontend.pages.chosen import choose
from frontend.pages.layers import MOST_DETAILED, bytes_of
from frontend.pages.panes import OverDatasets, Panes, datasets_of, panes
from frontend.pages.picture import picture
from frontend.pages.similarity import similarity_payload
from frontend.pages.study import read_study
from frontend.urls import SimilarityView
from tests.unit.frontend.many_models import ManyModels
from tests.unit.frontend.stub_api import ABSENT, MODELS, StubApi, similarities

METRIC, OTHER, DISTANCE = "cka.linear.unbiased", "rsa.correlation.spearman", "procrustes.angular"


def found(api: StubApi | None = None, **fields: str) -> Panes:
    client = (api or StubApi()).client()
    study = read_study(client)
    view = SimilarityView(**fields)
    chosen = choose(study, view)
    assert chosen is not None
    made = panes(client, study, chosen, view)
    assert made is not None
    return made


def payload_of(api: StubApi, **fields: str) -> dict[str, Any]:
    client = api.client()
    study = read_study(client)
    view = SimilarityView(**fields)
    chosen = choose(study, view)
    assert chosen is not None
    return similarity_payload(study, chosen, view, panes(client, study, chosen, view))


def in_order(models: list[str], dataset: str, metric: str = METRIC) -> np.ndarray:
    place = [list(MODELS).index(name) for name in models]
    return similarities(dataset, metric)[np.ix_(place, place)]


def unpacked(pane: dict[str, Any], name: str) -> np.ndarray:
    """(M, M) from the packed numbers, as the browser reads them; NaN on the diagonal of a symmetric one."""
    array, size = pane["layers"][name], pane["size"]
    flat = np.frombuffer(base64.b64decode(array["bdata"]), f"<{array['dtype'][0]}{array['dtype'][1]}")
    if array["dtype"] == "u2":
        step = (array["high"] - array["low"]) / 65534
        flat = np.where(flat == 65535, np.nan, array["low"] + flat * step)
    if pane["directed"]:
        return flat.reshape(size, size)
    full = np.full((size, size), np.nan)
    rows, columns = np.tril_indices(size, -1)
    full[rows, columns] = full[columns, rows] = flat
    return full


def test_side_by_side_all_datasets_share_order_and_range() -> None:
    made = found(view="multiples", metric=METRIC)
    shown = [made.first, *made.others]
    assert [one.dataset for one in shown] == ["digits", "sky", "photos"], "by title"
    assert len({tuple(one.models) for one in shown}) == len({str(one.ranges) for one in shown}) == 1
    for one in shown:
        expected = in_order(one.models, one.dataset)
        np.fill_diagonal(expected, np.nan)
        np.testing.assert_allclose(unpacked(one.pane(), "value"), expected, rtol=1e-6)
    medians = {one.title: np.nanmedian(in_order(one.models, one.dataset)[np.triu_indices(9, 1)]) for one in shown}
    highest = max(medians, key=lambda title: medians[title])
    assert f"({highest})" in made.sentence() and "3 datasets in one order" in made.sentence()


def test_datasets_can_be_chosen_and_those_without_the_metric_are_named() -> None:
    made = found(view="multiples", metric=METRIC, datasets="photos,digits")
    assert [one.dataset for one in (made.first, *made.others)] == ["digits", "photos"]
    study = read_study(StubApi().client())
    names, words = datasets_of(study, study.known_metric(DISTANCE), "sky,digits")
    assert names == ["digits"] and "Night sky" in words


@pytest.mark.parametrize("layer", ["value", "calibrated"])
def test_mean_and_spread_over_datasets_are_numpys(layer: str) -> None:
    mean, spread = (found(view=view, metric=METRIC, layer=layer) for view in ("mean", "spread"))
    models = mean.first.models
    client = StubApi().client()
    place = [list(MODELS).index(name) for name in models]
    stack = np.stack([client.matrix(d, METRIC, layer=layer).values for d in ("digits", "photos", "sky")])  # type: ignore[arg-type]
    stack = stack[:, place][:, :, place].astype(np.float64)
    off = ~np.eye(9, dtype=bool)
    stack[:, ~off] = 1.0  # a model with itself has no calibrated value, and is not compared here
    np.testing.assert_allclose(mean.first.values[off], np.nanmean(stack, axis=0)[off], rtol=1e-5)
    np.testing.assert_allclose(spread.first.values[off], np.nanstd(stack, axis=0, ddof=1)[off], rtol=1e-4, atol=1e-7)
    pane = spread.first.pane()
    assert pane["layer"] == "sd" and set(pane["layers"]) == {layer, "sd", "n_datasets"}
    gone = models.index(ABSENT[1])
    counts = unpacked(pane, "n_datasets")
    assert (counts[gone][np.arange(9) != gone] == 2).all() and counts[off].max() == 3
    assert isinstance(spread.first, OverDatasets) and np.isnan(np.diag(spread.first.values)).all()


def test_the_spread_names_the_steadiest_and_the_least_steady_pair() -> None:
    made = found(view="spread", metric=METRIC)
    values = made.first.values.astype(float)
    for find, words in ((np.nanargmin, "steadiest pair is"), (np.nanargmax, "least steady")):
        i, j = sorted(np.unravel_index(find(values), values.shape))
        assert f"{words} {made.first.models[i]} and {made.first.models[j]}" in made.sentence()
    assert made.first.pane()["ranges"]["full"][0] == 0


def test_a_second_dataset_is_the_next_one_unless_the_link_names_it() -> None:
    assert found(view="split", metric=METRIC, dataset="digits").others[0].dataset == "sky"
    named = found(view="split", metric=METRIC, dataset="digits", with_dataset="photos")
    assert named.names == ("Handwritten digits", "Photographs")
    metrics = found(view="split", metric=METRIC, dataset="digits", with_metric=OTHER)
    assert metrics.others[0].dataset == "digits" and "RSA" in metrics.names[1]


def test_a_difference_says_its_extremes() -> None:
    made = found(view="difference", metric=METRIC, dataset="digits", with_dataset="photos")
    expected = in_order(made.first.models, "digits") - in_order(made.first.models, "photos")
    rows, columns = np.triu_indices(9, 1)
    values = expected[rows, columns]
    for k in (int(values.argmin()), int(values.argmax())):
        assert f"{made.first.models[rows[k]]} and {made.first.models[columns[k]]} " in made.sentence()
    assert f"{values.mean():.2f}".replace("-", "−") in made.sentence()
    assert made.payload()["difference"]["words"] == "Handwritten digits minus Photographs"


def test_metrics_that_run_in_opposite_directions_have_no_difference() -> None:
    made = found(view="difference", metric=METRIC, dataset="digits", with_metric=DISTANCE, with_dataset="digits")
    assert "opposite directions" in made.payload()["difference"]["refused"]
    same_way = found(
        view="difference", metric=METRIC, dataset="digits", with_metric=DISTANCE, with_dataset="digits",
        layer="calibrated",
    )
    assert same_way.refused() == ""


def test_a_second_matrix_that_nobody_computed_can_be_asked_for() -> None:
    made = found(view="split", metric=METRIC, dataset="digits", with_metric=DISTANCE, with_dataset="photos")
    assert made.missing is not None
    assert made.missing.want == {"dataset": "photos", "metric": DISTANCE, "choose": False}
    payload = payload_of(
        StubApi(), view="split", metric=METRIC, dataset="digits", with_metric=DISTANCE, with_dataset="photos"
    )
    assert "panes" not in payload and payload["resolved"]["with_dataset"] == "photos"


def test_what_all_models_share_is_a_facet_and_no_bar() -> None:
    payload = payload_of(StubApi(), metric=METRIC)
    bars = {trace["meta"]["attribute"] for trace in payload["figure"]["data"] if trace["meta"]["permute"] == "rows"}
    assert bars == {"objective", "architecture"}
    assert {facet["attribute"] for facet in payload["facets"]} == {"objective", "architecture", "training_data", "size"}
    for facet in payload["facets"]:
        slugs = [facet["values"][code]["slug"] for code in facet["codes"]]
        assert slugs == [item["attributes"][facet["attribute"]] for item in payload["filter"]["items"]]
    assert [item["name"] for item in payload["filter"]["items"]] == payload["models"]


def test_sixteen_bits_keep_three_decimals_and_what_is_missing() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(MOST_DETAILED + 1, MOST_DETAILED + 1)).astype(np.float32)
    values[3, 5] = np.nan
    sent = bytes_of(values)
    assert sent["dtype"] == "u2"
    pane = {"layers": {"value": sent}, "size": len(values), "directed": True}
    read = unpacked(pane, "value")
    assert np.isnan(read[3, 5]) and np.isfinite(read).sum() == values.size - 1
    assert np.nanmax(np.abs(read - values)) <= (sent["high"] - sent["low"]) / 131068 + 1e-6
    assert bytes_of(np.full((600, 600), np.nan, np.float32))["low"] == 0.0


def test_a_thousand_models_take_less_than_two_megabytes_a_layer() -> None:
    api = ManyModels(1000)
    payload = payload_of(api, metric=METRIC, layer="calibrated")
    pane = payload["panes"][0]
    assert set(pane["layers"]) == {"value", "calibrated"}
    assert all(len(json.dumps(layer)) < 2_000_000 for layer in pane["layers"].values())
    rest = len(json.dumps(payload)) - sum(len(json.dumps(layer)) for layer in pane["layers"].values())
    assert rest < 1_000_000, "names, attributes, orders"
    rows, columns = np.triu_indices(1000, 1)
    expected = api.layer("calibrated")[rows, columns]
    np.testing.assert_allclose(unpacked(pane, "calibrated")[rows, columns], expected, atol=2e-5)


def test_the_overview_gets_the_same_picture_without_controls() -> None:
    client = StubApi().client()
    study = read_study(client)
    metric = study.metric("")
    assert metric is not None
    payload = picture(client, study, metric, "").payload("/", {})
    assert payload["fixed"] and len(payload["panes"]) == 1 and "z" not in payload["figure"]["data"][0]
