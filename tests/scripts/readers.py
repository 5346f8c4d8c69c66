"""The rules by which three outside tools read a Google Benchmark file, said again in few lines.

Each function raises ReaderError where the tool would refuse the file or quietly show nonsense, and
returns what the tool would show. Facts about the tools: compare.py is that of Google Benchmark
1.7.1; github-action-benchmark is 1.x with `tool: googlecpp`; Bencher is its `cpp_google` adapter.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


class ReaderError(Exception):
    """The tool would refuse the file, or show something that is not there."""


def _refuse_constant(constant: str) -> NoReturn:
    raise ReaderError(f"{constant} is not JSON")


def _strict_json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant)


def _number(entry: dict[str, Any], key: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ReaderError(f"{entry.get('name')}: {key} is not a number")
    return float(value)


def google_compare(text: str) -> dict[str, list[float]]:
    """compare.py: the repetitions of each name, which it feeds to its U test."""
    shown: dict[str, list[float]] = {}
    for entry in json.loads(text)["benchmarks"]:  # Python's reader takes NaN; the logarithm does not.
        if entry.get("run_type") == "aggregate":
            continue
        if entry.get("time_unit") not in ("s", "ms", "us", "ns"):
            raise ReaderError(f"{entry['name']}: unknown time_unit")
        for key in ("real_time", "cpu_time"):
            if not _number(entry, key) >= 0:
                raise ReaderError(f"{entry['name']}: {key} has no logarithm")
        shown.setdefault(entry["name"], []).append(entry["real_time"])
    return shown


def github_action_benchmark(text: str) -> list[tuple[str, float, str, str]]:
    """github-action-benchmark: (name, value, unit, extra) of every entry; it knows no run_type."""
    shown = []
    for entry in _strict_json(text)["benchmarks"]:
        value = _number(entry, "real_time")
        if not (math.isfinite(value) and value > 0):
            raise ReaderError(f"{entry['name']}: the next ratio to {value} would be no number")
        missing = [key for key in ("iterations", "cpu_time", "threads", "time_unit") if key not in entry]
        if missing:
            raise ReaderError(f"{entry['name']}: the tooltip would say undefined for {missing}")
        if entry.get("run_type") == "aggregate":
            raise ReaderError(f"{entry['name']}: an aggregate becomes a chart of its own")
        extra = f"iterations: {entry['iterations']}\ncpu: {entry['cpu_time']} {entry['time_unit']}"
        shown.append((entry["name"], value, f"{entry['time_unit']}/iter", f"{extra}\nthreads: {entry['threads']}"))
    return shown


def bencher(text: str) -> dict[str, float]:
    """Bencher: nanoseconds by name; the last entry of a name wins."""
    content = _strict_json(text)
    caches = content["context"]["caches"]
    if not isinstance(caches, list) or not all(isinstance(cache, dict) for cache in caches):
        raise ReaderError("context.caches is not an array of objects")
    shown = {}
    for entry in content["benchmarks"]:
        if not 0 < len(entry["name"]) <= 1024:
            raise ReaderError("a name must have 1 to 1024 characters")
        _number(entry, "cpu_time")
        if entry["time_unit"] not in ("ns", "ms", "s"):  # older versions refuse "us"
            raise ReaderError(f"{entry['name']}: unknown time_unit")
        shown[entry["name"]] = _number(entry, "real_time")
    return shown


ALL = (google_compare, github_action_benchmark, bencher)
