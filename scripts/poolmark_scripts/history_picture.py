"""The history drawn: a panel for each cell, its ratios in the order of the commits, and where they changed."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from poolmark_scripts import drawing
from poolmark_scripts import history_change_points as rule
from poolmark_scripts.drawing import COLOURS, GREY, GRID
from poolmark_scripts.history_commits import short
from poolmark_scripts.history_findings import Change, Findings, Series
from poolmark_scripts.history_report import sized

ALL_CELLS = 12  # up to so many cells all are drawn; of more only those with change points
MOST_PANELS = 24
MOST_EPOCHS = 3
COLUMNS, PANEL = 2, (6.3, 2.7)  # inches
GAP = 4  # commits' room between two epochs
ROW = 0.11  # of a panel's height, above the points, for a row of sizes of changes
ROOM_OF_A_SIZE = 0.11  # of its width
ROOM_OF_A_COMMIT = 0.025  # of its width: they stand upright
BAND = "#e8f0e4"
SLOWER, FASTER = COLOURS[1], COLOURS[2]


def make(findings: list[Findings], name: str) -> Figure:
    """Draws the last epochs side by side in each panel, the oldest first; `drawing.save` writes it."""
    epochs = len(findings)
    findings = findings[-MOST_EPOCHS:]
    cells = _chosen(findings)
    columns = min(COLUMNS, len(cells))
    figure, grid = drawing.grid(-(-len(cells) // columns), columns, *PANEL)
    panels = [axes for row in grid for axes in row]
    for axes, cell in zip(panels, cells):
        _panel(axes, cell, findings)
    for axes in panels[len(cells) :]:
        axes.axis("off")
    current = findings[-1].epoch
    machine = f"{current.machine['cpu_model']}, {current.machine['usable_cpus']} usable CPUs, {current.machine['compiler']}"
    title = f"{name}: ratios to the reference {short(current.reference)}; {machine}"
    return drawing.finish(figure, title, _note(findings, len(cells), epochs))


def _chosen(findings: list[Findings]) -> list[str]:
    """The cells that get a panel: all, or those with the largest changes; of many without any, the first."""
    cells = sorted({series.cell for one in findings for series in one.series})
    if len(cells) <= ALL_CELLS:
        return cells
    largest = {cell: max((abs(change.size) for change in _changes(cell, findings)), default=0.0) for cell in cells}
    changed = sorted((cell for cell in cells if largest[cell]), key=lambda cell: -largest[cell])[:MOST_PANELS]
    return sorted(changed) or cells[:ALL_CELLS]


def _changes(cell: str, findings: list[Findings]) -> list[Change]:
    return [change for one in findings for series in one.series if series.cell == cell for change in series.changes]


def _note(findings: list[Findings], drawn: int, epochs: int) -> str:
    """What the picture does not show, and how to read it."""
    said = ["Bars through the points: 95 % intervals of a measurement, cut off where they leave the panel."]
    cells = {series.cell for one in findings for series in one.series}
    if drawn < len(cells):
        changed = sum(bool(_changes(cell, findings)) for cell in cells)
        said.append(
            f"{drawn} of {len(cells)} cells are drawn: "
            + ("no cell has a change point, these are the first." if not changed
               else "those with change points." if changed == drawn
               else f"those with the largest of the changes in {changed} cells.")
        )  # fmt: skip
    if any(len(one.commits) > rule.WINDOW for one in findings):
        said.append(f"Each cell of an epoch has its last {rule.WINDOW} commits.")
    if epochs > len(findings):
        said.append(f"The last {len(findings)} of {epochs} epochs are drawn.")
    if len(findings) > 1:
        said.append(
            "A dashed line begins an epoch with a reference or machine of its own: ratios left and right of it are different "
            "quantities."
        )
    return " ".join(said)


@dataclass(frozen=True)
class Part:
    """The places of an epoch's commits on the axis, which is the same in all panels."""

    reference: str
    start: int
    places: dict[str, int]


def _parts(findings: list[Findings]) -> list[Part]:
    parts: list[Part] = []
    start = 0
    for one in findings:
        shown = {commit for series in one.series for commit in series.commits}
        places = {commit: start + index for index, commit in enumerate(commit for commit in one.commits if commit in shown)}
        parts.append(Part(short(one.epoch.reference), start, places))
        start += len(places) + GAP
    return parts


