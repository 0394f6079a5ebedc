"""All tables. They never leave `backend.db`: repositories answer with domain and contract types."""

from backend.db.tables.datasets import datasets, stimuli
from backend.db.tables.embeddings import embedding_chunks, embedding_diagnostics, embedding_neighbours, embeddings
from backend.db.tables.jobs import job_events, job_requests, jobs, workers
from backend.db.tables.metadata import metadata
from backend.db.tables.model_sets import model_sets
from backend.db.tables.models import models
from backend.db.tables.probes import probes
from backend.db.tables.similarities import (
    matrices,
    matrix_embeddings,
    similarity_gaps,
    similarity_rows,
    subsampled_matrices,
)

__all__ = [
    "datasets", "embedding_chunks", "embedding_diagnostics", "embedding_neighbours", "embeddings",
    "job_events", "job_requests", "jobs", "matrices", "matrix_embeddings", "metadata", "model_sets",
    "models", "probes", "similarity_gaps", "similarity_rows", "stimuli", "subsampled_matrices", "workers",
]
