"""Every sample in the order of running, and beneath it what other programs and the hypervisor took."""

from __future__ import annotations

import statistics
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from poolmark_scripts import drawing
from poolmark_scripts.drawing import COLOURS, GREY, GRID, MARKERS
from poolmark_scripts.results import Results
from poolmark_scripts.run_record import Sample

LEAST_RANGE = 0.02  # of the median, to either side: a quiet run should look quiet
COMPRESSED_FROM = 0.98  # of the counted samples lie where the scale is straight; the rest, however far, above and below
FURTHER = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # ticks of the compressed part
RED = "#B00020"
STEAL, FOREIGN = COLOURS[3], COLOURS[4]


def rounds(results: Results) -> Figure | None:
    """Each sample against the median of its cell; None for a file of one process."""
    if results.record is None:
        return None
    samples = [sample for sample in results.record.samples if sample.name in results.cells]
    figure, rows = drawing.grid(2, 1, 12.6, 2.9)
    above, beneath = rows[0][0], rows[1][0]
    beneath.sharex(above)
    _distances(above, results, samples)
    _round_starts(above, samples)
    _machine(beneath, samples)
    beneath.set_xlabel("samples in the order of running")
    beneath.xaxis.set_major_locator(MaxNLocator(integer=True))
    repeated = sum(not sample.counts for sample in samples)
    marked = sum(bool(sample.reasons) and sample.counts for sample in samples)
    note = f"{len(samples)} samples, each in a process of its own; {repeated} disturbed and measured again, {marked} disturbed and counted."
    return drawing.finish(figure, drawing.title([results]), note)


def _distances(axes: Axes, results: Results, samples: list[Sample]) -> None:
    medians = {name: statistics.median(cell.real_times) for name, cell in results.cells.items()}
    places = {sample.order: place for place, sample in enumerate(samples)}
    distance = {sample.order: sample.real_time / medians[sample.name] - 1 for sample in samples}
    counted = [abs(distance[sample.order]) for sample in samples if sample.counts]
    edge = max(LEAST_RANGE, float(np.quantile(counted, COMPRESSED_FROM)))
    workloads = results.workloads()
    for index, workload in enumerate(workloads):
        chosen = [s for s in samples if results.cells[s.name].workload == workload and s.counts and not s.reasons]
        _dots(axes, chosen, places, distance, color=COLOURS[index % len(COLOURS)], marker=MARKERS[index % len(MARKERS)],
              markersize=3, label=workload)  # fmt: skip
    _dots(axes, [s for s in samples if s.reasons and s.counts], places, distance, color=RED, marker="x",
          markersize=6, label="disturbed, counted")  # fmt: skip
    _dots(axes, [s for s in samples if not s.counts], places, distance, color=RED, marker="o",
          markersize=6, markerfacecolor="none", label="disturbed, measured again")  # fmt: skip
    axes.axhline(0, color=GREY, linewidth=0.8)
    furthest = max(map(abs, distance.values()))
    axes.set_yscale("symlog", linthresh=edge, linscale=2)
    ticks = [edge / 2, edge, *(tick for tick in FURTHER if edge * 1.6 < tick <= furthest)]
    low = min(-edge, *distance.values()) * 1.1
    axes.set_ylim(low, max(edge * 1.1, max(distance.values()) * 1.6))
    axes.set_yticks([0.0, *ticks, *(-tick for tick in ticks if -tick >= low)])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(-1, len(samples))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.1%}" if 0 < abs(value) < 0.05 else f"{value:+.0%}"))
    axes.set_ylabel("time against the cell's median")
    axes.set_title(f"every sample against the median of its cell (beyond ±{edge:.1%} the scale is compressed)", loc="left")
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.tick_params(labelbottom=False)


def _dots(axes: Axes, samples: list[Sample], places: dict[int, int], distance: dict[int, float], **look: Any) -> None:
    if not samples:
        return
    heights = [distance[sample.order] for sample in samples]
    axes.plot([places[sample.order] for sample in samples], heights, linestyle="none", **look)


def _round_starts(axes: Axes, samples: list[Sample]) -> None:
    """A line where each round begins; numbers where they have room."""
    starts = [place for place, sample in enumerate(samples) if place == 0 or sample.round != samples[place - 1].round]
    every = max(1, len(starts) // 25)
    for place in starts:
        number = samples[place].round
        axes.axvline(place - 0.5, color=GRID, linewidth=0.8, zorder=0)
        if (number - 1) % every == 0:
            axes.text(place, 0.01, f" {'round ' if number == 1 else ''}{number}", transform=axes.get_xaxis_transform(),
                      ha="left", va="bottom", fontsize=7, color=GREY)  # fmt: skip


def _machine(axes: Axes, samples: list[Sample]) -> None:
    axes.set_title("share of the CPUs that others had meanwhile", loc="left")
    axes.set_ylabel("of the usable CPUs")
    places = np.arange(len(samples))
    known = False
    for name, label, colour in (("foreign", "other programs", FOREIGN), ("steal", "the hypervisor (steal)", STEAL)):
        values = [getattr(sample, name) for sample in samples]
        if any(value is not None for value in values):
            known = True
            heights = np.array([value or 0.0 for value in values])
            axes.fill_between(places, heights, step="mid", color=colour, alpha=0.45, linewidth=0)
            axes.plot(places, heights, drawstyle="steps-mid", color=colour, linewidth=0.9, label=label)
    if not known:
        return drawing.nothing(axes, "this machine does not tell")
    highest = max(max(s.foreign or 0.0, s.steal or 0.0) for s in samples)
    axes.set_ylim(0, max(0.1, highest * 1.1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    axes.grid(axis="y", color=GRID, linewidth=0.6)
