"""Rounds: order, stopping, repeating, budget, failures, and going on with a journal. Nothing is measured here."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, Callable, Iterable

import pytest
from poolmark_scripts import journal, rounds
from poolmark_scripts.one_process import Interrupted

CELLS = ["w/sequential/map/workers:1", "w/thread/map/workers:2", "w/process/map/workers:2"]
Measure = Callable[[str, int], dict[str, Any]]


def ok(ns: float = 1e8) -> dict[str, Any]:
    return {"status": "ok", "reasons": [], "entry": {"real_time": ns, "iterations": 1}}


def disturbed(ns: float = 2e8) -> dict[str, Any]:
    return {"status": "disturbed", "reasons": ["others used 50% of the CPUs"], "entry": {"real_time": ns, "iterations": 1}}


FAILED = {"status": "failed", "message": "was killed by SIGSEGV", "reasons": []}


class Silent:
    """A display that remembers the rounds."""

    def __init__(self) -> None:
        self.orders: list[list[str]] = []
        self.numbers: list[int] = []

    def round_begins(self, number: int, names: Iterable[str]) -> None:
        self.orders.append(list(names))
        self.numbers.append(number)

    def sample_begins(self, name: str) -> None: ...
    def sampled(self, line: dict[str, Any]) -> None: ...
    def round_ended(self, number: int) -> None: ...


class Measured:
    """A run whose samples come from a function of (cell, index)."""

    def __init__(self, path: Path, measure: Measure, cells: list[str] = CELLS) -> None:
        self.path, self._measure, self.cells = path, measure, cells
        self.clock = 0.0
        self.display = Silent()

    def measure(self, name: str) -> dict[str, Any]:
        self.clock += 1.0
        return {"name": name, "wall_s": 1.0, **self._measure(name, round(self.clock) - 1)}

    def run(
        self, monkeypatch: pytest.MonkeyPatch, budget_s: float | None = None, number: int | None = None, seed: int = 1,
        least: int = 0,
    ) -> rounds.Run:  # fmt: skip
        """Measures to the end; what the journal holds is gone on with."""
        monkeypatch.setattr(rounds.time, "monotonic", lambda: self.clock)
        before = journal.read(self.path) if self.path.exists() else None
        samples = rounds.Samples(self.cells)
        for line in before.samples if before else []:
            samples.add(line)
        with journal.Journal(self.path, before.whole_bytes if before else 0) as lines:
            if not before:
                lines.add({"format": journal.FORMAT})
            made = rounds.Run(samples, self, lines, self.display, seed, budget_s, number, least)
            made.measure()
        return made


def steady(name: str, index: int) -> dict[str, Any]:
    return ok(1e8 * random.Random(index).uniform(0.999, 1.001))


def noisy(name: str, index: int) -> dict[str, Any]:
    return ok(1e8 * random.Random(index).uniform(0.5, 1.5))


def test_a_precise_cell_is_measured_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = Measured(tmp_path / "j", lambda name, index: noisy(name, index) if name == CELLS[0] else steady(name, index))
    run = measured.run(monkeypatch, budget_s=40)
    assert {name: stop.reason for name, stop in run.stops.items()} == {
        CELLS[0]: "budget", CELLS[1]: "precise", CELLS[2]: "precise",
    }  # fmt: skip
    assert run.stops[CELLS[1]].rounds == 7 and run.stops[CELLS[1]].half_width < 0.01
    assert run.stops[CELLS[0]].rounds == 40 - 14
    assert run.elapsed_s == 40


def test_each_round_measures_every_cell_once_in_an_order_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cells = [f"w/thread/map/workers:{count}" for count in range(1, 9)]
    first, again, other = (Measured(tmp_path / str(i), noisy, cells) for i in range(3))
    run = first.run(monkeypatch, number=5)
    again.run(monkeypatch, number=5)
    other.run(monkeypatch, number=5, seed=2)
    for number in range(1, 6):
        of_round = [line["name"] for line in run.samples.lines if line["round"] == number]
        assert sorted(of_round) == sorted(cells) and of_round == first.display.orders[number - 1]
    assert len({tuple(order) for order in first.display.orders}) == 5
    assert first.display.orders == again.display.orders != other.display.orders
    assert [line["index"] for line in run.samples.lines] == list(range(40))


def test_so_many_rounds_as_are_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Measured(tmp_path / "j", steady).run(monkeypatch, number=12)
    assert [stop.reason for stop in run.stops.values()] == ["rounds"] * 3
    assert [stop.rounds for stop in run.stops.values()] == [12] * 3
    few = Measured(tmp_path / "k", steady).run(monkeypatch, number=2)
    assert few.stops[CELLS[0]].as_json() == {"reason": "rounds", "rounds": 2}


def test_a_budget_is_stretched_for_as_many_rounds_as_an_interval_takes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    strict = Measured(tmp_path / "strict", noisy).run(monkeypatch, budget_s=12)
    assert {stop.rounds for stop in strict.stops.values()} == {4}
    stretched = Measured(tmp_path / "stretched", noisy).run(monkeypatch, budget_s=12, least=6)
    assert {stop.rounds for stop in stretched.stops.values()} == {6}
    assert stretched.elapsed_s == 18
    assert all(stop.reason == "budget" and stop.half_width for stop in stretched.stops.values())
    # At most to twice itself, and never for less than one round.
    doubled = Measured(tmp_path / "doubled", noisy).run(monkeypatch, budget_s=6, least=6)
    assert doubled.elapsed_s == 12
    with pytest.raises(rounds.BudgetTooSmall):
        Measured(tmp_path / "small", noisy).run(monkeypatch, budget_s=2, least=6)


def test_a_budget_that_suffices_is_not_stretched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Measured(tmp_path / "j", noisy).run(monkeypatch, budget_s=40, least=6)
    assert run.elapsed_s == 40


def test_a_cell_that_fails_is_measured_no_more(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tries: list[str] = []

    def measure(name: str, index: int) -> dict[str, Any]:
        tries.append(name)
        return dict(FAILED) if name == CELLS[1] and tries.count(name) == 3 else steady(name, index)

    run = Measured(tmp_path / "j", measure).run(monkeypatch, budget_s=1000)
    assert tries.count(CELLS[1]) == 3 and tries.count(CELLS[0]) == 7
    assert (run.stops[CELLS[1]].reason, run.stops[CELLS[1]].rounds) == ("failed", 2)
    assert run.stops[CELLS[0]].reason == "precise"


def test_a_run_in_which_everything_fails_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Measured(tmp_path / "j", lambda *_: dict(FAILED)).run(monkeypatch, budget_s=1000)
    assert len(run.samples.lines) == 3 and {stop.reason for stop in run.stops.values()} == {"failed"}


def test_a_budget_too_small_for_a_round(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    measured = Measured(tmp_path / "j", steady)
    with pytest.raises(rounds.BudgetTooSmall, match="the budget of 2 s was spent when 2 of 3 cells .* about 3 s"):
        measured.run(monkeypatch, budget_s=2)
    assert len(journal.read(tmp_path / "j").samples) == 2
    run = measured.run(monkeypatch, budget_s=1000)
    assert {stop.rounds for stop in run.stops.values()} == {7} and len(run.samples.lines) == 21


def test_a_budget_for_just_one_round_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Measured(tmp_path / "j", steady).run(monkeypatch, budget_s=3)
    assert [(stop.reason, stop.rounds) for stop in run.stops.values()] == [("budget", 1)] * 3


def test_disturbed_samples_are_repeated_at_the_end_of_their_round(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[str] = []

    def measure(name: str, index: int) -> dict[str, Any]:
        seen.append(name)
        return disturbed() if name == CELLS[2] and len(seen) <= 4 else ok()

    run = Measured(tmp_path / "j", measure).run(monkeypatch, number=2)
    assert sorted(seen[:3]) == sorted(CELLS) and seen[3:5] == [CELLS[2]] * 2
    assert [(line["round"], line["name"]) for line in run.samples.repeated()] == [(1, CELLS[2])] * 2
    assert run.samples.values(CELLS[2]) == [1e8, 1e8]
    assert {stop.rounds for stop in run.stops.values()} == {2}


def test_after_three_tries_the_last_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    times = iter([1.0, 2.0, 3.0, 4.0])
    measured = Measured(tmp_path / "j", lambda name, _: disturbed(next(times)) if name == CELLS[0] else ok())
    run = measured.run(monkeypatch, number=1)
    assert run.samples.values(CELLS[0]) == [3.0]
    assert [line["entry"]["real_time"] for line in run.samples.repeated()] == [1.0, 2.0]
    assert run.samples.counted(CELLS[0])[0]["status"] == "disturbed"


def test_a_repeat_that_fails_leaves_what_was_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers = iter([disturbed(1.0), dict(FAILED)])
    run = Measured(tmp_path / "j", lambda *_: next(answers), CELLS[:1]).run(monkeypatch, number=5)
    assert run.samples.values(CELLS[0]) == [1.0] and run.samples.repeated() == []
    assert (run.stops[CELLS[0]].reason, run.stops[CELLS[0]].rounds) == ("failed", 1)


def test_on_a_machine_that_is_always_busy_two_thirds_of_the_time_still_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = Measured(tmp_path / "j", lambda name, index: disturbed(noisy(name, index)["entry"]["real_time"])).run(
        monkeypatch, budget_s=300
    )
    assert len(run.samples.repeated()) == pytest.approx(100 + 3, abs=1)
    assert sum(stop.rounds for stop in run.stops.values()) == 300 - len(run.samples.repeated())


def test_disturbed_samples_are_not_repeated_beyond_the_budget(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run = Measured(tmp_path / "j", lambda *_: disturbed()).run(monkeypatch, budget_s=4)
    assert len(run.samples.lines) == 4 and {stop.rounds for stop in run.stops.values()} == {1}


class Cut(Exception):
    """The run was killed here."""


@pytest.mark.parametrize("at", [1, 2, 3, 4, 8, 13, 20])
def test_a_run_that_was_cut_off_goes_on_as_if_it_had_not_been(
    at: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measure(name: str, index: int) -> dict[str, Any]:
        return disturbed() if (index * 7919) % 5 == 0 else steady(name, index)

    def cut(name: str, index: int) -> dict[str, Any]:
        if index == at:
            raise Cut
        return measure(name, index)

    whole = Measured(tmp_path / "whole", measure).run(monkeypatch, budget_s=1000)
    with pytest.raises(Cut):
        Measured(tmp_path / "cut", cut).run(monkeypatch, budget_s=1000)
    resumed = Measured(tmp_path / "cut", measure)
    resumed.clock = float(at)
    run = resumed.run(monkeypatch, budget_s=1000)
    assert run.samples.lines == whole.samples.lines and run.stops == whole.stops
    assert (tmp_path / "cut").read_bytes() == (tmp_path / "whole").read_bytes()
    assert resumed.display.numbers[0] == whole.samples.lines[at - 1]["round"], "rounds that are over are left alone"


def test_what_was_interrupted_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def measure(name: str, index: int) -> dict[str, Any]:
        if index == 5:
            raise Interrupted
        return steady(name, index)

    with journal.Journal(tmp_path / "j") as lines:
        samples = rounds.Samples(CELLS)
        run = rounds.Run(samples, Measured(tmp_path / "j", measure), lines, Silent(), 1, None, 4)
        with pytest.raises(Interrupted):
            run.measure()
        run.give_up()
    assert {stop.reason for stop in run.stops.values()} == {"interrupted"}
    assert sum(stop.rounds for stop in run.stops.values()) == 5
