"""`parallax models ...`: the models of a running Parallax."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from parallax.cli.options import ApiOption, HomeOption, JsonOption, api_url, settings_with

commands = typer.Typer(no_args_is_help=True, help="Models: networks at a pinned revision.")


@commands.callback()
def group() -> None:
    """Models: networks at a pinned revision."""


@commands.command("list")
def list_models(api: ApiOption = None, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the models."""
    from parallax.client.client import Client

    with Client(api_url(settings_with(home), api)) as client:
        found = client.models()
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found]))
        return
    for one in found:
        size = f"{one.n_parameters:,} parameters"
        typer.echo(f"{one.name}  {one.timm_name}  {one.objective}  {one.training_data}  {size}")


@commands.command()
def submit(
    model: Annotated[
        str,
        typer.Argument(help="A timm name (resnet18.a1_in1k), a .safetensors checkpoint, or a known model."),
    ],
    dataset: Annotated[list[str] | None, typer.Option("--dataset", "-d", help="Dataset; repeat. Default: all.")] = None,
    metric: Annotated[
        list[str] | None, typer.Option("--metric", "-m", help="Metric id; repeat. Default: the usual ones.")
    ] = None,
    objective: Annotated[str, typer.Option(help="For a timm name: what it was trained for.")] = "supervised",
    architecture: Annotated[str, typer.Option(help="For a timm name: convolutional, transformer or other.")] = "",
    training_data: Annotated[
        str, typer.Option(help="For a timm name: imagenet-1k, imagenet-21k, large, xlarge, other.")
    ] = "",
    name: Annotated[str, typer.Option(help="Name to show. Default: made from the model's own.")] = "",
    untrained: Annotated[
        bool, typer.Option("--untrained", help="For a timm name: random weights, as a control.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until everything is computed.")] = True,
    api: ApiOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a model against datasets; its row then stands in their matrices."""
    from backend.contracts.jobs import CheckpointModel, ExistingModel, Submission, TimmModel
    from parallax.cli.following import finish
    from parallax.client.client import Client

    with Client(api_url(settings_with(home), api), timeout_s=120) as client:
        source: TimmModel | CheckpointModel | ExistingModel
        if model.endswith(".safetensors"):
            path = Path(model)
            if not path.is_file():
                raise typer.BadParameter(f"There is no file {path}.", param_hint="MODEL")
            checkpoint = client.upload_checkpoint(path)
            source = CheckpointModel(checkpoint_sha256=checkpoint.checkpoint_sha256, name=name)
        elif model in {known.name for known in client.models()}:
            source = ExistingModel(name=model)
        else:
            source = TimmModel(
                timm_name=model, pretrained=not untrained, name=name, architecture=architecture,
                objective="untrained" if untrained else objective,
                training_data="other" if untrained and not training_data else training_data,
            )  # fmt: skip
        datasets = dataset or [known.name for known in client.datasets()]
        job = client.submit(Submission(model=source, datasets=datasets, metrics=metric or []))
        raise typer.Exit(finish(client, job, wait, as_json))
