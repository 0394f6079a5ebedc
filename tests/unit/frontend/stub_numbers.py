"""Invented calibration for invented similarities: a null that depends on the pair, p by the normal distribution."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from backend.domain.calibration import adjusted, adjusted_p, calibrated, z_score
from backend.domain.metrics import parse_metric


def layer_of(layer: str, values: np.ndarray, metric: str, is_calibrated: bool) -> np.ndarray:
    """One layer of a matrix of `values` (M, M): the null's mean grows from the first model to the last; the interval is
    0.02 to 0.2 wide; nothing on the diagonal, and nothing at all but interval and value when not calibrated."""
    spec = parse_metric(metric).spec
    size = len(values)
    place = (np.arange(size)[:, None] + np.arange(size)[None, :]) / (2 * size)
    half = 0.01 + 0.09 * place
    if layer == "value":
        return values
    if layer in ("ci_low", "ci_high"):
        made = values + (half if layer == "ci_high" else -half)
    elif not is_calibrated:
        return np.full((size, size), np.nan)
    else:
        sign = 1 if spec.direction == "similarity" else -1
        mean = (0.1 + 0.3 * place) if sign > 0 else (0.9 - 0.3 * place)
        sd = np.full((size, size), 0.06)
        tau = mean + sign * 1.645 * sd
        p = np.maximum(norm.sf(sign * (values - mean) / sd), 1 / 50)
        np.fill_diagonal(p, np.nan)
        made = {
            "null_mean": mean, "null_sd": sd, "tau": tau, "p": p, "z": z_score(values, mean, sd),
            "ari": adjusted(values, mean, spec.best), "calibrated": calibrated(values, tau, spec.best),
            "q": adjusted_p(np.where(np.isfinite(values), p, np.nan)),
        }[layer]
    made = np.where(np.isfinite(values), made, np.nan)
    np.fill_diagonal(made, np.nan)
    return made
