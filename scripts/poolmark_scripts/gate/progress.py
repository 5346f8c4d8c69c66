"""How far the gate is: a line that changes on a terminal, a line a stage in a pipe."""

from __future__ import annotations

import time
from typing import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from poolmark_scripts.gate.model import Stage
from poolmark_scripts.units import clock


class GateProgress:
    """Shows stages and blocks."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._began = 0.0
        self._said = ""

    def stage_begins(self, stage: Stage, plan: Mapping[str, int]) -> None:
        """So many rounds of each cell."""
        self._began = time.monotonic()
        fewest, most = min(plan.values(), default=0), max(plan.values(), default=0)
        rounds = str(most) if fewest == most else f"{fewest} to {most}"
        self._said = f"{stage.label}: {rounds} rounds of {len(plan)} cell{'' if len(plan) == 1 else 's'}"
        if not self._console.is_terminal:
            self._console.print(f"{self._said} ...", soft_wrap=True)
            return
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.fields[cell]}"),
            console=self._console, transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task(self._said, total=sum(plan.values()), cell="")
        self._bar.start()

    def block_begins(self, stage: Stage, number: int, cell: str) -> None:
        """The cell is measured in all arms."""
        if self._bar:
            self._bar.update(self._task, cell=f"round {number}, {cell}")

    def block_ended(self) -> None:
        """It has been."""
        if self._bar:
            self._bar.advance(self._task)

    def stage_ended(self) -> None:
        """All rounds are over, or the user has interrupted them."""
        if self._bar:
            self._bar.stop()
            self._bar = None
        if self._said:
            self._console.print(f"{self._said}, {clock(time.monotonic() - self._began)} min", soft_wrap=True)
            self._said = ""
