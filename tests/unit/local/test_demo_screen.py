"""What the demo shows: plain lines without a terminal, a live bar in one, nothing but JSON on standard output."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from backend.contracts.jobs import Job, JobCounts, JobProgress
from parallax.local import demo_screen
from parallax.local.demo_screen import LiveScreen, PlainScreen

COUNTS = JobCounts(states={"queued": 5, "running": 1, "succeeded": 3, "failed": 1}, workers=1)
JOB = Job(
    id=7, kind="extract", state="running", title="Embed [bold]shapes[/bold] with a", attempt=1, max_attempts=4,
    created_at=datetime.now(UTC), progress=JobProgress(step="embed", done=64, total=300),
)  # fmt: skip


def test_the_summary_says_what_is_missing() -> None:
    assert demo_screen.summary(COUNTS) == "4 of 10 jobs done, 1 running, 1 failed"
    assert "waiting for a worker" in demo_screen.summary(JobCounts(states={"queued": 1}, workers=0))


def test_plain_progress_is_one_line_every_few_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    screen = PlainScreen(to_stderr=False)
    screen.step("Adding dataset coins")
    screen.work(COUNTS, [JOB])
    now += demo_screen.PLAIN_EVERY_S
    screen.work(COUNTS, [JOB])
    now += demo_screen.PLAIN_EVERY_S
    screen.work(COUNTS, [JOB])
    assert capsys.readouterr().out.splitlines() == [
        "Adding dataset coins",
        "4 of 10 jobs done, 1 running, 1 failed; now: Embed [bold]shapes[/bold] with a (64 of 300)",
    ]


def test_with_json_nothing_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    screen = demo_screen.screen_for(to_stderr=True)
    screen.say("Starting Parallax ...")
    screen.work(COUNTS, [JOB])
    screen.finish()
    screen.close()
    shown = capsys.readouterr()
    assert shown.out == "" and "Starting Parallax ..." in shown.err


def test_the_live_screen_shows_a_bar_and_what_runs_and_leaves_only_the_lines_said() -> None:
    written = io.StringIO()
    screen = LiveScreen(Console(file=written, force_terminal=True, width=100))
    screen.say("Parallax is at http://127.0.0.1:8050")
    screen.step("Adding dataset coins")
    screen.work(COUNTS, [JOB])
    screen.say("First heatmap after 45 s")
    screen.finish()
    screen.close()
    shown = written.getvalue()
    assert "4 of 10 jobs done" in shown and "Embed [bold]shapes[/bold] with a (64 of 300)" in shown
    assert "First heatmap after 45 s" in shown
