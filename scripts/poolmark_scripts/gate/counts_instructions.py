"""Instructions of a batch, counted by callgrind: the same number in every run, whatever else the machine does.

Callgrind collects while the harness is within run_batch(), the function that a batch is. The other way, the difference
between runs of few and of many batches, also counts what the harness does around a batch (checks, statistics, JSON:
some 200,000 instructions), and that varies with the digits of the times it prints: by 0.01 % of a kernel of 16 million
instructions, but by 3 % of a thousand tasks that do nothing.

Symbols are bound at the start. Otherwise the first batch pays for looking them up, and how long that takes depends on
the order in which the program was linked.

Over 20 runs the count was the same to the last instruction. Three links of the same objects in different orders
differed by up to 0.003 % in batches of milliseconds (docs/investigations/2026-11-27-counts-of-the-gate.md).
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Sequence

from poolmark_scripts.gate.counts_runs import Counted, NotCounted, cell_command, is_sequential, tasks_of_run
from poolmark_scripts.one_process import Runner

ALLOWED = 0.01  # half of what must be found, and 300 times what links differ by
SLACK = 10_000  # some microseconds a batch: where it only sleeps, 1 % of its instructions would be nothing
FUNCTION = "poolmark::harness::detail::WorkloadOnExecutor*::run_batch*"
SUMMARY = re.compile(r"^summary: (\d+)$", re.MULTILINE)
NO_VALGRIND = "Instructions were not counted: valgrind is not installed (sudo apt-get install valgrind)."


class Instructions:
    """Counts them in cells of the sequential executor, where no other thread decides how often somebody waits."""

    what = "instructions"

    def __init__(self, valgrind: str, runner: Runner, workspace: Path, flags: Sequence[str]) -> None:
        self._valgrind, self._runner, self._workspace, self._flags = valgrind, runner, workspace, flags

    @staticmethod
    def find() -> str | None:
        """The valgrind to use; None where none is installed."""
        return shutil.which("valgrind")

    def applies(self, cell: str) -> bool:
        """Whether the cell is one that it counts."""
        return is_sequential(cell)

    def count(self, program: Path, cell: str) -> list[Counted]:
        """Runs one batch of the cell. Raises NotCounted and Interrupted."""
        self._clean_up()
        output = self._workspace / "callgrind.results.json"
        command = [
            "env", "LD_BIND_NOW=1", self._valgrind, "--tool=callgrind", f"--toggle-collect={FUNCTION}",
            # The program forks, and each of its processes writes a file.
            f"--callgrind-out-file={self._workspace}/callgrind.out.%p",
            *cell_command(program, cell, self._flags, 1, output),
        ]  # fmt: skip
        try:
            tasks_of_run(self._runner, command, output, 1)
            counted = sum(parse_summary(file) for file in self._workspace.glob("callgrind.out.*"))
        finally:
            self._clean_up()
        if counted == 0:
            raise NotCounted(
                f"callgrind found no function {FUNCTION} in {program}, which the harness runs a batch with; build it "
                "without stripping it"
            )
        return [Counted(self.what, "batch", counted, ALLOWED, SLACK)]

    def _clean_up(self) -> None:
        for path in self._workspace.glob("callgrind.*"):
            path.unlink(missing_ok=True)


def parse_summary(file: Path) -> int:
    """The instructions in what callgrind wrote; 0 if it had not finished."""
    found = SUMMARY.search(file.read_text(encoding="utf-8", errors="replace"))
    return int(found[1]) if found else 0
