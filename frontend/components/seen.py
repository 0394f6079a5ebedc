"""Stimuli that two models see differently: each with the neighbours both give it, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from backend.contracts.datasets import Stimulus
from backend.contracts.pairs import Disagreement, SeenByBoth
from frontend.figures.numbers import count, decimal

THUMB_PX = 128
BAR_PX = 56


def seen_list(found: Disagreement) -> html.Div:
    """All items of the answer, below what the marks mean."""
    stimuli = {one.ord: one for one in found.stimuli}
    words = [html.Span([html.Span(className="key key-shared"), "near to both models"])]
    if found.label_share_a is not None:
        words.append(html.Span([html.Span(className="key key-label"), "the same label as the stimulus itself"]))
    return html.Div(
        [
            html.P(words, className="seen-legend"),
            *([] if found.shows_stimuli else [_not_shown(found)]),
            html.Ol([html.Li(_item(found, stimuli, one)) for one in found.items], className="seen"),
        ]
    )


def shared_bars(found: Disagreement) -> html.Div:
    """How many stimuli share 0, 1, ... k neighbours, as small bars; in words for who does not see them."""
    most = max(*found.counts, 1)
    bars = [
        html.Div(
            [
                html.Span(f"{number:,}" if number else "", className="bar-number"),
                html.Div(className="share-bar", style={"height": f"{_bar_px(number, most):.1f}px"}),
                html.Span(str(shared), className="bar-label"),
            ],
            title=f"{count(number, 'stimulus', 'stimuli')} share {shared} of {found.k}",
        )
        for shared, number in enumerate(found.counts)
    ]
    each = ", ".join(f"{shared}: {number}" for shared, number in enumerate(found.counts))
    words = f"Stimuli by neighbours shared: {each}"
    return html.Div(
        [
            html.Div(bars, className="share-bars", role="img", **{"aria-label": words}),
            html.P(
                f"Stimuli by how many of {found.k} nearest neighbours both models share; by chance "
                f"{decimal(found.chance)} on average.",
                className="dim",
            ),
        ]
    )


def _bar_px(number: int, most: int) -> float:
    """Height of a bar; a bar that stands for something can be seen."""
    return max(BAR_PX * number / most, 1.0 if number else 0.0)


def _not_shown(found: Disagreement) -> html.P:
    return html.P(
        f"The pictures themselves are not shown: nothing says that the licence of {found.title} ({found.licence}) lets "
        "them be. Names and labels stand in their place.",
        className="warning-box",
    )


def _item(found: Disagreement, stimuli: Mapping[int, Stimulus], item: SeenByBoth) -> html.Article:
    one = stimuli[item.ord]
    both = set(item.neighbours_a) & set(item.neighbours_b)
    return html.Article(
        [
            html.Div(
                [
                    _thumb(one),
                    html.Div(
                        [html.Strong(one.stimulus_id), html.Span(one.label or "", className="dim"),
                         html.Span(f"{item.shared} of {found.k} shared", className="seen-count")],
                        className="seen-words",
                    ),
                ],
                className="seen-self",
            ),
            _neighbours(found.a, item.neighbours_a, item.same_label_a, one, stimuli, both),
            _neighbours(found.b, item.neighbours_b, item.same_label_b, one, stimuli, both),
        ],
        className="seen-item",
    )


def _neighbours(
    model: str, rows: list[int], same: int | None, one: Stimulus, stimuli: Mapping[int, Stimulus], both: set[int]
) -> html.Div:
    """One model's nearest neighbours of a stimulus, the nearest first."""
    thumbs: list[Any] = []
    for row in rows:
        other = stimuli[row]
        akin = other.label is not None and other.label == one.label
        marks = " thumb-shared" * (row in both) + " thumb-label" * akin
        thumbs.append(html.Li(_thumb(other), className=f"thumb-box{marks}"))
    words = f"{same} of {len(rows)} have its label" if same is not None else ""
    return html.Div(
        [
            html.H3([f"Nearest to {model}", html.Span(words, className="dim")]),
            html.Ol(thumbs, className="thumbs"),
        ],
        className="seen-side",
    )


def _thumb(one: Stimulus) -> Any:
    """The picture of a stimulus; its name and label where it may not be shown."""
    name = f"{one.stimulus_id} ({one.label})" if one.label else one.stimulus_id
    if one.image is None:
        words = [html.Span(one.label or ""), html.Small(one.stimulus_id)]
        return html.Div(words, className="thumb thumb-words", title=name)
    return html.Img(
        src=f"{one.image}?size={THUMB_PX}", alt=name, title=name, className="thumb", width=THUMB_PX, height=THUMB_PX,
    )
