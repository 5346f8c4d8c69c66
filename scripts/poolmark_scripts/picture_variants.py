"""What a chunk size changes, and what making a pool costs."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from poolmark_scripts import drawing, laws, verdicts
from poolmark_scripts.drawing import COLOURS, GREY, GRID, HATCHES, LINES, MARKERS
from poolmark_scripts.findings_batches import making
from poolmark_scripts.intervals import median_interval
from poolmark_scripts.results import Cell, Results
from poolmark_scripts.units import duration
from poolmark_scripts.wording import POOLS, crew, workers


def chunk_sizes(results: Results) -> Figure | None:
    """A panel a workload: the map's time by chunk size, against the time with the default; None without a sweep."""
    swept = {workload: _swept(results, workload) for workload in results.workloads()}
    swept = {workload: cells for workload, cells in swept.items() if len({cell.chunksize for cell in cells}) > 1}
    if not swept:
        return None
    figure, rows = drawing.grid(1, len(swept), 4.2, 3.2)
    for axes, (workload, cells) in zip(rows[0], swept.items()):
        _sweep(axes, workload, cells)
    note = "Lines through the points: 95 % intervals. auto: the map decides by the time that elements take."
    return drawing.finish(figure, drawing.title([results]), note)


def _swept(results: Results, workload: str) -> list[Cell]:
    """The maps of each executor with a sweep, of the worker count nearest to the number of CPUs."""
    cells = [
        cell for cell in verdicts.warm_or_all(results, workload) if cell.pattern == "map" and cell.executor != "sequential"
    ]
    count = drawing.shown_workers([cell for cell in cells if cell.chunksize], results)
    return [cell for cell in cells if cell.workers == count]


def _sweep(axes: Axes, workload: str, cells: list[Cell]) -> None:
    sizes = sorted({cell.chunksize for cell in cells if cell.chunksize})
    order: list[int | None] = [*sizes, *([None] if any(not cell.chunksize for cell in cells) else [])]
    executors = list(dict.fromkeys(cell.executor for cell in cells))
    for index, executor in enumerate(executors):
        mine = {cell.chunksize: cell for cell in cells if cell.executor == executor}
        against = mine.get(None) or min(mine.values(), key=lambda cell: cell.median)
        look = {"color": COLOURS[index % len(COLOURS)]}
        shift = (index - (len(executors) - 1) / 2) * 0.08
        points = [(place + shift, mine[size]) for place, size in enumerate(order) if size in mine]
        heights = [cell.median / against.median for _, cell in points]
        axes.plot([x for x, _ in points], heights, marker=MARKERS[index % len(MARKERS)], linestyle="none", markersize=5,
                  label=POOLS.get(executor, executor), **look)  # fmt: skip
        fixed = [(x, height) for (x, cell), height in zip(points, heights) if cell.chunksize]  # auto is no point of this axis
        axes.plot(*zip(*fixed), linestyle=LINES[index % len(LINES)], linewidth=1, alpha=0.6, **look)
        for x, cell in points:
            found = None if cell is against else laws.quotient(cell.real_times, against.real_times, (cell.name, against.name))
            if found:
                axes.plot([x, x], [found.low, found.high], linewidth=1.4, **look)
    axes.axhline(1, color=GREY, linewidth=0.8)
    axes.set_xticks(range(len(order)), [str(size) if size else "auto" for size in order])
    axes.set_xlim(-0.5, len(order) - 0.5)
    low, high = axes.dataLim.y0, axes.dataLim.y1
    axes.set_ylim(min(0.9, low - 0.05), max(1.1, high + 0.05))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    axes.set_title(f"{workload}: map, {workers(cells[0].workers)}", loc="left")
    axes.set_xlabel("chunk size (tasks a worker takes at once)")
    axes.set_ylabel("time of a batch / " + ("time with auto" if None in order else "shortest time"))
    axes.grid(axis="y", color=GRID, linewidth=0.6)


def making_pools(results: Results) -> Figure | None:
    """A panel a workload: a batch on a pool that is there, and on one that is made for it; None without cold cells."""
    pairs = {workload: _pairs(results, workload) for workload in results.workloads()}
    pairs = {workload: found for workload, found in pairs.items() if found}
    if not pairs:
        return None
    figure, rows = drawing.grid(1, len(pairs), 4.2, 3.2)
    for axes, (workload, found) in zip(rows[0], pairs.items()):
        _beside(axes, results, workload, found)
    note = "cold: with making and shutting down the pool. Lines on the bars: 95 % intervals. Above: what the pool itself costs."
    return drawing.finish(figure, drawing.title([results]), note)


def _pairs(results: Results, workload: str) -> list[tuple[Cell, Cell]]:
    """For each executor the pool one would take, warm and cold."""
    found: dict[str, dict[str, tuple[Cell, Cell]]] = {}
    for cell in verdicts.warm_or_all(results, workload):
        cold = results.beside(cell, chunksize=cell.chunksize, cold=True)
        if cell.executor != "sequential" and cold:
            found.setdefault(cell.executor, {})[cell.name] = (cell, cold)
    return [pairs[verdicts.choose([warm for warm, _ in pairs.values()]).name] for pairs in found.values()]


def _beside(axes: Axes, results: Results, workload: str, pairs: list[tuple[Cell, Cell]]) -> None:
    highest = max(cell.median for pair in pairs for cell in pair)
    for place, (warm, cold) in enumerate(pairs):
        for side, (cell, label) in enumerate(((warm, "warm pool"), (cold, "cold pool"))):
            x = place + (side - 0.5) * 0.36
            axes.bar(x, cell.median / 1e6, 0.33, color=COLOURS[0] if side == 0 else "white", edgecolor=COLOURS[side],
                     hatch=HATCHES[side], label=label if place == 0 else None)  # fmt: skip
            if found := median_interval(cell.real_times):
                axes.plot([x, x], [found.low / 1e6, found.high / 1e6], color="black", linewidth=1.6)
        made = making(results, warm, cold)
        said = f"+{duration(made.cost)}" if made.cost_interval and made.cost_interval.low > 0 else "no difference\nseen"
        axes.annotate(said, (place + 0.18, cold.median / 1e6), (0, 5), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xticks(range(len(pairs)), [f"{POOLS.get(w.executor, w.executor)},\n{crew(w)}, {w.pattern}" for w, _ in pairs])
    axes.set_xlim(-0.6, len(pairs) - 0.4)
    axes.set_ylim(0, highest / 1e6 * 1.25)
    axes.set_title(f"{workload}: a batch", loc="left")
    axes.set_ylabel("ms")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
