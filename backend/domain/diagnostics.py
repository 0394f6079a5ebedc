"""Numbers that describe one model by itself, and that explain why similarities with it are high or low."""

from __future__ import annotations

from dataclasses import dataclass

PARTICIPATION_RATIO = "participation_ratio"
EFFECTIVE_RANK = "effective_rank"
OUTLIER_DOMINANCE = "outlier_dominance"
MODALITY_GAP = "modality_gap"


@dataclass(frozen=True)
class Diagnostic:
    """`lower` and `upper` bound the number, None where nothing but the embedding's size does. `two_towers` are for
    models that embed two modalities in one space."""

    name: str
    title: str
    lower: float
    upper: float | None
    explanation: str
    citation: str
    two_towers: bool = False


DIAGNOSTICS: dict[str, Diagnostic] = {
    each.name: each
    for each in (
        Diagnostic(
            PARTICIPATION_RATIO, "Participation ratio", 1.0, None,
            "How many directions carry the variance of the model's features: 1 if a single one does, the number of "
            "features if all carry the same. It is the square of the total variance divided by the sum of the squared "
            "variances along the principal directions. Chance agreement of two models by biased CKA is the geometric "
            "mean of their participation ratios divided by the number of stimuli less one, so a high number here "
            "makes an uncalibrated similarity look high.",
            "Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy, Ganguli: A theory of multineuronal dimensionality, 2017",
        ),
        Diagnostic(
            EFFECTIVE_RANK, "Effective rank", 1.0, None,
            "How many directions the model's features use, small ones included more than by the participation ratio: "
            "the exponential of the entropy of the singular values of the centred features, scaled to sum to 1. It is "
            "1 if all stimuli lie on a line and at most the number of features or the number of stimuli less one. A "
            "number far below the number of features means that the representation has collapsed to few directions.",
            "Roy, Vetterli: The effective rank, EUSIPCO 2007",
        ),
        Diagnostic(
            OUTLIER_DOMINANCE, "Outlier dominance", 0.0, 1.0,
            "The share of all squared activation that the three strongest features carry (fewer in models of fewer "
            "than thirty features). Without outliers it is about 3 divided by the number of features. Near 1 the "
            "model has massive activations: a few features hundreds of times as large as the others, which then decide "
            "most similarities alone; clamp them, or prefer a metric of ranks or neighbours.",
            "Sun, Chen, Kolter, Liu: Massive activations in large language models, COLM 2024",
        ),
        Diagnostic(
            MODALITY_GAP, "Modality gap", 0.0, 2.0,
            "For a model with two towers, such as one for images and one for text: the distance between the mean image "
            "embedding and the mean text embedding, rows scaled to unit length. It is 0 if both towers fill the same "
            "region of the shared space; models trained by contrast have about 0.8. It says nothing about towers that "
            "were not trained together.",
            "Liang, Zhang, Kwon, Yeung, Zou: Mind the gap, NeurIPS 2022",
            two_towers=True,
        ),
    )
}
