"""A results file in memory: `load` reads one, checks it, and refuses it with a sentence."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from poolmark_scripts import caller_views, run_record
from poolmark_scripts.caller_views import Completions, Latencies
from poolmark_scripts.run_record import RunRecord

SCHEMA_VERSION = 1
SCHEMA_PATH = Path(__file__).resolve().parents[2] / "docs" / "results.schema.json"
CPU_BOUND_FROM = 0.25  # of the wall time spent on a CPU; naps use less than 0.01
MEASURE_AGAIN = "Measure again with scripts/bench -o FILE."


class ResultsError(Exception):
    """A results file that cannot be used; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Cell:
    """One point of workload x executor x pattern x workers (x chunk size x warm or cold).

    Times are in ns, one a repetition.
    """

    name: str
    workload: str
    executor: str
    pattern: str
    workers: int
    task_count: int
    real_times: tuple[float, ...]
    first_results: tuple[float, ...] = ()
    cpu_totals: tuple[float, ...] = ()
    submits: tuple[float, ...] = ()
    printed: tuple[float, ...] = ()
    chunksize: int | None = None
    pool: str = "warm"
    completions: Completions | None = None
    latencies: Latencies | None = None

    @property
    def median(self) -> float:
        """Median wall time of a batch, ns."""
        return statistics.median(self.real_times)

    @property
    def first_result(self) -> float | None:
        """Median time until the caller had the first result, ns; None if not measured."""
        return statistics.median(self.first_results) if self.first_results else None

    @property
    def submit(self) -> float | None:
        """Median time the caller spent submitting a batch, ns; None if not measured."""
        return statistics.median(self.submits) if self.submits else None

    @property
    def variant(self) -> str:
        """What its name says beside its plain cell's: "chunksize:4", "cold", "chunksize:4/cold", or nothing."""
        return "/".join(self.name.split("/")[4:])

    @property
    def cpu_total(self) -> float | None:
        """Median CPU time of all threads and workers a batch, ns; None if not measured."""
        return statistics.median(self.cpu_totals) if self.cpu_totals else None

    @property
    def spread(self) -> float:
        """Distance between the quartiles as a part of the median; 0 for one repetition."""
        if len(self.real_times) < 2:
            return 0.0
        lower, _, upper = statistics.quantiles(self.real_times, n=4, method="inclusive")
        return (upper - lower) / self.median


@dataclass(frozen=True)
class Failure:
    """A repetition (or a whole cell) that failed: it has a message and no time."""

    name: str
    repetition_index: int
    message: str


@dataclass(frozen=True)
class Results:
    """A valid results file."""

    path: Path
    context: dict[str, Any]
    cells: dict[str, Cell]
    failures: tuple[Failure, ...] = ()
    partial: bool = False
    tasks: dict[str, list[float]] = field(default_factory=dict)
    record: RunRecord | None = None

    def baseline(self, workload: str) -> Cell | None:
        """The sequential cell that speed-ups of `workload` refer to, if it was measured."""
        return self.cells.get(f"{workload}/sequential/map/workers:1")

    def beside(self, cell: Cell, *, chunksize: int | None, cold: bool) -> Cell | None:
        """The cell that differs from `cell` in its chunk size, or in being cold beside a warm one, if it was measured."""
        plain = "/".join(cell.name.split("/")[:4])
        return self.cells.get(variant_name(plain, chunksize, cold))

    def speedup(self, cell: Cell) -> float | None:
        """How many times faster than the baseline of this file; None without a baseline."""
        baseline = self.baseline(cell.workload)
        return baseline.median / cell.median if baseline else None

    def efficiency(self, cell: Cell) -> float | None:
        """Speed-up a worker."""
        speedup = self.speedup(cell)
        return speedup / cell.workers if speedup is not None else None

    def workloads(self) -> list[str]:
        """Names of the workloads measured, in the order of the file."""
        return list(dict.fromkeys(cell.workload for cell in self.cells.values()))

    def of_workload(self, workload: str) -> list[Cell]:
        """The cells of one workload, in the order of the file."""
        return [cell for cell in self.cells.values() if cell.workload == workload]

    def is_cpu_bound(self, workload: str) -> bool:
        """Whether the baseline, or else the cell with the fewest workers, kept a CPU busy; without figures it counts as if."""
        timed = [cell for cell in self.of_workload(workload) if cell.cpu_total is not None]
        if not timed:
            return True
        fewest = self.baseline(workload) or min(timed, key=lambda cell: cell.workers)
        if fewest.cpu_total is None:
            return True
        # The quickest repetition: on a busy machine the others wait for a CPU and look as if they napped.
        return fewest.cpu_total > CPU_BOUND_FROM * min(fewest.real_times)


def variant_name(plain: str, chunksize: int | None, cold: bool) -> str:
    """The name of a cell: `plain` is workload/executor/pattern/workers:N."""
    return plain + (f"/chunksize:{chunksize}" if chunksize else "") + ("/cold" if cold else "")


def load(path: str | Path) -> Results:
    """Reads and checks `path`. Raises ResultsError with a sentence that names what is wrong."""
    path = Path(path)
    document = _parse(path, _read(path))
    _check_version(path, document)
    _check_finite(path, document)
    _check_schema(path, document)
    _check_identity(path, document)
    if problem := caller_views.problem(document):
        raise ResultsError(f"{path}: {problem} The file is not poolmark's own; measure again.")
    return _to_results(path, document)


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ResultsError(f"{path} does not exist. {MEASURE_AGAIN}") from None
    except IsADirectoryError:
        raise ResultsError(f"{path} is a directory, not a results file. Name the file in it.") from None
    except UnicodeDecodeError:
        raise ResultsError(f"{path} is not JSON: it is not even UTF-8 text.") from None
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from None
    if not text.strip():
        raise ResultsError(f"{path} is empty: the run that should have written it did not end. {MEASURE_AGAIN}")
    return text


