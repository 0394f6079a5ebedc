"""Stimuli: how far the similarities on one dataset depend on the number of its stimuli."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html
from dash.exceptions import PreventUpdate

from backend.contracts.probes import Sensitivity
from frontend.components.callbacks import in_browser, in_thread
from frontend.figures.fewer_stimuli import Part, PartsData, fewer_stimuli
from frontend.figures.numbers import count
from frontend.pages.consistency.asking import asked, job_links
from frontend.pages.consistency.part import Drawn, part, register_part
from frontend.pages.consistency.performance import chosen_dataset
from frontend.pages.consistency.scope import Scoped, floats, number, read_scope, scope_recipe
from frontend.pages.consistency.set_controls import of_dataset
from frontend.urls import ConsistencyView
from parallax.client import Client

NEED = "sensitivity"
HOW_TO_READ = (
    "The same matrix, computed again on a half, a quarter and a tenth of the stimuli, three draws of each. Above: how "
    "its values correlate with those of all stimuli, over pairs of models. Below: by how much they differ (box: middle "
    "half, whiskers: 5 to 95 % of the pairs)."
)


def layout(view: ConsistencyView) -> list[html.Section]:
    """The part before its data."""
    return [
        part(NEED, "Similarity on fewer stimuli", "Similarities on parts of the stimuli against those on all",
             controls=of_dataset(view), words=HOW_TO_READ, after=html.Div(id="subsamples-asked", role="status")),
    ]


def register(app: Dash, client: Client) -> None:
    register_part(app, client, NEED, make)
    in_browser(
        app, "drawParts", Output("sensitivity-graph", "figure"), Input("sensitivity-data", "data"),
        Input("appearance", "data"), State("templates", "data"), State("sensitivity-graph", "id"),
    )

    @in_thread(
        app, Output("subsamples-asked", "children"), Input("subsamples-ask", "n_clicks"), State("url", "search"),
        prevent_initial_call=True,
    )
    def ask(clicks: int | None, search: str) -> Any:
        if not clicks:
            raise PreventUpdate

        def request() -> list[int]:
            scoped = read_scope(client, search)
            dataset = chosen_dataset(scoped) if scoped else ""
            return [client.request_subsamples(dataset, scoped.metric.id).id] if scoped and dataset else []

        return asked(request)


def make(client: Client, scoped: Scoped) -> Drawn:
    dataset = chosen_dataset(scoped)
    if not dataset:
        return Drawn(None, "No dataset has values by this metric.")
    found = client.sensitivity(scoped.metric.id, dataset, **scoped.query)
    below = _request(found, scoped)
    if not found.parts:
        return Drawn(None, found.sentence, notes=_notes(found, scoped), below=below)
    figure = fewer_stimuli(PartsData(
        [Part(p.divisor, p.seed, p.n, number(p.r), floats(p.quantiles)) for p in found.parts], found.n, scoped.words,
    ))
    drawn = ", ".join(f"1/{divisor}" for divisor in sorted({p.divisor for p in found.parts}))
    extra = [("Parts", f"{drawn} of {found.n:,} stimuli, nested, groups whole, labels in their shares; seeds 0, 1, 2")]
    return Drawn(
        figure, found.sentence, scope_recipe(scoped, found.scope, extra),
        notes=[*found.scope.notes, *_notes(found, scoped)], below=below,
    )


def _notes(found: Sensitivity, scoped: Scoped) -> list[str]:
    impossible = [divisor for divisor in (2, 4, 10) if divisor not in found.possible]
    notes = []
    known = scoped.study.datasets.get(found.dataset)
    if known is not None and known.n_groups:
        notes.append(
            f"The stimuli come in {count(known.n_groups, 'group')} that stay whole, so parts differ in which groups "
            "they have, and not in the number of stimuli alone."
        )
    if impossible:
        words = ", ".join(f"1/{divisor}" for divisor in impossible)
        notes.append(f"Not drawn: {words}. Groups stay whole, and a part needs two of them and enough stimuli.")
    n_models = min((part.n_models for part in found.parts), default=0)
    if found.parts and n_models < found.scope.n_models:
        notes.append(f"{n_models} of {found.scope.n_models} models have been computed on fewer stimuli.")
    return notes


def _request(found: Sensitivity, scoped: Scoped) -> html.Div | None:
    """A button where something is missing, or the jobs that are computing it."""
    if found.jobs:
        return html.Div(html.P(["Being computed: ", *job_links(found.jobs), "."]), className="ask-line")
    complete = found.parts and min(part.n_models for part in found.parts) >= found.scope.n_models
    if complete or not found.possible or scoped.metric.on_request:
        return None
    words = "Compute the models that came since" if found.parts else "Compute it on fewer stimuli"
    return html.Div(html.Button(words, id="subsamples-ask", className="button button-filled"), className="ask-line")
