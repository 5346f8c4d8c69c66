"""Documents as scripts/bench assembles them from rounds: sample_data's, with the fields of rounds, views and variants."""

from __future__ import annotations

import copy
import random
from typing import Any

import sample_data

Document = dict[str, Any]
MS = sample_data.MS
SKEWED = [100 * MS] + [4 * MS] * 24
MAKING_NS = {"thread": 0.3 * MS, "process": 3 * MS}


def document(*, rounds: int = 12, seed: int = 1, disturbed_round: int | None = None, **options: Any) -> Document:
    """A run in rounds. In `disturbed_round` another program took CPUs: its samples were measured again."""
    made = sample_data.document(seed=seed, repetitions=rounds, **options)
    made["context"].update(rounds=rounds, preset="default", seed=seed, budget_s=300, processes=0, measured_share=0.9)
    _add_rounds(made, random.Random(seed), disturbed_round)
    names = list(dict.fromkeys(entry["name"] for entry in made["benchmarks"]))
    made["stops"] = {name: {"reason": "precise", "rounds": rounds, "half_width": 0.004} for name in names}
    return made


def _add_rounds(made: Document, rng: random.Random, disturbed_round: int | None) -> None:
    by_round: dict[int, list[Document]] = {}
    for entry in made["benchmarks"]:
        by_round.setdefault(entry["repetition_index"] + 1, []).append(entry)
    made["disturbed"] = []
    order, started_s = 0, 0.5
    for number, entries in by_round.items():
        rng.shuffle(entries)
        if number == disturbed_round:
            for entry in entries[: len(entries) // 3]:
                spoilt = {key: value for key, value in entry.items() if key not in ("repetition_index", "repetitions")}
                spoilt.update(real_time=entry["real_time"] * 1.6, reasons=["others used 45 % of the CPUs"])
                _run(spoilt, number, order, started_s, foreign=0.45)
                made["disturbed"].append(spoilt)
                order, started_s = order + 1, started_s + spoilt["real_time"] / 1e9
        for entry in entries:
            _run(entry, number, order, started_s, foreign=rng.uniform(0, 0.03))
            order, started_s = order + 1, started_s + entry["real_time"] / 1e9


def _run(entry: Document, number: int, order: int, started_s: float, foreign: float) -> None:
    entry.update(
        round=number, order=order, started_s=started_s, steal=0.002 * (number % 3), foreign=foreign, throttled_s=0.0,
        load=1.2, pool="warm", submit_ns=4e4,
    )  # fmt: skip


def add_views(made: Document) -> Document:
    """Completions and latencies of every cell, by the greedy schedule of its tasks."""
    made["completions"], made["latencies"] = {}, {}
    for name in made["stops"]:
        entry = next(entry for entry in made["benchmarks"] if entry["name"] == name)
        tasks = made["tasks"][entry["workload"]]
        ends = _ends(tasks, entry["workers"] if entry["workload"] in ("sleep", "skewed") else min(entry["workers"], 2))
        seen = {"map": _in_order(ends), "as_completed": sorted(ends), "wait": [max(ends)] * len(ends)}[entry["pattern"]]
        made["completions"][name] = {"k": list(range(1, len(seen) + 1)), "ns": seen}
        count = len(seen) * entry["repetitions"]
        quantiles = [q for q in (0.5, 0.9, 0.99) if count >= 10 / (1 - q)] + [1]
        ranked = sorted(seen)
        made["latencies"][name] = {
            "count": count, "quantiles": quantiles,
            "ns": [ranked[min(len(ranked) - 1, int(q * len(ranked)))] for q in quantiles],
        }  # fmt: skip
    return made


def _ends(tasks: list[float], workers: int) -> list[float]:
    free_at = [0.0] * workers
    ends = []
    for task in tasks:
        place = free_at.index(min(free_at))
        free_at[place] += task
        ends.append(free_at[place])
    return ends


def _in_order(ends: list[float]) -> list[float]:
    return [max(ends[: place + 1]) for place in range(len(ends))]


def add_skewed(made: Document, *, rounds: int = 12, seed: int = 5) -> Document:
    """The workload with one long task first, two workers."""
    before = {name: list(tasks) for name, tasks in sample_data.TASKS_NS.items()}
    sample_data.TASKS_NS["skewed"] = SKEWED
    try:
        more = document(rounds=rounds, seed=seed, workers={"skewed": [2]})
    finally:
        sample_data.TASKS_NS.clear()
        sample_data.TASKS_NS.update(before)
    for entry in more["benchmarks"]:
        if entry["executor"] != "sequential":
            ends = _ends(SKEWED, 2)
            scale = entry["real_time"] / sample_data.greedy_ns(SKEWED, 2)[0]
            entry["real_time"] = max(ends) * scale
            entry["first_result_ns"] = {"map": 100 * MS, "as_completed": 4 * MS, "wait": max(ends)}[entry["pattern"]] * scale
        entry["cpu_time_total_ns"] = 1e6
    last = max(entry["order"] for entry in made["benchmarks"]) + 1
    for entry in more["benchmarks"]:
        entry["order"] += last
    for part in ("benchmarks",):
        made[part] += more[part]
    for part in ("tasks", "stops"):
        made[part].update(more[part])
    return made


def add_variants(made: Document, *, chunk_factors: dict[int, float] | None = None) -> Document:
    """Cold twins of every pool, and chunk sizes of map, whose times are those of auto times a factor."""
    made["context"]["pool"] = "both"
    added = []
    for entry in made["benchmarks"]:
        if entry["executor"] == "sequential":
            continue
        if entry["pattern"] == "map":
            for chunksize, factor in (chunk_factors or {}).items():
                added.append(_variant(entry, f"/chunksize:{chunksize}", factor, 0.0, chunksize=chunksize))
        added.append(_variant(entry, "/cold", 1.0, MAKING_NS[entry["executor"]] * entry["workers"], pool="cold"))
    made["benchmarks"] += added
    for entry in added:
        made["stops"][entry["name"]] = made["stops"][entry["name"].split("/chunksize")[0].removesuffix("/cold")]
    return made


def _variant(entry: Document, suffix: str, factor: float, more_ns: float, **fields: Any) -> Document:
    name = entry["name"] + suffix
    # Other noise than the plain cell's: no two cells of a run are disturbed alike.
    noise = random.Random(f"{name} {entry['repetition_index']}").lognormvariate(0.0, 0.003)
    return {
        **copy.deepcopy(entry), **fields, "name": name, "run_name": name,
        "real_time": (entry["real_time"] * factor + more_ns) * noise,
    }  # fmt: skip


def full(**options: Any) -> Document:
    """Everything at once."""
    made = add_skewed(document(disturbed_round=3, **options))
    made = add_variants(made, chunk_factors={1: 1.02, 4: 1.0, 16: 1.35})
    return add_views(made)
