"""Running one program: how it ended, what it said, and that nothing of it is left behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

import pytest
from poolmark_scripts import one_process
from poolmark_scripts.one_process import Interrupted, Runner

PLENTY_S = 60.0


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


def shell(text: str) -> list[str]:
    return ["/bin/bash", "-c", text]


def test_how_a_program_ended(runner: Runner) -> None:
    ended = runner.run(shell("echo out; echo words >&2; exit 3"), PLENTY_S, wants_output=True)
    assert (ended.status, ended.output, ended.words) == (3, "out\n", "words\n")
    assert ended.last_words == "ended with status 3; its last words: words"
    assert runner.run(["/bin/true"], PLENTY_S).last_words == "ended with status 0 and said nothing"


def test_a_signal_has_its_name(runner: Runner) -> None:
    ended = runner.run(shell("kill -SEGV $$"), PLENTY_S)
    assert ended.status == -signal.SIGSEGV and ended.how == "was killed by SIGSEGV"


def test_of_many_words_the_last_are_kept(runner: Runner) -> None:
    ended = runner.run(shell("seq 1 100000 >&2"), PLENTY_S)
    assert ended.words.endswith("\n100000\n") and len(ended.words) == one_process.WORDS_BYTES
    assert ended.last_words == "ended with status 0; its last words: 99998 / 99999 / 100000"


def test_output_without_end_is_cut_off(runner: Runner) -> None:
    ended = runner.run(["/usr/bin/yes"], PLENTY_S, wants_output=True)
    assert ended.too_much and not ended.too_late


def test_words_without_end_do_not_hide_the_limit(runner: Runner) -> None:
    assert runner.run(shell("exec yes >&2"), 0.3).too_late


def test_a_pipe_that_is_never_empty_is_left_for_a_look_at_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_process.os, "read", lambda *_: b"y\n" * 1000)
    with open(os.devnull, "rb") as pipe:
        said = {pipe: b""}
        assert one_process._take(pipe, said, pipe)
    assert len(said[pipe]) == one_process.WORDS_BYTES


def test_what_hangs_is_killed_with_all_that_it_started(runner: Runner, tmp_path: Path) -> None:
    note = tmp_path / "pids"
    ended = runner.run(
        shell(f"trap '' INT TERM; setsid sleep 1000 & echo $! > {note}; echo $$ >> {note}; echo stuck >&2; wait; wait"), 1.0
    )
    assert ended.too_late and ended.words == "stuck\n"
    assert not [pid for pid in note.read_text().split() if Path(f"/proc/{pid}").exists()]


def test_what_a_program_leaves_behind_is_waited_for_then_killed(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_process, "ORPHANS_S", 0.2)
    note = tmp_path / "pid"
    assert runner.run(shell(f"setsid sleep 1000 & echo $! > {note}"), PLENTY_S).status == 0
    assert not Path(f"/proc/{note.read_text().strip()}").exists()


def test_no_descriptor_is_left(runner: Runner) -> None:
    before = set(os.listdir("/proc/self/fd"))
    runner.run(shell("exit 1"), PLENTY_S, wants_output=True)
    assert set(os.listdir("/proc/self/fd")) == before


def test_signals_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (*one_process.ENDING, signal.SIGCHLD)]
    with Runner():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (*one_process.ENDING, signal.SIGCHLD)] == before


def test_a_program_that_is_none_cannot_be_started(tmp_path: Path) -> None:
    with Runner() as runner:
        runner._prefix = []
        with pytest.raises(OSError):
            runner.run([str(tmp_path / "nothing")], PLENTY_S)


@pytest.mark.parametrize("number", one_process.ENDING)
def test_an_interruption_ends_the_program_at_once(number: int, runner: Runner, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(Interrupted):
        runner.run(shell(f"echo $$ > {note}; trap '' {number}; kill -{number} {os.getpid()}; while :; do sleep 1; done"), PLENTY_S)
    assert not Path(f"/proc/{note.read_text().strip()}").exists()
    with pytest.raises(Interrupted):
        runner.check()


SUPERVISOR = """
import sys
sys.path.insert(0, {scripts!r})
from poolmark_scripts.one_process import Runner
with Runner() as runner:
    runner.run([sys.executable, "-c", "import os, time; print(os.getpid(), flush=True, file=open({note!r}, 'w')); time.sleep(1000)"], 1000)
"""


def wait_for(path: Path) -> str:
    """What is written to `path`, once it is."""
    while not path.exists() or not path.read_text():
        time.sleep(0.01)
    return path.read_text().strip()


def test_the_program_dies_with_us_however_we_die(root: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR.format(scripts=str(root / "scripts"), note=str(note))])
    program = os.pidfd_open(int(wait_for(note)))
    supervisor.kill()
    supervisor.wait()
    assert select.select([program], [], [], PLENTY_S)[0], "it lives on"
    os.close(program)


def test_a_second_signal_ends_us_at_once(root: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = SUPERVISOR.format(scripts=str(root / "scripts"), note=str(note)).replace(
        "with Runner() as runner:", "runner = Runner().__enter__()\nrunner._interruptions = 1\nrunner.check = lambda: None\nif True:"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    wait_for(note)
    supervisor.send_signal(signal.SIGINT)
    _, said = supervisor.communicate()
    assert supervisor.returncode == 130 and said == "interrupted again: ended at once\n"
