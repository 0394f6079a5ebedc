"""Jobs as they are shown everywhere: state badge, progress bar, one line of a list."""

from __future__ import annotations

from datetime import UTC, datetime

from dash import dcc, html

from backend.contracts.jobs import Job
from backend.domain.jobs import FINAL_STATES
from frontend.figures.numbers import duration
from frontend.urls import job_link

KIND_WORDS = {
    "ingest": "Add a dataset", "register": "Submission", "extract": "Embed", "compare": "Compare", "probe": "Probe",
    "subsample": "Fewer stimuli",
}
SHAPES = {"queued": "○", "running": "◐", "succeeded": "●", "failed": "✕", "cancelled": "–"}


def badge(state: str) -> html.Span:
    """A state in words, with a shape beside its colour."""
    return html.Span(
        [html.Span(SHAPES.get(state, "○"), **{"aria-hidden": "true"}), state], className=f"state state-{state}"
    )


def bar(done: int, total: int, label: str) -> html.Div:
    """A progress bar; without a total it only says that work goes on."""
    if total <= 0:
        return html.Div(html.Div(className="bar-fill"), className="bar bar-open", role="progressbar",
                        **{"aria-label": label})
    share = 100 * min(done / total, 1.0)
    return html.Div(
        html.Div(className="bar-fill", style={"width": f"{share:.1f}%"}),
        className="bar", role="progressbar",
        **{"aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": f"{share:.0f}"},
    )


def children_progress(job: Job) -> tuple[int, int]:
    """Finished and all jobs that this one opened."""
    return sum(n for state, n in job.children.items() if state in FINAL_STATES), sum(job.children.values())


def elapsed(job: Job, now: datetime | None = None) -> str:
    """How long a job has run or ran; empty before it starts."""
    if job.started_at is None:
        return ""
    end = job.finished_at or now or datetime.now(UTC)
    return duration((end - job.started_at).total_seconds())


def progress_words(job: Job) -> str:
    """`embed: 640 of 1,797`, as far as it is known."""
    step, done, total = job.progress.step, job.progress.done, job.progress.total
    if total:
        return f"{step or 'step'}: {done:,} of {total:,}"
    return step


def job_line(job: Job) -> html.Li:
    """One running job: title, bar and words. A submission's progress is that of its jobs."""
    done, total = children_progress(job) if job.children else (job.progress.done, job.progress.total)
    words = f"{done:,} of {total:,} jobs" if job.children else progress_words(job)
    return html.Li(
        [
            dcc.Link(job.title, href=job_link(job.id), className="job-line-title"),
            bar(done, total, job.title),
            html.Span(" · ".join(part for part in (words, elapsed(job)) if part), className="dim"),
        ],
        className="job-line",
    )
