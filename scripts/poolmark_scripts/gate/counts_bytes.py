"""Bytes that cross to worker processes and back, as the program's own results tell (docs/results-format.md).

They are counted where a pool reads an answer, so what is moved between workers or sent again after a death counts
once: 20 runs of one program differed by nothing (docs/investigations/2026-11-27-counts-of-the-gate.md), but for the
process pool's map, whose chunks are as long as its tasks seem to take; there it is information.

A build of before the results told of it counts nothing here, and neither does the other one then.
"""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import Sequence

from poolmark_scripts.gate.counts_runs import (
    Counted, NotCounted, batches_of_run, cell_command, has_chunks_by_time, may_have_processes,
)  # fmt: skip
from poolmark_scripts.one_process import Runner

BATCHES = 3
# Of a task's bytes. A result may be a text with a time in it, which is a digit longer or shorter.
ALLOWED = 0.005
FIELDS = {"bytes to workers": "sent_bytes", "bytes from workers": "received_bytes"}


class CrossedBytes:
    """Counts them in cells of executors with worker processes; others have none in their results."""

    what = "bytes that cross to workers"

    def __init__(self, runner: Runner, workspace: Path, flags: Sequence[str]) -> None:
        self._runner, self._workspace, self._flags = runner, workspace, flags

    def applies(self, cell: str) -> bool:
        """Whether the cell is one that it counts."""
        return may_have_processes(cell)

    def count(self, program: Path, cell: str) -> list[Counted]:
        """Runs some batches of the cell. Raises NotCounted and Interrupted."""
        output = self._workspace / "bytes.results.json"
        command = cell_command(program, cell, self._flags, BATCHES, output)
        try:
            batches = batches_of_run(self._runner, command, output, BATCHES)
        finally:
            output.unlink(missing_ok=True)
        allowed = math.inf if has_chunks_by_time(cell) else ALLOWED
        try:
            return [
                Counted(what, "task", statistics.median(float(batch[field]) / batch["tasks"] for batch in batches), allowed)
                for what, field in FIELDS.items()
                if all(field in batch for batch in batches)
            ]
        except (ValueError, TypeError):
            raise NotCounted("the program's results have bytes that are no numbers") from None
