"""The results file of a run, from its journal."""

from __future__ import annotations

import math
import statistics
from typing import Any

from poolmark_scripts.results import SCHEMA_VERSION
from poolmark_scripts.rounds import Line, Samples
from poolmark_scripts.sampling import DISTURBED, FAILED, is_baseline
from poolmark_scripts.stopping import Stop

# A quantile that less than ten of the times lie beyond is the tale of a few outliers.
LEAST_TASKS = {0.5: 20, 0.9: 100, 0.99: 1000}
MACHINE = ("steal", "foreign", "throttled_s", "load", "pressure")


def assemble(
    header: dict[str, Any], samples: Samples, stops: dict[str, Stop], elapsed_s: float, partial: bool
) -> dict[str, Any]:
    """The document; docs/results-format.md explains its fields."""
    counted = {name: samples.counted(name) for name in samples.cells}
    benchmarks = [
        _entry(line, family, index, len(lines))
        for family, (name, lines) in enumerate(counted.items())
        for index, line in enumerate(lines)
    ]
    repeated = [_disturbed(line, list(samples.cells).index(line["name"])) for line in samples.repeated()]
    _add_speedups(benchmarks + repeated, counted)
    baselines = {name.split("/")[0]: lines for name, lines in counted.items() if is_baseline(name) and lines}
    document = {
        "schema_version": SCHEMA_VERSION,
        "context": _context(header, samples, counted, elapsed_s),
        "benchmarks": benchmarks,
        "failures": [
            {"name": line["name"], "repetition_index": len(counted[line["name"]]), "message": line["message"]}
            for line in samples.lines if line["status"] == FAILED
        ],
        "partial": partial,
        "tasks": {workload: tasks for workload, lines in baselines.items() if (tasks := _tasks(workload, lines))},
        "stops": {name: stop.as_json() for name, stop in stops.items()},
        "disturbed": repeated,
    }  # fmt: skip
    for part, combine in (("completions", _completions), ("latencies", _latencies)):
        found = {name: combine(parts) for name, lines in counted.items() if (parts := _parts(lines, part, name))}
        if found:
            document[part] = found
    return document


def _context(
    header: dict[str, Any], samples: Samples, counted: dict[str, list[Line]], elapsed_s: float
) -> dict[str, Any]:
    measured_ns = sum(
        line["entry"]["real_time"] * line["entry"]["iterations"] for line in samples.lines if line["status"] != FAILED
    )
    rounds = max([len(lines) for lines in counted.values()], default=0)
    context = {
        **header["context"],
        "repetitions": max(1, rounds),
        "interleaved": True,
        "rounds": rounds,
        "preset": header["preset"],
        "seed": header["seed"],
        "processes": len(samples.lines),
        "measured_share": measured_ns / 1e9 / elapsed_s,
    }
    if header["budget_s"] is not None:
        context["budget_s"] = header["budget_s"]
    return context


def _entry(line: Line, family: int, index: int, repetitions: int) -> dict[str, Any]:
    entry = {
        **line["entry"],
        "family_index": family, "repetitions": repetitions, "repetition_index": index,
        "round": line["round"], "order": line["index"], "started_s": line["started_s"],
        **{key: line[key] for key in MACHINE if key in line},
    }  # fmt: skip
    if line["status"] == DISTURBED:
        entry["disturbed"] = 1
        entry["disturbed_by"] = "; ".join(line["reasons"])
    return entry


def _disturbed(line: Line, family: int) -> dict[str, Any]:
    """A sample that does not count: its index would be that of the one that does."""
    entry = _entry(line, family, 0, 1)
    del entry["repetition_index"], entry["repetitions"], entry["disturbed_by"]
    return {**entry, "reasons": line["reasons"]}


def _add_speedups(entries: list[dict[str, Any]], counted: dict[str, list[Line]]) -> None:
    baselines = {
        name.split("/")[0]: statistics.median(line["entry"]["real_time"] for line in lines)
        for name, lines in counted.items() if is_baseline(name) and lines
    }  # fmt: skip
    for entry in entries:
        baseline = baselines.get(entry["workload"])
        if baseline is None:
            entry.pop("speedup", None)
            entry.pop("efficiency", None)
        else:
            entry["speedup"] = baseline / entry["real_time"]
            entry["efficiency"] = entry["speedup"] / entry["workers"]


def _tasks(workload: str, lines: list[Line]) -> list[float]:
    return _medians([line["tasks"][workload] for line in lines if workload in line.get("tasks", {})])


def _medians(rows: list[list[float]]) -> list[float]:
    """Of each column; rows are as long as the shortest."""
    return [statistics.median(column) for column in zip(*rows)]


def _parts(lines: list[Line], part: str, name: str) -> list[dict[str, Any]]:
    return [line[part][name] for line in lines if name in line.get(part, {})]


def _completions(parts: list[dict[str, Any]]) -> dict[str, Any]:
    alike = [part for part in parts if part["k"] == parts[0]["k"]]
    return {"k": parts[0]["k"], "ns": _medians([part["ns"] for part in alike])}


def _latencies(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Quantiles of the tasks of all samples: a batch of twenty alone tells its median and no more."""
    count = sum(part["count"] for part in parts)
    if not all("each" in part for part in parts):
        return {"count": count, **_medians_of_quantiles(parts)}
    pooled = sorted(ns for part in parts for ns in part["each"])
    known = [quantile for quantile, least in LEAST_TASKS.items() if len(pooled) >= least]
    return {
        "count": count,
        "quantiles": [*known, 1],
        "ns": [*(pooled[math.ceil(quantile * len(pooled)) - 1] for quantile in known), max(part["ns"][-1] for part in parts)],
    }


def _medians_of_quantiles(parts: list[dict[str, Any]]) -> dict[str, Any]:
    by_quantile: dict[float, list[tuple[float, int]]] = {}
    for part in parts:
        for quantile, ns in zip(part["quantiles"], part["ns"]):
            by_quantile.setdefault(quantile, []).append((ns, part["count"]))
    quantiles = sorted(by_quantile)
    return {
        "quantiles": quantiles,
        # The largest of all is the largest of the largest.
        "ns": [max(by_quantile[q])[0] if q == 1 else weighted_median(by_quantile[q]) for q in quantiles],
    }


def weighted_median(pairs: list[tuple[float, int]]) -> float:
    """The value up to which half of the weight lies; between two if it is exactly half."""
    ordered = sorted(pairs)
    half, below = sum(weight for _, weight in ordered) / 2, 0.0
    for place, (value, weight) in enumerate(ordered):
        below += weight
        if below > half:
            return value
        if below == half:
            return (value + ordered[place + 1][0]) / 2
    raise ValueError("no weight")
