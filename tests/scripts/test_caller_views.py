"""Variants of cells, and what the caller of a batch saw, are read from results files or refused with a sentence."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest
import sample_data
from poolmark_scripts import bench_run, results, sampling

Document = dict[str, Any]
WARM = "sum/thread/map/workers:2"
IN_FOURS = "sum/thread/map/workers:2/chunksize:4"
COLD = "sum/thread/map/workers:2/chunksize:4/cold"


@pytest.fixture
def document() -> Document:
    """A run of warm and cold pools with a chunk size; only `sum` on threads."""
    made = sample_data.document(repetitions=3, workers={"sum": [2]})
    made["context"]["pool"] = "both"
    entries = [{**entry, "pool": "warm", "submit_ns": 9e3 + entry["repetition_index"]} for entry in made["benchmarks"]]
    for variant, fields in ((IN_FOURS, {"pool": "warm"}), (COLD, {"pool": "cold"})):
        for entry in [entry for entry in entries if entry["name"] == WARM]:
            changed = {**copy.deepcopy(entry), **fields, "name": variant, "run_name": variant, "chunksize": 4}
            entries.append(changed)
    made["benchmarks"] = entries
    made["completions"] = {COLD: {"k": [1, 2, 3, 4], "ns": [5e5, 6e6, 6e7, 6.1e7]}}
    made["latencies"] = {COLD: {"count": 120, "quantiles": [0.5, 0.9, 1], "ns": [6e6, 6e7, 6.1e7]}}
    return made


def load(document: Document, folder: Path) -> results.Results:
    return results.load(sample_data.write(folder / "run.json", document))


def test_variants_are_cells_of_their_own(document: Document, tmp_path: Path) -> None:
    loaded = load(document, tmp_path)
    warm, in_fours, cold = loaded.cells[WARM], loaded.cells[IN_FOURS], loaded.cells[COLD]
    assert (warm.chunksize, warm.pool, warm.variant) == (None, "warm", "")
    assert (in_fours.chunksize, in_fours.pool, in_fours.variant) == (4, "warm", "chunksize:4")
    assert (cold.chunksize, cold.pool, cold.variant) == (4, "cold", "chunksize:4/cold")
    assert len(cold.real_times) == 3
    assert cold.submits == (9000, 9001, 9002) and cold.submit == 9001


def test_the_cell_beside_another_is_found(document: Document, tmp_path: Path) -> None:
    loaded = load(document, tmp_path)
    cold = loaded.cells[COLD]
    assert loaded.beside(cold, chunksize=4, cold=False) is loaded.cells[IN_FOURS]
    assert loaded.beside(cold, chunksize=None, cold=False) is loaded.cells[WARM]
    assert loaded.beside(cold, chunksize=None, cold=True) is None


def test_what_the_caller_saw(document: Document, tmp_path: Path) -> None:
    loaded = load(document, tmp_path)
    cold = loaded.cells[COLD]
    assert cold.completions is not None and cold.latencies is not None
    assert cold.completions.until(1) == 5e5 and cold.completions.until(4) == 6.1e7
    assert cold.completions.until(5) is None
    assert cold.latencies.count == 120
    assert cold.latencies.at(0.9) == 6e7 and cold.latencies.at(0.99) is None
    assert loaded.cells[WARM].completions is None and loaded.cells[WARM].latencies is None


@pytest.mark.parametrize("pool", ["warm", "cold"])
def test_older_files_have_no_variants_and_no_views(pool: str, tmp_path: Path) -> None:
    cell = load(sample_data.document(repetitions=2, workers={"sum": [2]}, pool=pool), tmp_path).cells[WARM]
    assert (cell.chunksize, cell.pool, cell.variant) == (None, pool, "")
    assert cell.completions is None and cell.latencies is None and cell.submit is None


def entry(document: Document, name: str) -> Document:
    return next(entry for entry in document["benchmarks"] if entry["name"] == name)


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda d: entry(d, COLD).update(chunksize=5), f"is called {COLD} but its fields say"),
        (lambda d: entry(d, COLD).update(pool="warm"), f"is called {COLD} but its fields say {IN_FOURS}."),
        (lambda d: entry(d, IN_FOURS).pop("chunksize"), f"is called {IN_FOURS} but its fields say {WARM}."),
        (lambda d: entry(d, WARM).pop("pool"), "does not say whether its pool was warm or cold"),
        (lambda d: d["context"].update(pool="warm"), "is of a cold pool, but context.pool says warm"),
        (lambda d: entry(d, COLD).update(pool="hot"), "pool: 'hot' is not one of"),
        (lambda d: entry(d, COLD).update(chunksize=0), "chunksize"),
        (lambda d: entry(d, COLD).update(name=WARM + "/hot"), "does not match"),
        (lambda d: d["completions"].update({"sum/thread/wait/workers:3": d["completions"][COLD]}), "not among the benchmarks"),
        (lambda d: d["latencies"].update({"sum/thread/wait/workers:3": d["latencies"][COLD]}), "not among the benchmarks"),
        (lambda d: d["completions"][COLD]["k"].pop(), f"completions of {COLD} has 3 k and 4 times"),
        (lambda d: d["latencies"][COLD]["ns"].pop(), f"latencies of {COLD} has 3 quantiles and 2 times"),
        (lambda d: d["completions"][COLD].update(k=[1, 3, 2, 4]), "its k do not rise"),
        (lambda d: d["completions"][COLD].update(k=[1, 2, 2, 4]), "its k do not rise"),
        (lambda d: d["latencies"][COLD].update(each=[6e6]), f"latencies of {COLD} has a count of 120 and 1 times in `each`"),
        (lambda d: d["latencies"][COLD].update(quantiles=[0.9, 0.5, 1]), "its quantiles do not rise"),
        (lambda d: d["completions"][COLD].update(ns=[2, 1, 3, 4]), "its times fall"),
        (lambda d: d["completions"][COLD].update(k=[1, 2, 3, 5]), "go to 5 of 4 results"),
        (lambda d: d["completions"][COLD].update(k=[], ns=[]), "completions"),
        (lambda d: d["latencies"][COLD].update(quantiles=[0.5, 0.9, 1.5]), "latencies"),
        (lambda d: d["latencies"][COLD].pop("count"), "'count' is a required property"),
    ],
)
def test_refused(change: Callable[[Document], Any], said: str, document: Document, tmp_path: Path) -> None:
    change(document)
    with pytest.raises(results.ResultsError) as refused:
        load(document, tmp_path)
    assert said in str(refused.value)


def test_quick_cells_keep_the_variants_of_the_worker_count_they_take() -> None:
    plain = [f"skewed/thread/{pattern}/workers:{count}" for pattern in ("map", "as_completed") for count in (2, 4)]
    names = plain + [name + suffix for name in plain if "/map/" in name for suffix in ("/chunksize:4", "/chunksize:4/cold")]
    chosen = bench_run.quick_cells(["skewed/sequential/map/workers:1", *names], cpus=16)
    assert chosen == ["skewed/sequential/map/workers:1"] + [name for name in names if "/workers:2" in name]


@pytest.fixture(scope="module")
def real(scaling_program: Path, tmp_path_factory: pytest.TempPathFactory) -> results.Results:
    """A real run with every kind of cell."""
    output = tmp_path_factory.mktemp("real") / "real.json"
    flags = ["--workloads=sum,skewed", "--workers=2", "--pool=both", "--chunksize=1,auto", "--benchmark_repetitions=2"]
    subprocess.run([scaling_program, *flags, f"--benchmark_out={output}"], check=True, stdout=subprocess.DEVNULL)
    return results.load(output)


def test_a_real_run_of_everything_is_read(real: results.Results) -> None:
    variants = {cell.variant for cell in real.cells.values() if cell.pattern == "map" and cell.executor == "thread"}
    assert variants == {"", "chunksize:1", "cold", "chunksize:1/cold"}
    for cell in real.cells.values():
        assert cell.completions is not None and cell.latencies is not None
        assert cell.completions.k == tuple(range(1, cell.task_count + 1))
        assert cell.completions.ns[-1] <= max(cell.real_times)
        assert cell.latencies.count == cell.task_count * len(cell.real_times)
        assert cell.submit is not None and 0 < cell.submit <= max(cell.real_times)


def test_a_cell_can_be_measured_alone(scaling_program: Path, tmp_path: Path) -> None:
    """As one process a cell does it: the same flags, and its exact name."""
    output = tmp_path / "one.json"
    name = "sum/thread/map/workers:2/chunksize:16/cold"
    flags = ["--workloads=sum", "--pool=both", "--chunksize=1,16", "--no-baseline", "--benchmark_repetitions=1"]
    command = [scaling_program, *flags, f"--benchmark_filter=^{name}$", f"--benchmark_out={output}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert list(results.load(output).cells) == [name]
    assert set(json.loads(output.read_text())["completions"]) == {name}


@pytest.mark.parametrize(
    "cell", ["sum/sequential/map/workers:1", "sum/thread/wait/workers:2/cold", "sum/process/map/workers:2/chunksize:4"]
)
def test_every_cell_of_a_sweep_can_be_measured_alone(cell: str, scaling_program: Path, tmp_path: Path) -> None:
    """By the very flags that scripts/bench gives."""
    output = tmp_path / "one.json"
    flags = sampling.sample_flags(["--pool=both", "--chunksize=4,auto", "--benchmark_min_time=0"], cell)
    shown = subprocess.run([scaling_program, *flags, f"--benchmark_out={output}"], capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert cell in results.load(output).cells
