"""Measuring work of one's own: as short as promised, and measured by scripts/bench like ours."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

MOST_LINES_OF_A_FUNCTION = 20
MOST_LINES_OF_AN_EXECUTOR = 40
CHEAP = ("--workers=2", "--patterns=map", "--benchmark_repetitions=1")


def lines_of_code(text: str) -> int:
    """Lines that are neither empty nor only a comment."""
    return sum(1 for line in text.splitlines() if not re.fullmatch(r"\s*(//.*)?", line))


def test_only_lines_of_code_count() -> None:
    assert lines_of_code("// a\n\n  // b\nint a;  // c\n}\n") == 2


def test_a_function_takes_at_most_20_lines(root: Path) -> None:
    example = (root / "examples" / "measure_function.cpp").read_text()
    assert lines_of_code(example) <= MOST_LINES_OF_A_FUNCTION


def test_an_executor_takes_at_most_40_lines_more(root: Path) -> None:
    example = (root / "examples" / "measure_executor.cpp").read_text()
    include = "#include <poolmark/harness.hpp>\n"
    function = example[example.index("double work(") :]
    assert include in example
    of_the_function = lines_of_code(include + function)
    assert of_the_function <= MOST_LINES_OF_A_FUNCTION
    assert lines_of_code(example) - of_the_function <= MOST_LINES_OF_AN_EXECUTOR


def test_the_documents_show_the_example_as_it_is(root: Path) -> None:
    example = (root / "examples" / "measure_function.cpp").read_text()
    code = example[example.index("#include") :]
    assert f"```cpp\n{code}```" in (root / "README.md").read_text()


@pytest.mark.parametrize(
    "example, cells",
    [
        ("measure_function", {"collatz/thread/map/workers:2", "collatz/process/map/workers:2"}),
        ("measure_executor", {"work/mine/map/workers:2", "work/thread/map/workers:2"}),
    ],
)
def test_scripts_bench_measures_it(root: Path, tmp_path: Path, example: str, cells: set[str]) -> None:
    program = root / "build" / "release" / "examples" / f"example_{example}"
    if not program.exists():
        pytest.skip(f"{program} is not built; scripts/test release builds it")
    output = tmp_path / "own.json"
    ended = subprocess.run(
        [root / "scripts" / "bench", "--program", program, *CHEAP, "-o", output],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    measured = json.loads(output.read_text())
    assert measured["failures"] == []
    assert cells <= {entry["name"] for entry in measured["benchmarks"]}
    for path in (output, output.with_suffix(".svg"), output.with_suffix(".png")):
        assert path.exists(), ended.stdout
