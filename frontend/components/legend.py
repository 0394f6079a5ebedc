"""Legends of categories, and small marks beside names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dash import html

from frontend.theme import ATTRIBUTE_TITLES, colour_of, vocabulary


def attribute_legend(attributes: Mapping[str, Sequence[str]]) -> html.Div:
    """The side bars' legend, in the order of the bars: attribute, then its values that occur, with their counts."""
    return html.Div([_attribute(name, slugs) for name, slugs in attributes.items()], className="legend")


def _attribute(attribute: str, slugs: Iterable[str]) -> html.Div:
    words = vocabulary(attribute)
    counts = dict.fromkeys(words, 0)
    for slug in slugs:
        counts[slug] = counts.get(slug, 0) + 1
    entries = [
        html.Li([swatch(attribute, slug), html.Span(words.get(slug, slug)), html.Span(f"{number}", className="count")])
        for slug, number in counts.items()
        if number
    ]
    return html.Div([html.H3(ATTRIBUTE_TITLES[attribute]), html.Ul(entries)])


def swatch(attribute: str, slug: str) -> html.Span:
    """A square in the colour of a value."""
    return html.Span(className="swatch", style={"background": colour_of(attribute, slug)}, **{"aria-hidden": "true"})


def mark(attribute: str, slug: str) -> html.Li:
    """One attribute's value with its colour."""
    words = vocabulary(attribute).get(slug, slug)
    said = html.Span(f"{ATTRIBUTE_TITLES[attribute]}: ", className="sr-only")
    return html.Li([swatch(attribute, slug), said, html.Span(words)], title=ATTRIBUTE_TITLES[attribute])
