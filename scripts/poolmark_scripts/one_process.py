"""Runs one program to its end, its limit or the user's interruption; nothing of it is left behind."""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from poolmark_scripts import supervising
from poolmark_scripts.disturbance import adopt_orphans

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_INTERRUPTED = 130
ORPHANS_S = 2.0  # what a program leaves behind, such as the process its workers came from, is given to end
WORDS_BYTES = 4096
OUTPUT_BYTES = 4 << 20
PIECES_AT_ONCE = 32  # of a pipe: one that is never empty must not keep us from looking at the clock
SHOW_CURSOR = b"\x1b[?25h"


class Interrupted(Exception):
    """The user wants to end; what ran is gone."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int  # below 0: the signal that killed it
    words: str  # the end of what it said on standard error
    output: str = ""  # what it wrote to standard output, if that was wanted
    too_late: bool = False
    too_much: bool = False  # output: no program of ours writes so much

    @property
    def how(self) -> str:
        """For a sentence that begins with its name."""
        if self.status >= 0:
            return f"ended with status {self.status}"
        try:
            return f"was killed by {signal.Signals(-self.status).name}"
        except ValueError:
            return f"was killed by signal {-self.status}"

    @property
    def last_words(self) -> str:
        """How it ended and the last lines it wrote, as the end of a sentence."""
        lines = [line.strip() for line in self.words.splitlines() if line.strip()]
        return f"{self.how}; its last words: {' / '.join(lines[-3:])}" if lines else f"{self.how} and said nothing"


class Runner:
    """While it is entered, signals that would end us are answered here, and orphans become our children.

    Python runs a handler between two byte codes; a signal that arrives just before a blocking call would wait as
    long as the call. So we sleep in select(), which the wake-up descriptor ends. It also tells of children.
    """

    def __init__(self) -> None:
        self._interruptions = 0
        self._before: dict[int, Any] = {}
        # The kernel kills the program when we die, however we die; its workers see their pool's end then.
        found = shutil.which("setpriv")
        self._prefix = [found, "--pdeathsig", "KILL", "--"] if found else []

    def __enter__(self) -> "Runner":
        adopt_orphans()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_before = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for number in ENDING:
            self._before[number] = signal.signal(number, self._interrupt)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wake_before)
        os.close(self._woken)
        os.close(self._wake)

    def check(self) -> None:
        """Raises Interrupted if the user wants to end."""
        if self._interruptions:
            raise Interrupted

    def run(
        self, command: Sequence[str], limit_s: float, wants_output: bool = False,
        environment: Mapping[str, str] | None = None, directory: Path | None = None,
    ) -> Ended:  # fmt: skip
        """Runs `command` in a session of its own. Raises OSError if it cannot be started, and Interrupted."""
        self.check()
        process = subprocess.Popen(
            [*self._prefix, *command], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=directory, env=environment,
            stdout=subprocess.PIPE if wants_output else subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            return self._follow(process, limit_s)
        finally:
            _kill_session(process)
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()
            self._reap()

    def _follow(self, process: "subprocess.Popen[bytes]", limit_s: float) -> Ended:
        latest = time.monotonic() + limit_s
        said = {pipe: b"" for pipe in (process.stdout, process.stderr) if pipe}
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            for pipe in said:
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ)
            while True:
                # Before reading: what it wrote before it ended is there. Others may hold its pipes open for longer.
                is_over = process.poll() is not None
                left_s = latest - time.monotonic()
                if not is_over and left_s > 0:
                    selector.select(left_s)
                self._forget_wakes()
                for pipe in said:
                    if not _take(pipe, said, process.stderr) and pipe in selector.get_map():
                        selector.unregister(pipe)
                too_much = process.stdout in said and len(said[process.stdout]) > OUTPUT_BYTES
                if is_over or left_s <= 0 or too_much:
                    words = said[process.stderr].decode(errors="replace")
                    output = said.get(process.stdout, b"").decode(errors="replace")
                    status = process.returncode if is_over else -signal.SIGKILL
                    return Ended(status, words, output, too_late=not is_over and left_s <= 0, too_much=too_much)
                self.check()

    def _forget_wakes(self) -> None:
        try:
            os.read(self._woken, 512)
        except BlockingIOError:
            pass

    def _reap(self) -> None:
        """Waits a moment for what the program left behind, then kills it."""
        latest = time.monotonic() + ORPHANS_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                self._forget_wakes()
                try:
                    pid, _ = os.waitpid(-1, os.WNOHANG)
                except ChildProcessError:
                    return
                if pid:
                    continue
                left_s = latest - time.monotonic()
                if left_s <= 0 or self._interruptions:
                    supervising.end_descendants()
                    return
                selector.select(left_s)

    def _interrupt(self, *_: object) -> None:
        self._interruptions += 1
        if self._interruptions > 1:
            os.write(2, (SHOW_CURSOR if os.isatty(2) else b"") + b"interrupted again: ended at once\n")
            os._exit(EXIT_INTERRUPTED)


def _take(pipe: Any, said: dict[Any, bytes], words: Any) -> bool:
    """Adds what there is to read; False at the end of it. Of words only the last are kept."""
    for _ in range(PIECES_AT_ONCE):
        try:
            piece = os.read(pipe.fileno(), 65536)
        except BlockingIOError:
            return True
        if not piece:
            return False
        said[pipe] += piece
        if pipe is words:
            said[pipe] = said[pipe][-WORDS_BYTES:]
    return True


def _kill_session(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