def _parse(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        body = text.strip()
        if body.startswith("{") and (not body.endswith("}") or error.pos >= len(text.rstrip())):
            raise ResultsError(
                f"{path} is cut off at line {error.lineno}: the JSON document in it does not end. {MEASURE_AGAIN}"
            ) from None
        raise ResultsError(
            f"{path} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}. "
            "Give a file that scripts/bench or bench/scaling wrote."
        ) from None
    except RecursionError:
        raise ResultsError(f"{path} is not a results file: its JSON is nested too deeply.") from None


def _check_version(path: Path, document: Any) -> None:
    if not isinstance(document, dict) or "benchmarks" not in document:
        raise ResultsError(
            f"{path} is JSON but not a results file: it has no \"benchmarks\". "
            "Give a file that scripts/bench or bench/scaling wrote."
        )
    if "schema_version" not in document:
        raise ResultsError(
            f"{path} has no schema_version; poolmark's own files say {SCHEMA_VERSION}. Was it written by "
            "another Google Benchmark program? Only files of scripts/bench or bench/scaling can be judged."
        )
    version = document["schema_version"]
    if version is not True and version != SCHEMA_VERSION:
        raise ResultsError(
            f"{path} has schema_version {version!r}; this poolmark reads {SCHEMA_VERSION}. "
            "Read it with the poolmark that wrote it, or measure again."
        )


def _check_finite(path: Path, document: Any) -> None:
    pending: list[tuple[str, Any]] = [("", document)]
    while pending:
        where, value = pending.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise ResultsError(
                f"{path}: {where.lstrip('.')} is {value}; every number must be finite "
                "(a value that is not known is left out). The file is not poolmark's own; measure again."
            )
        if isinstance(value, dict):
            pending += [(f"{where}.{key}", item) for key, item in value.items()]
        elif isinstance(value, list):
            pending += [(f"{where}[{index}]", item) for index, item in enumerate(value)]


def _check_schema(path: Path, document: Any) -> None:
    # Imported here: --help and the plain sentences above need no package beside the standard library.
    import jsonschema

    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is None:
        return
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    what = error.message if len(error.message) < 200 else error.message[:200] + " ..."
    raise ResultsError(f"{path}: {where.lstrip('.') or 'the document'}: {what}. See docs/results-format.md.")


def _check_identity(path: Path, document: dict[str, Any]) -> None:
    seen: set[tuple[str, int]] = set()
    tasks: dict[str, int] = {}
    run_of = document["context"]["pool"]
    for index, entry in enumerate(document["benchmarks"]):
        plain = "{workload}/{executor}/{pattern}/workers:{workers}".format(**entry)
        pool = entry.get("pool", run_of)
        if pool == "both":
            raise ResultsError(f"{path}: benchmarks[{index}] does not say whether its pool was warm or cold.")
        if run_of not in ("both", pool):
            raise ResultsError(f"{path}: benchmarks[{index}] is of a {pool} pool, but context.pool says {run_of}.")
        name = variant_name(plain, entry.get("chunksize"), run_of == "both" and pool == "cold")
        if entry["name"] != name:
            raise ResultsError(f"{path}: benchmarks[{index}] is called {entry['name']} but its fields say {name}.")
        key = (name, entry["repetition_index"])
        if key in seen:
            raise ResultsError(
                f"{path} has {name} with repetition_index {key[1]} twice. Were two files joined? "
                "Each repetition may stand in a file once; measure again."
            )
        seen.add(key)
        if tasks.setdefault(name, entry["tasks"]) != entry["tasks"]:
            raise ResultsError(f"{path}: the repetitions of {name} have different numbers of tasks.")
    for failure in document["failures"]:
        if (failure["name"], failure["repetition_index"]) in seen:
            raise ResultsError(
                f"{path}: repetition {failure['repetition_index']} of {failure['name']} has a time and a "
                "failure; what failed has no time. The file is not poolmark's own; measure again."
            )


def _to_results(path: Path, document: dict[str, Any]) -> Results:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for entry in document["benchmarks"]:
        grouped.setdefault(entry["name"], []).append(entry)
    return Results(
        path=path,
        context=document["context"],
        cells={name: _to_cell(entries, document) for name, entries in grouped.items()},
        failures=tuple(Failure(f["name"], f["repetition_index"], f["message"]) for f in document["failures"]),
        partial=document["partial"],
        tasks=document["tasks"],
        record=run_record.record(document),
    )


def _to_cell(entries: list[dict[str, Any]], document: dict[str, Any]) -> Cell:
    entries = sorted(entries, key=lambda entry: entry["repetition_index"])
    first = entries[0]

    def column(key: str) -> tuple[float, ...]:
        return tuple(float(entry[key]) for entry in entries if key in entry)

    return Cell(
        name=first["name"],
        workload=first["workload"],
        executor=first["executor"],
        pattern=first["pattern"],
        workers=first["workers"],
        task_count=first["tasks"],
        real_times=column("real_time"),
        first_results=column("first_result_ns"),
        cpu_totals=column("cpu_time_total_ns"),
        submits=column("submit_ns"),
        printed=column("stdout_bytes"),
        chunksize=first.get("chunksize"),
        pool=first.get("pool", document["context"]["pool"]),
        completions=caller_views.completions(document, first["name"]),
        latencies=caller_views.latencies(document, first["name"]),
    )
