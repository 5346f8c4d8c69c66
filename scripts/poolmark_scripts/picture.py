"""The overview of one or several results files: a row for each workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from poolmark_scripts import drawing, laws
from poolmark_scripts.drawing import COLOURS, GREY, HATCHES, HEADROOM, LINES, MARKERS, PATTERN_ORDER
from poolmark_scripts.drawing import file_label as _file_label
from poolmark_scripts.drawing import nothing as _nothing
from poolmark_scripts.drawing import plain_cells
from poolmark_scripts.intervals import Interval, median_interval
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.schedule import ideal_speedup
from poolmark_scripts.units import duration

MOST_LEVEL_NUMBERS = 6  # above bars; more get into each other's way
MAX_FILES = 4
LOG_SCALE_FROM = 6  # greatest / smallest speed-up from which a straight scale hides the small ones


@dataclass(frozen=True)
class Series:
    """Cells that differ in their workers only, and how they are drawn."""

    label: str
    results: Results
    cells: tuple[Cell, ...]
    colour: str
    marker: str
    line: str
    filled: bool


def make(loaded: list[Results]) -> Figure:
    """Draws the figure; `drawing.save` writes it."""
    workloads = list(dict.fromkeys(name for one in loaded for name in one.workloads()))
    figure, grid = drawing.grid(len(workloads), 3, 4.4, 3.3)
    for row, workload in zip(grid, workloads):
        series = _series(loaded, workload)
        _speedup(row[0], workload, series)
        _efficiency(row[1], workload, series)
        _first_result(row[2], workload, loaded)
    bands = any(_band(one.results, cell, laws.speedup) for one in _series(loaded, workloads[0]) for cell in one.cells)
    note = "Lines through the points and bands: 95 % intervals, from the rounds of the cell and of its baseline." if bands else ""
    return drawing.finish(figure, drawing.title(loaded), note)


def _series(loaded: list[Results], workload: str) -> list[Series]:
    """One line for each executor and pattern; with several files for each file and executor."""
    made = []
    for file_index, one in enumerate(loaded):
        groups: dict[tuple[str, str], list[Cell]] = {}
        for cell in plain_cells(one, workload):
            if one.speedup(cell) is not None and cell.executor != "sequential":
                groups.setdefault((cell.executor, cell.pattern), []).append(cell)
        executors = list(dict.fromkeys(executor for executor, _ in groups))
        for (executor, pattern), cells in groups.items():
            if len(loaded) > 1 and pattern != _main_pattern(groups, executor):
                continue
            kind = executors.index(executor)
            style = PATTERN_ORDER.index(pattern) if len(loaded) == 1 else file_index
            name = f"{executor}, {pattern}"
            made.append(Series(
                name if len(loaded) == 1 else f"{_file_label(one, loaded)}: {name}", one,
                tuple(sorted(cells, key=lambda cell: cell.workers)),
                COLOURS[kind % len(COLOURS)], MARKERS[style % len(MARKERS)], LINES[style % len(LINES)],
                filled=kind % 2 == 0,
            ))  # fmt: skip
    return made


def _main_pattern(groups: dict[tuple[str, str], list[Cell]], executor: str) -> str:
    patterns = [pattern for name, pattern in groups if name == executor]
    return min(patterns, key=PATTERN_ORDER.index)


def _positions(series: list[Series]) -> dict[int, int]:
    """Place of each worker count on the axis: evenly spaced, whatever the counts are."""
    counts = sorted({cell.workers for one in series for cell in one.cells})
    return {count: place for place, count in enumerate(counts)}


Value = Callable[[Results, Cell], "float | None"]
Uncertain = Callable[[Results, Cell], "Interval | None"]


def _band(results: Results, cell: Cell, of: Uncertain) -> tuple[float, float] | None:
    """The ends of a cell's interval; None with too few rounds."""
    found = of(results, cell)
    return (found.low, found.high) if found else None


