"""Runs the measuring program: its progress, its interruption, and its end."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator, Sequence

from rich.console import Console

from poolmark_scripts.progress import LineDisplay, LiveDisplay, Tracker, display

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 5.0
ANSWERS = (
    "interrupted: the batch in progress ends, then what was measured is written",
    "interrupted again: the program ends at once; once more kills it",
)


def measure(program: Path, arguments: Sequence[str], output: Path, console: Console) -> tuple[int, str]:
    """Runs `program` to its end; returns its exit status and what it said on standard error.

    The program gets a session of its own, so that Ctrl-C reaches it once, through us: it then writes
    what it has measured and ends; a second Ctrl-C makes it end at once, a third one kills it.
    """
    read_end, write_end = os.pipe()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        program_run = subprocess.Popen(
            [program, *arguments, f"--benchmark_out={output}", f"--progress-fd={write_end}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            pass_fds=[write_end], start_new_session=True,
        )  # fmt: skip
        os.close(write_end)
        with _Forwarding(program_run) as forwarding:
            try:
                tracker = Tracker()
                with display(console, tracker) as shown:
                    for line in forwarding.lines(read_end):
                        _show(line, tracker, shown)
                while program_run.poll() is None:
                    _wait(program_run, 0.1)  # short, so that a signal is noticed here as well
            finally:
                _end(program_run)
        errors.seek(0)
        return program_run.returncode, errors.read().strip()


def _show(line: str, tracker: Tracker, shown: LineDisplay | LiveDisplay) -> None:
    try:
        event: dict[str, Any] = json.loads(line)
        kind = event["event"]
    except (ValueError, KeyError, TypeError):
        return  # a line cut by the program's death; its exit status tells
    if kind == "plan":
        tracker.plan(event["cells"], event["repetitions"])
        shown.planned()
    elif kind in ("sample", "failure"):
        shown.advanced(event, tracker.take(event))


def _end(program_run: "subprocess.Popen[bytes]") -> None:
    """No way out of `measure` leaves the program behind."""
    if program_run.poll() is not None:
        return
    program_run.terminate()
    if not _wait(program_run, GRACE_S):
        os.killpg(program_run.pid, signal.SIGKILL)
        program_run.wait()


def _wait(program_run: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        program_run.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Forwarding:
    """While it is entered, signals that would end us go to the program instead.

    Python runs a handler between two byte codes; a signal that arrives just before a blocking read
    would wait as long as the read. So we sleep in select(), which the wake-up descriptor ends.
    """

    def __init__(self, program_run: "subprocess.Popen[bytes]") -> None:
        self._program_run = program_run
        self._received = 0
        self._before: dict[int, Any] = {}

    def lines(self, descriptor: int) -> Iterator[str]:
        """The lines that come from `descriptor` until its end, which is closed then."""
        rest = b""
        with os.fdopen(descriptor, "rb", buffering=0) as events, selectors.DefaultSelector() as selector:
            selector.register(events, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._woken in ready:
                    os.read(self._woken, 512)
                if descriptor not in ready:
                    continue
                read = events.read(65536)
                if not read:
                    return
                *complete, rest = (rest + read).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in complete)

    def __enter__(self) -> "_Forwarding":
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in FORWARDED:
            self._before[number] = signal.signal(number, self._forward)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wake_before)
        os.close(self._woken)
        os.close(self._wake)

    def _forward(self, number: int, _: object) -> None:
        self._received += 1
        if self._program_run.poll() is not None:
            return
        if self._received > len(ANSWERS):
            os.killpg(self._program_run.pid, signal.SIGKILL)
            return
        self._program_run.send_signal(signal.SIGTERM if number == signal.SIGHUP else number)
        # Not through the console: a second signal may find it in the middle of printing the first answer.
        os.write(2, f"{ANSWERS[self._received - 1]}\n".encode())
