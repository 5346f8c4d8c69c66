"""When the caller holds how many results: a curve for each way of collecting, and how long single results take."""

from __future__ import annotations

from typing import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from poolmark_scripts import drawing
from poolmark_scripts.drawing import GRID, LINES, MARKERS, PATTERN_COLOURS, PATTERN_ORDER
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.wording import POOLS, crew

LOG_SCALE_FROM = 4  # longest / shortest time from which a straight scale hides the short ones
MOST_TICKS = 8

Panels = dict[tuple[str, str], list[Cell]]  # by executor and workload


def completions(results: Results) -> Figure | None:
    """A column a workload, a row an executor; None without curves."""
    panels = _panels(results, lambda cell: cell.completions is not None)
    if not panels:
        return None
    figure, rows = _laid_out(panels)
    for (executor, workload), cells in panels.items():
        axes = _panel(rows, panels, executor, workload)
        axes.set_title(_heading(cells), loc="left")
        for cell in cells:
            _curve(axes, cell)
        axes.set_xlim(0, _longest(panels, workload, lambda cell: cell.completions.ns) * 1.03)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
        axes.xaxis.set_major_formatter(FuncFormatter(drawing.tick))
        axes.set_ylim(0, cells[0].task_count * drawing.HEADROOM)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.set_xlabel("since the batch began")
        axes.set_ylabel("results in the caller's hands")
        axes.grid(color=GRID, linewidth=0.6)
    note = "A curve further to the left is better. Each step: median over the batches of the time until the caller held so many."
    return drawing.finish(figure, drawing.title([results]), note)


def latencies(results: Results) -> Figure | None:
    """Percentiles of the time from a task's submission to its result; None without them."""
    panels = _panels(results, lambda cell: cell.latencies is not None)
    if not panels:
        return None
    figure, rows = _laid_out(panels)
    for (executor, workload), cells in panels.items():
        axes = _panel(rows, panels, executor, workload)
        axes.set_title(_heading(cells), loc="left")
        quantiles = sorted({quantile for cell in cells for quantile in cell.latencies.quantiles})
        places = {quantile: place for place, quantile in enumerate(quantiles)}
        for cell in cells:
            _percentiles(axes, cell, places)
        axes.set_xticks(list(places.values()), [_quantile(quantile) for quantile in quantiles])
        axes.set_xlim(-0.4, len(quantiles) - 0.6)
        axes.set_ylabel("from submission to result")
        axes.set_xlabel("part of the tasks that took no longer")
        longest = _longest(panels, workload, lambda cell: cell.latencies.ns)
        _time_scale(axes, _shortest(panels, workload, lambda cell: cell.latencies.ns), longest)
        axes.grid(axis="y", color=GRID, linewidth=0.6)
    note = "Percentiles over all tasks of all rounds; one is left out where too few tasks were measured to know it."
    return drawing.finish(figure, drawing.title([results]), note)


def _panels(results: Results, has: Callable[[Cell], bool]) -> Panels:
    """Cells by executor and workload, all of one worker count."""
    made: dict[tuple[str, str], list[Cell]] = {}
    for workload in results.workloads():
        cells = [cell for cell in drawing.plain_cells(results, workload) if has(cell)]
        count = drawing.shown_workers(cells, results)
        for cell in sorted(cells, key=lambda cell: PATTERN_ORDER.index(cell.pattern)):
            if cell.executor != "sequential" and cell.workers == count:
                made.setdefault((cell.executor, workload), []).append(cell)
    return made


def _laid_out(panels: Panels) -> tuple[Figure, list[list[Axes]]]:
    executors = list(dict.fromkeys(executor for executor, _ in panels))
    columns = list(dict.fromkeys(workload for _, workload in panels))
    figure, rows = drawing.grid(len(executors), len(columns), 3.9, 3.0)
    for row, executor in zip(rows, executors):
        for axes, workload in zip(row, columns):
            if (executor, workload) not in panels:
                drawing.nothing(axes, f"{workload}, {executor}: not measured")
    return figure, rows


def _panel(rows: list[list[Axes]], panels: Panels, executor: str, workload: str) -> Axes:
    executors = list(dict.fromkeys(name for name, _ in panels))
    columns = list(dict.fromkeys(name for _, name in panels))
    return rows[executors.index(executor)][columns.index(workload)]


def _heading(cells: list[Cell]) -> str:
    cell = cells[0]
    return f"{cell.workload}: {POOLS.get(cell.executor, cell.executor)}, {crew(cell)}"


def _curve(axes: Axes, cell: Cell) -> None:
    place = PATTERN_ORDER.index(cell.pattern)
    times = [0.0, *cell.completions.ns]
    axes.plot(
        times, [0, *cell.completions.k], drawstyle="steps-post", color=PATTERN_COLOURS[cell.pattern],
        linestyle=LINES[place], linewidth=1.8, label=cell.pattern,
    )  # fmt: skip
    axes.plot(
        times[1:2], cell.completions.k[:1], color=PATTERN_COLOURS[cell.pattern], marker=MARKERS[place],
        markersize=5, linestyle="none", clip_on=False,
    )  # fmt: skip


def _percentiles(axes: Axes, cell: Cell, places: dict[float, int]) -> None:
    place = PATTERN_ORDER.index(cell.pattern)
    shift = (place - 1) * 0.06  # patterns that take as long would hide each other
    axes.plot(
        [places[quantile] + shift for quantile in cell.latencies.quantiles], cell.latencies.ns,
        color=PATTERN_COLOURS[cell.pattern], linestyle=LINES[place], marker=MARKERS[place], markersize=5, linewidth=1,
        label=cell.pattern,
    )  # fmt: skip


def _quantile(quantile: float) -> str:
    return "all" if quantile == 1 else f"{quantile * 100:.6g} %"


def _longest(panels: Panels, workload: str, of: Callable[[Cell], tuple[float, ...]]) -> float:
    """Over all executors: their panels stand below each other and get the same axis."""
    return max(max(of(cell)) for (_, name), cells in panels.items() if name == workload for cell in cells)


def _shortest(panels: Panels, workload: str, of: Callable[[Cell], tuple[float, ...]]) -> float:
    return min(min(of(cell)) for (_, name), cells in panels.items() if name == workload for cell in cells)


def _time_scale(axes: Axes, low: float, high: float) -> None:
    if low > 0 and high / low > LOG_SCALE_FROM:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.5, high * 1.5)
        shown = _steps(low / 1.5, high * 1.5, (1, 2, 5))
        axes.yaxis.set_major_locator(FixedLocator(shown if len(shown) <= MOST_TICKS else _steps(low / 1.5, high * 1.5, (1,))))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, high * drawing.HEADROOM)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(drawing.tick))


def _steps(low: float, high: float, bases: tuple[int, ...]) -> list[float]:
    return [base * 10.0**power for power in range(12) for base in bases if low <= base * 10.0**power <= high]
