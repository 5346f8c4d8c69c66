"""What is shown while rounds are measured, on a terminal and in a pipe."""

from __future__ import annotations

import io
from typing import Any

import pytest
from poolmark_scripts.round_progress import LineDisplay, LiveDisplay, Position, display
from poolmark_scripts.rounds import Samples
from rich.console import Console

CELLS = ["w/sequential/map/workers:1", "w/thread/map/workers:2"]


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def line(samples: Samples, number: int, name: str, status: str = "ok", wall_s: float = 1.0) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name, "round": number, "index": len(samples.lines), "started_s": 0.0, "wall_s": wall_s, "status": status,
    }  # fmt: skip
    if status == "failed":
        made["message"] = "was killed by SIGSEGV"
    else:
        made["entry"] = {"real_time": 5e8}
    samples.add(made)
    return made


def test_the_budget_is_what_is_left(clock: Clock) -> None:
    position = Position(Samples(CELLS), budget_s=60.0, rounds=None, now=clock)
    assert position.eta() == "ETA 1:00" and position.part == 0.0
    clock.seconds += 45
    assert position.eta() == "ETA 0:15" and position.part == 0.75
    clock.seconds += 60
    assert position.eta() == "ETA 0:00" and position.part == 1.0


def test_what_is_left_of_rounds_follows_from_what_samples_took(clock: Clock) -> None:
    samples = Samples(CELLS)
    position = Position(samples, budget_s=None, rounds=3, now=clock)
    assert position.eta() == "ETA -:--" and position.part == 0.0
    position.sampled(line(samples, 1, CELLS[0], wall_s=4.0))
    assert position.left_s() == 2 * 4.0 + 3 * 4.0  # the other is not known yet
    position.sampled(line(samples, 1, CELLS[1], wall_s=1.0))
    assert position.left_s() == 2 * 4.0 + 2 * 1.0
    position.sampled(line(samples, 2, CELLS[0], "failed"))
    assert position.left_s() == 2 * 1.0


def test_a_stretched_budget_is_what_its_rounds_will_take(clock: Clock) -> None:
    samples = Samples(CELLS)
    position = Position(samples, budget_s=30.0, rounds=None, least_rounds=6, now=clock)
    assert position.left_s() == 30.0  # nothing is known yet
    clock.seconds += 8
    for name in CELLS:
        position.sampled(line(samples, 1, name, wall_s=4.0))
    assert position.left_s() == 5 * 2 * 4.0
    clock.seconds += 50
    assert position.left_s() == 2.0  # at twice the budget it ends, whatever is missing


def test_a_resumed_run_has_spent_a_part_of_its_budget(clock: Clock) -> None:
    samples = Samples(CELLS)
    line(samples, 1, CELLS[0], wall_s=20.0)
    assert Position(samples, budget_s=60.0, rounds=None, now=clock).eta() == "ETA 0:40"


def test_a_log_gets_a_line_a_round_and_a_heartbeat(clock: Clock) -> None:
    stream, samples = io.StringIO(), Samples(CELLS)
    position = Position(samples, budget_s=60.0, rounds=None, now=clock)
    shown = LineDisplay(Console(file=stream, width=120), position, now=clock)
    shown.round_begins(1, CELLS)
    for name, status, seconds in ((CELLS[0], "disturbed", 1), (CELLS[0], "ok", 20), (CELLS[1], "failed", 1)):
        shown.sample_begins(name)
        clock.seconds += seconds
        shown.sampled(line(samples, 1, name, status))
    shown.round_ended(1)
    assert stream.getvalue().splitlines() == [
        "round 1: w/sequential/map/workers:1  500 ms  ETA 0:39",
        "w/thread/map/workers:2: failed: was killed by SIGSEGV",
        "round 1: 0 of 2 cells are precise, 1 sample disturbed  ETA 0:38",
    ]


def test_a_terminal_gets_one_line_that_moves_between_samples_only(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream, samples = io.StringIO(), Samples(CELLS)
    console = Console(file=stream, force_terminal=True, width=110, highlight=False)
    shown = display(console, Position(samples, budget_s=60.0, rounds=None, now=clock))
    assert isinstance(shown, LiveDisplay)
    with shown:
        assert shown._live._refresh_thread is None
        for number in range(1, 8):
            shown.round_begins(number, CELLS)
            shown.sample_begins(CELLS[0])
            shown.sampled(line(samples, number, CELLS[0]))
            shown.round_ended(number)
        shown.sample_begins(CELLS[1])
        shown.sampled(line(samples, 7, CELLS[1], "failed"))
    said = stream.getvalue()
    assert "round 7" in said and "1/2 precise" in said and "w/sequential/map/workers:1  500 ms ±0.0%" in said
    assert "w/thread/map/workers:2: failed: was killed by SIGSEGV" in said
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h") == 1


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    assert isinstance(display(console, Position(Samples(CELLS), 60.0, None)), LineDisplay)
