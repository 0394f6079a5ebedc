"""Two model sets compared: which is steadier across datasets, by how much, and whether it could be a tie; as they are,
or with the attributes held equal that the published sets are confounded by."""

from __future__ import annotations

import json

from dash import Dash, Input, Output, State, html

from backend.contracts.consistency import Difference, SetPair
from frontend.components.callbacks import in_browser
from frontend.figures.difference import DifferenceData, difference_figure
from frontend.figures.numbers import count
from frontend.figures.spreads import SpreadData, SpreadRow
from frontend.pages.consistency import set_controls
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.scope import Scoped, floats, marks_of, number, scope_recipe, size_note
from frontend.theme import ATTRIBUTE_TITLES, vocabulary
from frontend.urls import ConsistencyView, link
from parallax.client import Client

NEED = "compare"


def layout(view: ConsistencyView, brief: bool) -> html.Section:
    """The part: `brief` beside the map, in full in its own section."""
    after = None
    if brief:
        after = html.A(
            "Cross table, other attributes", href=link("/consistency", ConsistencyView(section="compare")),
            className="small-link compare-more", **{"data-keep": json.dumps({"section": "compare"})},
        )
    return html.Div(
        part(
            NEED, "Which set is steadier across datasets?",
            "Distributions of r of two model sets, and the difference of their medians",
            controls=set_controls.of_comparison(view, brief), after=after,
        ),
        className="compare-brief" if brief else "compare-full",
    )


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawRows", Output("compare-graph", "figure"), Input("compare-data", "data"),
        Input("appearance", "data"), State("templates", "data"), State("compare-graph", "id"),
    )


def make(client: Client, scoped: Scoped) -> Drawn:
    view = scoped.view
    match = [part for part in view.match.split(",") if part]
    found = client.difference(scoped.metric.id, view.first, view.second, match=match, **scoped.query)
    titles = [found.a.title, found.b.title]
    rows = [_row(scoped, one) for one in (found.a, found.b)]
    # Also where nothing is held equal, the section shows how the two sets differ in the other attributes.
    shown = found if match else client.difference(
        scoped.metric.id, view.first, view.second, match=set_controls.MATCHED.split(","), **scoped.query
    )
    table = cross_table(shown, titles, "" if match else "cross-table-aside")
    notes = list(dict.fromkeys([*found.scope.notes, *(one.note for one in (found.a, found.b) if one.note)]))
    if not any(row.defined for row in rows):
        return Drawn(None, found.sentence, notes=notes, below=table)
    # Difference carries no pairs of datasets: they are those of its scope, in the order of the upper triangle.
    names = found.scope.datasets
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1:]]
    figure = difference_figure(
        DifferenceData(
            SpreadData(rows, scoped.pair_titles(pairs), scoped.words), number(found.difference),
            number(found.ci_low), number(found.ci_high), f"median of {titles[0]} minus median of {titles[1]}",
        )
    )
    held = ", ".join(ATTRIBUTE_TITLES[name].lower() for name in found.matched_by)
    extra = [("Held equal", held)] if held else []
    return Drawn(
        figure, html.Strong(found.sentence), scope_recipe(scoped, found.scope, extra), notes=notes, below=table,
        extra={"match": set_controls.match_options(view.match)},
    )


def _row(scoped: Scoped, pair: SetPair) -> SpreadRow:
    attribute = pair.set_a.partition(":")[0] if ":" in pair.set_a else "objective"
    return SpreadRow(
        pair.title, floats(pair.r), number(pair.median), number(pair.q1), number(pair.q3), number(pair.ci_low),
        number(pair.ci_high), size_note(pair), marks_of(attribute, pair.set_a, pair.set_b)[:1],
    )


def cross_table(found: Difference, titles: list[str], class_name: str = "") -> html.Div | None:
    """How many models of both sets share the values of the attributes; strata without one of the sets are not used
    where they are held equal."""
    if not found.strata:
        return None
    names = list(found.strata[0].values)
    head = [html.Th(ATTRIBUTE_TITLES.get(name, name), scope="col") for name in names]
    head += [html.Th(title, scope="col") for title in titles] + [html.Th("Used", scope="col")]
    rows = [
        html.Tr(
            [
                *(html.Td(vocabulary(name).get(stratum.values[name], stratum.values[name])) for name in names),
                html.Td(f"{stratum.n_a}"), html.Td(f"{stratum.n_b}"),
                html.Td("yes" if stratum.used else "no", className="full" if stratum.used else "none"),
            ]
        )
        for stratum in found.strata
    ]
    used = [stratum for stratum in found.strata if stratum.used]
    words = (
        f"{count(len(used), 'combination')} of {len(found.strata)} of these values occur in both sets: "
        f"{sum(s.n_a for s in used)} models of {titles[0]} against {sum(s.n_b for s in used)} of {titles[1]}."
    )
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="coverage")
    box = {"className": "scroll-x", "tabIndex": 0, "role": "region", "aria-label": "Cross table"}
    return html.Div(
        [html.H3("Cross table of both sets"), html.P(words), html.Div(table, **box)],
        className=f"cross-table {class_name}",
    )
