"""Maps of models on the wire: places in the plane, and how true they are."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ModelMap(BaseModel):
    """Models in two dimensions, from their similarities on one dataset or from the mean over several."""

    metric: str
    preprocess: str
    layer: str = Field(description="`value` or `calibrated` similarities were drawn.")
    labels: str = Field(description="Whose attributes of models the predicate was read by: `published` or `audited`.")
    chosen: str = Field(description="Predicate that chose the models; empty: all.")
    datasets: list[str] = Field(description="Datasets whose mean was drawn, or the only one.")
    method: str = Field(description="`mds` or `tsne`.")
    seed: int | None = Field(description="null for MDS, which draws no random numbers.")
    perplexity: float | None = Field(description="Of t-SNE.")
    models: list[str]
    x: list[float]
    y: list[float]
    left_out: list[str] = Field(description="Models that were chosen and lack too many pairs to be placed.")
    n_models_of: int = Field(description="Models with values, before the predicate.")
    stress: float = Field(description="0: distances on the map are exact, up to one scale; at most 1.")
    trustworthiness: float = Field(description="1: the nearest models on the map are among the nearest.")
    neighbours: int = Field(description="How many nearest models trustworthiness asks about.")
    turned: bool = Field(description="Turned and mirrored to lie like the map of the mean over all datasets.")
    notes: list[str] = Field(default=[], description="What a reader must know.")
    sentence: str
