"""The page of one pair over invented results: what it draws, what it says, and what it does with half a link."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.contracts.pairs import MovingPairs, Pair
from frontend.components.seen import seen_list, shared_bars
from frontend.figures.pair_rows import BEYOND, UNKNOWN, WITHIN, PairRow, pair_rows
from frontend.pages.pair import choose, default_dataset
from frontend.pages.pair_facts import about_models, moving_list, origins_table, recipe_of_stimuli, row_legend, rows_of
from frontend.pages.study import read_study
from frontend.urls import PairView
from tests.unit.frontend.stub_api import ABSENT, METRICS, StubApi, similarities

CLIENT = StubApi().client()
STUDY = read_study(CLIENT)
A, B = "convolutional-supervised", "other-untrained"


@pytest.fixture
def pair() -> Pair:
    return CLIENT.pair(A, B, METRICS[0])


def walk(shown: Any) -> list[Any]:
    """Every element of a piece of layout."""
    if isinstance(shown, (list, tuple)):
        return [one for part in shown for one in walk(part)]
    children = getattr(shown, "children", None)
    return [shown, *(walk(children) if children is not None else [])]


def words(shown: Any) -> str:
    return " ".join(one for one in walk(shown) if isinstance(one, str))


def named(shown: Any, class_name: str) -> list[Any]:
    return [one for one in walk(shown) if class_name in (getattr(one, "className", "") or "").split()]


def test_rows_hold_the_values_and_missing_is_no_number(pair: Pair) -> None:
    rows = rows_of(pair)
    figure = pair_rows(rows, "CKA")
    values = [trace for trace in figure.data if trace.meta["part"] == "value"]
    drawn = {int(y): x for trace in values for x, y in zip(trace.x, trace.y, strict=True)}
    missing = [i for i, row in enumerate(rows) if row.dataset == ABSENT[0]]
    assert len(missing) == 1 and sorted(drawn) == [i for i in range(len(rows)) if i not in missing]
    for i, row in enumerate(rows):
        if i not in missing:
            expected = similarities(row.dataset, METRICS[0])[0, -1]
            assert drawn[i] == pytest.approx(expected, abs=1e-6)
    meta = figure.layout.meta
    assert meta["missing"] == [i in missing for i in range(len(rows))] and meta["beside"][missing[0]] == ""
    assert rows[missing[0]].note == "not computed"
    low, high = figure.layout.xaxis.range
    for trace in figure.data:
        x = np.asarray(trace.x, dtype=float)
        assert np.nanmin(x) >= low and np.nanmax(x) <= high


def test_dots_say_whether_they_are_told_from_chance() -> None:
    rows = [
        PairRow("a", "A", value=0.5, q=0.05, tau=0.4, null_mean=0.1, null_sd=0.1),
        PairRow("b", "B", value=0.5, q=0.06, tau=0.4, null_mean=0.1, null_sd=0.1), PairRow("c", "C", value=0.5),
    ]
    assert [row.standing for row in rows] == [BEYOND, WITHIN, UNKNOWN]
    figure = pair_rows(rows, "CKA")
    symbols = {trace.name: trace.marker.symbol for trace in figure.data if trace.meta["part"] == "value"}
    assert len(set(symbols.values())) == 3, "told apart by shape, not by colour alone"
    legend = words(row_legend(rows))
    assert BEYOND in legend and WITHIN in legend and UNKNOWN in legend and "interval" not in legend


def test_names_are_shown_letter_by_letter() -> None:
    figure = pair_rows([PairRow("a", "<b>A</b> %{x}", value=0.5)], "C<KA")
    assert "&lt;b&gt;" in figure.layout.yaxis.ticktext[0] and "%{" not in figure.layout.yaxis.ticktext[0]
    (value,) = [trace for trace in figure.data if trace.meta["part"] == "value"]
    assert "<b>A</b>" not in value.text[0]


def test_no_row_at_all_still_is_a_figure() -> None:
    figure = pair_rows([], "CKA")
    assert list(figure.layout.xaxis.range) == [-0.05, 1.05] or figure.layout.xaxis.range[0] < 1


@pytest.mark.parametrize(("a", "b"), [(A, B), (A, ""), ("", B), ("", ""), (A, A), ("gone", B), ("gone", "also gone")])
def test_half_a_link_still_opens_a_pair(a: str, b: str) -> None:
    moving = CLIENT.moving_pairs(METRICS[0])
    found = choose(STUDY, moving, PairView(a=a, b=b))
    assert found is not None and found[0] != found[1] and set(found) <= set(STUDY.models)
    for given, chosen in zip((a, b), found, strict=True):
        assert chosen == given or given not in STUDY.models or a == b
    if not {a, b} & set(STUDY.models):
        assert found == (moving.pairs[0].a, moving.pairs[0].b), "the pair that moves most"


def test_one_model_is_no_pair() -> None:
    nothing = MovingPairs(metric="m", preprocess="l2", n_pairs=0, n_datasets=0, median_moves=None, pairs=[])
    alone = type(STUDY)(models={A: STUDY.models[A]}, datasets={}, metrics={}, coverage=[])
    assert choose(alone, nothing, PairView(a=A)) is None


def test_the_stimuli_are_first_those_of_the_dataset_where_the_pair_stands_lowest(pair: Pair) -> None:
    placed = {one.dataset: one.percentile for one in pair.datasets if one.percentile is not None}
    assert default_dataset(pair) == min(placed, key=lambda name: placed[name])
    kept = max(placed, key=lambda name: placed[name])
    for one in pair.datasets:
        one.has_neighbours = one.dataset == kept
    assert default_dataset(pair) == kept, "where neighbours are stored"
    assert default_dataset(pair.model_copy(update={"datasets": []})) == ""


def test_every_number_has_its_recipe(pair: Pair) -> None:
    shown = words(origins_table(pair, STUDY.metrics[METRICS[0]]))
    for one in pair.datasets:
        assert f"{one.dataset}@1" in shown
        assert (f"{one.value:.3f}" in shown) if one.value is not None else (one.reason in shown)
    assert "nan" not in shown.lower() and "None" not in shown and METRICS[0] in shown


def test_models_and_next_pairs(pair: Pair) -> None:
    shown = about_models(STUDY, pair, STUDY.metrics[METRICS[0]])
    assert all(name in words(shown) for name in (A, B))
    links = [one.href for one in walk(shown) if getattr(one, "href", None)]
    assert f"/models/{A}" in links and any(f"pair={A},{B}" in href for href in links)
    moving = CLIENT.moving_pairs(METRICS[0])
    listed = moving_list(STUDY, moving, pair.model_copy(update={"a": moving.pairs[0].a, "b": moving.pairs[0].b}))
    hrefs = [one.href for one in walk(listed) if getattr(one, "href", None)]
    assert len(hrefs) == len(moving.pairs) - 1 and all(href.startswith("/pair?v=1&a=") for href in hrefs)


def test_neighbours_side_by_side_with_what_both_share() -> None:
    found = CLIENT.disagreement(A, B, "digits")
    items = named(seen_list(found), "seen-item")
    assert len(items) == 3
    for item, one in zip(items, found.items, strict=True):
        left, right = named(item, "seen-side")
        assert A in words(left) and B in words(right)
        assert len(named(left, "thumb-shared")) == len(named(right, "thumb-shared")) == one.shared
        sources = [thumb.src for thumb in named(left, "thumb")]
        assert sources == [f"/api/v1/datasets/digits@1/stimuli/{row}/image?size=128" for row in one.neighbours_a]
        assert all(thumb.alt for thumb in named(item, "thumb"))
    label = [int(thumb.children.alt.split("(")[1][0]) for thumb in named(items[0], "thumb-label")]
    assert label and set(label) == {0}, "framed are neighbours with the stimulus's own label"
    bars = shared_bars(found)
    assert len(named(bars, "share-bar")) == 11 and "0: 1, 1: 1" in named(bars, "share-bars")[0].to_plotly_json()[
        "props"]["aria-label"]  # fmt: skip
    assert "job 2" in words(recipe_of_stimuli(found))


def test_without_the_licence_names_stand_for_pictures() -> None:
    shown = seen_list(CLIENT.disagreement(A, B, "photos"))
    assert not [one for one in walk(shown) if getattr(one, "src", None)]
    assert "CC0" in words(shown) and "not shown" in words(shown)
    assert "s12" in words(shown)
