"""The supervisor with real processes: restarts, order, signals, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from backend.domain.errors import NotAvailable
from parallax.local import processes
from parallax.local.home import Home
from parallax.local.supervisor import Child, Stopped, Supervisor
from tests.support.stack import REPOSITORY


def shell(name: str, script: str, folder: Path, **how: object) -> Child:
    """A child that runs a shell script in `folder`."""
    return Child(name, ["/bin/sh", "-c", script], cwd=folder, **how)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def lines(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


def has_lines(path: Path, count: int) -> bool:
    return len(lines(path)) == count


def beside(work: Callable[[], None], supervisor: Supervisor) -> None:
    """Runs `work` in a thread while the supervisor watches in this one; its end, good or bad, ends the watch."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)
        supervisor.stopping.set()

    thread = threading.Thread(target=run)
    thread.start()
    supervisor.watch()
    thread.join()
    if failure:
        raise failure[0]


def test_a_child_killed_with_9_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    pids: list[dict[str, int]] = []
    started = tmp_path / "started"
    with Supervisor(Home(tmp_path / "home"), said.append, pids.append) as supervisor:
        supervisor.start(shell("sleeper", "echo $$ >> started; exec sleep 60", tmp_path))

        def kill_it() -> None:
            wait_for(lambda: len(lines(started)) == 1)
            os.kill(int(lines(started)[0]), signal.SIGKILL)
            wait_for(lambda: len(lines(started)) == 2 and len(pids) == 2)

        beside(kill_it, supervisor)
    assert "sleeper ended with signal SIGKILL" in said[0]
    assert [one["sleeper"] for one in pids] == [int(pid) for pid in lines(started)]
    assert not processes.is_alive(int(lines(started)[1]))


def test_a_child_that_keeps_dying_is_started_ever_less_often(tmp_path: Path) -> None:
    started = tmp_path / "started"
    with Supervisor(Home(tmp_path / "home"), lambda line: None) as supervisor:
        supervisor.start(shell("faulty", "echo x >> started; exit 3", tmp_path))
        beside(lambda: time.sleep(2.5), supervisor)
    assert 3 <= len(lines(started)) <= 4  # at 0, 0.3, 0.9 and 2.1 s


def test_children_are_stopped_in_reverse_order(tmp_path: Path) -> None:
    script = "trap 'echo {0} >> stopped; exit 0' TERM; echo {0} >> ready; while :; do sleep 0.05; done"
    with Supervisor(Home(tmp_path / "home"), lambda line: None) as supervisor:
        for number, name in enumerate(("first", "second", "third")):
            ready = partial(has_lines, tmp_path / "ready", number + 1)
            supervisor.start(shell(name, script.format(name), tmp_path, ready=ready))
    assert lines(tmp_path / "ready") == ["first", "second", "third"]
    assert lines(tmp_path / "stopped") == ["third", "second", "first"]


def test_a_child_that_does_not_come_up_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with (
        pytest.raises(NotAvailable, match="picky ended with exit status 4: no room on the disk"),
        Supervisor(home, lambda line: None) as supervisor,
    ):
        supervisor.start(shell("picky", "echo no room on the disk; exit 4", tmp_path, ready=lambda: False))
    with (
        pytest.raises(NotAvailable, match=r"slow did not answer in 0\.2 s"),
        Supervisor(home, lambda line: None) as supervisor,
    ):
        supervisor.start(shell("slow", "exec sleep 60", tmp_path, ready=lambda: False, ready_s=0.2))


def test_a_signal_during_the_start_ends_it(tmp_path: Path) -> None:
    with pytest.raises(Stopped), Supervisor(Home(tmp_path / "home"), lambda line: None) as supervisor:

        def interrupt() -> bool:
            os.kill(os.getpid(), signal.SIGINT)
            return False

        supervisor.start(shell("slow", "exec sleep 60", tmp_path, ready=interrupt))


def test_a_second_signal_kills_what_does_not_stop(tmp_path: Path) -> None:
    began = 0.0
    before = signal.getsignal(signal.SIGINT)  # a shell's background job ignores it
    with Supervisor(Home(tmp_path / "home"), lambda line: None) as supervisor:
        script = "trap '' TERM; echo x > ready; while :; do sleep 0.05; done"
        supervisor.start(shell("deaf", script, tmp_path, patience_s=60.0, ready=lambda: (tmp_path / "ready").exists()))

        def interrupt_twice() -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGINT)

        impatient = threading.Thread(target=interrupt_twice)
        impatient.start()
        supervisor.watch()
        began = time.monotonic()
    impatient.join()
    assert time.monotonic() - began < 10
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_is_left_behind_by_a_supervisor_killed_with_9(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from parallax.local.home import Home\n"
        "from parallax.local.supervisor import Child, Supervisor\n"
        "folder = Path(sys.argv[1])\n"
        "with Supervisor(Home(folder / 'home'), print) as supervisor:\n"
        "    supervisor.start(Child('sleeper', ['/bin/sh', '-c', 'echo $$ > started; exec sleep 60'], cwd=folder))\n"
        "    supervisor.watch()\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, str(program), str(tmp_path)], env=os.environ | {"PYTHONPATH": str(REPOSITORY)}
    )
    started = tmp_path / "started"
    wait_for(lambda: bool(lines(started)))
    supervisor.kill()
    supervisor.wait()
    assert processes.wait_gone(int(lines(started)[0]), 5.0)
