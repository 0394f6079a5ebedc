"""All tables. They never leave `backend.db`: repositories answer with domain and contract types."""

from backend.db.tables.datasets import datasets, stimuli
from backend.db.tables.embeddings import embedding_chunks, embedding_diagnostics, embeddings
from backend.db.tables.jobs import job_events, job_requests, jobs, workers
from backend.db.tables.metadata import metadata
from backend.db.tables.models import models
from backend.db.tables.similarities import matrices, matrix_embeddings, similarity_gaps, similarity_rows

__all__ = [
    "datasets", "embedding_chunks", "embedding_diagnostics", "embeddings",
    "job_events", "job_requests", "jobs", "matrices", "matrix_embeddings", "metadata",
    "models", "similarity_gaps", "similarity_rows", "stimuli", "workers",
]
