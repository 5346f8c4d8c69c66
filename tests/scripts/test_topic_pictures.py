"""The pictures beside the overview: drawn only from data that are there, and what is drawn is what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import round_data
import sample_data
from matplotlib.figure import Figure
from poolmark_scripts import picture, picture_results, picture_rounds, picture_variants, plot, results
from poolmark_scripts.results import Results

TOPICS = ["results", "latencies", "chunks", "cold", "rounds"]
SMALL = {"sum": [1, 2]}
DRAWN = [
    picture_results.completions, picture_results.latencies, picture_variants.chunk_sizes, picture_variants.making_pools,
    picture_rounds.rounds,
]  # fmt: skip


def load(document: dict[str, Any], folder: Path) -> Results:
    return results.load(sample_data.write(folder / "run.json", document))


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return load(round_data.full(rounds=8, workers=SMALL), tmp_path_factory.mktemp("full"))


def test_each_topic_has_two_files(everything: Results, tmp_path: Path) -> None:
    written = [path.name for path in plot.draw([everything], tmp_path)]
    assert written == [f"run{topic}.{kind}" for topic in ("", *(f".{t}" for t in TOPICS)) for kind in ("svg", "png")]


def test_a_file_of_one_process_has_the_overview_alone(tmp_path: Path) -> None:
    written = plot.draw([load(sample_data.document(repetitions=2, workers=SMALL), tmp_path)], tmp_path)
    assert [path.name for path in written] == ["run.svg", "run.png"]


def test_several_files_have_the_overview_alone(everything: Results, tmp_path: Path) -> None:
    assert [path.name for path in plot.draw([everything, everything], tmp_path)] == ["run.svg", "run.png"]


def test_curves_are_the_completions(everything: Results) -> None:
    figure = picture_results.completions(everything)
    assert figure is not None
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == "skewed: thread pool, 2 workers")
    curves = {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}
    assert list(curves) == ["map", "as_completed", "wait"]
    cell = everything.cells["skewed/thread/as_completed/workers:2"]
    assert list(curves["as_completed"].get_xdata()) == pytest.approx([0.0, *cell.completions.ns])
    assert list(curves["as_completed"].get_ydata()) == [0, *cell.completions.k]


def test_percentiles_are_the_latencies(everything: Results) -> None:
    figure = picture_results.latencies(everything)
    assert figure is not None
    axes = next(axes for axes in figure.axes if axes.get_title(loc="left") == "skewed: process pool, 2 workers")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["50 %", "90 %", "all"]
    drawn = {line.get_label(): list(line.get_ydata()) for line in axes.lines}
    assert drawn["map"] == list(everything.cells["skewed/process/map/workers:2"].latencies.ns)


def test_every_sample_is_drawn_and_the_disturbed_are_marked(everything: Results) -> None:
    figure = picture_rounds.rounds(everything)
    assert figure is not None and everything.record is not None
    orders = [sample.order for sample in everything.record.samples]
    assert orders == sorted(orders)
    above, beneath = figure.axes
    drawn = {line.get_label(): len(line.get_xdata()) for line in above.lines if not line.get_label().startswith("_")}
    repeated = sum(not sample.counts for sample in everything.record.samples)
    assert repeated > 0 and drawn["disturbed, measured again"] == repeated
    assert sum(drawn.values()) == len([s for s in everything.record.samples if s.name in everything.cells])
    assert max(max(line.get_ydata()) for line in beneath.lines) == pytest.approx(0.45)


def test_a_disturbed_sample_that_counts_is_marked_too(tmp_path: Path) -> None:
    made = round_data.document(rounds=6, workers=SMALL)
    made["benchmarks"][3].update(disturbed=1, disturbed_by="others used 31 % of the CPUs")
    figure = picture_rounds.rounds(load(made, tmp_path))
    assert figure is not None
    marked = [line for line in figure.axes[0].lines if line.get_label() == "disturbed, counted"]
    assert len(marked) == 1 and len(marked[0].get_xdata()) == 1


def test_chunk_sizes_stand_against_auto(everything: Results) -> None:
    figure = picture_variants.chunk_sizes(everything)
    assert figure is not None
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "4", "16", "auto"]
    points = next(line for line in axes.lines if line.get_label() == "thread pool").get_ydata()
    assert list(points) == pytest.approx([1.02, 1.0, 1.35, 1.0], abs=0.01)


def test_warm_and_cold_stand_beside_each_other(everything: Results) -> None:
    figure = picture_variants.making_pools(everything)
    assert figure is not None
    heights = [bar.get_height() * 1e6 for bar in figure.axes[0].patches]
    names = ["sum/thread/map/workers:2", "sum/process/map/workers:2"]
    assert heights == pytest.approx([everything.cells[n + v].median for n in names for v in ("", "/cold")])


def test_cold_pools_and_chunk_sizes_stay_out_of_the_overview(everything: Results) -> None:
    lines = {line.get_label(): line for line in picture.make([everything]).axes[0].lines}
    lines = {label: line for label, line in lines.items() if "," in label and not label.startswith("ideal")}
    assert len(lines) == 6 and all(len(line.get_xdata()) == 2 for line in lines.values())


def test_speedups_have_their_intervals(everything: Results) -> None:
    axes = picture.make([everything]).axes[0]
    assert len(axes.collections) >= 6  # a band for each line
    few = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == line.get_xdata()[1]]
    assert len(few) == 12  # an interval for each point: two executors, three patterns, two worker counts


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """One workload makes one panel, and a picture with little room for text."""
    made = round_data.add_variants(round_data.document(rounds=6, workers=SMALL), chunk_factors={4: 1.1})
    return load(round_data.add_views(made), tmp_path_factory.mktemp("narrow"))


@pytest.mark.parametrize("panels", ["everything", "narrow"])
@pytest.mark.parametrize("make", [picture.make, *DRAWN])
def test_no_text_is_cut_or_covered(make: Any, panels: str, request: pytest.FixtureRequest) -> None:
    measured = request.getfixturevalue(panels)
    figure: Figure = make([measured] if make is picture.make else measured)
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    width, height = figure.get_size_inches() * figure.dpi
    texts = [axes._left_title for axes in figure.axes]
    texts += [text for axes in figure.axes for text in (axes.xaxis.label, axes.yaxis.label)]
    texts += [*figure.texts, figure._suptitle]
    boxes = [text.get_window_extent(renderer) for text in dict.fromkeys(texts) if text and text.get_text()]
    boxes.append(figure.legends[0].get_window_extent(renderer))
    for index, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])


@pytest.mark.parametrize("make", DRAWN)
def test_without_its_data_there_is_no_picture(make: Any, tmp_path: Path) -> None:
    assert make(load(sample_data.document(repetitions=2, workers=SMALL), tmp_path)) is None