def _panel(axes: Axes, cell: str, findings: list[Findings]) -> None:
    axes.set_title(cell, loc="left")
    parts = _parts(findings)
    drawn = [(part, series) for part, one in zip(parts, findings) for series in one.series if series.cell == cell]
    band = drawn[-1][1].band
    axes.axhspan(1 / (1 + band.tolerance), 1 + band.tolerance, color=BAND, linewidth=0, zorder=0,
                 label="as fast as the reference, within the tolerance")  # fmt: skip
    for part, series in drawn:
        _points(axes, series, part.places)
        _levels(axes, series, part.places)
    for part in parts[1:]:
        _epoch_line(axes, part)
    end = max(max(part.places.values()) for part in parts) + 1
    _scale_x(axes, end, parts, {part.places[change.first_after] for part, series in drawn for change in series.changes})
    labels = _labels([(part.places[change.first_after], change) for part, series in drawn for change in series.changes], end)
    _scale_y(axes, [series for _, series in drawn], 1 + max((label.row for label in labels), default=-1))
    for label in labels:
        _size(axes, label)


def _points(axes: Axes, series: Series, place: dict[str, int]) -> None:
    places = [place[commit] for commit in series.commits]
    axes.vlines(places, [ratio.low for ratio in series.ratios], [ratio.high for ratio in series.ratios],
                color=COLOURS[0], linewidth=1, alpha=0.4)  # fmt: skip
    axes.plot(places, [ratio.median for ratio in series.ratios], linestyle="none", marker="o", markersize=3,
              color=COLOURS[0], label="a measured commit")  # fmt: skip


def _levels(axes: Axes, series: Series, place: dict[str, int]) -> None:
    """Each from its first commit to its last; up to the next one's, where there is a next."""
    for first, behind, level in series.levels():
        start = place[series.commits[first]] - 0.5
        end = place[series.commits[behind]] - 0.5 if behind < len(series.commits) else place[series.commits[-1]] + 0.5
        axes.plot([start, end], [level, level], color="black", linewidth=1.4, solid_capstyle="butt",
                  label="level (median) between changes")  # fmt: skip


def _epoch_line(axes: Axes, part: Part) -> None:
    place = part.start - (GAP + 1) / 2
    axes.axvline(place, color=GREY, linewidth=1, linestyle="--")
    axes.annotate(f"reference {part.reference}", (place, 0.02), (2, 0), xycoords=axes.get_xaxis_transform(),
                  textcoords="offset points", fontsize=7, color=GREY, rotation=90, ha="left", va="bottom")  # fmt: skip


def _scale_x(axes: Axes, end: int, parts: list[Part], changes: set[int]) -> None:
    """Names the commits of the changes, and those at the ends of the epochs where they have room."""
    names = {place: short(commit) for part in parts for commit, place in part.places.items()}
    shown = sorted(changes)
    for place in (edge(part.places.values()) for part in parts for edge in (min, max)):
        if all(abs(place - other) >= ROOM_OF_A_COMMIT * end for other in shown):
            shown.append(place)
    axes.set_xticks(shown, [names[place] for place in shown], rotation=90, fontsize=7)
    axes.set_xlim(-1, end)


def _scale_y(axes: Axes, drawn: list[Series], rows: int) -> None:
    """All points and the band, and above them room for the sizes of the changes; intervals may be cut off."""
    band = drawn[-1].band
    values = [ratio.median for series in drawn for ratio in series.ratios]
    low, high = min(1 / (1 + band.tolerance), *values), max(1 + band.tolerance, *values)
    margin = 0.06 * (high - low)
    axes.set_ylim(low - margin, low - margin + (high - low + 2 * margin) / (1 - min(0.5, ROW * rows)))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    axes.set_ylabel("time / reference's")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


@dataclass(frozen=True)
class Label:
    """The size of a change, as it is written above the points."""

    place: int
    change: Change
    row: int  # from the top
    is_left: bool  # of its line: to the right there is no room


def _labels(changes: list[tuple[int, Change]], end: int) -> list[Label]:
    """Each in the highest row in which it has room."""
    labels: list[Label] = []
    ends: list[float] = []  # of the last label in each row
    width = ROOM_OF_A_SIZE * end
    for place, change in changes:
        is_left = place + width > end
        start = place - width if is_left else place
        row = next((row for row, last in enumerate(ends) if last <= start), len(ends))
        ends[row : row + 1] = [start + width]
        labels.append(Label(place, change, row, is_left))
    return labels


def _size(axes: Axes, label: Label) -> None:
    """A line at the change, and its size beside it."""
    size, place = label.change.size, label.place - 0.5
    colour, line, word = (SLOWER, "-", "slower") if size > 0 else (FASTER, ":", "faster")
    axes.axvline(place, color=colour, linewidth=1.2, linestyle=line, label=f"{word} from here on")
    axes.annotate(sized(size), (place, 0.985 - label.row * ROW), (-3 if label.is_left else 3, 0),
                  xycoords=axes.get_xaxis_transform(), textcoords="offset points", fontsize=8, color=colour,
                  ha="right" if label.is_left else "left", va="top")  # fmt: skip
