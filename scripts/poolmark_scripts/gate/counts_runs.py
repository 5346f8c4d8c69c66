"""One run of a program for the sake of counting: its command, and what went wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from poolmark_scripts.one_process import Runner
from poolmark_scripts.sampling import sample_flags

LIMIT_S = 300.0  # under callgrind a batch takes fifty times as long


class NotCounted(Exception):
    """Why a cell has no count; the text is the end of a sentence that begins with the cell's name."""


@dataclass(frozen=True)
class Counted:
    """Something counted in one program, and how much more of it would be no regression."""

    what: str
    per: str  # "batch", "task" or "pool"
    value: float
    share: float = 0.0  # the largest rise that says nothing, as a part of the value; infinite: for information only
    slack: float = 0.0  # the same, as a number; the larger of both counts


def is_sequential(cell: str) -> bool:
    """Whether one thread does all of the cell."""
    return cell.split("/")[1] == "sequential"


def may_have_processes(cell: str) -> bool:
    """Whether the cell's executor may have worker processes, as a user's own may."""
    return cell.split("/")[1] not in ("sequential", "thread")


def has_chunks_by_time(cell: str) -> bool:
    """Whether how many messages a batch takes depends on how long its tasks seem to take."""
    _, _, pattern, *rest = cell.split("/")
    return may_have_processes(cell) and pattern == "map" and not any("chunksize:" in part for part in rest)


def cell_command(program: Path, cell: str, flags: Sequence[str], batches: int, output: Path) -> list[str]:
    """Runs the cell's batch so many times, each in a pool of its own. The last of a repeated flag counts."""
    return [
        str(program.absolute()), *sample_flags(flags, cell), f"--benchmark_repetitions={batches}", "--benchmark_min_time=0",
        "--benchmark_min_warmup_time=0", "--no-self-check", f"--benchmark_out={output}",
    ]  # fmt: skip


def tasks_of_run(runner: Runner, command: Sequence[str], output: Path, batches: int) -> int:
    """Runs `command` as batches_of_run() does; how many tasks each batch had."""
    return int(batches_of_run(runner, command, output, batches)[0]["tasks"])


def batches_of_run(runner: Runner, command: Sequence[str], output: Path, batches: int) -> list[dict[str, Any]]:
    """Runs `command`, which writes its results to `output`; what these say of each batch, its `tasks` at least.

    Raises NotCounted if not every batch succeeded, and Interrupted.
    """
    output.unlink(missing_ok=True)
    try:
        ended = runner.run(command, LIMIT_S)
    except OSError as error:
        raise NotCounted(f"{command[0]} cannot be started: {error.strerror}") from None
    if ended.too_late:
        raise NotCounted(f"the program was not at its end after {LIMIT_S:.0f} s and was ended")
    if ended.status != 0:
        raise NotCounted(f"the program {ended.last_words}")
    try:
        return _batches(json.loads(output.read_text(encoding="utf-8")), batches)
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        raise NotCounted(f"the program wrote no results that can be read: it {ended.last_words}") from None


def _batches(document: Any, batches: int) -> list[dict[str, Any]]:
    if document["failures"]:
        raise NotCounted(f"a batch failed: {document['failures'][0]['message']}")
    entries = document["benchmarks"]
    if len(entries) != batches:
        raise NotCounted(f"the program ran {len(entries)} batches instead of {batches}")
    if not all(int(entry["tasks"]) > 0 for entry in entries):
        raise ValueError("a batch without tasks")
    return list(entries)
