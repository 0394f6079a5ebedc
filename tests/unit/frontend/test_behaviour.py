"""Behaviour and stimuli on the page on consistency: what is drawn, said and asked for, and what of too little."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backend.contracts.consistency import Scope
from backend.contracts.probes import FewerStimuli, GapLink, GapPairs, Performance, Sensitivity
from frontend.figures.fewer_stimuli import Part, PartsData, fewer_stimuli
from frontend.figures.gap_scatter import GapData, gap_scatter
from frontend.pages.consistency import performance, sensitivity
from frontend.pages.consistency.asking import asked
from frontend.pages.consistency.part import NEEDS
from frontend.pages.consistency.scope import Scoped
from parallax.client import ApiError
from tests.unit.frontend.stub_api import METRICS, MODELS, StubApi
from tests.unit.frontend.test_consistency_page import scoped, words

SCOPE = Scope(
    metric=METRICS[0], preprocess="l2", n_models=9, n_models_of=9, datasets=["digits", "photos"],
    interval="models are resampled",
)


def link(dataset: str = "digits", r: float | None = -0.6, **changes: Any) -> GapLink:
    values: dict[str, Any] = {
        "dataset": dataset, "title": dataset.title(), "domain": "structured", "r": r, "ci_low": -0.9, "ci_high": -0.2,
        "n_pairs": 36, "n_models": 9, "small": False, "best": 0.9, "worst": 0.4, "chance": 0.1, "whole_groups": None,
    }
    return GapLink(**values | changes)


def part(divisor: int, seed: int, n: int, r: float | None = 0.9, n_models: int = 9) -> FewerStimuli:
    quantiles = [0.01, 0.02, 0.03, 0.05, 0.09]
    return FewerStimuli(
        divisor=divisor, seed=seed, n=n, r=r, quantiles=quantiles, n_pairs=36, n_models=n_models
    )


class Answers:
    """What the client would answer; `requested` lists what was asked for."""

    def __init__(self, **changes: Any) -> None:
        self.links = changes.get("links", [link(), link("photos", -0.3, ci_high=0.1, whole_groups=False)])
        self.parts = changes.get("parts", [part(10, s, 5) for s in range(3)] + [part(2, s, 25) for s in range(3)])
        self.possible = changes.get("possible", {10: 5, 2: 25})
        self.jobs = changes.get("jobs", [])
        self.asked_for: list[Any] = []

    def performance(self, metric: str, **query: Any) -> Performance:
        known = [one.r for one in self.links if one.r is not None]
        return Performance(
            scope=SCOPE, protocol=1, datasets=self.links, median=float(np.median(known)) if known else None,
            sentence="A sentence.",
        )

    def gap_pairs(self, metric: str, dataset: str, **query: Any) -> GapPairs:
        self.asked_for.append(dataset)
        i, j = np.triu_indices(9, 1)
        accuracy = np.linspace(0.4, 0.9, 9)
        gap = np.abs(accuracy[i] - accuracy[j])
        known = self.links[0].r is not None
        return GapPairs(
            scope=SCOPE, dataset=dataset, link=self.links[0], models=list(MODELS), accuracy=accuracy.tolist(),
            i=i.tolist() if known else [], j=j.tolist() if known else [],
            similarity=(1 - gap).tolist() if known else [], gap=gap.tolist() if known else [], sentence="Pairs.",
        )

    def sensitivity(self, metric: str, dataset: str, **query: Any) -> Sensitivity:
        return Sensitivity(
            scope=SCOPE, dataset=dataset, n=50, parts=self.parts, possible=self.possible, jobs=self.jobs,
            sentence="Fewer.",
        )


def ids(shown: Any) -> set[str]:
    """Every id in a piece of layout."""
    if isinstance(shown, (list, tuple)):
        return set().union(*(ids(one) for one in shown)) if shown else set()
    own = {shown.id} if isinstance(getattr(shown, "id", None), str) else set()
    return own | ids(getattr(shown, "children", None) or [])


def test_every_dataset_is_a_row_in_the_colour_of_its_domain_with_guides() -> None:
    drawn = performance.make_links(Answers(), scoped())  # type: ignore[arg-type]
    (values,) = [trace for trace in drawn.figure.data if trace.meta["part"] == "values"]
    assert list(values.x) == [-0.6, -0.3]
    intervals = [tuple(trace.x) for trace in drawn.figure.data if trace.meta["part"] == "interval"]
    assert intervals == [(-0.9, -0.2), (-0.9, 0.1)]
    lines = sorted(shape.x0 for shape in drawn.figure.layout.shapes)
    assert lines == [-0.7, -0.5, -0.3, 0.0]
    assert drawn.sentence == "A sentence." and "models are resampled" in words(drawn.recipe)
    assert any("each label" in note or "every label" in note for note in drawn.notes), "groups on both sides are said"
    assert ids(drawn.below) == set()


def test_guides_stand_on_the_other_side_for_a_distance() -> None:
    far: Scoped = scoped(metric="procrustes.angular")
    assert far.metric.direction == "distance"
    drawn = performance.make_links(Answers(), far)  # type: ignore[arg-type]
    assert sorted(shape.x0 for shape in drawn.figure.layout.shapes) == [0.0, 0.3, 0.5, 0.7]


def test_datasets_without_probes_have_a_button_and_no_number() -> None:
    empty = {"ci_low": None, "ci_high": None, "best": None, "worst": None, "chance": None, "note": "No probe."}
    nothing = Answers(links=[link(r=None, **empty)])
    drawn = performance.make_links(nothing, scoped())  # type: ignore[arg-type]
    assert drawn.figure is None and ids(drawn.below) == {"probes-ask"}
    some = Answers(links=[link(), link("photos", None, **empty)])
    drawn = performance.make_links(some, scoped())  # type: ignore[arg-type]
    (values,) = [trace for trace in drawn.figure.data if trace.meta["part"] == "values"]
    assert len(values.x) == 1, "not computed is never a zero"
    assert ["Photographs", "No probe."] in [list(label) for label in drawn.figure.layout.meta["labels"]]


def test_the_scatter_holds_every_pair_and_leaves_names_to_the_browser() -> None:
    answers = Answers()
    drawn = performance.make_gaps(answers, scoped(dataset="photos"))  # type: ignore[arg-type]
    assert answers.asked_for == ["photos"] and drawn.extra == {"metric": METRICS[0], "a": "photos"}
    (points,) = drawn.figure.data
    assert len(points.x) == 36 and points.text is None
    np.testing.assert_allclose(points.marker.color, np.linspace(0.4, 0.9, 9)[points.customdata.max(axis=1)], rtol=1e-6)
    assert drawn.figure.layout.meta["models"] == list(MODELS)
    nothing = performance.make_gaps(Answers(links=[link(r=None)]), scoped())  # type: ignore[arg-type]
    assert nothing.figure is None and nothing.sentence == "Pairs."


def test_a_thousand_models_stay_small() -> None:
    i, j = np.triu_indices(200, 1)
    figure = gap_scatter(GapData(
        [f"m{k}" for k in range(200)], i, j, np.zeros(len(i)), np.zeros(len(i)), np.zeros(200), "CKA",
    ))
    assert figure.data[0].type == "scattergl"
    assert len(figure.to_json()) < 40 * len(i)


def test_draws_of_a_size_stand_beside_each_other_and_the_line_goes_to_all() -> None:
    quantiles = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    parts = [Part(10, s, 5, r, quantiles) for s, r in enumerate((0.2, 0.4, 0.3))] + [Part(2, 0, 25, 0.8, quantiles)]
    figure = fewer_stimuli(PartsData(parts, 50, "Pearson r"))
    traces = {trace.meta["part"]: trace for trace in figure.data}
    assert list(traces["median"].y) == [0.3, 0.8, 1.0] and list(traces["r"].y) == [0.2, 0.4, 0.3, 0.8]
    assert len(set(traces["r"].x)) == 4 and max(abs(x) for x in traces["r"].x[:3]) < 0.5
    assert list(traces["difference"].median) == [0.2] * 4 and list(traces["difference"].upperfence) == [0.4] * 4
    assert list(figure.layout.xaxis.ticktext) == ["1/10<br>n = 5", "1/2<br>n = 25", "all<br>n = 50"]


def test_an_undefined_r_is_left_out_and_not_drawn_at_zero() -> None:
    parts = [Part(4, s, 12, r, np.full(5, np.nan)) for s, r in enumerate((float("nan"), 0.5))]
    figure = fewer_stimuli(PartsData(parts, 50, "Pearson r"))
    assert json.loads(figure.to_json())["data"][0]["y"] == [0.5, 1.0]


@pytest.mark.parametrize(("changes", "button", "said"), [
    ({"parts": []}, True, "Compute it on fewer stimuli"),
    ({}, False, ""),
    ({"parts": [part(2, 0, 25, n_models=7)]}, True, "that came since"),
    ({"parts": [], "jobs": [4]}, False, "job 4"),
    ({"parts": [], "possible": {}}, False, ""),
])  # fmt: skip
def test_fewer_stimuli_can_be_asked_for_exactly_when_something_is_missing(
    changes: dict[str, Any], button: bool, said: str
) -> None:
    drawn = sensitivity.make(Answers(**changes), scoped())  # type: ignore[arg-type]
    assert (ids(drawn.below) == {"subsamples-ask"}) == button
    assert said in words(drawn.below or "")
    assert (drawn.figure is None) == (not changes.get("parts", True))


def test_parts_that_cannot_be_drawn_and_models_that_are_missing_are_said() -> None:
    drawn = sensitivity.make(Answers(parts=[part(2, 0, 25, n_models=7)]), scoped())  # type: ignore[arg-type]
    assert any("1/4" in note for note in drawn.notes) and any("7 of 9 models" in note for note in drawn.notes)


def test_what_came_of_asking_is_said_with_the_jobs_to_follow() -> None:
    shown = words(asked(lambda: [3, 3, 5]))
    assert "job 3, job 5" in shown and shown.count("job 3") == 1
    assert words(asked(list)) == "Nothing is missing."
    api = StubApi(mode="down")

    def refuse() -> list[int]:
        return [api.client().request_probes("digits").id]

    with pytest.raises(ApiError):
        refuse()
    assert "httpx" not in words(asked(refuse)) and words(asked(refuse))


def test_sections_ask_for_what_their_parts_need() -> None:
    view = scoped().view
    panels = {f"{need}-panel" for need in (performance.LINKS, performance.GAPS)}
    assert panels <= ids(performance.layout(view)) and "sensitivity-panel" in ids(sensitivity.layout(view))
    assert {performance.LINKS, performance.GAPS, sensitivity.NEED} <= set(NEEDS)
    assert "dataset" in NEEDS[performance.GAPS] and "dataset" in NEEDS[sensitivity.NEED]
