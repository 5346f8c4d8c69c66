"""What scripts/history draws."""

from __future__ import annotations

from typing import Any

import history_data
import pytest
from history_data import BANDS, CELL
from poolmark_scripts import history_commits, history_file, history_findings
from poolmark_scripts.intervals import Interval


def findings_of(
    cells: list[str], changed: list[str], epochs: int = 1, length: int = 20, slow: range = range(9, 20)
) -> list[history_findings.Findings]:
    """Epochs in which the commits of `slow` take 10 % longer in the changed cells."""
    made = []
    for number in range(epochs):
        commits = [f"{number}{index:06}" for index in range(length)]
        entries_made = tuple(
            history_file.Entry(commit, "2026", {
                name: history_file.Measured(Interval(ratio, ratio / 1.01, ratio * 1.01), 8, BANDS[CELL])
                for name in cells for ratio in [(1.1 if name in changed and index in slow else 1.0) + index % 3 / 1e3]
            })
            for index, commit in enumerate(commits)
        )  # fmt: skip
        machine = {key: history_data.CONTEXT[key] for key in ("cpu_model", "usable_cpus", "compiler", "host_name")}
        epoch = history_file.Epoch(str(number) * 40, (), machine, entries_made)
        made.append(history_findings.examine(epoch, history_commits.Line()))
    return made


def test_a_panel_has_the_points_the_levels_and_the_change() -> None:
    from poolmark_scripts import history_picture

    axes = history_picture.make(findings_of(["one"], ["one"]), "h.json").axes[0]
    drawn = {line.get_label(): line for line in axes.lines}
    assert list(drawn["a measured commit"].get_ydata())[8:10] == pytest.approx([1.002, 1.1])
    levels = [line for line in axes.lines if line.get_label().startswith("level")]
    assert [line.get_ydata()[0] for line in levels] == pytest.approx([1.001, 1.101])
    assert [list(line.get_xdata()) for line in levels] == [[-0.5, 8.5], [8.5, 19.5]]
    assert list(drawn["slower from here on"].get_xdata()) == [8.5, 8.5]
    assert "+10.0 %" in [text.get_text() for text in axes.texts]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0000009", "0000000", "0000019"]


def test_of_many_cells_those_with_changes_are_drawn_and_it_is_said() -> None:
    from poolmark_scripts import history_picture

    def look(figure: Any) -> tuple[list[str], str]:
        return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")], figure.texts[-1].get_text()

    cells = [f"cell{index:02}" for index in range(30)]
    titles, note = look(history_picture.make(findings_of(cells, cells[3:6]), "h.json"))
    assert titles == cells[3:6] and "3 of 30 cells are drawn: those with change points." in note
    titles, note = look(history_picture.make(findings_of(cells, []), "h.json"))
    assert titles == cells[:12] and "no cell has a change point" in note
    titles, note = look(history_picture.make(findings_of(cells, cells), "h.json"))
    assert len(titles) == 24 and "the largest of the changes in 30 cells" in note.replace("\n", " ")
    titles, note = look(history_picture.make(findings_of(cells[:12], []), "h.json"))
    assert titles == cells[:12] and "are drawn" not in note


def test_epochs_stand_apart() -> None:
    from poolmark_scripts import history_picture

    axes = history_picture.make(findings_of(["one"], [], epochs=2), "h.json").axes[0]
    places = [list(line.get_xdata()) for line in axes.lines if line.get_label() == "a measured commit"]
    assert places[0] == list(range(20)) and places[1] == list(range(24, 44))
    levels = [line.get_xdata() for line in axes.lines if line.get_label().startswith("level")]
    assert len(levels) == 2 and not any(start < 21.5 < end for start, end in levels)
    assert "reference 1111111" in [text.get_text() for text in axes.texts]


def test_of_many_epochs_the_last_are_drawn_and_it_is_said() -> None:
    from poolmark_scripts import history_picture

    figure = history_picture.make(findings_of(["one"], [], epochs=5), "h.json")
    assert [text.get_text() for text in figure.axes[0].texts] == ["reference 3333333", "reference 4444444"]
    assert "The last 3 of 5 epochs are drawn." in figure.texts[-1].get_text().replace("\n", " ")


@pytest.mark.parametrize("lengths", [[41], [41, 41], [41, 41, 41], [2, 1, 41], [41, 2]])
@pytest.mark.parametrize("slow", [range(18, 23), range(36, 41)])
def test_no_text_is_covered(lengths: list[int], slow: range) -> None:
    from poolmark_scripts import history_picture

    findings = [findings_of(["one", "two"], ["one"], 1, length, slow)[0] for length in lengths]
    figure = history_picture.make(findings, "h.json")
    sizes = [text for text in figure.axes[0].texts if text.get_text().endswith(" %")]
    assert len(sizes) == lengths.count(41) * (2 if slow.stop < 41 else 1)  # to slower, and back
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    for one in figure.axes:
        boxes = [text.get_window_extent(renderer) for text in [*one.texts, *one.get_xticklabels(), one._left_title]]
        assert not any(box.overlaps(other) for index, box in enumerate(boxes) for other in boxes[index + 1 :])
