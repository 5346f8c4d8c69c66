"""The pictures of a granularity run: efficiency against granularity, and METG by workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.ticker import NullFormatter

from poolmark_scripts import drawing
from poolmark_scripts.granularity_goals import WANTED, place
from poolmark_scripts.granularity_results import GranularityResults, Outcome
from poolmark_scripts.metg import LEVELS
from poolmark_scripts.drawing import COLOURS, GREY, LINES, MARKERS
from poolmark_scripts.units import duration

plt = drawing.plt
KINDS = ((False, "a task each"), (True, "chunked loops: several tasks at a time"))
# One colour an executor, whatever else is in a picture.
EXECUTORS = ("thread", "process", "tbb", "asio", "openmp", "std_async")
LEFT_END_NS, RIGHT_END_NS = 30.0, 6e6
UNIT_TICKS = ((1e1, "10 ns"), (1e2, "100 ns"), (1e3, "1 us"), (1e4, "10 us"), (1e5, "100 us"), (1e6, "1 ms"), (1e7, "10 ms"))


def draw(results: GranularityResults, output: Path) -> list[Path]:
    """Draws what there are numbers for beside `output`; returns the files written."""
    outcomes = [outcome for outcome in results.outcomes().values() if outcome.rounds]
    written = []
    if outcomes:
        plt.rcParams.update({"svg.hashsalt": "poolmark", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
        written += drawing.save(_efficiency_figure(results, outcomes), output.with_suffix(""))
    pools = [outcome for outcome in outcomes if outcome.subject.is_ours or outcome.subject.is_peer]
    if len({outcome.subject.workers for outcome in pools}) > 1:
        written += drawing.save(_workers_figure(results, pools), output.with_suffix(".workers"))
    return written


def _title(results: GranularityResults) -> str:
    context = results.context
    partial = "; partial" if results.partial else ""
    return f"{context['cpu_model']}, {context['usable_cpus']} usable CPUs, {context['compiler']}, warm pools{partial}"


# ---- efficiency against granularity -----------------------------------------------------


def _efficiency_figure(results: GranularityResults, outcomes: list[Outcome]):
    panels = [
        (workers, chunked, text, found)
        for workers in sorted({o.subject.workers for o in outcomes}, reverse=True)
        for chunked, text in KINDS
        if (found := [o for o in outcomes if o.subject.workers == workers and o.subject.chunked == chunked])
    ]
    rows = -(-len(panels) // 2)
    figure, grid = plt.subplots(rows, min(2, len(panels)), figsize=(8.2 * min(2, len(panels)), 4.6 * rows + 0.5), squeeze=False, layout="constrained")
    figure.suptitle(f"How long tasks must be: {_title(results)}", fontsize=11)
    for axes, panel in zip(grid.flat, panels):
        _efficiency_panel(axes, *panel)
    for axes in grid.flat[len(panels):]:
        axes.set_axis_off()
    return figure


def _efficiency_panel(axes, workers: int, chunked: bool, text: str, outcomes: list[Outcome]) -> None:
    axes.set_title(f"{workers} worker{'s' * (workers > 1)}, {text}", loc="left")
    for level in LEVELS:
        axes.axhline(level, color=GREY, linewidth=0.7, linestyle=(0, (4, 3)), zorder=1)
    styles = _styles(outcomes)
    for outcome in sorted(outcomes, key=place):
        colour, line, marker = styles[outcome.subject.name]
        low, middle, high = np.percentile(outcome.efficiencies, (25, 50, 75), axis=0)
        # Task Bench's axis: what a task took, with its overhead.
        granularity = np.asarray(outcome.grains) / middle
        axes.plot(granularity, middle, color=colour, linestyle=line, linewidth=1.4, label=_label(outcome))
        axes.fill_between(granularity, low, high, color=colour, alpha=0.15, linewidth=0)
        for level in LEVELS:
            found = outcome.at(level)
            if found and found.granularity.found:
                axes.plot(found.granularity.ns, level, marker=marker, color=colour, markersize=6, markeredgecolor="white", zorder=3)
    axes.set_xscale("log")
    axes.set_xlim(LEFT_END_NS, RIGHT_END_NS)
    _time_ticks(axes.xaxis, axes.get_xlim())
    axes.set_ylim(0, 1.09)
    axes.set_yticks(np.arange(0, 1.01, 0.1), [f"{value:.0%}" for value in np.arange(0, 1.01, 0.1)])
    axes.set_xlabel("granularity: wall time x cores / tasks (work and overhead of a task)")
    axes.set_ylabel("efficiency: share that is work")
    axes.grid(color="#e5e5e5", linewidth=0.5)
    axes.set_axisbelow(True)
    # Beside the curves: a dozen of them leave no corner free.
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False, handlelength=3, alignment="left",
                title="METG(50 %), METG(90 %)", title_fontsize=8)  # fmt: skip


def _label(outcome: Outcome) -> str:
    values = []
    for level in LEVELS:
        bound = outcome.at(level).granularity  # type: ignore[union-attr]
        values.append(f"{ {-1: '< ', 0: '', 1: '> '}[bound.beyond]}{duration(bound.ns)}")
    return f"{outcome.subject.executor} {outcome.subject.pattern}: {', '.join(values)}"


def _styles(outcomes: list[Outcome]) -> dict[str, tuple[object, object, str]]:
    """Colour by executor; line and marker by the pattern within it, so that either tells."""
    of_executor: dict[str, int] = {}
    styles = {}
    for outcome in outcomes:
        subject = outcome.subject
        index = of_executor.get(subject.executor, 0)
        of_executor[subject.executor] = index + 1
        known = subject.executor in EXECUTORS
        place = EXECUTORS.index(subject.executor) if known else 0
        styles[subject.name] = (COLOURS[place] if known else GREY, LINES[index % len(LINES)], MARKERS[index % len(MARKERS)])
    return styles


def _time_ticks(axis, limits: tuple[float, float]) -> None:
    inside = [(ns, text) for ns, text in UNIT_TICKS if limits[0] <= ns <= limits[1]]
    axis.set_ticks([ns for ns, _ in inside], [text for _, text in inside])


# ---- METG by workers --------------------------------------------------------------------


def _workers_figure(results: GranularityResults, outcomes: list[Outcome]):
    kinds = [(chunked, text) for chunked, text in KINDS if any(o.subject.chunked == chunked for o in outcomes)]
    figure, grid = plt.subplots(1, len(kinds), figsize=(6.75 * len(kinds), 5.2), squeeze=False, layout="constrained")
    figure.suptitle(f"METG(50 %) by workers: {_title(results)}", fontsize=11)
    for axes, (chunked, text) in zip(grid.flat, kinds):
        _workers_panel(axes, text, [o for o in outcomes if o.subject.chunked == chunked], chunked)
    return figure


def _workers_panel(axes, text: str, outcomes: list[Outcome], chunked: bool) -> None:
    axes.set_title(text, loc="left")
    counts = sorted({outcome.subject.workers for outcome in outcomes})
    places = {count: place for place, count in enumerate(counts)}
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.subject.executor, outcome.subject.pattern), []).append(outcome)
    styles = _styles([group[0] for group in groups.values()])
    step = min(0.07, 0.7 / len(groups))
    for index, ((executor, pattern), group) in enumerate(groups.items()):
        colour, line, marker = styles[group[0].subject.name]
        shift = (index - (len(groups) - 1) / 2) * step
        xs = [places[outcome.subject.workers] + shift for outcome in group]
        found = [outcome.at(0.5) for outcome in group]
        axes.plot(xs, [one.granularity.ns for one in found], color=colour, linestyle=line, linewidth=1, alpha=0.5)
        for x, one in zip(xs, found):
            if one.low and one.high:
                axes.plot([x, x], [one.low.ns, one.high.ns], color=colour, linewidth=1.2)
            # An arrowhead says that the end of what was measured is drawn, and the value lies beyond.
            shown = {-1: "v", 0: marker, 1: "^"}[one.granularity.beyond]
            axes.plot(x, one.granularity.ns, marker=shown, color=colour, markersize=6,
                      markerfacecolor=colour if one.granularity.found else "white")  # fmt: skip
        axes.plot([], [], color=colour, linestyle=line, marker=marker, label=f"{executor} {pattern}")
    if not chunked:
        for executor, wanted in WANTED.items():
            axes.axhline(wanted, color=COLOURS[EXECUTORS.index(executor)], linewidth=0.8, linestyle=(0, (4, 3)))
            axes.text(len(counts) - 0.45, wanted, f"goal, {executor}", fontsize=7.5, color=GREY, ha="right", va="bottom")
    axes.set_yscale("log")
    # Whole decades: a part of one would have no tick with a unit.
    low, high = (10.0 ** end for end in (np.floor(np.log10(axes.get_ylim()[0])), np.ceil(np.log10(axes.get_ylim()[1]))))
    axes.set_ylim(low, high)
    _time_ticks(axes.yaxis, (low, high))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(list(places.values()), [str(count) for count in counts])
    axes.set_xlim(-0.55, len(counts) - 0.45)
    axes.set_xlabel("workers (hollow arrowhead: beyond what was measured)")
    axes.set_ylabel("METG(50 %), work and overhead of a task")
    axes.grid(axis="y", which="both", color="#e5e5e5", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)