def _draw_intervals(axes: Axes, one: Series, places: list[float], of: Uncertain) -> None:
    bands = [_band(one.results, cell, of) for cell in one.cells]
    known = [(place, *band) for place, band in zip(places, bands) if band]
    if len(known) > 1:
        axes.fill_between(*zip(*known), color=one.colour, alpha=0.15, linewidth=0)
    for place, low, high in known:
        axes.plot([place, place], [low, high], color=one.colour, linewidth=1.2, solid_capstyle="butt")


def _draw_lines(
    axes: Axes, series: list[Series], places: dict[int, int], value: Value, text: str, uncertain: Uncertain
) -> None:
    # Side by side around their tick: the patterns' times are so close that they would hide each other.
    alone = len(places) == 1
    step = min(0.14 if alone else 0.024 * max(3, len(places)), 0.8 / len(series))
    for index, one in enumerate(series):
        shift = (index - (len(series) - 1) / 2) * step
        points = [(places[cell.workers] + shift, value(one.results, cell)) for cell in one.cells]
        _draw_intervals(axes, one, [place for place, _ in points], uncertain)
        if len(points) > 1:
            axes.plot(*zip(*points), color=one.colour, linestyle=one.line, linewidth=1, alpha=0.5)
        axes.plot(
            *zip(*points), color=one.colour, marker=one.marker, linestyle="none", markersize=5.5, label=one.label,
            markerfacecolor=one.colour if one.filled else "white",
        )  # fmt: skip
        if alone:
            axes.annotate(text.format(points[0][1]), points[0], (0, -6), textcoords="offset points",
                          fontsize=8, ha="center", va="top")  # fmt: skip
    axes.set_xticks(list(places.values()), [str(count) for count in places])
    axes.set_xlim(-0.6, len(places) - 0.4)
    axes.set_xlabel("workers")
    axes.grid(axis="y", color=drawing.GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _shade_oversubscribed(axes: Axes, workload: str, series: list[Series], places: dict[int, int]) -> None:
    """Marks the worker counts for which there are not enough CPUs, where CPUs are what is needed."""
    results = series[0].results
    beyond = [place for count, place in places.items() if count > results.context["usable_cpus"]]
    if not beyond or not results.is_cpu_bound(workload):
        return
    axes.axvspan(min(beyond) - 0.5, len(places) - 0.4, color="#f0f0f0", zorder=0, linewidth=0)
    axes.text(len(places) - 0.42, 0.03, "more workers\nthan CPUs", transform=axes.get_xaxis_transform(),
              ha="right", va="bottom", fontsize=8, color=GREY)  # fmt: skip


def _draw_ideal(axes: Axes, workload: str, series: list[Series], places: dict[int, int], per_worker: bool) -> None:
    for index, reference in enumerate({id(one.results): one.results for one in series}.values()):
        points = []
        for count, place in places.items():
            ideal = ideal_speedup(reference, workload, count)
            points.append((place, ideal / count if per_worker else ideal))
        if len(points) == 1:  # a level needs a width to be seen
            points = [(points[0][0] - 0.5, points[0][1]), (points[0][0] + 0.5, points[0][1])]
        axes.plot(*zip(*points), color=GREY, linewidth=2.2, alpha=0.45, zorder=1, solid_capstyle="round",
                  label="ideal: one CPU a worker, as far as CPUs and tasks reach" if index == 0 else None)  # fmt: skip


def _speedup(axes: Axes, workload: str, series: list[Series]) -> None:
    axes.set_title(f"{workload}: speed-up over the sequential loop", loc="left")
    if not series:
        return _nothing(axes, "no sequential baseline: no speed-up")
    places = _positions(series)
    _shade_oversubscribed(axes, workload, series, places)
    _draw_ideal(axes, workload, series, places, per_worker=False)
    _draw_lines(axes, series, places, lambda results, cell: results.speedup(cell), "{:.2f}", laws.speedup)
    low, high = axes.dataLim.y0, axes.dataLim.y1
    if len(places) > 1 and high / low > LOG_SCALE_FROM:
        axes.set_yscale("log", base=2)
        axes.set_ylim(low / 1.3, high * 1.3)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_ylabel("times faster (each line: twice)")
    else:
        axes.set_ylim(0, high * HEADROOM)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.set_ylabel("times faster")


def _efficiency(axes: Axes, workload: str, series: list[Series]) -> None:
    axes.set_title(f"{workload}: efficiency (speed-up / workers)", loc="left")
    if not series:
        return _nothing(axes, "no sequential baseline: no efficiency")
    places = _positions(series)
    _shade_oversubscribed(axes, workload, series, places)
    _draw_ideal(axes, workload, series, places, per_worker=True)
    _draw_lines(axes, series, places, lambda results, cell: results.efficiency(cell), "{:.0%}", laws.efficiency)
    axes.set_ylim(0, max(1.0, axes.dataLim.y1) * HEADROOM)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))


