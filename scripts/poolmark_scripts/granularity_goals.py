"""What scripts/granularity asks of a run: METG of poolmark's pools beside a bound, and beside the peers'."""

from __future__ import annotations

from dataclasses import dataclass

from poolmark_scripts import metg
from poolmark_scripts.granularity_results import GranularityResults, Outcome
from poolmark_scripts.units import duration

LEVEL = 0.5
FUTURES = "futures"  # the pattern of peers that give back a result for each task
# METG(50 %) in ns that a pool should stay below with one worker a CPU.
WANTED = {"thread": 2000.0, "process": 5000.0}


@dataclass(frozen=True)
class Row:
    """A goal, what was found, what it is held against, and whether it is met; None: this run cannot tell."""

    goal: str
    ours: str
    found: str
    other: str
    met: bool | None


def workers_of_goals(results: GranularityResults) -> int:
    """One worker a CPU, or the nearest that was measured."""
    cpus = results.context["usable_cpus"]
    return min((s.workers for s in results.subjects.values()), key=lambda count: (count > cpus, abs(count - cpus)))


def rows(results: GranularityResults, outcomes: dict[str, Outcome]) -> list[Row]:
    """The rows that this run can fill."""
    workers = workers_of_goals(results)
    of_count = [o for o in outcomes.values() if o.subject.workers == workers and o.at(LEVEL)]
    # What the others call tasks gives back nothing; all of ours give back a result each.
    with_results = [o for o in of_count if not o.subject.is_peer or o.subject.pattern == FUTURES]
    found = []
    for executor, wanted in WANTED.items():
        ours = [o for o in of_count if o.subject.executor == executor]
        if not ours:
            continue
        best = min(ours, key=place)
        found.append(_bounded(f"{executor}, best pattern: <= {duration(wanted)}", best, wanted))
        found += [_bounded(f"{executor}, {o.subject.pattern}: <= {duration(wanted)}", o, wanted) for o in ours]
        for rivals, chunked, goal in (
            (of_count, False, "a task each: below every peer"),
            (with_results, False, "a task each: below every peer with futures"),
            (of_count, True, "chunked loops: below every peer"),
        ):
            row = _beside_peers(f"{executor}, {goal}", rivals, executor, chunked)
            found += [row] if row else []
    found += [_by_theory(executor, of_count) for executor in WANTED if any(o.subject.executor == executor for o in of_count)]
    return found


def shown(bound: metg.Bound) -> str:
    """A time, or the sign that it lies beyond what was measured."""
    return {-1: "< ", 0: "", 1: "> "}[bound.beyond] + duration(bound.ns)


def interval(one: metg.Metg) -> str:
    """The interval of the granularity; empty without one."""
    if one.low is None or one.high is None or one.low.beyond == one.high.beyond != 0:
        return ""
    return f"{shown(one.low)} to {shown(one.high)}"


def less(one: metg.Metg, other: metg.Metg) -> bool | None:
    """Whether `one` is smaller; None if the intervals overlap, are missing, or both lie beyond the same end."""
    if None in (one.low, one.high, other.low, other.high):
        return None
    if _certainly_below(one, other):
        return True
    return False if _certainly_below(other, one) else None


def _certainly_below(one: metg.Metg, other: metg.Metg) -> bool:
    high, low = one.high, other.low
    assert high is not None and low is not None
    # "Smaller than a" is below b if a <= b; what is larger than a is below nothing.
    return high.beyond <= 0 and low.beyond >= 0 and (high.ns < low.ns or (high.ns == low.ns and high.beyond < 0))


def place(outcome: Outcome) -> tuple[bool, float]:
    """Orders outcomes, the finest first; "smaller than" counts as what it is smaller than."""
    found = outcome.at(LEVEL)
    assert found is not None
    return found.granularity.beyond > 0, found.granularity.ns


def _bounded(goal: str, outcome: Outcome, wanted: float) -> Row:
    found = outcome.at(LEVEL)
    assert found is not None
    return Row(goal, outcome.subject.pattern, _with_interval(found), "", _within(found, wanted))


def _within(found: metg.Metg, wanted: float) -> bool | None:
    """Whether all of the interval is at most `wanted`, or none of it."""
    if found.low is None or found.high is None:
        return None
    if found.high.beyond <= 0 and found.high.ns <= wanted:
        return True
    return False if found.low.beyond >= 0 and found.low.ns > wanted else None


def _with_interval(found: metg.Metg) -> str:
    between = interval(found)
    return f"{shown(found.granularity)} ({between})" if between else shown(found.granularity)


def _beside_peers(goal: str, outcomes: list[Outcome], executor: str, chunked: bool) -> Row | None:
    same_kind = [o for o in outcomes if o.subject.chunked == chunked]
    ours = [o for o in same_kind if o.subject.executor == executor]
    peers = [o for o in same_kind if o.subject.is_peer]
    if not ours or not peers:
        return None
    best, rival = min(ours, key=place), min(peers, key=place)
    found, its = best.at(LEVEL), rival.at(LEVEL)
    assert found is not None and its is not None
    other = f"{rival.subject.executor} {rival.subject.pattern}: {_with_interval(its)}"
    verdicts = [less(found, peer.at(LEVEL)) for peer in peers]  # type: ignore[arg-type]
    met = False if False in verdicts else None if None in verdicts else True
    return Row(goal, best.subject.pattern, _with_interval(found), other, met)


def _by_theory(executor: str, outcomes: list[Outcome]) -> Row:
    ratios = {
        o.subject.pattern: o.ratio for o in outcomes if o.subject.executor == executor and o.ratio is not None
    }  # fmt: skip
    said = ", ".join(f"{pattern} {ratio:.2f}" for pattern, ratio in ratios.items())
    return Row(
        f"{executor}: METG / (2 x overhead) in {metg.PLAUSIBLE[0]:g} to {metg.PLAUSIBLE[1]:g}", "", said or "-", "",
        all(metg.plausible(ratio) for ratio in ratios.values()) if ratios else None,
    )  # fmt: skip
