"""Overview: the finding in one sentence, its numbers, a picture, what is running and what is there."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.consistency import Finding
from backend.domain.attributes import OBJECTIVES
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.chart import chart
from frontend.components.controls import control_id, options, panel, picker
from frontend.components.facts import tile
from frontend.components.interval_rows import Estimate, interval_rows
from frontend.components.legend import attribute_legend
from frontend.components.progress import bar, job_line
from frontend.components.states import EMPTY, LOADING, READY, link_button, refused, skeleton_lines, state_class
from frontend.figures.numbers import count, decimal
from frontend.pages.picture import picture
from frontend.pages.similarity import waiting
from frontend.pages.study import Study, fingerprint, read_study
from frontend.theme import colour_of
from frontend.urls import MEAN, ConsistencyView, OverviewView, SimilarityView, decode, link
from parallax.client import ApiError, Client

PATH = "/"
KEY = "overview"
MOST_RUNNING = 4


def layout(search: str) -> html.Div:
    """The page before its data."""
    return html.Div(
        [
            dcc.Store(id="overview-data"),
            dcc.Store(id="overview-view"),
            dcc.Store(id="overview-key", data=""),
            html.Div(
                [html.H1("Overview of the results", className="sr-only"), skeleton_lines(3)],
                id="overview-finding", className="finding",
            ),
            html.Div(id="overview-notice"),
            html.Div(
                [
                    html.Div(
                        [
                            html.Div(
                                [picker(KEY, "dataset", "Similarity on"), picker(KEY, "metric", "Metric")],
                                className="controls controls-row", role="group", **{"aria-label": "What is shown"},
                            ),
                            chart("overview-graph", "Heatmap of the similarity of every two models"),
                            html.Div(id="overview-open", className="actions"),
                            panel("What is computed", html.Div(skeleton_lines(4), id="overview-coverage")),
                        ],
                        className="column",
                    ),
                    html.Aside(
                        [
                            html.Div(skeleton_lines(6), id="overview-about", className="details"),
                            panel("Running now", html.Div(skeleton_lines(2), id="overview-running")),
                            panel("How to read it", _how_to_read()),
                        ],
                        className="details", **{"aria-label": "About the results"},
                    ),
                ],
                className="work work-two",
            ),
        ],
        id="overview-root", className=state_class(LOADING, KEY),
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app,
        Output("overview-data", "data"), Output("overview-key", "data"), Output("overview-notice", "children"),
        Output("overview-root", "className"), Output("overview-finding", "children"),
        Output("overview-graph-caption", "children"), Output("overview-about", "children"),
        Output("overview-coverage", "children"), Output("overview-open", "children"),
        Input("url", "search"), Input("revision", "data"), State("url", "pathname"), State("overview-key", "data"),
    )
    def load(search: str, revision: str, pathname: str, known: str) -> list[Any]:
        if pathname != PATH:
            raise PreventUpdate
        keep = [no_update] * 9

        def instead(message: Any) -> list[Any]:
            heading = html.H1("Does similarity between models survive a change of dataset?", className="question")
            return [no_update, "", message, state_class(EMPTY, KEY), heading, *keep[:4]]

        try:
            study = read_study(client)
            view = decode(OverviewView, search)
            metric = study.metric(view.metric)
            if metric is None:
                return instead(waiting(client))
            names = study.datasets_of(metric.id)
            dataset = view.dataset if view.dataset in names else ""
            shown = picture(client, study, metric, dataset)
            finding = client.finding(metric.id)
        except ApiError as error:
            return keep if known else instead(refused(error))
        payload = shown.payload(PATH, {"dataset": dataset or MEAN, "metric": metric.id})
        choices = [(MEAN, f"Mean over {count(len(names), 'dataset')}"), *((name, study.title(name)) for name in names)]
        payload["controls"] = {
            control_id(KEY, "dataset"): {"field": "dataset", "data": options(choices)},
            control_id(KEY, "metric"): {
                "field": "metric", "data": options([(m.id, m.title) for m in study.computed_metrics()]),
            },
        }
        key = fingerprint([payload, finding.model_dump(), [s.model_dump() for s in study.coverage]])
        if key == known:
            return keep
        opened = link("/similarity", SimilarityView(dataset=dataset or names[0], metric=metric.id))
        return [
            payload, key, None, state_class(READY, KEY), _finding(study, finding), shown.sentence(),
            [
                panel("Which models are steadiest?", _objectives(finding, metric.id)),
                panel("Models", attribute_legend(shown.attributes)),
            ],
            _coverage(study),
            [
                link_button("Explore dataset by dataset", opened),
                link_button(
                    "See where it breaks", link("/consistency", ConsistencyView(metric=metric.id)), "light"
                ),
            ],
        ]

    @in_thread(app, Output("overview-running", "children"), Input("pulse", "n_intervals"), State("url", "pathname"))
    def running(beat: int, pathname: str) -> Any:
        if pathname != PATH:
            raise PreventUpdate
        try:
            counts = client.job_counts()
            jobs = client.jobs(state="running", limit=MOST_RUNNING).items if counts.states.get("running") else []
        except ApiError:
            return html.P("Not known: the service does not answer.", className="dim")
        total = sum(counts.states.values())
        active = counts.states.get("queued", 0) + counts.states.get("running", 0)
        if not active:
            done = count(counts.states.get("succeeded", 0), "job") if total else ""
            return html.P(f"Nothing. {done} done." if done else "Nothing.", className="dim")
        return html.Div(
            [
                bar(total - active, total, "All jobs"),
                html.P(
                    f"{total - active:,} of {total:,} jobs done, {count(counts.workers, 'worker')}", className="dim"
                ),
                html.Ul([job_line(job) for job in jobs], className="job-lines"),
                dcc.Link("All jobs", href="/jobs"),
            ]
        )

    in_browser(
        app, "sync", Output("overview-view", "data"),
        Input("overview-data", "data"), Input("url", "search"), State("schema", "data"),
    )
    in_browser(
        app, "drawHeatmap", Output("overview-graph", "figure"),
        Input("overview-data", "data"), Input("url", "search"), Input("appearance", "data"),
        State("templates", "data"), State("overview-graph", "id"),
    )
    in_browser(
        app, "navigate", *[Input(control_id(KEY, field), "value") for field in ("dataset", "metric")],
        State("schema", "data"), prevent_initial_call=True,
    )


def _finding(study: Study, finding: Finding) -> list[Any]:
    """The sentence, its claim large and its evidence below, and the numbers as tiles."""
    numbers = finding.numbers
    if not finding.sentence:
        models, datasets = numbers.get("n_models") or 0, numbers.get("n_datasets") or 0
        return [
            html.H1("Too early for a finding", className="claim"),
            html.P(
                f"So far {models} models are compared on {datasets} datasets. A finding needs at least three models "
                "on two datasets; it appears here by itself.",
                className="evidence",
            ),
        ]
    claim, _, evidence = finding.sentence.partition(": ")
    return [
        html.H1([html.Span(claim + ": ", className="claim"), html.Span(evidence, className="evidence")]),
        html.Div(
            [
                tile(decimal(_number(numbers, "median_r")), "Median r over dataset pairs",
                     _interval_words(numbers)),
                tile(decimal(_number(numbers, "max_r")), "Steadiest", _pair(study, numbers.get("strongest_pair"))),
                tile(decimal(_number(numbers, "min_r")), "Least steady", _pair(study, numbers.get("weakest_pair"))),
                tile(f"{numbers.get('n_models')}", "Models compared",
                     f"{numbers.get('n_model_pairs')} pairs on {numbers.get('n_datasets')} datasets"),
            ],
            className="tiles",
        ),
    ]


def _interval_words(numbers: dict[str, Any]) -> str:
    low, high = _number(numbers, "median_r_ci_low"), _number(numbers, "median_r_ci_high")
    between = f"{decimal(_number(numbers, 'q1_r'))} to {decimal(_number(numbers, 'q3_r'))}"
    if low is None or high is None:
        return f"middle half {between}"
    return f"95 % interval {decimal(low)} to {decimal(high)}; middle half of pairs {between}"


def _objectives(finding: Finding, metric: str) -> list[Any]:
    """Median r of the pairs within each training objective, the steadiest first, and whether they can be told apart."""
    numbers, found = finding.numbers, []
    for slug, title in OBJECTIVES.items():
        name = f"set_pair.{slug}.{slug}"
        value = _number(numbers, f"{name}.median_r")
        if value is not None:
            small = bool(numbers.get(f"{name}.small"))
            pairs = count(numbers[f"{name}.n_pairs"], "pair") + (", too few to rank" if small else "")
            found.append((small, -value, Estimate(
                title, pairs, value, _number(numbers, f"{name}.ci_low"), _number(numbers, f"{name}.ci_high"),
                colour_of("objective", slug),
            )))
    if not found:
        return [html.P("No training objective has three pairs of models on two datasets yet.", className="dim")]
    first, last = (OBJECTIVES.get(str(numbers.get(f"{which}_objective"))) for which in ("steadiest", "least_steady"))
    words = {
        "tie": f"{first} and {last} tie: the interval of their difference holds 0.",
        "apart": f"{first} is steadier than {last}: the interval of their difference does not hold 0.",
    }.get(str(numbers.get("objective_verdict")), "")
    return [
        interval_rows([estimate for _, _, estimate in sorted(found)]),
        html.P(
            f"Pairs within one training objective, median r over pairs of datasets; intervals resample models. {words}",
            className="dim",
        ),
        dcc.Link("Compare two sets, matched or not", href=link("/consistency", ConsistencyView(
            section="compare", metric=metric,
        ))),
    ]


def _number(numbers: dict[str, Any], key: str) -> float | None:
    value = numbers.get(key)
    return float(value) if isinstance(value, (int, float)) else None


def _pair(study: Study, names: Any) -> str:
    return " and ".join(study.title(name) for name in names) if isinstance(names, list) else ""


def _coverage(study: Study) -> html.Div:
    """Datasets by metrics, the more numerous down the side: how many models are compared, of those that exist."""
    metrics = study.computed_metrics()
    names = sorted(study.datasets, key=lambda name: study.title(name).casefold())
    have = {(summary.dataset, summary.metric): summary for summary in study.coverage}
    every = len(study.models)

    def cell(dataset: str, metric: str) -> html.Td:
        summary = have.get((dataset, metric))
        models = summary.n_models if summary else 0
        return html.Td(
            f"{models}/{every}", className="full" if models >= every else "partial" if models else "none",
            title=f"{models} of {count(every, 'model')} compared",
        )

    if len(metrics) > len(names):
        head = html.Tr([html.Th("Metric", scope="col"), *(html.Th(study.title(name), scope="col") for name in names)])
        rows = [
            html.Tr([html.Th(metric.title, scope="row"), *(cell(name, metric.id) for name in names)])
            for metric in metrics
        ]
    else:
        head = html.Tr([html.Th("Dataset", scope="col"), *(html.Th(metric.title, scope="col") for metric in metrics)])
        rows = [
            html.Tr([html.Th(study.title(name), scope="row"), *(cell(name, metric.id) for metric in metrics)])
            for name in names
        ]
    return html.Div(html.Table([html.Thead(head), html.Tbody(rows)], className="coverage"), className="scroll-x")


def _how_to_read() -> list[Any]:
    return [
        html.P("Bright cells are models that see the same stimuli alike; blocks along the diagonal are families."),
        html.P(
            "r says how well the similarities of all model pairs on one dataset predict those on another: near 1, "
            "a statement like “A resembles B” does not depend on the dataset; near 0, it does."
        ),
    ]
