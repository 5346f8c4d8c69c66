"""The picture of scripts/at-once: time, CPU time, memory and threads against how many wait at once."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from poolmark_scripts import drawing
from poolmark_scripts.at_once_results import WAY_NAMES, WAYS, WORK_NAMES, AtOnceResults, Point

MEBIBYTE = 1024 * 1024
# What is drawn, its name, and how an axis says it.
PANELS: tuple[tuple[str, str, Callable[..., str]], ...] = (
    ("second_ns", "time of a batch", drawing.tick),
    ("second_cpu_ns", "CPU time of a batch", drawing.tick),
    ("memory_bytes", "memory", lambda value, _=None: f"{value / MEBIBYTE:g} MiB"),
    ("threads", "threads", lambda value, _=None: f"{value:g}"),
)
LOG_SCALE_FROM = 4  # longest / shortest time from which a straight scale hides the short ones
MEMORY_TICKS = tuple(MEBIBYTE * 4.0**power for power in range(-3, 8))


def draw(results: AtOnceResults, output: Path) -> list[Path]:
    """Draws the picture beside `output`; returns the files written, none if nothing was measured."""
    works = [work for work in results.plan.works if any(point.work == work for point in results.points())]
    if not works:
        return []
    figure, rows = drawing.grid(len(works), len(PANELS), 3.4, 3.0)
    for work, row in zip(works, rows):
        for (what, name, shown), axes in zip(PANELS, row):
            axes.set_title(f"{WORK_NAMES[work]}: {name}", loc="left")
            _panel(axes, results, work, what, shown)
    rows_below = rows[-1]
    for axes in rows_below:
        axes.set_xlabel("at once")
    context = results.context
    partial = "; partial" if results.partial else ""
    title = (
        f"Very many at once: {context['cpu_model']}, {context['usable_cpus']} usable CPUs, {context['compiler']}; each waits "
        f"{results.plan.latency_ms} ms{partial}"
    )
    note = "Medians of processes, and 95 % intervals where there are enough. A pool has 1024 threads at most."
    return drawing.save(drawing.finish(figure, title, note), output.with_suffix(""))


def _panel(axes: Axes, results: AtOnceResults, work: str, what: str, shown: Callable[..., str]) -> None:
    highest, lowest = 0.0, float("inf")
    for index, way in enumerate(WAYS):
        points = [point for point in results.points() if (point.work, point.way) == (work, way)]
        values = [results.median(point, what) or 0.0 for point in points]
        if not points:
            continue
        colour = drawing.COLOURS[index]
        axes.plot([point.count for point in points], values, drawing.LINES[index], marker=drawing.MARKERS[index], color=colour,
                  markerfacecolor=colour if index == 0 else "white", label=WAY_NAMES[way])  # fmt: skip
        for point in points:
            _interval(axes, results, point, what, colour)
        highest, lowest = max(highest, *values), min(lowest, *values)
    if what == "second_ns":
        latency_ns = results.plan.latency_ms * 1e6
        axes.axhline(latency_ns, color=drawing.GREY, linewidth=0.8, linestyle=":", label="one latency")
        lowest = min(lowest, latency_ns)
    axes.set_xscale("log")
    axes.set_xticks(results.plan.counts, [f"{count}" for count in results.plan.counts])
    axes.xaxis.set_minor_locator(NullLocator())
    if highest < LOG_SCALE_FROM * lowest and what == "second_ns":
        axes.set_ylim(0, highest * drawing.HEADROOM)
    else:
        axes.set_yscale("log")
        axes.set_ylim(max(lowest, 1e-9) / 1.6, max(highest, 1e-9) * 1.6)
    if what == "memory_bytes":
        axes.set_yticks([value for value in MEMORY_TICKS if lowest / 1.6 <= value <= highest * 1.6])
        axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(shown))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.grid(axis="y", color=drawing.GRID, linewidth=0.6)


def _interval(axes: Axes, results: AtOnceResults, point: Point, what: str, colour: str) -> None:
    if known := results.interval(point, what):
        axes.plot([point.count] * 2, [known.low, known.high], color=colour, linewidth=2.4, alpha=0.4)
