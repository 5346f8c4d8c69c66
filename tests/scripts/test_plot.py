"""scripts/plot: which files it writes, and that what is drawn is what was measured."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import sample_data
from poolmark_scripts import picture, plot, results


def loaded(path: Path, **options: Any) -> results.Results:
    return results.load(sample_data.write(path, sample_data.document(**options)))


def run(root: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([root / "scripts" / "plot", *map(str, arguments)], capture_output=True, text=True, check=False)


def test_one_file_makes_two_pictures(root: Path, tmp_path: Path) -> None:
    sample_data.write(tmp_path / "run.json", sample_data.document(repetitions=3))
    shown = run(root, tmp_path / "run.json")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == [str(tmp_path / "run.svg"), str(tmp_path / "run.png")]
    assert (tmp_path / "run.svg").read_text().startswith("<?xml")
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"run.json", "run.svg", "run.png"}


def test_the_same_results_make_the_same_bytes(tmp_path: Path) -> None:
    one = loaded(tmp_path / "run.json", repetitions=3)
    first = [path.read_bytes() for path in plot.draw([one], tmp_path / "a")]
    second = [path.read_bytes() for path in plot.draw([one], tmp_path / "b")]
    assert first == second


def test_several_files_in_one_picture(root: Path, tmp_path: Path) -> None:
    for name in ("before", "after"):
        sample_data.write(tmp_path / f"{name}.json", sample_data.document(repetitions=3))
    shown = run(root, tmp_path / "before.json", tmp_path / "after.json", "-o", tmp_path / "new" / "pictures")
    assert shown.returncode == 0, shown.stderr
    names = {path.name for path in (tmp_path / "new" / "pictures").iterdir()}
    assert names == {"before-and-after.svg", "before-and-after.png"}


def test_points_stand_where_the_medians_are(tmp_path: Path) -> None:
    one = loaded(tmp_path / "run.json")
    axes = picture.make([one]).axes[0]
    assert axes.get_title(loc="left").startswith("primes: speed-up")
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines if not line.get_label().startswith("_")}
    cells = [one.cells[f"primes/process/wait/workers:{count}"] for count in (1, 2, 4)]
    assert drawn["process, wait"] == pytest.approx([one.speedup(cell) for cell in cells])
    bottom, top = axes.get_ylim()
    assert bottom == 0 and top > max(max(values) for values in drawn.values())


def test_series_differ_without_colour(tmp_path: Path) -> None:
    axes = picture.make([loaded(tmp_path / "run.json")]).axes[0]
    looks = [
        (line.get_marker(), line.get_markerfacecolor() == "white")
        for line in axes.lines
        if line.get_marker() not in ("None", "")
    ]
    assert len(looks) == 6 == len(set(looks))


def test_one_worker_count_shows_values_and_a_level(tmp_path: Path) -> None:
    axes = picture.make([loaded(tmp_path / "run.json", workers=sample_data.QUICK_WORKERS)]).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["1.96", "1.97", "1.97", "1.97", "1.97", "1.97"]
    ideal = next(line for line in axes.lines if line.get_label().startswith("ideal"))
    assert len(set(ideal.get_ydata())) == 1 and len(ideal.get_xdata()) == 2


def test_no_text_is_cut_or_covered(tmp_path: Path) -> None:
    figure = picture.make([loaded(tmp_path / "run.json")])
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    width, height = figure.get_size_inches() * figure.dpi
    titles = [axes.title for axes in figure.axes] + [axes._left_title for axes in figure.axes]
    labels = [text for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label)]
    boxes = [text.get_window_extent(renderer) for text in titles + labels if text.get_text()]
    boxes.append(figure.legends[0].get_window_extent(renderer))
    for index, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


def test_a_number_stands_above_the_interval_of_its_bar(tmp_path: Path) -> None:
    document = sample_data.document(repetitions=8)
    for number, entry in enumerate(document["benchmarks"]):
        entry["first_result_ns"] *= 1 + number % 3  # wide intervals
    axes = picture.make([results.load(sample_data.write(tmp_path / "run.json", document))]).axes[2]
    intervals = {line.get_xdata()[0]: max(line.get_ydata()) for line in axes.lines if len(line.get_xdata()) == 2}
    numbers = {text.xy[0]: text.xy[1] for text in axes.texts}
    assert len(intervals) == 6 and numbers == pytest.approx(intervals)
    assert axes.get_ylim()[1] > max(intervals.values()) > max(bar.get_height() for bar in axes.patches)


def test_without_baselines_there_is_still_a_picture(tmp_path: Path) -> None:
    document = sample_data.document(repetitions=3)
    document["benchmarks"] = [entry for entry in document["benchmarks"] if entry["executor"] != "sequential"]
    one = results.load(sample_data.write(tmp_path / "run.json", document))
    figure = picture.make([one])
    assert figure.axes[0].texts[0].get_text() == "no sequential baseline: no speed-up"
    assert len(figure.axes[2].patches) == 6


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_bad_files_leave_nothing_behind(content: str, root: Path, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    refused = run(root, tmp_path / "run.json", "-o", tmp_path / "out")
    assert refused.returncode == 2 and refused.stderr.startswith("scripts/plot: ")
    assert not (tmp_path / "out").exists()


def test_an_empty_run_and_too_many_files_are_refused(root: Path, tmp_path: Path) -> None:
    document = sample_data.document(repetitions=1)
    path = sample_data.write(tmp_path / "run.json", document)
    assert "too many for one picture" in run(root, *[path] * 5).stderr
    empty = sample_data.write(tmp_path / "empty.json", {**document, "benchmarks": []})
    refused = run(root, empty)
    assert refused.returncode == 2 and "no measurement to draw" in refused.stderr


def test_a_directory_that_cannot_be_made(root: Path, tmp_path: Path) -> None:
    path = sample_data.write(tmp_path / "run.json", sample_data.document(repetitions=1))
    refused = run(root, path, "-o", path / "below-a-file")
    assert refused.returncode == 2 and "Name another directory with -o DIR" in refused.stderr
