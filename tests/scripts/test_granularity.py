"""scripts/granularity: rounds of fresh processes, what is repeated, what goes wrong, bad usage."""

from __future__ import annotations

import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from poolmark_scripts import granularity, granularity_results, granularity_runs

FAKE = Path(__file__).resolve().with_name("fake_granularity.py")
THREAD, PROCESS, TBB = "thread/as_completed/workers:2", "process/as_completed/workers:2", "tbb/tasks/workers:2"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAKE_GRANULARITY", str(tmp_path))
    monkeypatch.setattr(granularity, "PROGRAM", FAKE)
    monkeypatch.setattr(granularity, "build_program", lambda console: None)
    return tmp_path


def measure(room: Path, *more: str) -> tuple[int, granularity_results.GranularityResults]:
    output = room / "out.json"
    status = granularity.main(["--rounds", "3", "--seed", "1", "-o", str(output), *more])
    return status, granularity_results.load(output)


def sampled(room: Path) -> list[str]:
    lines = (room / "calls").read_text().splitlines()
    return [line.split()[0].removeprefix("--subject=") for line in lines if line.startswith("--subject=")]


def misbehave(room: Path, subject: str, how: str) -> None:
    (room / subject.replace("/", "_")).write_text(how)


def test_every_subject_runs_once_a_round_in_an_order_drawn_anew(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, results = measure(room, "--rounds", "8")
    assert status == 0
    rounds = [[s.subject for s in results.samples if s.round == number] for number in range(1, 9)]
    assert all(sorted(one) == sorted([THREAD, PROCESS, TBB]) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 2
    assert sampled(room) == [s.subject for s in sorted(results.samples, key=lambda s: s.order)]
    said = capsys.readouterr().out
    assert "round 8/8" in said and "skipped: Asio" in said and "out.json" in said
    assert {path.name for path in room.iterdir()} == {"calls", "out.json", "out.svg", "out.png"}


def test_the_seed_decides_the_order(room: Path) -> None:
    first, second = (measure(room)[1] for _ in range(2))
    assert [s.subject for s in first.samples] == [s.subject for s in second.samples]


def test_all_get_the_same_work(room: Path) -> None:
    measure(room)
    calls = [line.split()[1:] for line in (room / "calls").read_text().splitlines() if line.startswith("--subject=")]
    assert len({tuple(call) for call in calls}) == 1


def test_a_round_that_is_off_is_marked_kept_and_repeated(room: Path) -> None:
    misbehave(room, TBB, "slow-once")
    status, results = measure(room)
    assert status == 0
    tried = [s for s in results.samples if s.subject == TBB]
    assert [(s.round, s.attempt, bool(s.rejected)) for s in tried][:2] == [(1, 1, True), (1, 2, False)]
    assert len(tried) == 4 and results.outcomes()[TBB].rounds == 3


def test_what_is_always_off_is_tried_three_times_a_round(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    misbehave(room, TBB, "slow")
    _, results = measure(room)
    assert [s.attempt for s in results.samples if s.subject == TBB] == [1, 2, 3] * 3
    assert f"{TBB}: no METG, all 9 tries were rejected" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("how", "message"),
    [("crash", "was killed by SIGSEGV: the sum of the results is 3, expected 6"), ("rubbish", "printed no JSON but 'hello'")],
)
def test_a_subject_that_fails_is_named_and_the_rest_go_on(
    how: str, message: str, room: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    misbehave(room, TBB, how)
    status, results = measure(room)
    assert status == 1
    assert results.failures == [{"subject": TBB, "round": 1, "message": message}]
    assert sampled(room).count(TBB) == 1 and sampled(room).count(THREAD) == 3
    assert f"{TBB}, round 1: {message}" in capsys.readouterr().out


def test_a_subject_that_hangs_is_killed_and_the_rest_go_on(room: Path) -> None:
    # Two seconds are the watchdog that is tested: the others end in a fraction of them.
    misbehave(room, TBB, "hang")
    with pytest.raises(granularity_runs.ProgramError, match="not at its end after 2 s; it was killed"):
        granularity_runs.ask(FAKE, [f"--subject={TBB}", "--grains=1000", "--ns-per-step=1"], 2.0)
    with pytest.raises(ProcessLookupError):
        os.kill(int((room / "pid").read_text()), 0)


def test_a_budget_that_is_spent_ends_after_a_whole_round(room: Path) -> None:
    status, results = measure(room, "--budget", "0.01s")
    assert status == 0
    assert sorted(s.subject for s in results.samples) == sorted([THREAD, PROCESS, TBB])


def test_a_budget_of_our_own_is_stretched_for_the_rounds_that_intervals_take() -> None:
    plan = granularity_runs.Plan(rounds=8, budget_s=80.0, seed=1, grains=[], least_rounds=3)
    assert [plan.budget_for(number) for number in (1, 3, 4, 8)] == [160.0, 160.0, 80.0, 80.0]
    of_the_users = granularity_runs.Plan(rounds=8, budget_s=80.0, seed=1, grains=[])
    assert of_the_users.budget_for(1) == 80.0


def test_without_a_budget_there_are_intervals(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No round is over at once, and five are asked for.
    monkeypatch.setattr(granularity, "BUDGET_S", 1e-9)
    monkeypatch.setattr(granularity_runs, "STRETCH", 1e12)
    status, results = measure(room, "--rounds=5")
    assert status == 0
    assert {sample.round for sample in results.samples} == {1, 2, 3}


def script(*arguments: str, room: Path) -> "subprocess.Popen[str]":
    start = (
        "import sys; from pathlib import Path; from poolmark_scripts import granularity as g; "
        f"g.PROGRAM = Path({str(FAKE)!r}); g.build_program = lambda console: None; sys.exit(g.main(sys.argv[1:]))"
    )
    return subprocess.Popen(
        [sys.executable, "-c", start, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(granularity.__file__).parents[1])}, cwd=room,
        # Started in the background of a shell, the tests ignore Ctrl-C, and so would their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_text()):
        assert time.monotonic() < deadline, f"{file} did not come"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_writes_what_it_has(number: signal.Signals, room: Path) -> None:
    # With this seed TBB is not the first of the round, so that there is something to write.
    misbehave(room, TBB, "hang")
    running = script("--rounds", "3", "--seed", _seed_with_last(TBB), "-o", "out.json", room=room)
    wait_for(room / "pid")
    running.send_signal(number)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert is_gone(int((room / "pid").read_text()))
    results = granularity_results.load(room / "out.json")
    assert results.partial and len(results.samples) == 2
    assert "the run was interrupted" in said


def _seed_with_last(subject: str) -> str:
    import random

    for seed in range(100):
        order = [THREAD, PROCESS, TBB]
        random.Random(seed).shuffle(order)
        if order[-1] == subject:
            return str(seed)
    raise AssertionError("no seed")


def test_killed_it_leaves_no_program_running(room: Path) -> None:
    misbehave(room, TBB, "hang")
    running = script("--rounds", "1", "-o", "out.json", room=room)
    wait_for(room / "pid")
    running.kill()
    running.communicate(timeout=60)
    assert is_gone(int((room / "pid").read_text()))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--rounds", "0"], "--rounds 0: at least 1"),
        (["--workers", "1;2"], "--workers 1;2: numbers with commas"),
        (["--subjects", "("], "--subjects '(' is no regular expression"),
        (["--subjects", "nothing"], "--subjects 'nothing' matches none of 3 subjects, such as thread/"),
        (["--budget", "soon"], "--budget soon: a time above 0"),
        (["--budget", "0s"], "--budget 0s: a time above 0"),
        (["--seed", "-1"], "--seed -1: 0 or more"),
        (["-o", "/nowhere/out.json"], "/nowhere/out.json cannot be written"),
        (["-o", "out.txt"], "out.txt does not end in .json"),
        (["--report", "missing.json"], "missing.json cannot be read"),
    ],
)  # fmt: skip
def test_bad_usage_is_a_sentence(
    arguments: list[str], sentence: str, room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(room)
    assert granularity.main(arguments) == 2
    assert f"scripts/granularity: {sentence}" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "name", "sentence"), [
    ("whole_file", "write_json", "out.json could not be written: No space left on device. Only the tables above are left."),
    ("granularity_picture", "draw", "out.json could not be written: No space left on device."),
])  # fmt: skip
def test_a_disk_that_is_full_at_the_end_loses_no_table(
    module: str, name: str, sentence: str, room: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(importlib.import_module(f"poolmark_scripts.{module}"), name, full)
    assert granularity.main(["--rounds", "1", "-o", str(room / "out.json")]) == 2
    said = capsys.readouterr()
    assert sentence in said.err and "METG(50 %)" in said.out


def test_report_measures_nothing(room: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(room)
    before = (room / "calls").read_text()
    first = capsys.readouterr().out
    assert granularity.main(["--report", str(room / "out.json")]) == 0
    assert (room / "calls").read_text() == before
    assert capsys.readouterr().out.splitlines()[-20:] == first.splitlines()[-20:]


def test_the_quick_run_has_one_worker_count_and_shorter_tasks() -> None:
    assert max(granularity.grains_of(quick=True)) < max(granularity.grains_of(quick=False)) == 2**22
    assert min(granularity.grains_of(quick=True)) == min(granularity.grains_of(quick=False)) == 32


@pytest.fixture(scope="module")
def real_program(root: Path) -> Path:
    program = Path(os.environ.get("POOLMARK_GRANULARITY", root / "build" / "release" / "bench" / "granularity"))
    if not program.exists():
        pytest.skip(f"{program} is not built; scripts/test release builds it, POOLMARK_GRANULARITY names another")
    return program


def test_the_real_program_is_measured(
    real_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(granularity, "PROGRAM", real_program)
    monkeypatch.setattr(granularity, "build_program", lambda console: None)
    monkeypatch.setattr(granularity, "grains_of", lambda quick: [65536, 4096, 256])
    output = tmp_path / "out.json"
    arguments = ["--rounds", "1", "--workers", "1", "--subjects", "^(thread|process|loop)/", "-o", str(output)]
    assert granularity.main(arguments) == 0
    made = json.loads(output.read_text())
    assert {name.split("/")[0] for name in made["metg"]} == {"thread", "process", "loop"}
    assert len(made["context"]["commit"]) in (40, 7) and made["context"]["usable_cpus"] >= 1
    assert all(point["elapsed_ns"] > 0 for sample in made["samples"] for point in sample["points"])
    assert "METG(50 %)" in capsys.readouterr().out
