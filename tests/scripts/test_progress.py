"""The estimate of the time left, and the lines that a log gets."""

from __future__ import annotations

import io

import pytest
from poolmark_scripts.progress import LineDisplay, LiveDisplay, Tracker, display
from rich.console import Console


class Clock:
    """Time that moves when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tracker(clock: Clock) -> Tracker:
    made = Tracker(now=clock)
    made.plan(["a", "b"], repetitions=2)
    return made


def sample(name: str, index: int, seconds: float) -> dict[str, object]:
    return {"event": "sample", "name": name, "repetition_index": index, "real_time": seconds * 1e9}


def test_no_estimate_before_the_first_sample(tracker: Tracker) -> None:
    assert tracker.seconds_left() is None


def test_the_estimate_knows_each_cell(tracker: Tracker, clock: Clock) -> None:
    clock.seconds += 1
    tracker.take(sample("a", 0, 1.0))
    assert tracker.seconds_left() == pytest.approx(3.0)  # b is not known yet: as long as a
    clock.seconds += 3
    tracker.take(sample("b", 0, 3.0))
    assert tracker.seconds_left() == pytest.approx(4.0)
    clock.seconds += 1.5
    assert tracker.seconds_left() == pytest.approx(2.5)  # it counts down between samples
    clock.seconds += 10
    assert tracker.seconds_left() == 0.0


def test_what_is_not_measured_takes_time_too(tracker: Tracker, clock: Clock) -> None:
    clock.seconds += 2  # a sample of 1 s took 2 s, with warming up
    tracker.take(sample("a", 0, 1.0))
    assert tracker.seconds_left() == pytest.approx(6.0)


def test_failures_count_as_done(tracker: Tracker) -> None:
    assert not tracker.take({"event": "failure", "name": "a", "repetition_index": 0, "message": "no"})
    assert tracker.take(sample("a", 1, 1.0))
    assert (tracker.done, tracker.total, tracker.complete_cells()) == (2, 4, 1)


def test_a_log_gets_a_line_a_cell_and_a_heartbeat(tracker: Tracker, clock: Clock) -> None:
    stream = io.StringIO()
    shown = display(Console(file=stream, width=100), tracker)
    assert isinstance(shown, LineDisplay)
    shown = LineDisplay(Console(file=stream, width=100), tracker, now=clock)
    shown.planned()
    for seconds, (name, index) in zip((1, 20, 1, 1), (("a", 0), ("b", 0), ("a", 1), ("b", 1))):
        clock.seconds += seconds
        event = sample(name, index, 0.5)
        shown.advanced(event, tracker.take(event))
    assert [line.split("  ETA")[0] for line in stream.getvalue().splitlines()] == [
        "measuring 2 cells, 2 repetitions each", "2 of 4 repetitions", "[1/2] a  500 ms", "[2/2] b  500 ms",
    ]  # fmt: skip


def test_a_dumb_terminal_gets_lines(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    assert isinstance(display(console, tracker), LineDisplay)


def test_a_terminal_gets_one_live_line(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    shown = display(Console(file=stream, force_terminal=True, width=100), tracker)
    assert isinstance(shown, LiveDisplay)
    with shown:
        event = sample("a", 0, 1.0)
        shown.advanced(event, tracker.take(event))
        shown._live.refresh()
    assert "1/4" in stream.getvalue() and "ETA 0:0" in stream.getvalue()
