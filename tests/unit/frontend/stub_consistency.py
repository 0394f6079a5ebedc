"""Answers about consistency for the stub API: invented matrices through the project's own statistics, without intervals
that take time. Where intervals are asked for, they reach 0.1 to each side."""

from __future__ import annotations

import json
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.consistency import ModelSet, consistency, every, set_pair_consistency
from backend.domain.errors import InvalidInput
from backend.domain.predicates import BadPredicate, in_words, parse

REACH = 0.1
NAMED: list[dict[str, Any]] = [
    {"name": "without-mae", "title": "Without MAE", "predicate": "!tag:mae", "published": True},
    {"name": "trained", "title": "Trained", "predicate": "!objective:untrained", "published": False},
]


class Answers:
    """Answers for one stack of matrices (D, M, M) with its names and the models' attributes."""

    def __init__(
        self, query: dict[str, str], stack: np.ndarray, datasets: list[str], domains: list[str],
        models: dict[str, dict[str, str]],
    ) -> None:
        self.query = query
        self.everyone = list(models)
        keep = self._members(models, query.get("models", ""), "models")
        self.models = [name for name, here in zip(models, keep, strict=True) if here]
        self.attributes = [models[name] for name in self.models]
        wanted = [name for name in query.get("datasets", "").split(",") if name]
        at = [k for k, name in enumerate(datasets) if not wanted or name in wanted]
        self.datasets, self.domains = [datasets[k] for k in at], [domains[k] for k in at]
        self.stack = stack[at][:, keep][:, :, keep]
        self.method: Any = query.get("method", "pearson")
        self.pairs = [
            (a, b) for i, a in enumerate(self.datasets) for b in self.datasets[i + 1:]
        ]

    def answer(self, path: str) -> Any:
        """The body for a path below the API's root; None for one that is none of these."""
        verb = path.removeprefix("/consistency").strip("/").replace("-", "_")
        found = getattr(self, f"on_{verb or 'map'}", None) if path.startswith("/consistency") else None
        return found() if found else None

    def on_map(self) -> dict[str, Any]:
        a, b = self._set("set_a"), self._set("set_b")
        table = set_pair_consistency(self.stack, [(a, b)], self.method)[0]
        r = _rows(table.r)
        with_ends = self.query.get("intervals") == "true"
        plain = consistency(self.stack, self.method)
        return {
            "metric": self.query["metric"], "preprocess": "l2", "method": self.method, "datasets": self.datasets,
            "domains": self.domains, "r": r, "n_pairs": np.asarray(table.n_pairs).tolist(),
            "n_models": plain.n_models.tolist(), "scope": self._scope(), "set_a": a.name, "set_b": b.name,
            **({"ci_low": _rows(table.r - REACH), "ci_high": _rows(table.r + REACH)} if with_ends else {}),
        }

    def on_set_pairs(self) -> dict[str, Any]:
        by = self.query.get("by", "objective")
        if by == "custom":
            sets = [self._named(text, "sets") for text in self.query.get("sets", "").split(";") if text]
        else:
            sets = [
                ModelSet(slug, words, np.array([one[by] == slug for one in self.attributes]))
                for slug, words in MODEL_ATTRIBUTES[by].items() if any(one[by] == slug for one in self.attributes)
            ]
        pairs = [self._pair(a, b) for a, b in combinations_with_replacement(sets, 2)]
        pairs.sort(key=lambda pair: (pair["median"] is None, -(pair["median"] or 0.0)))
        return {
            "scope": self._scope(), "by": by, "dataset_pairs": self.pairs, "pairs": pairs,
            "baseline": self._pair(every(len(self.models)), every(len(self.models))),
            "sentence": "The steadiest is so.",
        }

    def on_difference(self) -> dict[str, Any]:
        a, b = (self._pair(one, one) for one in (self._set("a"), self._set("b")))
        match = [name for name in self.query.get("match", "").split(",") if name]
        known = a["median"] is not None and b["median"] is not None
        gap = a["median"] - b["median"] if known else None
        strata = [
            {"values": dict.fromkeys(match, value), "n_a": 1, "n_b": k, "used": k > 0}
            for k, value in enumerate(("other", "convolutional"))
        ]
        return {
            "scope": self._scope(), "a": a, "b": b, "difference": gap, "matched_by": match,
            "ci_low": None if gap is None else gap - REACH, "ci_high": None if gap is None else gap + REACH,
            "verdict": "undefined" if gap is None else "tie", "strata": strata if match else [],
            "sentence": f"{a['title']} and {b['title']} models tie.",
        }

    def on_dataset_pair(self) -> dict[str, Any]:
        first, second = (self.stack[self.datasets.index(self.query[key])] for key in ("a", "b"))
        rows, columns = np.triu_indices(len(self.models), 1)
        x, y = first[rows, columns], second[rows, columns]
        here = np.isfinite(x) & np.isfinite(y)
        rows, columns, x, y = rows[here], columns[here], x[here], y[here]
        known = len(x) >= 3
        dx, dy = (v - v.mean() if known else v for v in (x, y))
        terms = dx * dy / np.sqrt((dx**2).sum() * (dy**2).sum()) if known else np.zeros(len(x))
        slope = float((dx * dy).sum() / (dx**2).sum()) if known else None
        by = self.query.get("by", "")
        of = [one.get(by, "") for one in self.attributes]
        kinds = sorted({tuple(sorted((of[i], of[j]))) for i, j in zip(rows, columns, strict=True)}) if by else []
        group = [kinds.index(tuple(sorted((of[i], of[j])))) for i, j in zip(rows, columns, strict=True)] if by else []
        r = float(terms.sum()) if known else None
        return {
            "scope": self._scope(), "dataset_a": self.query["a"], "dataset_b": self.query["b"], "r": r,
            "ci_low": None if r is None else r - REACH, "ci_high": None if r is None else r + REACH,
            "n_pairs": len(x), "n_models": len(self.models), "small": not known, "slope": slope,
            "intercept": None if slope is None else float(y.mean() - slope * x.mean()), "by": by, "n_listed": len(x),
            "groups": [
                {"title": f"{a} x {b}", "set_a": a, "set_b": b, "n_pairs": group.count(k), "n_models": 2, "r": 0.5,
                 "ci_low": 0.1, "ci_high": 0.8, "slope": 1.0, "intercept": 0.0, "small": True}
                for k, (a, b) in enumerate(kinds)
            ],
            "pairs": {
                "models": self.models, "i": rows.tolist(), "j": columns.tolist(), "x": x.tolist(), "y": y.tolist(),
                "contribution": terms.tolist(), "group": group,
            },
            "without_model": [
                {"name": name, "r": None if r is None else r - 0.01 * k, "change": -0.01 * k}
                for k, name in enumerate(self.models)
            ],
            "sentence": "",
        }

    def on_influence(self) -> dict[str, Any]:
        left = [{"name": name, "r": 0.5 + 0.1 * k, "change": 0.1 * k} for k, name in enumerate(self.datasets)]
        return {"scope": self._scope(), "median": 0.5, "ci_low": 0.4, "ci_high": 0.6, "without_dataset": left,
                "sentence": ""}

    def on_anchors(self) -> dict[str, Any]:
        r = np.linspace(0.1, 0.9, len(self.pairs)).tolist()
        anchors = [
            {"model": name, "others": "all", "n_models": len(self.models) - 1, "r": r, "median": 0.5, "q1": 0.3,
             "q3": 0.7, "ci_low": 0.4, "ci_high": 0.6, "small": False}
            for name in self.query["anchors"].split(",")
        ]
        return {"scope": self._scope(), "by": "", "dataset_pairs": self.pairs, "anchors": anchors, "sentence": "So."}

    def on_metrics(self) -> dict[str, Any]:
        count, k = len(self.datasets), len(self.pairs)
        return {
            "scope": self._scope(), "other": self.query["other"], "datasets": self.datasets, "r": [0.9] * count,
            "ci_low": [0.8] * count, "ci_high": [0.95] * count, "n_pairs": [36] * count, "dataset_pairs": self.pairs,
            "consistency": [0.5] * k, "consistency_other": [0.6] * k, "consistency_r": None, "sentence": "",
        }

    def _scope(self) -> dict[str, Any]:
        names = ("metric", "layer", "method", "labels", "models")
        return {name: self.query[name] for name in names if name in self.query} | {
            "preprocess": "l2", "n_models": len(self.models), "n_models_of": len(self.everyone),
            "datasets": self.datasets, "interval": "resampling of models", "resamples": 1000, "seed": 0,
        }

    def _pair(self, a: ModelSet, b: ModelSet) -> dict[str, Any]:
        table = set_pair_consistency(self.stack, [(a, b)], self.method)[0]
        upper = np.triu_indices(len(self.datasets), 1)
        r = np.asarray(table.r)[upper]
        known = r[np.isfinite(r)]
        q1, median, q3 = np.quantile(known, [0.25, 0.5, 0.75]).tolist() if len(known) else (None, None, None)
        return {
            "set_a": a.name, "set_b": b.name, "title": a.title if a.name == b.name else f"{a.title} x {b.title}",
            "n_models_a": int(a.members.sum()), "n_models_b": int(b.members.sum()),
            "n_pairs": int(np.max(table.n_pairs)), "small": bool(table.small), "r": _list(r), "median": median,
            "q1": q1, "q3": q3, "ci_low": None if median is None else median - REACH,
            "ci_high": None if median is None else median + REACH, "n_dataset_pairs": len(known),
        }

    def _set(self, field: str) -> ModelSet:
        return self._named(self.query.get(field, "all"), field)

    def _named(self, text: str, field: str) -> ModelSet:
        if text in ("", "all"):
            return every(len(self.models))
        known = dict(zip(self.models, self.attributes, strict=True))
        title = in_words(parse(text)) if ":" in text else text
        return ModelSet(text, title, np.array(self._members(known, text, field)))

    @staticmethod
    def _members(models: dict[str, dict[str, str]], text: str, field: str) -> list[bool]:
        try:
            named = next((one["predicate"] for one in NAMED if one["name"] == text), text)
            predicate = parse(named)
        except BadPredicate as error:
            raise Refused(field, error.message, error.hint, error.position) from error
        return [predicate.holds({**one, "model": name}) for name, one in models.items()]


class Refused(InvalidInput):
    """A field of the question cannot be read: what the API answers with 422."""

    def __init__(self, field: str, message: str, hint: str, position: int) -> None:
        super().__init__(message, hint)
        fields = [{"field": field, "message": message, "hint": hint, "position": position}]
        self.body = {"title": "Refused", "status": 422, "detail": message, "hint": hint, "fields": fields}


def named_sets(models: dict[str, dict[str, str]], saved: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every named set with whom it holds."""
    sets = [*NAMED, *saved]
    return [
        json.loads(json.dumps(one)) | {
            "models": [
                name for name, of in models.items() if parse(one["predicate"]).holds({**of, "model": name})
            ]
        }
        for one in sets
    ]


def _list(values: np.ndarray) -> list[float | None]:
    return [None if not np.isfinite(v) else float(v) for v in values]


def _rows(square: np.ndarray) -> list[list[float | None]]:
    return [_list(row) for row in np.asarray(square)]
