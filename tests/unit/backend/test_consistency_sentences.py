"""Sentences about consistency say what the numbers say: ties, small sets and what is not defined."""

from __future__ import annotations

import numpy as np
import pytest

from backend.contracts.consistency import Anchor, Difference, LeftOut, MetricAgreement, Scope, SetPair, Stratum
from backend.contracts.probes import GapLink
from backend.services import behaviour_sentences
from backend.services import consistency_sentences as sentences
from backend.services.consistency_scope import Study, listed


class Apart:
    """Intervals by which some pairs of numbers differ and no others do."""

    def __init__(self, *pairs: tuple[int, int]) -> None:
        self.pairs = pairs

    def apart(self, k: int, other: int, among: int) -> bool:
        return (k, other) in self.pairs


def pair(title: str, median: float | None, n: int = 20, small: bool = False) -> SetPair:
    return SetPair(
        set_a=title, set_b=title, title=title, n_models_a=n, n_models_b=n, n_pairs=n * (n - 1) // 2, small=small,
        r=[], median=median, q1=None, q3=None, ci_low=None if median is None else median - 0.1,
        ci_high=None if median is None else median + 0.1, n_dataset_pairs=3,
    )  # fmt: skip


def study(n: int = 3) -> Study:
    scope = Scope(metric="m", preprocess="l2")
    return Study(["a", "b"], [f"d{k}" for k in range(n)], np.full((n, 2, 2), np.nan), [], scope)


def ranked(*pairs: SetPair, drawn: Apart | None) -> str:
    """The sentence for a baseline and set pairs by median."""
    return sentences.set_pairs(pairs, range(1, len(pairs)), drawn, "objective", study())  # type: ignore[arg-type]


EVERY = pair("All models", 0.6)


def test_the_highest_and_the_lowest_are_named_with_their_intervals() -> None:
    said = ranked(EVERY, pair("SSL", 0.9), pair("Sup", -0.2), drawn=Apart((1, 2)))
    assert "highest for SSL (0.90 [0.80, 1.00]) and lowest for Sup (−0.20 [−0.30, −0.10])." in said
    assert "tie" not in said and said.endswith("Over all models the median is 0.60 [0.50, 0.70].")


def test_what_an_interval_does_not_separate_ties() -> None:
    pairs = pair("SSL", 0.9), pair("Text", 0.8), pair("Sup", 0.7)
    assert "the two cannot be told apart: they tie" in ranked(EVERY, *pairs, drawn=Apart())
    said = ranked(EVERY, *pairs, drawn=Apart((1, 3)))
    assert "the highest cannot be told apart from Text." in said and "they tie" not in said
    said = ranked(EVERY, *pairs, drawn=None)
    assert "told apart" not in said and "without intervals neither is claimed to differ" in said


def test_small_sets_are_not_ranked_beside_large_ones() -> None:
    said = ranked(EVERY, pair("Untrained", 1.0, 4, small=True), pair("SSL", 0.9), pair("Sup", 0.5), drawn=Apart((2, 3)))
    assert "highest for SSL" in said and "Not ranked, with too few models: Untrained." in said
    said = ranked(EVERY, pair("A", 1.0, 4, small=True), pair("B", 0.9, 4, small=True), drawn=Apart())
    assert "too few models to rely on" in said


def test_what_is_not_defined_is_said_and_never_a_number() -> None:
    nothing = pair("All models", None)
    assert ranked(nothing, drawn=None).startswith("r is not defined for any set of models")
    assert "No set pair" in ranked(EVERY, pair("SSL", None), drawn=Apart())
    assert "The only set pair" in ranked(EVERY, pair("SSL", 0.5), pair("Sup", None), drawn=Apart())
    one = sentences.table(nothing, study(1))
    assert "two datasets or more, and there is one" in one and "0.00" not in one


