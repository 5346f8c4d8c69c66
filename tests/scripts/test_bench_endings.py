"""The ends that scripts/bench does not choose: Ctrl-C, SIGKILL, a full disk; and going on afterwards."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest
from poolmark_scripts import journal, results

FAKE = Path(__file__).with_name("fake_scaling.py")
PLENTY_S = 60.0
DRIVER = """
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from poolmark_scripts import bench
bench.build_program = lambda console: None
sys.exit(bench.main(["-o", "run.json", *sys.argv[1:]]))
"""
FILTER = "--benchmark_filter=^sum/(sequential|thread)/(map|wait)/workers:[12]$"
CELLS = {
    "sum/sequential/map/workers:1",
    *(f"sum/thread/{pattern}/workers:{count}" for pattern in ("map", "wait") for count in (1, 2)),
}
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Start:
    """scripts/bench without its build, in a process and a folder of its own."""

    def call(*arguments: str, mode: str = "ok", **more: Any) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER.format(scripts=str(root / "scripts")), f"--program={FAKE}", *arguments],
            cwd=tmp_path, env={**os.environ, "FAKE_SCALING": mode}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, **more,
        )  # fmt: skip

    return call


def hanging(bench: "subprocess.Popen[str]") -> list[int]:
    """Pids of the measuring program that hangs and of its child, once both are there."""
    while True:
        assert bench.poll() is None, bench.stdout.read()
        for child in _children(bench.pid):
            if (grandchildren := _children(child)) and _measures(child):
                return [child, *grandchildren]
        select.select([], [], [], 0.01)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _measures(pid: int) -> bool:
    try:
        return b"--benchmark_out=" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def samples(directory: Path) -> list[dict[str, Any]]:
    return journal.read(directory / "run.journal.jsonl").samples


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_shows_and_keeps_what_there_is(number: int, start: Start, tmp_path: Path) -> None:
    bench = start(FILTER, "--benchmark_repetitions=2", "--seed=5", mode="hang:sum/thread/wait/workers:2")
    pids = hanging(bench)
    measured = [line["entry"]["name"] for line in samples(tmp_path)]
    bench.send_signal(number)
    said, _ = bench.communicate()
    assert bench.returncode == 130, said
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    document = json.loads((tmp_path / "run.json").read_text())
    assert document["partial"] is True and {e["name"] for e in document["benchmarks"]} == set(measured) < CELLS
    assert {stop["reason"] for stop in document["stops"].values()} == {"interrupted"}
    assert results.load(tmp_path / "run.json").partial
    assert "The run was interrupted: the numbers are of what was measured until then." in said
    assert "The rest can be measured later: scripts/bench --resume." in said
    assert not list(tmp_path.glob("run.sample*"))

    again = start("--resume")
    said, _ = again.communicate()
    assert again.returncode == 0, said
    assert f"after the {len(measured)} samples of the journal" in said
    document = json.loads((tmp_path / "run.json").read_text())
    assert set(document["stops"]) == {e["name"] for e in document["benchmarks"]} == CELLS
    assert document["partial"] is False and not (tmp_path / "run.journal.jsonl").exists()


def test_an_interruption_before_the_first_sample(start: Start, tmp_path: Path) -> None:
    bench = start(FILTER, "--budget=1h", mode="hang")
    hanging(bench)
    bench.send_signal(signal.SIGINT)
    said, _ = bench.communicate()
    assert bench.returncode == 130 and "interrupted before there was anything to write" in said
    assert not (tmp_path / "run.json").exists()


def test_sigkill_loses_the_sample_at_hand_and_no_other(start: Start, tmp_path: Path) -> None:
    bench = start(FILTER, "--benchmark_repetitions=2", "--seed=5", mode="hang:sum/thread/wait/workers:2")
    child, *_ = pids = hanging(bench)
    measured = samples(tmp_path)
    assert 0 < len(measured) < 3 * len(CELLS)
    program = os.pidfd_open(child)
    bench.kill()
    bench.wait()
    assert select.select([program], [], [], PLENTY_S)[0], "the measuring program lives on"
    os.close(program)
    for orphan in pids[1:]:
        os.kill(orphan, signal.SIGKILL)  # of the stand-in, which does not notice; real workers do
    assert samples(tmp_path) == measured

    again = start("--resume")
    said, _ = again.communicate()
    assert again.returncode == 0, said
    document = json.loads((tmp_path / "run.json").read_text())
    assert {entry["name"] for entry in document["benchmarks"]} == CELLS
    orders = {e["order"] for e in document["benchmarks"] + document["disturbed"]}
    assert orders == set(range(document["context"]["processes"])) > {line["index"] for line in measured}


def test_the_workers_of_a_real_program_end_with_us(scaling_program: Path, start: Start, tmp_path: Path) -> None:
    bench = start(
        f"--program={scaling_program}", "--workloads=sleep", "--executors=process", "--patterns=map", "--workers=1",
        "--no-baseline", "--benchmark_min_time=1000", "--budget=1h",
    )  # fmt: skip
    program, *zygotes = hanging(bench)
    while not (workers := [worker for zygote in zygotes for worker in _children(zygote)]):
        zygotes = _children(program)
        assert bench.poll() is None, bench.stdout.read()
    everyone = [os.pidfd_open(pid) for pid in (program, *zygotes, *workers)]
    bench.kill()
    bench.wait()
    for process in everyone:
        assert select.select([process], [], [], PLENTY_S)[0], "a process lives on"
        os.close(process)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--pool=cold"], "it was measured with --benchmark_filter"),
        (["--quick"], "now there is --quick"),
    ],
)
def test_a_journal_of_other_flags(arguments: list[str], said: str, start: Start, tmp_path: Path) -> None:
    assert _left_behind(start) == 2
    content = (tmp_path / "run.journal.jsonl").read_bytes()
    bench = start("--resume", *arguments)
    answered, _ = bench.communicate()
    assert bench.returncode == 2 and said in answered and "Leave out --resume" in answered
    assert (tmp_path / "run.journal.jsonl").read_bytes() == content


@pytest.mark.parametrize(
    "change, said",
    [
        ({"commit": "f" * 40}, "it was measured at commit 0123456789ab, the program here is of ffffffffffff"),
        ({"host_name": "elsewhere"}, "it was measured on another machine (host_name 'bench-1', here 'elsewhere')"),
    ],
)
def test_a_journal_of_another_commit_or_machine(
    change: dict[str, str], said: str, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _left_behind(start) == 2
    content = (tmp_path / "run.journal.jsonl").read_bytes()
    monkeypatch.setenv("FAKE_SCALING_CONTEXT", json.dumps(change))
    bench = start("--resume")
    answered, _ = bench.communicate()
    assert bench.returncode == 2 and said in answered
    assert (tmp_path / "run.journal.jsonl").read_bytes() == content
    assert not (tmp_path / "run.json").exists()


def _left_behind(start: Start) -> int:
    """A journal whose budget was too small."""
    bench = start(FILTER, "--budget=0.001s")
    bench.communicate()
    return bench.returncode


def test_without_resume_an_old_journal_is_set_aside(start: Start, tmp_path: Path) -> None:
    assert _left_behind(start) == 2
    content = (tmp_path / "run.journal.jsonl").read_bytes()
    bench = start(FILTER, "--benchmark_repetitions=1")
    said, _ = bench.communicate()
    assert bench.returncode == 0 and "the journal of an earlier run is now run.journal.previous.jsonl" in said
    assert (tmp_path / "run.journal.previous.jsonl").read_bytes() == content


def test_resume_without_a_journal(start: Start) -> None:
    bench = start("--resume")
    said, _ = bench.communicate()
    assert bench.returncode == 2 and "there is no journal run.journal.jsonl to go on with" in said


def test_a_full_disk_ends_the_run_and_loses_nothing(start: Start, tmp_path: Path) -> None:
    room = 9000  # for the header and a few samples of the journal; the program's own files are smaller
    bench = start(
        FILTER, "--benchmark_repetitions=3", "--seed=5", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    )
    said, _ = bench.communicate()
    assert bench.returncode == 2 and "cannot be written: File too large" in said and "--resume" in said, said
    measured = samples(tmp_path)
    assert measured and not (tmp_path / "run.json").exists()

    again = start("--resume")
    said, _ = again.communicate()
    assert again.returncode == 0, said
    document = json.loads((tmp_path / "run.json").read_text())
    assert {entry["name"] for entry in document["benchmarks"]} == CELLS
    orders = [e["order"] for e in document["benchmarks"] + document["disturbed"]]
    assert sorted(orders) == list(range(document["context"]["processes"])) and len(orders) > len(measured)


def test_results_that_cannot_be_written_are_still_in_the_journal(start: Start, tmp_path: Path) -> None:
    (tmp_path / "run.json.unfinished").mkdir()  # where the results are written first
    bench = start(FILTER, "--benchmark_repetitions=1")
    said, _ = bench.communicate()
    assert bench.returncode == 2 and "run.json cannot be written: " in said and "Nothing is lost" in said, said
    assert {line["name"] for line in samples(tmp_path)} == CELLS
    (tmp_path / "run.json.unfinished").rmdir()
    again = start("--resume")
    said, _ = again.communicate()
    assert again.returncode == 0 and "after the" in said, said
    assert {e["name"] for e in json.loads((tmp_path / "run.json").read_text())["benchmarks"]} == CELLS
