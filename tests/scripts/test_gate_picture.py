"""The forest plot of scripts/gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gate_data
import pytest
from matplotlib.figure import Figure
from poolmark_scripts.gate import picture
from poolmark_scripts.gate.model import GateReport, Verdict


@pytest.fixture(scope="module")
def every() -> GateReport:
    return gate_data.every_verdict()


def test_the_picture_shows_ratios_where_they_are(every: GateReport) -> None:
    axes = picture.make(every).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [cell.name for cell in every.cells]
    drawn = {(round(float(y[0])), round(float(x[0]), 6)) for line in axes.lines
             if len(x := line.get_xdata()) == 1 and (y := line.get_ydata())[0] == int(y[0]) and line.get_markersize() == 7}
    expected = {(row, round(cell.ratio.median, 6)) for row, cell in enumerate(every.cells)
                if cell.ratio and cell.verdict is not Verdict.FAILED}
    assert drawn == expected and axes.get_xscale() == "log"
    texts = [text.get_text() for text in axes.texts]
    assert "+12.1 % [+11.0, +13.2]" in texts and "instructions +25.0 %" in texts and "only the base has it" in texts
    assert texts.count("equivalent") == 7


def test_verdicts_differ_without_colour() -> None:
    markers = [marker for _, marker in picture.STYLES.values() if marker]
    assert len(markers) == len(set(markers)) and set(picture.STYLES) == set(Verdict)


def test_what_is_far_beyond_is_an_arrowhead() -> None:
    cells = [gate_data.cell("a/$x_{$", Verdict.REGRESSED, 6.0), gate_data.cell("b/t", Verdict.IMPROVED, 0.1)]
    figure = picture.make(gate_data.report(cells))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert axes.get_xlim() == pytest.approx((0.5, 2.0))
    ends = [(line.get_marker(), float(line.get_xdata()[0])) for line in axes.lines if line.get_marker() in "<>"]
    assert (">", pytest.approx(2.0)) in ends and ("<", pytest.approx(0.5)) in ends


def test_the_picture_is_written_the_same_each_time(tmp_path: Path) -> None:
    first, second = (picture.draw(gate_data.many(2), tmp_path / name) for name in ("a.b", "c.d"))
    assert [path.name for path in first] == ["a.b.svg", "a.b.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def boxes_of(figure: Figure) -> tuple[list[Any], float, float]:
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    axes = figure.axes[0]
    texts = [*axes.texts, *axes.get_yticklabels(), *axes.get_xticklabels(), axes.xaxis.label, *figure.texts]
    boxes = [text.get_window_extent(renderer) for text in texts if text.get_text()]
    boxes += [legend.get_window_extent(renderer) for legend in figure.legends]
    return boxes, *(figure.get_size_inches() * figure.dpi)


@pytest.mark.parametrize("made", ["every", "one", "sixty", "long", "none"])
def test_no_text_is_cut_or_covered(made: str, every: GateReport) -> None:
    failed = gate_data.cell("w/" + "x" * 90, Verdict.FAILED, reason="wrong result in task 7 " * 30)
    long = [failed, gate_data.cell("a/b", Verdict.NEW)]
    reports = {
        "every": every, "one": gate_data.many(1), "sixty": gate_data.many(60), "long": gate_data.report(long),
        "none": gate_data.report([]),
    }  # fmt: skip
    boxes, width, height = boxes_of(picture.make(reports[made]))
    for index, box in enumerate(boxes):
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])
