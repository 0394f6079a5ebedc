"""What the demo shows in the terminal: one live line of progress, or plain lines where there is no terminal."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from backend.contracts.jobs import Job, JobCounts
from backend.domain.jobs import FINAL_STATES

PLAIN_EVERY_S = 5.0


class Screen(Protocol):
    """Where the demo says what it does."""

    def say(self, line: str) -> None:
        """A line that stays."""

    def complain(self, line: str) -> None:
        """A line that stays, on standard error."""

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        """What is being done now."""

    def work(self, counts: JobCounts, running: list[Job]) -> None:
        """How far the jobs are."""

    def finish(self) -> None:
        """No more progress to show."""

    def close(self) -> None:
        """The end."""


def screen_for(to_stderr: bool) -> Screen:
    """A live display in a terminal, else plain lines. `to_stderr` keeps standard output free for JSON."""
    stream = sys.stderr if to_stderr else sys.stdout
    return LiveScreen(Console(stderr=to_stderr)) if stream.isatty() else PlainScreen(to_stderr)


class PlainScreen:
    """One line for each news, and at most one every few seconds for progress."""

    def __init__(self, to_stderr: bool) -> None:
        self._to_stderr = to_stderr
        self._last_progress = float("-inf")
        self._last_line = ""

    def say(self, line: str) -> None:
        print(line, file=sys.stderr if self._to_stderr else sys.stdout, flush=True)

    def complain(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        self._progress(what + (f" ({done} of {total})" if total else ""))

    def work(self, counts: JobCounts, running: list[Job]) -> None:
        now = f"; now: {describe(running[0])}" if running else ""
        self._progress(summary(counts) + now)

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _progress(self, line: str) -> None:
        if line != self._last_line and time.monotonic() - self._last_progress >= PLAIN_EVERY_S:
            self.say(line)
            self._last_line, self._last_progress = line, time.monotonic()


class LiveScreen:
    """A bar of all jobs with what runs below it. Lines that stay are printed above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._errors = Console(stderr=True)
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)]
        self._bar = Progress(*columns, TimeElapsedColumn(), console=console)
        self._task = self._bar.add_task("", total=None)
        self._live = Live(console=console, transient=True, refresh_per_second=8)
        self._shown = False

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def complain(self, line: str) -> None:
        self._errors.print(line, markup=False, style="red", soft_wrap=True)

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        self._draw(what, done, total, [])

    def work(self, counts: JobCounts, running: list[Job]) -> None:
        self._draw(summary(counts), *done_and_all(counts), [describe(one) for one in running])

    def finish(self) -> None:
        if self._shown:
            self._live.stop()
            self._shown = False

    def close(self) -> None:
        self.finish()

    def _draw(self, what: str, done: int, total: int, below: list[str]) -> None:
        self._bar.update(self._task, description=what, completed=done, total=total or None)
        lines = [Text(f"    {line}", style="dim", no_wrap=True, overflow="ellipsis") for line in below]
        self._live.update(Group(self._bar, *lines))
        if not self._shown:
            self._live.start()
            self._shown = True


def done_and_all(counts: JobCounts) -> tuple[int, int]:
    """Jobs that are final, and all jobs."""
    return sum(counts.states.get(state, 0) for state in FINAL_STATES), sum(counts.states.values())


def summary(counts: JobCounts) -> str:
    """`12 of 40 jobs done, 2 running, 1 failed`."""
    final, everything = done_and_all(counts)
    parts = [f"{final} of {everything} jobs done"]
    parts += [f"{counts.states[state]} {state}" for state in ("running", "failed") if counts.states.get(state)]
    if not counts.workers:
        parts.append("waiting for a worker")
    return ", ".join(parts)


def describe(job: Job) -> str:
    """A running job with how far it is."""
    return job.title + (f" ({job.progress.done} of {job.progress.total})" if job.progress.total else "")
