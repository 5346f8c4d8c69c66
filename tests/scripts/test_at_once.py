"""scripts/at-once: what it measures, what it says of it, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from poolmark_scripts import at_once, at_once_picture, at_once_report, at_once_results, at_once_runs, drawing, terminal
from poolmark_scripts.at_once_results import AtOnceResults, Plan, Point, Sample
from poolmark_scripts.granularity_runs import ProgramError

CONTEXT = {"cpu_model": "a processor", "usable_cpus": 2, "compiler": "GNU 12.2.0"}
PLAN = Plan(("sleep", "download"), (10, 1000), 50, 6, 1)
MEBIBYTE = 1024 * 1024


def answer(point: Point) -> dict[str, Any]:
    """What the program says of a point."""
    is_loop = point.way == "loop"
    wall_ns, cpu_ns = (51e6, 1e6) if is_loop else (60e6, 20e6)
    return {
        "context": CONTEXT, "first": {"wall_ns": wall_ns + 5e6, "cpu_ns": cpu_ns * 2}, "second": {"wall_ns": wall_ns, "cpu_ns": cpu_ns},
        "threads": 2 if is_loop else point.count + 1, "memory_bytes": (1 if is_loop else 25) * MEBIBYTE,
    }  # fmt: skip


class Program:
    """Stands for bench/at_once."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failing = ""
        self.interrupt_after: int | None = None

    def ask(self, program: Path, flags: list[str], limit_s: float) -> dict[str, Any]:
        given = dict(flag.removeprefix("--").split("=") for flag in flags)
        point = Point(given["work"], given["way"], int(given["count"]))
        if self.interrupt_after is not None and len(self.asked) >= self.interrupt_after:
            raise KeyboardInterrupt
        self.asked.append(str(point))
        if str(point) == self.failing:
            raise ProgramError("ended with status 2: no descriptors")
        return answer(point)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Program:
    found = Program()
    monkeypatch.setattr(at_once_runs, "ask", found.ask)
    monkeypatch.setattr(at_once, "build_program", lambda console: None)
    return found


def measured(plan: Plan = PLAN) -> AtOnceResults:
    results = AtOnceResults(plan, CONTEXT)
    for point in at_once_results.points_of(plan):
        said = answer(point)
        for number in range(plan.rounds):
            results.samples.append(Sample(
                point, said["first"]["wall_ns"], said["second"]["wall_ns"] + number, said["first"]["cpu_ns"],
                said["second"]["cpu_ns"], said["threads"], said["memory_bytes"]))  # fmt: skip
    return results


def test_every_point_is_measured_once_a_round(program: Program) -> None:
    results = AtOnceResults(PLAN)
    at_once_runs.measure(Path("at_once"), results, terminal.console())
    points = [str(point) for point in at_once_results.points_of(PLAN)]
    rounds = [program.asked[n : n + len(points)] for n in range(0, len(program.asked), len(points))]
    assert len(rounds) == PLAN.rounds and all(sorted(one) == sorted(points) for one in rounds)
    assert len(set(map(tuple, rounds))) > 1, "their order is drawn anew"


