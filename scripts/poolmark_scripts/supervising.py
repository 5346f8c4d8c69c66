"""Runs commands that may hang, and leaves nothing of them behind."""

from __future__ import annotations

import functools
import os
import resource
import selectors
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Sequence

from poolmark_scripts.disturbance import adopt_orphans

LOOK_INTERVAL_S = 0.5
# A loop that looks twice a second and finds so much time gone was not let run, nor was what it runs.
STOPPED_S = 5.0


@dataclass
class Ended:
    """How a command ended."""

    status: int
    lines: list[str] = field(default_factory=list)
    too_late: bool = False
    # The machine slept, or somebody stopped us and went on: clocks are worth nothing then, and a thread that
    # waited for a wake in vain has been woken.
    was_stopped: bool = False

    @property
    def tail(self) -> str:
        """The last lines, for a message."""
        return "\n".join(f"  {line}" for line in self.lines[-30:])


class _Stops:
    """How often this process was stopped and went on."""

    def __init__(self) -> None:
        self.count = 0

    def count_one(self, *_: object) -> None:
        self.count += 1


_stops = _Stops()


def begin() -> None:
    """Before the first command: orphans become our children, and stops are counted."""
    adopt_orphans()
    signal.signal(signal.SIGCONT, _stops.count_one)


def run(
    command: Sequence[str], directory: Path, limit_s: float, on_line: Callable[[str], None] = lambda _: None,
    largest_file: int | None = None,
) -> Ended:  # fmt: skip
    """Runs a command in a session of its own to its end or the limit; afterwards none of its descendants lives.

    A process of it that makes a file of more than `largest_file` bytes, be it in memory, is killed by SIGXFSZ.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CTEST_", "GTEST_"))}
    try:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=None if largest_file is None else functools.partial(_limit_files, largest_file),
        )  # fmt: skip
    except OSError as error:
        return Ended(127, [f"{command[0]}: {error.strerror}"])
    try:
        return _follow(process, limit_s, on_line)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()
        end_descendants()


def _limit_files(largest: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)  # which only root may raise
    limit = largest if most == resource.RLIM_INFINITY else min(largest, most)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))


def _follow(process: subprocess.Popen[bytes], limit_s: float, on_line: Callable[[str], None]) -> Ended:
    ended = Ended(0)
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    unfinished = b""
    started = looked = time.monotonic()
    stops_before = _stops.count
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            # Before reading: what it wrote before it ended is there. Its end of the pipe may stay open in orphans.
            is_over = process.poll() is not None
            if not is_over:
                selector.select(LOOK_INTERVAL_S)
            piece = process.stdout.read() or b""
            *complete, unfinished = (unfinished + piece).split(b"\n")
            for line in complete:
                ended.lines.append(line.decode(errors="replace"))
                on_line(ended.lines[-1])
            if is_over:
                ended.status = process.returncode
                return ended
            if not piece:
                time.sleep(0.01)  # at the end of its output, a little before its own
            now = time.monotonic()
            ended.was_stopped |= now - looked > STOPPED_S or _stops.count != stops_before
            looked = now
            if now - started > limit_s:
                ended.too_late = True
                ended.status = -signal.SIGKILL
                return ended


def end_descendants() -> None:
    """Kills every descendant of this process, by its id, and waits for it. Only while no other child is wanted."""
    while True:
        killed = sum(_kill(pid) for pid in _descendants())
        _reap()
        if killed == 0:
            return
        time.sleep(0.01)


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except (ProcessLookupError, PermissionError):
        return False


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0] != 0:
            pass
    except ChildProcessError:
        pass


def _descendants() -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            stat = Path(entry.path, "stat").read_text(errors="replace")
        except OSError:
            continue
        # Behind the name, which is in brackets and may hold anything.
        parent = int(stat.rpartition(")")[2].split()[1])
        children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found
