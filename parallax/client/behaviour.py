"""Calls about behaviour: linear probes, similarity against gaps in accuracy, matrices on fewer stimuli."""

from __future__ import annotations

from typing import Unpack
from uuid import uuid4

from pydantic import BaseModel

from backend.contracts.jobs import Job
from backend.contracts.probes import GapPairs, Performance, Probe, ProbeRequest, Sensitivity, SubsampleRequest
from parallax.client.consistency import Choice, params_of
from parallax.client.transport import Transport


class BehaviourCalls(Transport):
    """One method per endpoint."""

    def probes(self, dataset: str) -> list[Probe]:
        """Accuracy of the linear probe of every model on a dataset, by model."""
        return list(self._all("/probes", Probe, {"dataset": dataset}))

    def request_probes(self, dataset: str, idempotency_key: str | None = None) -> Job:
        """Ask for the probes that are missing on a dataset; answers the job to follow."""
        return self._ask("/probes", ProbeRequest(dataset=dataset), idempotency_key)

    def performance(self, metric: str, **choice: Unpack[Choice]) -> Performance:
        """r of similarity with the gap in accuracy, on every dataset."""
        return self._one("/consistency/performance", Performance, params=params_of(metric, **choice))

    def gap_pairs(self, metric: str, dataset: str, **choice: Unpack[Choice]) -> GapPairs:
        """The pairs of models behind one dataset's r of similarity with the gap in accuracy."""
        params = params_of(metric, **choice) | {"dataset": dataset}
        return self._one("/consistency/performance/pairs", GapPairs, params=params)

    def sensitivity(self, metric: str, dataset: str, **choice: Unpack[Choice]) -> Sensitivity:
        """A matrix from all stimuli of a dataset against those from parts of them."""
        params = params_of(metric, **choice) | {"dataset": dataset}
        return self._one("/consistency/sensitivity", Sensitivity, params=params)

    def request_subsamples(
        self, dataset: str, metric: str, preprocess: str = "l2", idempotency_key: str | None = None
    ) -> Job:
        """Ask for a matrix on a half, a quarter and a tenth of the stimuli; answers the job to follow."""
        wanted = SubsampleRequest(dataset=dataset, metric=metric, preprocess=preprocess)
        return self._ask("/subsamples", wanted, idempotency_key)

    def _ask(self, path: str, body: BaseModel, idempotency_key: str | None) -> Job:
        answer = self._send("POST", path, content=body.model_dump_json(), headers={
            "Idempotency-Key": idempotency_key or str(uuid4()), "Content-Type": "application/json"})
        return Job.model_validate_json(answer.content)