def _first_result(axes: Axes, workload: str, loaded: list[Results]) -> None:
    """Bars by pattern; one worker count for all, since a first result depends on it little."""
    groups = _first_result_cells(loaded, workload)
    if not groups:
        axes.set_title(f"{workload}: time to first result", loc="left")
        return _nothing(axes, "not measured")
    count = next(iter(next(iter(groups.values())).values())).workers
    axes.set_title(f"{workload}: time to first result, {count} worker{'s' * (count > 1)}", loc="left")
    patterns = [p for p in PATTERN_ORDER if any(p in cells for cells in groups.values())]
    width = 0.8 / len(groups)
    crowded = len(groups) * len(patterns) > MOST_LEVEL_NUMBERS
    highest = 0.0
    executors = list(dict.fromkeys(executor for _, executor in groups))
    for index, ((file_index, executor), cells) in enumerate(groups.items()):
        kind = executors.index(executor)
        for place, pattern in enumerate(patterns):
            if pattern not in cells:
                continue
            x, height = place + (index - (len(groups) - 1) / 2) * width, cells[pattern].first_result
            colour, filled = COLOURS[kind % len(COLOURS)], kind % 2 == 0
            axes.bar(x, height / 1e6, width * 0.92, color=colour if filled else "white",
                     edgecolor="white" if filled else colour,
                     hatch=HATCHES[(kind + len(executors) * file_index) % len(HATCHES)],
                     label=_bar_label(loaded, file_index, executor) if place == 0 else None)  # fmt: skip
            top = height
            if known := median_interval(cells[pattern].first_results):
                axes.plot([x, x], [known.low / 1e6, known.high / 1e6], color="black", linewidth=1.4)
                top = known.high
            highest = max(highest, top)
            axes.annotate(duration(height), (x, top / 1e6), (0, 2), textcoords="offset points", fontsize=8,
                          ha="center", va="bottom", rotation=90 if crowded else 0)  # fmt: skip
    axes.set_xticks(range(len(patterns)), patterns)
    axes.set_xlim(-0.55, len(patterns) - 0.45)
    axes.set_ylim(0, highest / 1e6 * (1.4 if crowded else HEADROOM))
    axes.set_ylabel("ms")


def _bar_label(loaded: list[Results], file_index: int, executor: str) -> str:
    name = f"{executor} (bars)"
    return name if len(loaded) == 1 else f"{_file_label(loaded[file_index], loaded)}: {name}"


def _first_result_cells(loaded: list[Results], workload: str) -> dict[tuple[int, str], dict[str, Cell]]:
    """Cells by (file, executor) and pattern, all of one worker count that every file has."""
    counts = [
        {cell.workers for cell in plain_cells(one, workload) if cell.executor != "sequential" and cell.first_results}
        for one in loaded
    ]
    common = set.intersection(*counts)
    if not common:
        return {}
    wanted = loaded[0].context["usable_cpus"]
    count = min(common, key=lambda value: (abs(value - wanted), value))
    groups: dict[tuple[int, str], dict[str, Cell]] = {}
    for index, one in enumerate(loaded):
        for cell in plain_cells(one, workload):
            if cell.workers == count and cell.executor != "sequential" and cell.first_results:
                groups.setdefault((index, cell.executor), {})[cell.pattern] = cell
    return groups
