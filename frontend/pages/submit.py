"""Submit: one form for a model of timm or a checkpoint file of one's own; it ends on its job's page."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.exceptions import PreventUpdate

from backend.contracts.problems import FieldProblem
from backend.domain.attributes import ARCHITECTURES, OBJECTIVES, TRAINING_DATA
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, options
from frontend.components.submission_form import FORM_FIELDS, UNTRAINED, Form, in_form, problems, submission_of
from frontend.urls import SubmitView, decode, job_link
from parallax.client import ApiError, Client

PATH = "/submit"
KEY = "submit"
INPUTS = tuple(name for name in FORM_FIELDS.values() if name != "checkpoint")


def layout(search: str) -> html.Div:
    """The empty form."""
    view = decode(SubmitView, search)
    return html.Div(
        [
            dcc.Store(id="submit-errors"),
            dcc.Store(id="submit-checkpoint"),
            dcc.Store(id="submit-upload"),
            # With the form's content it makes a repeated click the same request.
            dcc.Store(id="submit-nonce", data=uuid4().hex),
            html.H1("Submit a model"),
            html.P(
                "The model is embedded on each chosen dataset, compared with every model that is there, and appears in "
                "the heatmaps with its own row.",
                className="lead",
            ),
            html.Div(
                [
                    _model_part(view),
                    _where_part(),
                    html.Div(id="submit-form-error", className="field-error", role="alert"),
                    dmc.Button("Submit", id="submit-send", size="md", className="submit-send"),
                ],
                className="form", role="form", **{"aria-label": "Submission"},
            ),
        ],
        id="submit-root", className=f"page page-submit source-{view.source}",
    )


def _model_part(view: SubmitView) -> dmc.Fieldset:
    return dmc.Fieldset(
        [
            dmc.SegmentedControl(
                id=control_id(KEY, "source"), value=view.source, size="sm",
                data=options([("timm", "A model of timm"), ("checkpoint", "A checkpoint file")]),
            ),
            html.Div(
                [
                    dmc.Autocomplete(
                        id="submit-timm_name", label="Name in timm", placeholder="resnet18.a1_in1k", data=[], size="md",
                        description="Architecture, or architecture.tag for one set of weights.", limit=12,
                        debounce=False, required=True, comboboxProps={"shadow": "md"},
                    ),
                    html.Div(
                        [
                            html.Div(
                                [
                                    dmc.Text("Weights", size="sm", fw=500, id="submit-weights-label"),
                                    dmc.SegmentedControl(
                                        id="submit-weights", value="pretrained", size="sm",
                                        data=options([("pretrained", "Pretrained"), (UNTRAINED, "Untrained")]),
                                        **{"aria-labelledby": "submit-weights-label"},
                                    ),
                                ]
                            ),
                            dmc.NumberInput(
                                id="submit-seed", label="Seed of the random weights", value=0, min=0, step=1,
                                allowDecimal=False, className="untrained-only",
                            ),
                        ],
                        className="form-row",
                    ),
                    html.Div(
                        [
                            _vocabulary("objective", "Training objective", OBJECTIVES, "pretrained-only"),
                            _vocabulary("architecture", "Architecture", ARCHITECTURES),
                            _vocabulary("training_data", "Training data", TRAINING_DATA, "pretrained-only"),
                        ],
                        className="form-row",
                    ),
                ],
                className="timm-only form-stack",
            ),
            html.Div(
                [
                    dmc.Text("Checkpoint file", size="sm", fw=500),
                    dmc.Text(
                        "A safetensors file that names its timm architecture and attributes in its metadata. It is "
                        "sent as it is, and stays on this machine.",
                        size="xs", c="dimmed",
                    ),
                    html.Div(id="checkpoint-drop", className="drop"),
                    html.Div(id="submit-checkpoint-error", className="field-error", role="alert"),
                ],
                className="checkpoint-only form-stack",
            ),
            html.Div(
                [
                    dmc.TextInput(
                        id="submit-name", label="Name to show", size="md",
                        description="Small letters, digits, dots and hyphens. Empty: made from the model.",
                    ),
                    dmc.TagsInput(id="submit-tags", label="Tags", description="Free words; press Enter after each.",
                                  size="md", value=[]),
                ],
                className="form-row",
            ),
        ],
        legend="Model", className="form-part",
    )


def _where_part() -> dmc.Fieldset:
    return dmc.Fieldset(
        [
            dmc.MultiSelect(
                id="submit-datasets", label="Datasets", data=[], value=[], size="md", required=True, searchable=True,
                description="The model sees every stimulus of each.", clearable=True, hidePickedOptions=True,
                comboboxProps={"shadow": "md"},
            ),
            html.Button("Choose all datasets", id="submit-all", type="button", className="link-button choose-all"),
            dmc.MultiSelect(
                id="submit-metrics", label="Metrics", data=[], value=[], size="md", searchable=True, clearable=True,
                description="Left empty: the metrics that everything else has.", hidePickedOptions=True,
                comboboxProps={"shadow": "md"},
            ),
        ],
        legend="Where it is compared", className="form-part",
    )


def _vocabulary(field: str, label: str, words: dict[str, str], class_name: str = "") -> dmc.Select:
    shown = [(slug, word) for slug, word in words.items() if slug != UNTRAINED]
    return dmc.Select(
        id=f"submit-{field}", label=label, data=options(shown), placeholder="Choose", required=True, size="md",
        className=class_name, comboboxProps={"shadow": "md"},
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the page."""

    @in_thread(
        app, Output("submit-datasets", "data"), Output("submit-metrics", "data"),
        Input("submit-nonce", "data"), Input("revision", "data"),
    )
    def choices(nonce: str, revision: str) -> tuple[Any, Any]:
        try:
            # Versions come in order: of each name the newest stays, which is what a bare name means here.
            datasets = {d.name: f"{d.title} ({d.n_stimuli:,})" for d in client.datasets()}
            metrics = [(m.id, m.title) for m in client.metrics() if not m.on_request]
            return options(list(datasets.items())), options(metrics)
        except ApiError:
            return no_update, no_update

    @in_thread(app, Output("submit-timm_name", "data"), Input("submit-timm_name", "value"), prevent_initial_call=True)
    def suggest(typed: str | None) -> list[str]:
        if not typed or len(typed.strip()) < 2:
            return []
        try:
            return client.model_names(typed.strip(), limit=12)
        except ApiError:
            raise PreventUpdate from None

    @in_thread(
        app, Output("submit-datasets", "value"), Input("submit-all", "n_clicks"), State("submit-datasets", "data"),
        prevent_initial_call=True,
    )
    def choose_all(clicks: int | None, data: list[dict[str, str]]) -> list[str]:
        if not clicks:
            raise PreventUpdate
        return [option["value"] for option in data]

    @in_thread(
        app, Output("submit-errors", "data"), Output("url", "pathname"), Output("url", "search"),
        Input("submit-send", "n_clicks"), State(control_id(KEY, "source"), "value"),
        State("submit-timm_name", "value"), State("submit-weights", "value"), State("submit-seed", "value"),
        State("submit-objective", "value"), State("submit-architecture", "value"),
        State("submit-training_data", "value"), State("submit-checkpoint", "data"), State("submit-name", "value"),
        State("submit-tags", "value"), State("submit-datasets", "value"), State("submit-metrics", "value"),
        State("submit-nonce", "data"),
        prevent_initial_call=True, running=[(Output("submit-send", "loading"), True, False)],
    )
    def send(clicks: int | None, *values: Any) -> tuple[Any, Any, Any]:
        if not clicks:
            raise PreventUpdate
        *given, nonce = values
        form = _form(*given)
        try:
            found = problems(form, [model.name for model in client.models()])
            if found:
                return in_form(found), no_update, no_update
            submission = submission_of(form)
            body = hashlib.sha256(submission.model_dump_json().encode()).hexdigest()[:24]
            job = client.submit(submission, idempotency_key=f"{nonce}-{body}")
        except ApiError as error:
            return in_form(_refusal(error)), no_update, no_update
        return {}, job_link(job.id), ""

    in_browser(
        app, "formMode", Output("submit-root", "className"), Input(control_id(KEY, "source"), "value"),
        Input("submit-weights", "value"),
    )
    in_browser(
        app, "clearError", *[Input(f"submit-{name}", "value") for name in INPUTS], prevent_initial_call=True
    )
    in_browser(app, "formErrors", Input("submit-errors", "data"), prevent_initial_call=True)
    in_browser(app, "uploadBox", Output("submit-upload", "data"), Input("submit-nonce", "data"))
    in_browser(
        app, "navigate", Input(control_id(KEY, "source"), "value"), State("schema", "data"), prevent_initial_call=True
    )


def _form(
    source: str, timm_name: str | None, weights: str, seed: Any, objective: str | None, architecture: str | None,
    training_data: str | None, checkpoint: dict[str, Any] | None, name: str | None, tags: list[str] | None,
    datasets: list[str] | None, metrics: list[str] | None,
) -> Form:
    """The components' values as a form."""
    return Form(
        source=source, timm_name=timm_name or "", weights=weights, seed=seed if isinstance(seed, int) else None,
        objective=objective or "", architecture=architecture or "", training_data=training_data or "",
        checkpoint_sha256=(checkpoint or {}).get("checkpoint_sha256", ""), name=(name or "").strip(), tags=tags or [],
        datasets=datasets or [], metrics=metrics or [],
    )


def _refusal(error: ApiError) -> list[FieldProblem]:
    """The API's problem as problems of fields; a clash of names belongs to the name."""
    if error.fields:
        return error.fields
    words = error.problem.detail or error.problem.title
    return [FieldProblem(field="name" if error.status == 409 else "form", message=words, hint=error.problem.hint)]
