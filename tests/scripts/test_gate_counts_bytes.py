"""Stage 0 of the gate: the bytes that cross to worker processes and back, as a program's results have them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Iterator

import pytest
from counts_data import PROCESS, SEQUENTIAL, THREAD, script
from poolmark_scripts.gate.counts import compare
from poolmark_scripts.gate.counts_bytes import ALLOWED, BATCHES, CrossedBytes
from poolmark_scripts.gate.counts_runs import Counted, NotCounted
from poolmark_scripts.gate.model import CountChange
from poolmark_scripts.one_process import Runner


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[CrossedBytes]:
    with Runner() as runner:
        yield CrossedBytes(runner, tmp_path, ())


def program(path: Path, *batches: dict[str, Any]) -> Path:
    """Writes results of batches of ten tasks, whatever it is asked for."""
    document = {"failures": [], "benchmarks": [{"tasks": 10, **batch} for batch in batches]}
    (path.with_suffix(".json")).write_text(json.dumps(document), encoding="utf-8")
    copies = f'for argument; do case $argument in --benchmark_out=*) cp {path.with_suffix(".json")} "${{argument#*=}}" ;; esac; done'
    return script(path, copies)


def batches(sent: float, received: float = 80) -> list[dict[str, Any]]:
    return [{"sent_bytes": sent, "received_bytes": received}] * BATCHES


def test_only_processes_have_bytes_that_cross(counter: CrossedBytes) -> None:
    assert [counter.applies(cell) for cell in (SEQUENTIAL, THREAD, PROCESS, "w/mine/map/workers:2")] == [False, False, True, True]


def test_the_median_batch_counts_by_the_task(counter: CrossedBytes, tmp_path: Path) -> None:
    made = program(tmp_path / "p", *({"sent_bytes": sent, "received_bytes": 40} for sent in (300, 100, 200)))
    assert counter.count(made, PROCESS) == [
        Counted("bytes to workers", "task", 20, ALLOWED), Counted("bytes from workers", "task", 4, ALLOWED),
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p", "p.json"]


def test_one_byte_more_in_a_hundred_is_a_rise_and_one_in_a_thousand_is_not(counter: CrossedBytes, tmp_path: Path) -> None:
    base = program(tmp_path / "base", *batches(1000))
    for sent, has_risen in ((1010, True), (1001, False), (500, False)):
        to_workers, from_workers = compare(counter, base, program(tmp_path / "new", *batches(sent)), PROCESS)
        assert to_workers.has_risen is has_risen and not from_workers.has_risen


def test_chunks_by_time_make_bytes_mere_information(counter: CrossedBytes, tmp_path: Path) -> None:
    made = program(tmp_path / "p", *batches(300))
    by_time, by_number = (
        counter.count(made, f"w/process/map/workers:2{chunks}")[0] for chunks in ("", "/chunksize:4")
    )
    assert math.isinf(by_time.share) and by_number.share == ALLOWED


def test_a_build_that_does_not_tell_is_not_compared(counter: CrossedBytes, tmp_path: Path) -> None:
    telling, silent = program(tmp_path / "telling", *batches(300)), program(tmp_path / "silent", *[{}] * BATCHES)
    assert compare(counter, silent, telling, PROCESS) == compare(counter, telling, silent, PROCESS) == []
    assert compare(counter, telling, telling, PROCESS) == [
        CountChange("bytes to workers", "task", 30, 30, ALLOWED), CountChange("bytes from workers", "task", 8, 8, ALLOWED),
    ]  # fmt: skip


def test_what_is_no_number_is_said_to_be_none(counter: CrossedBytes, tmp_path: Path) -> None:
    made = program(tmp_path / "p", *[{"sent_bytes": "many", "received_bytes": 8}] * BATCHES)
    with pytest.raises(NotCounted, match="bytes that are no numbers"):
        counter.count(made, PROCESS)
