"""Child processes of one machine: started so that none outlives its parent, stopped with their whole group."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

LAUNCHER = Path(__file__).with_name("launch.py")
# Accounts that a server may run as when we are root, the first that exists.
UNPRIVILEGED = ("postgres", "nobody")


def start(
    argv: Sequence[str],
    *,
    log: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: pwd.struct_passwd | None = None,
    keep_open: Sequence[int] = (),
    death_signal: int = signal.SIGKILL,
    nice: int = 0,
) -> subprocess.Popen[bytes]:
    """Starts `argv` in a process group of its own, its output in `log`. Call it from a thread that lives
    on: the kernel sends `death_signal` when the calling *thread* ends. `keep_open`: descriptors the child
    inherits."""
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), "--parent", str(os.getpid())]
    launcher += ["--death-signal", str(int(death_signal)), "--nice", str(nice)]
    if user is not None:
        launcher += ["--user", f"{user.pw_uid}:{user.pw_gid}"]
    return subprocess.Popen(
        [*launcher, "--", *argv],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        start_new_session=True,
        pass_fds=tuple(keep_open),
    )


def stop(process: subprocess.Popen[bytes], stop_signal: int = signal.SIGTERM, patience_s: float = 8.0) -> None:
    """Asks a child to stop and waits; when patience ends, kills it with everything it started. Returns its end."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.send_signal(stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    kill_group(process)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills what is left of a child's process group (its pool processes, too) and reaps the child."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def unprivileged_user() -> pwd.struct_passwd | None:
    """The account a server that refuses root runs as; None when we are not root and it can run as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    return pwd.getpwuid(65534)


def can_enter(folder: Path, user: pwd.struct_passwd | None) -> bool:
    """Whether `user` can reach `folder`, tried as that user: permission bits alone do not tell (ACLs, networks)."""
    if user is None:
        return os.access(folder, os.X_OK | os.R_OK)
    tried = start(
        ["/bin/sh", "-c", 'cd "$0" && test -r .', str(folder)],
        log=subprocess.DEVNULL,
        user=user,
        cwd=Path("/"),
    )
    return tried.wait() == 0


def is_alive(pid: int) -> bool:
    """Whether a process of that number runs; one that ended and was not reaped yet counts as gone."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _state(pid) != "Z"


def wait_gone(pid: int, patience_s: float) -> bool:
    """Waits until a process that is not our child has ended. False when it still runs after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while is_alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def command_of(pid: int) -> str:
    """The command line of a running process, or an empty string."""
    listing = Path(f"/proc/{pid}/cmdline")
    with suppress(OSError):
        return listing.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, timeout=5, check=False
        ).stdout.strip()
    return ""


def _state(pid: int) -> str:
    """The kernel's letter for what a process does (`R`, `S`, `Z`, ...), or an empty string."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    return ""
