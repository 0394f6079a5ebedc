"""What the form of a submission means: its problems, field by field and all at once, and the request it makes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from backend.contracts.jobs import CheckpointModel, Submission, TimmModel
from backend.contracts.problems import FieldProblem
from backend.domain.attributes import ARCHITECTURES, OBJECTIVES, TRAINING_DATA, is_slug
from backend.domain.timm_names import hint_for, is_known

# Path of a field in the API's answer -> the field of the form that shows it.
FORM_FIELDS = {
    "model.timm_name": "timm_name", "model.name": "name", "model.objective": "objective",
    "model.architecture": "architecture", "model.training_data": "training_data", "model.seed": "seed",
    "model.checkpoint_sha256": "checkpoint", "model.tags": "tags", "datasets": "datasets", "metrics": "metrics",
}
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Form:
    """The form as filled in; an empty text or list is a field that was left empty."""

    source: str = "timm"
    timm_name: str = ""
    weights: str = "pretrained"
    seed: int | None = 0
    objective: str = ""
    architecture: str = ""
    training_data: str = ""
    checkpoint_sha256: str = ""
    name: str = ""
    tags: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)


def problems(form: Form, known_models: Collection[str]) -> list[FieldProblem]:
    """Everything that is wrong with the form, in the form's own field names."""
    found = _of_checkpoint(form) if form.source == "checkpoint" else _of_timm(form)
    if form.name and not is_slug(form.name):
        found.append(
            FieldProblem(
                field="name", message="A name has small letters, digits, dots, hyphens and underscores.",
                hint="For example my-resnet18.",
            )
        )
    elif form.name and form.name in known_models:
        found.append(
            FieldProblem(field="name", message=f"There is already a model called {form.name}.", hint="Choose another.")
        )
    for tag in form.tags:
        if not is_slug(tag):
            hint = "Use small letters, digits, dots and hyphens."
            found.append(FieldProblem(field="tags", message=f"{tag} cannot be a tag.", hint=hint))
    if not form.datasets:
        found.append(FieldProblem(field="datasets", message="Choose at least one dataset."))
    return found


def _of_timm(form: Form) -> list[FieldProblem]:
    found = []
    name = form.timm_name.strip()
    if not name:
        found.append(FieldProblem(field="timm_name", message="Name a model of timm.", hint="For example resnet18."))
    elif not is_known(name):
        found.append(FieldProblem(field="timm_name", message=f"timm has no model {name}.", hint=hint_for(name)))
    if form.weights == UNTRAINED:
        if form.seed is None or not 0 <= form.seed < 2**31:
            found.append(FieldProblem(field="seed", message="A seed is a whole number from 0 to 2,147,483,647."))
    else:
        for attribute, words, label in (
            ("objective", OBJECTIVES, "training objective"), ("training_data", TRAINING_DATA, "training data"),
        ):
            if getattr(form, attribute) not in words:
                found.append(FieldProblem(field=attribute, message=f"Choose the {label}."))
    if form.architecture not in ARCHITECTURES:
        found.append(FieldProblem(field="architecture", message="Choose the architecture."))
    return found


def _of_checkpoint(form: Form) -> list[FieldProblem]:
    if form.checkpoint_sha256:
        return []
    return [FieldProblem(field="checkpoint", message="Choose a checkpoint file and wait until it is uploaded.")]


def submission_of(form: Form) -> Submission:
    """The request that a form without problems makes."""
    untrained = form.weights == UNTRAINED
    model: TimmModel | CheckpointModel
    if form.source == "checkpoint":
        model = CheckpointModel(checkpoint_sha256=form.checkpoint_sha256, name=form.name, tags=form.tags)
    else:
        model = TimmModel(
            timm_name=form.timm_name.strip(), pretrained=not untrained, seed=form.seed or 0 if untrained else 0,
            name=form.name, objective=UNTRAINED if untrained else form.objective, architecture=form.architecture,
            training_data="other" if untrained else form.training_data, tags=form.tags,
        )
    return Submission(model=model, datasets=form.datasets, metrics=form.metrics)


def in_form(found: list[FieldProblem]) -> dict[str, str]:
    """Field of the form -> words to show there; what belongs to no field is under `form`."""
    shown: dict[str, list[str]] = {}
    for problem in found:
        path = problem.field
        parent = path.rpartition(".")[0]  # `datasets.2` is shown at `datasets`
        name = FORM_FIELDS.get(path) or FORM_FIELDS.get(parent) or (path if path in FORM_FIELDS.values() else "form")
        words = " ".join(part for part in (problem.message, problem.hint) if part)
        shown.setdefault(name, []).append(words)
    return {name: " ".join(words) for name, words in shown.items()}
