"""The journal: what survives a sudden end or a full disk, and what may not go on with it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sample_data
from poolmark_scripts import journal
from poolmark_scripts.journal import Journal, JournalError

HEADER = {
    "format": journal.FORMAT, "commit": "0123456789abcdef", "dirty": False, "program": "scaling", "program_sha256": "aa",
    "flags": ["--quick"], "cells": ["a", "b"], "context": sample_data.context(),
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with two samples."""
    with Journal(tmp_path / "run.journal.jsonl") as made:
        for line in (HEADER, {"index": 0}, {"index": 1}):
            made.add(line)
    return made.path


def test_it_stands_beside_its_results() -> None:
    assert journal.beside(Path("results/latest.json")) == Path("results/latest.journal.jsonl")


def test_what_is_written_is_read(path: Path) -> None:
    found = journal.read(path)
    assert (found.header, found.samples) == (HEADER, [{"index": 0}, {"index": 1}])
    assert found.whole_bytes == path.stat().st_size


@pytest.mark.parametrize("cut", [1, 5, 11])
def test_a_line_that_a_sudden_end_cut_off_is_measured_again(cut: int, path: Path) -> None:
    os.truncate(path, path.stat().st_size - cut)
    found = journal.read(path)
    assert found.samples == [{"index": 0}]
    with Journal(path, found.whole_bytes) as again:
        again.add({"index": 1})
    assert journal.read(path).samples == [{"index": 0}, {"index": 1}]


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "no journal of this version"),
        (b'{"format":1', "no journal of this version"),
        (b'{"format":2}\n', "no journal of this version"),
        (b'{"format":1}\nrubbish\n{}\n', "line 2, is no line of a journal"),
        (b'{"format":1}\n[]\n', "line 2, is no line of a journal"),
        (b"\xff\xfe\n", "line 1, is no line of a journal"),
    ],
)
def test_what_is_no_journal(content: bytes, said: str, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError, match=said) as error:
        journal.read(path)
    assert "Leave out --resume" in str(error.value) and str(path) in str(error.value)


def test_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal .*none.jsonl to go on with"):
        journal.read(tmp_path / "none.jsonl")


def changed(**fields: Any) -> dict[str, Any]:
    return {**HEADER, **fields}


@pytest.mark.parametrize(
    "now, said",
    [
        (HEADER, []),
        (changed(seed=3, budget_s=9.0, dirty=True), []),
        (changed(context=sample_data.context(date="2030-01-01T00:00:00+00:00", load_avg=[9.0])), []),
        (changed(commit="fedcba9876543210"), ["it was measured at commit 0123456789ab, the program here is of fedcba987654"]),
        (changed(program_sha256="bb"), ["it was measured with another build of the program"]),
        (changed(flags=[]), ["it was measured with --quick, now there is no flag"]),
        (changed(flags=["--long", "--pool=cold"]), ["it was measured with --quick, now there are --long --pool=cold"]),
        (changed(cells=["a"]), ["it was measured with other cells"]),
        (
            changed(context=sample_data.context(host_name="other", usable_cpus=4)),
            [
                "it was measured on another machine (host_name 'bench-1', here 'other')",
                "it was measured on another machine (usable_cpus 2, here 4)",
            ],
        ),
    ],
)
def test_what_may_not_go_on_with_it(now: dict[str, Any], said: list[str]) -> None:
    assert journal.differences(HEADER, now) == said


def test_one_run_at_a_time_writes_it(path: Path) -> None:
    size = path.stat().st_size
    with Journal(path, size):
        with pytest.raises(JournalError, match="another scripts/bench is writing"):
            Journal(path, 0)
        with pytest.raises(JournalError, match="another scripts/bench is writing"):
            journal.set_aside(path)
    assert path.stat().st_size == size


def test_a_journal_that_nobody_went_on_with_is_kept(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    kept = journal.set_aside(path)
    assert kept == tmp_path / "run.journal.previous.jsonl" and kept.read_bytes() == content and not path.exists()
    assert journal.set_aside(path) is None
    path.touch()
    assert journal.set_aside(path) is None


FILLING = """
import sys
sys.path.insert(0, {scripts!r})
from pathlib import Path
from poolmark_scripts.journal import Journal, JournalError
with Journal(Path({path!r})) as made:
    made.add({header!r})
    try:
        for index in range(1000):
            made.add({{"index": index}})
    except JournalError as error:
        print(error)
"""


def test_a_disk_that_fills_up_leaves_a_valid_journal(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.journal.jsonl"
    code = FILLING.format(scripts=str(root / "scripts"), path=str(path), header={"format": journal.FORMAT})
    ended = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )  # fmt: skip
    assert f"the journal {path} cannot be written: File too large." in ended.stdout
    assert "make room and go on with scripts/bench --resume" in ended.stdout
    found = journal.read(path)
    assert found.whole_bytes == path.stat().st_size > 980
    assert [line["index"] for line in found.samples] == list(range(len(found.samples)))
