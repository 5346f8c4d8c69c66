"""poolmark's files pass the rules of the outside readers; files that break a rule do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest
import readers
import sample_data

Document = dict[str, Any]


def _entry(document: Document) -> dict[str, Any]:
    return document["benchmarks"][0]


@pytest.mark.parametrize("reader", readers.ALL)
def test_a_generated_file_is_read(reader: Callable[[str], Any]) -> None:
    assert reader(json.dumps(sample_data.document()))


@pytest.mark.parametrize("reader", readers.ALL)
def test_a_file_of_the_real_program_is_read(reader: Callable[[str], Any], real_results: Path) -> None:
    shown = reader(real_results.read_text())
    names = [row[0] for row in shown] if isinstance(shown, list) else list(shown)
    assert "sum/thread/as_completed/workers:2" in names


def test_repetitions_reach_the_u_test() -> None:
    shown = readers.google_compare(json.dumps(sample_data.document(repetitions=9)))
    assert {len(times) for times in shown.values()} == {9}


@pytest.mark.parametrize(
    "reader, spoil",
    [
        (readers.google_compare, lambda d: _entry(d).pop("cpu_time")),
        (readers.google_compare, lambda d: _entry(d).update(time_unit="minutes")),
        (readers.google_compare, lambda d: _entry(d).update(real_time=float("nan"))),
        (readers.github_action_benchmark, lambda d: _entry(d).update(real_time=0)),
        (readers.github_action_benchmark, lambda d: _entry(d).update(run_type="aggregate")),
        (readers.github_action_benchmark, lambda d: _entry(d).pop("threads")),
        (readers.github_action_benchmark, lambda d: _entry(d).update(speedup=float("inf"))),
        (readers.bencher, lambda d: d["context"].update(caches={"level": 1})),
        (readers.bencher, lambda d: _entry(d).update(time_unit="us")),
        (readers.bencher, lambda d: _entry(d).update(name="")),
        (readers.bencher, lambda d: _entry(d).update(first_result_ns=float("nan"))),
    ],
)
def test_a_broken_rule_is_seen(reader: Callable[[str], Any], spoil: Callable[[Document], Any]) -> None:
    document = sample_data.document(repetitions=2)
    spoil(document)
    with pytest.raises(readers.ReaderError):
        reader(json.dumps(document))
