"""A forest plot of the report: a row for each cell, with its ratio, its interval, and what counts as no change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from poolmark_scripts import drawing
from poolmark_scripts.drawing import COLOURS, GREY
from poolmark_scripts.gate import wording
from poolmark_scripts.gate.model import CellReport, GateReport, Verdict
from poolmark_scripts.intervals import Interval

WIDTH = 10.0  # inches: 1500 pixels, of which 1200 are still read well
ROW = 0.32
AXIS = 0.5  # inches for ticks and label, beside the rows
LIGHT = "#8a8a8a"
BAND = "#e3ebf3"
BLUE, ORANGE, GREEN, _, YELLOW, SKY = COLOURS
# Colour and marker each tell the verdict alone; what was not measured has no marker.
STYLES = {
    Verdict.REGRESSED: (ORANGE, "D"),
    Verdict.FAILED: (ORANGE, ""),
    Verdict.REMOVED: (ORANGE, ""),
    Verdict.UNTRUSTED: (YELLOW, "^"),
    Verdict.INCONCLUSIVE: (GREY, "s"),
    Verdict.IMPROVED: (GREEN, "v"),
    Verdict.NEW: (SKY, ""),
    Verdict.EQUIVALENT: (BLUE, "o"),
}
TOO_LIGHT = (YELLOW, SKY)  # for words on white
NARROWEST, WIDEST = math.log(1.06), math.log(2.0)  # how far the axis reaches to a side of 1
PADDING = 1.08
STEPS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
MOST_TICKS = 9
NULL_BELOW, LAYOUTS_ABOVE = 0.29, 0.27  # parts of a row
VERDICT_AT, RATIO_AT = 8, 80  # points right of the axis
LONGEST_NAME = 48
ROOM, LETTER = 7.4, 0.085  # inches that names and axis share, and that a letter of a name takes
LETTERS_AN_INCH = 14  # of a reason
NOTE = (
    "Interval: 95 %. Arrowhead: beyond the axis. Base again: the base, linked in another order, against itself; "
    "what is not 1 there is no change of code."
)


@dataclass(frozen=True)
class _Span:
    """What the axis shows."""

    low: float
    high: float

    def inside(self, value: float) -> float:
        """The value, or the end of the axis that it lies beyond."""
        return min(max(value, self.low), self.high)


def draw(report: GateReport, path_without_suffix: Path) -> list[Path]:
    """Draws the report as SVG and PNG; returns the files written."""
    return drawing.save(make(report), path_without_suffix)


def make(report: GateReport) -> Figure:
    """The figure, the gravest cells on top."""
    cells = [wording.shown(cell) for cell in report.cells]
    figure, [[axes]] = drawing.grid(1, 1, WIDTH, ROW * max(1, len(cells)) + AXIS)
    span = _span(cells)
    _set_up(axes, cells, span)
    for row, cell in enumerate(cells):
        _write(axes, row, cell)
        if cell.ratio is None:
            _write_reason(axes, row, cell, _letters(cells))
        else:
            _draw_row(axes, row, cell, cell.ratio, span)
    _add_legend_entries(axes, cells)
    title = f"{wording.arm(report.new)} against {wording.arm(report.base)}: {wording.headline(report)}"
    # A dollar would begin a formula, and a number keeps its sign on its line.
    title = title.replace("$", r"\$").replace(" %", "\u00a0%")
    return drawing.finish(figure, title, NOTE if any(cell.ratio for cell in cells) else "")


def _span(cells: Sequence[CellReport]) -> _Span:
    """All that is drawn, but no more than twice as slow or fast: beyond that the bands would not be seen."""
    ratios = [ratio for cell in cells for ratio in (cell.ratio, cell.null) if ratio]
    values = [value for ratio in ratios for value in (ratio.low, ratio.high)]
    values += [layout for cell in cells for layout in cell.layouts]
    logs = [math.log(value) for value in values]
    reach = [min(max(PADDING * max(side, default=0.0), NARROWEST), WIDEST) for side in ([-log for log in logs], logs)]
    return _Span(math.exp(-reach[0]), math.exp(reach[1]))


def _set_up(axes: Axes, cells: Sequence[CellReport], span: _Span) -> None:
    axes.set_xscale("log")
    axes.set_xlim(span.low, span.high)
    axes.xaxis.set_major_locator(FixedLocator(_ticks(span)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
    axes.set_xlabel("new / base (above 1 is slower)")
    axes.set_ylim(max(1, len(cells)) - 0.5, -0.5)
    axes.set_yticks(range(len(cells)), [_name(cell) for cell in cells], parse_math=False)
    axes.tick_params(axis="y", length=0, pad=9)
    axes.spines["left"].set_visible(False)
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=1)
    for edge in range(1, len(cells)):
        if cells[edge].verdict is not cells[edge - 1].verdict:
            axes.axhline(edge - 0.5, color=drawing.GRID, linewidth=0.8, zorder=0.5)


def _name(cell: CellReport) -> str:
    return wording.shortened(wording.one_line(cell.name), LONGEST_NAME)


def _letters(cells: Sequence[CellReport]) -> int:
    """How many of a reason fit into the axis, which is as wide as the names leave it."""
    longest = max(len(_name(cell)) for cell in cells)
    return int((ROOM - longest * LETTER) * LETTERS_AN_INCH)


def _ticks(span: _Span) -> list[float]:
    step = next((step for step in STEPS if (span.high - span.low) / step < MOST_TICKS), STEPS[-1])
    first, last = math.ceil((span.low - 1) / step), math.floor((span.high - 1) / step)
    return [1 + step * k for k in range(first, last + 1)]


# ---- one row ---------------------------------------------------------------------------------------------------


def _draw_row(axes: Axes, row: int, cell: CellReport, ratio: Interval, span: _Span) -> None:
    colour, marker = STYLES[cell.verdict]
    if cell.band:
        low, high = 1 / (1 + cell.band.tolerance), 1 + cell.band.tolerance
        axes.add_patch(Rectangle((low, row - 0.46), high - low, 0.92, color=BAND, linewidth=0, zorder=0))
    if cell.null:
        _interval(axes, row + NULL_BELOW, cell.null.low, cell.null.high, span, LIGHT, 1.0)
        _point(axes, row + NULL_BELOW, cell.null.median, span, LIGHT, "|", 4)
    for layout in cell.layouts:
        _point(axes, row - LAYOUTS_ABOVE, layout, span, colour, ".", 4)
    _interval(axes, row, ratio.low, ratio.high, span, colour, 2.0)
    _point(axes, row, ratio.median, span, colour, marker, 7, "white")


def _write(axes: Axes, row: int, cell: CellReport) -> None:
    """Verdict and number, right of the axis."""
    colour = STYLES[cell.verdict][0]
    number = wording.by_how_much(cell) if wording.is_by_count(cell) else wording.change(cell.ratio)
    for text, at, style in (
        (cell.verdict.value, VERDICT_AT, {"color": GREY if colour in TOO_LIGHT else colour, "fontweight": "bold"}),
        ("" if number == wording.NOTHING else number, RATIO_AT, {}),
    ):  # fmt: skip
        axes.annotate(text, (1, row), (at, 0), axes.get_yaxis_transform(), "offset points", va="center", **style)


def _write_reason(axes: Axes, row: int, cell: CellReport, most: int) -> None:
    said = wording.shortened(" ".join(wording.remarks(cell)) or "not measured", most)
    covering = {"facecolor": "white", "linewidth": 0, "pad": 1.5}  # the line at 1
    axes.text(0.5, row, said, transform=axes.get_yaxis_transform(), ha="center", va="center", bbox=covering,
              color=GREY, fontsize=8, style="italic", parse_math=False)  # fmt: skip


def _interval(axes: Axes, y: float, low: float, high: float, span: _Span, colour: str, width: float) -> None:
    ends = [span.inside(low), span.inside(high)]
    axes.plot(ends, [y, y], color=colour, linewidth=width, solid_capstyle="butt", zorder=2)


def _point(
    axes: Axes, y: float, value: float, span: _Span, colour: str, marker: str, size: float, edge: str = ""
) -> None:
    """A marker; an arrowhead at the end of the axis for what lies beyond."""
    position = span.inside(value)
    if position != value:
        marker, size = (">" if value > position else "<"), size + 1
    axes.plot(position, y, marker=marker, color=colour, markersize=size, markeredgecolor=edge or colour,
              markeredgewidth=0.8, linestyle="none", clip_on=False, zorder=3)  # fmt: skip


def _add_legend_entries(axes: Axes, cells: Sequence[CellReport]) -> None:
    measured = [cell for cell in cells if cell.ratio]
    for verdict in dict.fromkeys(cell.verdict for cell in measured):
        colour, marker = STYLES[verdict]
        axes.plot([], [], color=colour, marker=marker, linewidth=2, label=verdict.value)
    if measured:
        axes.add_patch(Rectangle((1, 0), 0, 0, color=BAND, linewidth=0, label="band: counts as no change"))
    if any(cell.null for cell in measured):
        axes.plot([], [], color=LIGHT, marker="|", linewidth=1, label="base again")
    if any(cell.layouts for cell in measured):
        axes.plot([], [], color=GREY, marker=".", markersize=4, linestyle="none", label="one layout alone")