def compared(verdict: str, a: SetPair, b: SetPair, **changes: object) -> Difference:
    difference = None if a.median is None or b.median is None else a.median - b.median
    return Difference(
        scope=Scope(metric="m", preprocess="l2"), a=a, b=b, difference=difference, ci_low=-0.5, ci_high=0.5,
        verdict=verdict, sentence="", **changes,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(("verdict", "words"), [
    ("a", "SSL models are steadier across datasets than Sup models"),
    ("b", "Sup models are steadier across datasets than SSL models"),
    ("tie", "SSL and Sup models tie"),
    ("undefined", "without an interval"),
])  # fmt: skip
def test_a_difference_is_claimed_as_far_as_the_verdict_goes(verdict: str, words: str) -> None:
    said = sentences.difference(compared(verdict, pair("SSL", 0.9), pair("Sup", 0.7)), "SSL", "Sup")
    assert words in said and "0.90" in said and "difference 0.20 [−0.50, 0.50]" in said
    small = pair("SSL", 0.9, 5, small=True)
    assert "not to be relied on" in sentences.difference(compared(verdict, small, pair("Sup", 0.7)), "SSL", "Sup")


def test_sets_that_cannot_be_compared_say_why() -> None:
    said = sentences.difference(compared("undefined", pair("SSL", None), pair("Sup", 0.7)), "SSL", "Sup")
    assert "nothing can be said" in said and "within SSL" in said
    apart = [Stratum(values={"size": "small"}, n_a=3, n_b=0, used=False)]
    unmatched = compared("undefined", pair("SSL", None), pair("Sup", None), matched_by=["size"], strata=apart)
    assert sentences.difference(unmatched, "SSL", "Sup") == (
        "Matched by size: no model of SSL has a match in Sup, so nothing can be said."
    )


def test_influence_names_the_dataset_that_matters_most() -> None:
    without = [LeftOut(name="digits", r=0.4, change=-0.2), LeftOut(name="photos", r=0.6, change=0.001)]
    assert "leaving out digits lowers it most, to 0.40" in sentences.influence(0.6, without, study())
    assert "by less than 0.01" in sentences.influence(0.6, without[1:], study())
    assert "is 0.60 [0.51, 0.70]; leaving" in sentences.influence(0.6, without, study(), " [0.51, 0.70]")
    assert "not defined" in sentences.influence(None, [], study())


def test_anchors_tie_or_not() -> None:
    def anchor(name: str, median: float | None) -> Anchor:
        return Anchor(model=name, others="all", n_models=9, r=[], median=median, q1=None, q3=None, ci_low=None,
                      ci_high=None, small=False)  # fmt: skip

    found = [anchor("low", 0.1), anchor("high", 0.8), anchor("none", None)]
    said = sentences.anchors(found, Apart((1, 0)))  # type: ignore[arg-type]
    assert said.endswith("highest for high (0.80) and lowest for low (0.10).")
    assert "they tie" in sentences.anchors(found, Apart())  # type: ignore[arg-type]
    assert "not defined" in sentences.anchors(found[2:], None)


def test_agreement_is_told_with_the_interval_of_the_least() -> None:
    nan = float("nan")
    answer = MetricAgreement(
        scope=Scope(metric="m", preprocess="l2"), other="o", datasets=["d0", "d1", "d2"], r=[0.9, 0.5, nan],
        ci_low=[0.8, 0.2, nan], ci_high=[0.95, 0.7, nan], n_pairs=[10, 10, 0], dataset_pairs=[], consistency=[],
        consistency_other=[], consistency_r=None, sentence="",
    )  # fmt: skip
    said = sentences.agreement(answer)
    assert "median r of 0.70 on 2 datasets, least on d1 (0.50 [0.20, 0.70])." in said
    unknown = answer.model_copy(update={"ci_low": [nan] * 3, "ci_high": [nan] * 3})
    assert "least on d1 (0.50)." in sentences.agreement(unknown)


def gap_link(r: float, width: float, n_models: int = 20) -> GapLink:
    return GapLink(
        dataset="d", title="D", domain="specialized", r=r, ci_low=r - width, ci_high=r + width, n_pairs=100,
        n_models=n_models, small=n_models < 8, best=0.9, worst=0.1, chance=0.1,
    )  # fmt: skip


def test_gaps_are_claimed_where_an_interval_of_enough_models_allows_it() -> None:
    links = [gap_link(-0.6, 0.2), gap_link(-0.1, 0.2), gap_link(0.5, 0.1), gap_link(-0.9, 0.05, n_models=5)]
    said = behaviour_sentences.performance(links, "similarity")
    assert "on 1 of the 3 datasets, models that are more alike clearly differ less" in said
    assert "on 1 they clearly differ more" in said and "on 1 more there are too few models to tell" in said
    assert "on 1 of the 3 datasets" in behaviour_sentences.performance(links, "distance")
    assert behaviour_sentences.performance(links[3:], "similarity").endswith("too few models to tell more.")


def test_numbers_and_lists_are_written_as_people_read_them() -> None:
    assert [sentences.shown(value) for value in (-0.004, -0.25, 1.0)] == ["0.00", "−0.25", "1.00"]
    assert [listed(list("abcdefgh"[:n])) for n in (0, 1, 2, 3, 7)] == [
        "", "a", "a and b", "a, b and c", "a, b, c, d, e and 2 more",
    ]  # fmt: skip