def test_a_point_that_fails_is_named_and_not_tried_again(program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program.failing = "download/threads/1000"
    output = tmp_path / "out.json"
    assert at_once.main(["--counts", "10,1000", "--rounds", "3", "-o", str(output)]) == 1
    assert program.asked.count(program.failing) == 1
    assert "failed: download/threads/1000: ended with status 2: no descriptors" in capsys.readouterr().out
    assert len(json.loads(output.read_text())["samples"]) == 7 * 3


def test_what_was_measured_before_an_interruption_is_written(program: Program, tmp_path: Path) -> None:
    program.interrupt_after = 5
    output = tmp_path / "out.json"
    assert at_once.main(["--quick", "-o", str(output)]) == 130
    written = json.loads(output.read_text())
    assert written["partial"] and len(written["samples"]) == 5
    assert output.with_suffix(".png").exists()
    program.interrupt_after = 0
    assert at_once.main(["--quick", "-o", str(tmp_path / "none.json")]) == 130
    assert not (tmp_path / "none.json").exists()


def test_a_file_is_read_as_it_was_written(tmp_path: Path, program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.json"
    assert at_once.main(["--quick", "--seed", "3", "--work", "sleep", "-o", str(output)]) == 0
    said = capsys.readouterr().out
    assert at_once.main(["--report", str(output)]) == 0
    again = capsys.readouterr().out
    assert again.splitlines()[-5:] == said.splitlines()[-5:] and "downloads" not in again


def test_the_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    said = at_once_report.sentences(measured())
    assert said[1] == (
        "1000 naps: the event loop takes 1.02 of one latency with 2 threads, the thread pool 1.20 with 1001; the loop takes "
        "5% of the pool's CPU time and 4% of its memory."
    )
    assert len(said) == 4
    at_once_report.print_report(measured(), terminal.console())
    table = capsys.readouterr().out
    assert "a processor, 2 usable CPUs, GNU 12.2.0; each task waits 50 ms" in table
    assert any(line.split()[:4] == ["naps", "1000", "event", "loop"] and "1.02" in line and "1.0 MiB" in line for line in table.splitlines())


def test_one_way_alone_is_compared_with_nothing() -> None:
    results = measured()
    results.samples = [sample for sample in results.samples if sample.point.way == "loop"]
    assert at_once_report.sentences(results) == []


@pytest.mark.parametrize("counts", [(10,), (100, 1000), (10, 100, 1000, 10_000)])
def test_no_text_is_cut_or_covered(counts: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Any] = []
    save = drawing.save
    monkeypatch.setattr(drawing, "save", lambda figure, stem: figures.append(figure) or save(figure, stem))
    plan = Plan(PLAN.works, counts, 50, 6, 1)
    written = at_once_picture.draw(measured(plan), tmp_path / "at-once.json")
    assert [path.name for path in written] == ["at-once.svg", "at-once.png"] and all(path.stat().st_size for path in written)
    figure = figures[0]
    renderer = figure.canvas.get_renderer()
    width, height = figure.get_size_inches() * figure.dpi
    texts = [text for axes in figure.axes for text in (axes._left_title, axes.xaxis.label)] + [*figure.texts, figure._suptitle]
    boxes = [text.get_window_extent(renderer) for text in dict.fromkeys(texts) if text.get_text()]
    boxes += [figure.legends[0].get_window_extent(renderer)]
    for axes in figure.axes:
        shown = [text for text, place in zip(axes.get_yticklabels(), axes.get_yticks()) if axes.viewLim.y0 <= place <= axes.viewLim.y1]
        assert [text for text in shown if text.get_text()], f"{axes._left_title.get_text()} has no number beside it"
    for index, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_nothing_measured_draws_nothing(tmp_path: Path) -> None:
    assert at_once_picture.draw(AtOnceResults(PLAN), tmp_path / "at-once.json") == []


@pytest.mark.parametrize(("arguments", "sentence"), [
    (["--rounds", "0"], "--rounds 0: at least 1"),
    (["--counts", "10,many"], "--counts 10,many: numbers from 1 to 16000"),
    (["--counts", "16001"], "--counts 16001: numbers from 1 to 16000"),
    (["--counts", ""], "--counts : numbers"),
    (["--latency", "0"], "--latency 0: 1 to 60000 ms"),
    (["-o", "results.txt"], "results.txt does not end in .json"),
    (["-o", "none/out.json"], "none/out.json cannot be written"),
    (["--report", "none.json"], "none.json cannot be read: No such file or directory"),
])  # fmt: skip
def test_what_cannot_be_is_refused(
    arguments: list[str], sentence: str, program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    assert at_once.main(arguments) == 2
    assert f"scripts/at-once: {sentence}" in capsys.readouterr().err
    assert not program.asked


@pytest.mark.parametrize(("text", "sentence"), [
    ("{}", "was not written by scripts/at-once"), ("[1", "was not written by scripts/at-once"),
    ('{"format": "another"}', "is a 'another'; this script reads"),
])  # fmt: skip
def test_a_file_of_another_kind_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(text)
    with pytest.raises(at_once_results.ResultsError, match=sentence):
        at_once_results.load(file)
