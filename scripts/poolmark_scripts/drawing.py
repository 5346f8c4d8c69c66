"""What all pictures share: colours, markers, the head line, the legend, and how they are written.

Colour, marker, line style and hatch each tell the series apart alone, so that a picture can be read in black and
white and with any colour vision (colours: Okabe and Ito's palette).
"""

from __future__ import annotations

import os
import tempfile
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

from poolmark_scripts.results import Cell, Results  # noqa: E402
from poolmark_scripts.units import SIZES  # noqa: E402

DPI = 150
LEGEND_COLUMNS = 5
LETTERS_AN_INCH = 11  # of the head line
LETTERS_OF_A_NOTE = 15  # an inch, of the line below the panels
HEADROOM = 1.12  # of an axis above its highest point
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES = ("-", "--", ":", "-.")
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++", "oo", "--")
GREY = "#555555"
GRID = "#dddddd"
POOLS = {"warm": "warm pools", "cold": "cold pools", "both": "warm and cold pools"}
PATTERN_ORDER = ("map", "as_completed", "wait")
PATTERN_COLOURS = dict(zip(PATTERN_ORDER, COLOURS))


def prepare() -> None:
    """Sets the style; the same results then make the same bytes."""
    plt.rcParams.update({
        "svg.hashsalt": "poolmark", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
        "axes.titlesize": 10, "hatch.linewidth": 0.6,
    })  # fmt: skip


def grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, list[list[Axes]]]:
    """A figure of panels, each `width` by `height` inches, with room for a head line and a legend."""
    prepare()
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns + 0.4, height * rows + 1.4), squeeze=False, layout="constrained"
    )
    return figure, [list(row) for row in axes]


def finish(figure: Figure, title: str, note: str = "") -> Figure:
    """Adds the head line, and below the panels one legend for all of them, with `note` as its last line."""
    handles: dict[str, object] = {}
    for axes in figure.axes:
        handles.update(zip(*reversed(axes.get_legend_handles_labels())))
    figure.suptitle(textwrap.fill(title, int(figure.get_figwidth() * LETTERS_AN_INCH)), fontsize=11)
    note_lines = textwrap.wrap(note, int(figure.get_figwidth() * LETTERS_OF_A_NOTE))
    if handles:
        columns = min(LEGEND_COLUMNS, max(1, int(figure.get_figwidth() / 2.6)))
        figure.legend(
            handles.values(), handles.keys(), loc="lower center", ncols=columns, frameon=False,
            bbox_to_anchor=(0.5, 0.17 * len(note_lines) / figure.get_figheight()),
        )  # fmt: skip
        lines = -(-len(handles) // columns)
    else:
        lines = 0
    if note_lines:
        figure.text(0.5, 0.06 / figure.get_figheight(), "\n".join(note_lines), ha="center", va="bottom", fontsize=8, color=GREY)
    # The layout engine does not know the figure's legend: keep room for its lines.
    bottom = (0.2 * lines + 0.17 * len(note_lines) + 0.18) / figure.get_figheight()
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1, rect=(0, bottom, 1, 1 - bottom))
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Writes `stem`.svg and `stem`.png, each whole or not at all; the same figure gives the same bytes."""
    _settle(figure)
    written = []
    for suffix, metadata in ((".svg", {"Date": None, "Creator": "poolmark"}), (".png", {"Software": "poolmark"})):
        path = stem.with_name(stem.name + suffix)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{stem.name}.", suffix=suffix, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                figure.savefig(file, format=suffix[1:], dpi=DPI, metadata=metadata)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        written.append(path)
    plt.close(figure)
    return written


def _settle(figure: Figure) -> None:
    """Lays the panels out for good. The solver's sums differ in the last digits from time to time, and with them the
    names of clip paths, which are made of them."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        axes.set_position([round(part, 9) for part in axes.get_position().bounds])


def title(loaded: list[Results]) -> str:
    """Which files, and on what they were measured."""
    context = loaded[0].context
    machine = f"{context['cpu_model']}, {context['usable_cpus']} usable CPUs, {context['compiler']}, {POOLS[context['pool']]}"
    names = ", ".join(file_label(one, loaded) for one in loaded)
    partial = "; partial" if any(one.partial for one in loaded) else ""
    same = all(one.context["cpu_model"] == context["cpu_model"] for one in loaded)
    return f"{names}: {machine if same else 'different machines'}{partial}"


def file_label(one: Results, loaded: list[Results]) -> str:
    """The name of a file, with its directory where others have the same name."""
    unique = sum(other.path.stem == one.path.stem for other in loaded) == 1
    return one.path.stem if unique else f"{one.path.parent.name}/{one.path.stem}"


def plain_cells(results: Results, workload: str) -> list[Cell]:
    """The cells of the main matrix: no chunk sizes, and no cold pools beside warm ones."""
    both = results.context["pool"] == "both"
    return [
        cell for cell in results.of_workload(workload) if not cell.chunksize and not (both and cell.pool == "cold")
    ]


def shown_workers(cells: list[Cell], results: Results) -> int | None:
    """The worker count of which a picture without an axis for it speaks: the nearest to the number of CPUs."""
    counts = {cell.workers for cell in cells if cell.executor != "sequential"}
    wanted = results.context["usable_cpus"]
    return min(counts, key=lambda count: (abs(count - wanted), count), default=None)


def tick(ns: float, _: object = None) -> str:
    """A time on an axis, as short as it can be."""
    unit, size = next(((unit, size) for unit, size in SIZES if abs(ns) >= size), ("ns", 1.0))
    return "0" if ns == 0 else f"{ns / size:g} {unit}"


def nothing(axes: Axes, text: str) -> None:
    """An empty panel that says why."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])
