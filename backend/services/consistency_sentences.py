"""Sentences about consistency, made from the numbers of an answer and from nothing else.

A claim is made where an interval allows it; where two numbers cannot be told apart the sentence says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.contracts.consistency import Anchor, Difference, GroupOfPairs, LeftOut, MetricAgreement, SetPair
from backend.services.consistency_intervals import Intervals
from backend.services.consistency_scope import Study, listed

ATTRIBUTE_WORDS = {
    "objective": "training objective", "architecture": "architecture", "training_data": "training data", "size": "size",
}
TOO_FEW_DATASETS = "Consistency needs two datasets or more"


def shown(value: float) -> str:
    """Two decimals and a true minus sign; never `-0.00`."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def interval(low: float | None, high: float | None) -> str:
    """` [0.61, 0.83]` with its leading blank; nothing where there is none."""
    return "" if low is None or high is None else f" [{shown(low)}, {shown(high)}]"


def counted(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def table(pair: SetPair, study: Study) -> str:
    """How far r goes over the dataset pairs of one set pair."""
    whom = "All models" if pair.title == "All models" else f"Pairs of {pair.title}"
    if pair.median is None:
        return f"{whom}: r is not defined. {_why(pair, study)}"
    n_all = len(study.datasets) * (len(study.datasets) - 1) // 2
    some = "" if pair.n_dataset_pairs == n_all else f"{pair.n_dataset_pairs} of "
    return (
        f"{whom}: the median r over {some}{counted(n_all, 'pair')} of {len(study.datasets)} datasets is "
        f"{shown(pair.median)}{interval(pair.ci_low, pair.ci_high)} ({counted(pair.n_pairs, 'model pair')})"
        f"{_flagged(pair)}."
    )


def set_pairs(
    pairs: Sequence[SetPair], ranked: Sequence[int], drawn: Intervals | None, by: str, study: Study
) -> str:
    """The steadiest and the least steady set pair, whether they differ, and the baseline (the first pair).

    Pairs of small sets are not ranked as long as there are two others. That two are apart is said at the level of all
    that are ranked together, since the highest and the lowest are chosen after looking.
    """
    baseline, defined = pairs[0], [k for k in ranked if pairs[k].median is not None]
    if baseline.median is None and not defined:
        return f"r is not defined for any set of models. {_why(baseline, study)}"
    every = f"Over all models the median is {_median(baseline)}."
    among = f"by {ATTRIBUTE_WORDS[by]}" if by in ATTRIBUTE_WORDS else "of the chosen sets"
    if not defined:
        return f"No set pair {among} has the three model pairs that r needs. {every}"
    large = [k for k in defined if not pairs[k].small]
    if len(large) > 1 and len(large) < len(defined):
        every += f" Not ranked, with too few models: {listed([pairs[k].title for k in defined if pairs[k].small])}."
        defined = large
    elif not large:
        every += " All of these sets have too few models to rely on."
    first, last = defined[0], defined[-1]
    highest = f"{pairs[first].title} ({_median(pairs[first])})"
    if first == last:
        return f"The only set pair {among} with an r is {highest}. {every}"
    lowest = f"{pairs[last].title} ({_median(pairs[last])})"
    opening = f"Over {counted(pairs[first].n_dataset_pairs, 'pair')} of datasets the median r {among} is highest for"
    if drawn is None:
        return f"{opening} {highest} and lowest for {lowest}; without intervals neither is claimed to differ. {every}"
    if not drawn.apart(first, last, len(defined)):
        return f"{opening} {highest} and lowest for {lowest}, but the two cannot be told apart: they tie. {every}"
    ties = [pairs[k].title for k in defined[1:-1] if not drawn.apart(first, k, len(defined))]
    said = f"; the highest cannot be told apart from {listed(ties)}" if ties else ""
    return f"{opening} {highest} and lowest for {lowest}{said}. {every}"


def difference(answer: Difference, title_a: str, title_b: str) -> str:
    """Whether one set is steadier than the other, with both medians, the difference and its interval."""
    a, b = answer.a, answer.b
    opening, sizes = "", (a.n_models_a, b.n_models_a)
    if answer.matched_by:
        words = listed([ATTRIBUTE_WORDS[name] for name in answer.matched_by])
        opening = f"Matched by {words}: "
        if not any(stratum.used for stratum in answer.strata):
            return f"{opening}no model of {title_a} has a match in {title_b}, so nothing can be said."
    if a.median is None or b.median is None or answer.difference is None:
        lacking = title_a if a.median is None else title_b
        return f"{opening or 'As they are: '}nothing can be said, r is not defined for the pairs within {lacking}."
    numbers = (
        f"median r {_median(a)} ({counted(sizes[0], 'model')}) against {_median(b)} ({counted(sizes[1], 'model')}), "
        f"difference {shown(answer.difference)}{interval(answer.ci_low, answer.ci_high)}"
    )
    if answer.verdict in ("a", "b"):
        steadier, other = (title_a, title_b) if answer.verdict == "a" else (title_b, title_a)
        claim = f"{steadier} models are steadier across datasets than {other} models"
    elif answer.verdict == "tie":
        claim = f"{title_a} and {title_b} models tie, they cannot be told apart in how steady they are across datasets"
    else:
        claim = f"{title_a} beside {title_b}, without an interval"
    flagged = "; with so few models the interval is not to be relied on" if a.small or b.small else ""
    return f"{opening}{claim}: {numbers}{flagged}."


def dataset_pair(whole: GroupOfPairs, a: str, b: str, without: Sequence[LeftOut], study: Study) -> str:
    """r of two datasets and the model that it hangs on most."""
    if whole.r is None:
        return (
            f"Between {a} and {b} r is not defined: {counted(whole.n_pairs, 'model pair')} "
            f"{'has' if whole.n_pairs == 1 else 'have'} values on both, or the values do not vary."
        )
    changed = [one for one in without if one.change is not None and shown(one.change) != "0.00"]
    most = ""
    if changed and changed[0].change is not None:
        verb = "rises" if changed[0].change > 0 else "falls"
        most = f"; without {changed[0].name} it {verb} by {shown(abs(changed[0].change))}"
    flagged = "; with so few models an interval is not to be relied on" if whole.small else ""
    return (
        f"Between {a} and {b} the similarities of {counted(whole.n_models, 'model')} "
        f"({counted(whole.n_pairs, 'pair')}) correlate with r = {shown(whole.r)}"
        f"{interval(whole.ci_low, whole.ci_high)}{most}{flagged}."
    )


def influence(median: float | None, without: Sequence[LeftOut], study: Study, ends: str = "") -> str:
    """The dataset that the median hangs on most."""
    if median is None:
        return f"The median r is not defined. {TOO_FEW_DATASETS} with three model pairs in common."
    opening = f"The median r over {len(study.datasets)} datasets is {shown(median)}{ends}"
    changed = [one for one in without if one.change is not None]
    if not changed or changed[0].change is None or changed[0].r is None:
        return f"{opening}; without any one of them it is not defined."
    if shown(changed[0].change) == "0.00":
        return f"{opening}; leaving out any one dataset changes it by less than 0.01."
    verb = "raises" if changed[0].change > 0 else "lowers"
    return f"{opening}; leaving out {changed[0].name} {verb} it most, to {shown(changed[0].r)}."


def anchors(found: Sequence[Anchor], drawn: Intervals | None) -> str:
    """The anchors whose ranking of all other models survives best and least."""
    whole = sorted(
        (k for k, one in enumerate(found) if one.others == "all" and one.median is not None),
        key=lambda k: -(found[k].median or 0.0),
    )
    if not whole:
        return f"r is not defined for any anchor. {TOO_FEW_DATASETS}, with three other models on both."
    first, last = (f"{one.model} ({_median(one)})" for one in (found[whole[0]], found[whole[-1]]))
    if len(whole) == 1:
        return f"How alike {found[whole[0]].model} is to each other model has a median r of {_median(found[whole[0]])}."
    tied = drawn and not drawn.apart(whole[0], whole[-1], len(whole))
    tie = ", but the two cannot be told apart: they tie" if tied else ""
    return f"Against all other models the median r is highest for {first} and lowest for {last}{tie}."


def agreement(answer: MetricAgreement) -> str:
    """How far two metrics agree per dataset, where least, and about consistency itself."""
    columns = zip(answer.r, answer.datasets, answer.ci_low, answer.ci_high, strict=True)
    defined = [
        (r, name, interval(low, high) if low == low else "")
        for r, name, low, high in columns if r is not None and r == r
    ]
    metrics = f"{answer.scope.metric} and {answer.other}"
    if not defined:
        return f"{metrics} share no dataset with three model pairs."
    least, name, ends = min(defined)
    middle = float(np.median([r for r, _, _ in defined]))
    across = (
        "" if answer.consistency_r is None
        else f"; their consistencies correlate with r = {shown(answer.consistency_r)} over dataset pairs"
    )
    return (
        f"Over model pairs {metrics} correlate with a median r of {shown(middle)} on "
        f"{counted(len(defined), 'dataset')}, least on {name} ({shown(least)}{ends}){across}."
    )


def spread(mean: NDArray[np.float64], sd: NDArray[np.float64], study: Study) -> str:
    """How much pairs vary over datasets, and the pair that varies most."""
    rows, columns = np.triu_indices(len(study.names), 1)
    values = sd[rows, columns]
    if not np.isfinite(values).any():
        return "No pair of models has values on two datasets."
    most = int(np.nanargmax(values))
    pair = f"{study.names[rows[most]]} and {study.names[columns[most]]}"
    return (
        f"Over {len(study.datasets)} datasets the similarity of a pair of models has a median standard deviation of "
        f"{shown(float(np.nanmedian(values)))}; {pair} vary most ({shown(float(values[most]))} around "
        f"{shown(float(mean[rows[most], columns[most]]))})."
    )


def _median(pair: SetPair | Anchor) -> str:
    if pair.median is None:
        return "not defined"
    return f"{shown(pair.median)}{interval(pair.ci_low, pair.ci_high)}"


def _flagged(pair: SetPair) -> str:
    return "; with so few models an interval is not to be relied on" if pair.small else ""


def _why(pair: SetPair, study: Study) -> str:
    if len(study.datasets) < 2:
        return f"{TOO_FEW_DATASETS}, and {'there is one' if study.datasets else 'there is none'}."
    return pair.note or f"{counted(pair.n_pairs, 'model pair')} are at hand."


