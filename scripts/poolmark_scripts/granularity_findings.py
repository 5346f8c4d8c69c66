"""What a granularity run means, in sentences; each from numbers of that run."""

from __future__ import annotations

import numpy as np

from poolmark_scripts import metg
from poolmark_scripts.granularity_goals import interval, less, place, shown, workers_of_goals
from poolmark_scripts.granularity_results import COARSE_TOLERANCE, GranularityResults, Outcome
from poolmark_scripts.units import duration



def findings(results: GranularityResults, outcomes: dict[str, Outcome]) -> list[str]:
    """The sentences; none if nothing was measured."""
    if not outcomes:
        return ["Nothing was measured."]
    workers = workers_of_goals(results)
    of_count = [o for o in outcomes.values() if o.subject.workers == workers and o.rounds]
    said = []
    for executor in ("thread", "process"):
        said += [_how_long(o) for o in _best_of_kinds(of_count, executor)]
    said += threads_or_processes(of_count)
    said += _peers(of_count)
    return said


def warnings(results: GranularityResults, outcomes: dict[str, Outcome]) -> list[str]:
    """What makes a number doubtful."""
    said = []
    for outcome in outcomes.values():
        name, ratio = outcome.subject.name, outcome.ratio
        if not outcome.rounds:
            reason = next(s.rejected for s in reversed(results.samples) if s.subject == name)
            said.append(f"{name}: no METG, all {outcome.rejected} tries were rejected, the last because {reason}.")
            continue
        if ratio is not None and not metg.plausible(ratio):
            said.append(
                f"{name}: METG(50 %) is {ratio:.2f} times twice the overhead of an empty task, outside of "
                f"{metg.PLAUSIBLE[0]:g} to {metg.PLAUSIBLE[1]:g}: short tasks cost something else than empty ones do."
            )
    for workers in sorted({o.subject.workers for o in outcomes.values()}):
        executors = {o.subject.executor for o in outcomes.values() if o.subject.workers == workers}
        if len(executors) == 1:
            said.append(
                f"of all with {_workers(workers)} only {executors.pop()} was measured: its efficiencies divide by its own "
                "coarse runs, whatever these lost."
            )
    if few := [o.subject.name for o in outcomes.values() if 0 < o.rounds < metg.FEW_ROUNDS]:
        said.append(f"{len(few)} subjects have fewer than {metg.FEW_ROUNDS} rounds that count, and so no interval.")
    rejected = sum(o.rejected for o in outcomes.values())
    if rejected:
        said.append(
            f"{rejected} of {len(results.samples)} tries were rejected: their coarse run was more than "
            f"{COARSE_TOLERANCE:.0%} off the pace of all. The machine was at work for others, or its clock changed."
        )
    if results.partial:
        said.append("the run was interrupted: rounds are missing.")
    return said


def _best_of_kinds(outcomes: list[Outcome], executor: str) -> list[Outcome]:
    found = []
    for chunked in (True, False):
        of_kind = [o for o in outcomes if o.subject.executor == executor and o.subject.chunked == chunked]
        if of_kind:
            found.append(min(of_kind, key=place))
    return found


def _how_long(outcome: Outcome) -> str:
    half, most = outcome.at(0.5), outcome.at(0.9)
    assert half is not None and most is not None
    subject = outcome.subject
    how = "in chunks" if subject.chunked else "each by itself"
    return (
        f"{subject.executor} pool, {_workers(subject.workers)}, {subject.pattern} (tasks handed out {how}): "
        f"half of the time is work from tasks of {_grain(half)} on, 90 % from {_grain(most)} on "
        f"(METG {_with_interval(half)} and {_with_interval(most)})."
    )


def _workers(count: int) -> str:
    return f"{count} worker" + ("s" if count > 1 else "")


def _grain(one: metg.Metg) -> str:
    words = {-1: "less than ", 0: "", 1: "more than "}
    return words[one.grain.beyond] + duration(one.grain.ns)


def _with_interval(one: metg.Metg) -> str:
    between = interval(one)
    return f"{shown(one.granularity)}, {between}" if between else shown(one.granularity)


def threads_or_processes(outcomes: list[Outcome]) -> list[str]:
    """Below which task length processes lose to threads, of outcomes of one worker count; nothing without both."""
    best = {
        executor: min(each, key=place)
        for executor in ("thread", "process")
        if (each := [o for o in outcomes if o.subject.executor == executor and not o.subject.chunked])
    }  # fmt: skip
    if len(best) < 2:
        return []
    until = _loses_until(best["process"], best["thread"])
    if until is None:
        return ["This run does not tell a task length below which processes lose to threads where each task is handed out by itself."]
    return [
        f"Tasks handed out each by itself: below {duration(until)} of work a process pool loses to a thread pool "
        f"({best['process'].subject.pattern} against {best['thread'].subject.pattern})."
    ]


def _loses_until(one: Outcome, other: Outcome) -> float | None:
    """The longest grain up to which `one` is worse than `other` in every grain and beyond the spread of the rounds."""
    until = None
    for column, grain in enumerate(one.grains[: len(other.grains)]):
        upper = np.percentile(one.efficiencies[:, column], 75)
        lower = np.percentile(other.efficiencies[:, column], 25)
        if not upper < lower:
            return until
        until = grain
    return until


def _peers(outcomes: list[Outcome]) -> list[str]:
    said = []
    for chunked, kind in ((False, "A task each"), (True, "Chunked loops")):
        of_kind = [o for o in outcomes if o.subject.chunked == chunked]
        ours = [o for o in of_kind if o.subject.executor == "thread"]
        peers = sorted((o for o in of_kind if o.subject.is_peer), key=place)
        if not ours or not peers:
            continue
        best = min(ours, key=place)
        said.append(f"{kind}, {best.subject.executor} {best.subject.pattern} against " + "; ".join(
            f"{peer.subject.executor} {peer.subject.pattern}: {_against(best, peer)}" for peer in peers
        ) + ".")  # fmt: skip
    return said


def _against(ours: Outcome, peer: Outcome) -> str:
    mine, its = ours.at(0.5), peer.at(0.5)
    assert mine is not None and its is not None
    smaller = less(mine, its)
    if mine.granularity.found and its.granularity.found:
        ratio = its.granularity.ns / mine.granularity.ns
        times = f"{shown(its.granularity)}, {ratio:.2g} times ours"
        return times if smaller is not None else f"{times}, but this run cannot tell"
    return f"{shown(its.granularity)}, " + {True: "ours is smaller", False: "ours is larger", None: "cannot tell"}[smaller]
