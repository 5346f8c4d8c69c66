"""How far a granularity run is: one live line on a terminal, a line a round elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Callable, Iterator

from rich.console import Console

from poolmark_scripts.granularity_runs import Progress
from poolmark_scripts.units import clock


@contextmanager
def display(console: Console) -> Iterator[Callable[[Progress], None]]:
    """Yields what shows the progress of a run on `console`."""
    if console.is_terminal and not console.is_dumb_terminal:
        with console.status("measuring ...") as status:
            yield lambda progress: status.update(_line(progress) + f"  {progress.latest}")
    else:
        yield _Lines(console)


class _Lines:
    """For logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._round = 0

    def __call__(self, progress: Progress) -> None:
        if progress.round > self._round:
            self._round = progress.round
            self._console.print(_line(progress), soft_wrap=True)


def _line(progress: Progress) -> str:
    left = f", ETA {clock(progress.left_s)}" if progress.left_s is not None else ""
    repeated = f", {progress.repeated} repeated" if progress.repeated else ""
    return f"round {progress.round}/{progress.rounds}, {progress.done}/{progress.subjects} subjects{repeated}, {clock(progress.elapsed_s)}{left}"
