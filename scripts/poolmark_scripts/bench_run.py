"""What scripts/bench does once its command line is right: measure in rounds, write, draw, explain."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from poolmark_scripts import (
    assembling, bench_trace, journal, machine_facts, program, round_progress, round_summary, rounds, sampling,
)  # fmt: skip
from poolmark_scripts.intervals import least_samples
from poolmark_scripts.one_process import EXIT_INTERRUPTED, Interrupted, Runner
from poolmark_scripts.rounds import BudgetTooSmall
from poolmark_scripts.terminal import shown
from poolmark_scripts.whole_file import write_json

__all__ = ["BudgetTooSmall", "Interrupted", "Request", "requested", "run"]

EXIT_FAILED = 1
# One thing with three budgets, in seconds.
BUDGETS = {"quick": 45.0, "default": 300.0, "rigorous": 900.0}
# With fewer samples a median has no interval, and a run without intervals can advise nothing.
LEAST_ROUNDS = least_samples()
# What waits needs more workers than CPUs to show anything.
QUICK_WORKERS_OF_WAITING = {"sleep": 8, "skewed": 2}


@dataclass(frozen=True)
class Request:
    """What is to be measured, and where it goes."""

    program: Path
    flags: tuple[str, ...]  # of the program, the user's own
    preset: str
    budget_s: float | None
    rounds: int | None
    least_rounds: int
    seed: int
    limit_s: float | None
    output: Path
    trace: Path | None = None
    resumed: journal.Read | None = None

    @property
    def is_quick(self) -> bool:
        """Whether a part of the cells is enough."""
        return self.preset == "quick"

    @property
    def identity(self) -> list[str]:
        """The flags that decide what is measured."""
        return ["--quick", *self.flags] if self.is_quick else list(self.flags)


def requested(options: argparse.Namespace, flags: list[str], default_program: Path) -> Request:
    """The run that the command line asks for. Raises JournalError if there is none to go on with."""
    repetitions = sampling.given(flags, "benchmark_repetitions")
    preset = "quick" if options.quick else "rigorous" if options.rigorous else "default"
    fresh = Request(
        program=options.program.absolute() if options.program else default_program, flags=tuple(flags), preset=preset,
        budget_s=options.budget or (None if repetitions else BUDGETS[preset]),
        rounds=int(repetitions) if repetitions and repetitions.isdecimal() else None,  # the program refuses another
        least_rounds=0 if options.budget or repetitions else LEAST_ROUNDS,
        seed=int.from_bytes(os.urandom(4), "little") if options.seed is None else options.seed,
        limit_s=options.limit, output=options.output, trace=options.trace,
    )  # fmt: skip
    return _resumed(fresh, options) if options.resume else fresh


def _resumed(asked: Request, options: argparse.Namespace) -> Request:
    """As the journal says, but for what may change: how long, and with which limit."""
    found = journal.read(journal.beside(asked.output))
    header = found.header
    if asked.identity not in ([], header["flags"]):
        raise journal.JournalError(_cannot_go_on(asked.output, journal.differences(header, {**header, "flags": asked.identity})))
    budget_s, preset, least_rounds = header["budget_s"], header["preset"], header["least_rounds"]
    if header["rounds"] is None and (options.budget or options.rigorous or options.quick):
        budget_s, least_rounds = options.budget or BUDGETS[asked.preset], asked.least_rounds
        preset = "quick" if preset == "quick" else asked.preset
    return dataclasses.replace(
        asked, program=asked.program if options.program else Path(header["program"]),
        flags=tuple(flag for flag in header["flags"] if flag != "--quick"), preset=preset, budget_s=budget_s,
        rounds=header["rounds"], least_rounds=least_rounds, seed=header["seed"], resumed=found,
    )  # fmt: skip


def _cannot_go_on(output: Path, differences: list[str]) -> str:
    return f"{journal.beside(output)} cannot be gone on with: {'; '.join(differences)}. {journal.ANEW}"


def run(request: Request, console) -> int:
    """Measures, writes, draws and explains; returns the exit status."""
    with Runner() as runner:
        listing = program.examine(request.program, [*request.flags, *sampling.least_flags(request.flags)], runner)
        if request.trace:  # a program that does not know the flag says so now, not after everything has been measured
            program.examine(request.program, [*request.flags, bench_trace.flag(request.trace)], runner)
        header = _header(request, listing)
        console.print(machine_facts.headline(machine_facts.examine(context=listing.context)), soft_wrap=True)
        measured = _measure(request, header, runner, console)
    document, elapsed_s, interrupted = measured
    if interrupted and not document["benchmarks"] and not document["failures"]:
        print("scripts/bench: interrupted before there was anything to write", file=sys.stderr)
        return EXIT_INTERRUPTED
    _write(request, document)
    if not interrupted:
        journal.beside(request.output).unlink(missing_ok=True)
    _report(request.output, document, elapsed_s, console)
    if interrupted:
        return EXIT_INTERRUPTED
    drawn = request.trace is None or _trace(request, document, console)
    return 0 if drawn and not document["failures"] else EXIT_FAILED


def _trace(request: Request, document: dict[str, Any], console) -> bool:
    with Runner() as runner:
        why_not = bench_trace.write(
            request.program, request.flags, document, request.trace, request.limit_s, runner
        )  # fmt: skip
    if why_not:
        print(f"scripts/bench: {request.trace} was not written: {why_not}", file=sys.stderr)
    else:
        console.print(f"what the workers did: {shown(request.trace)}, to be opened at https://ui.perfetto.dev", soft_wrap=True)
    return not why_not


def _header(request: Request, listing: program.Listing) -> dict[str, Any]:
    """The first line of a journal; that of the one that is gone on with, if it is of the same run."""
    cells = list(listing.cells)
    if request.is_quick:
        cells = quick_cells(cells, listing.context["usable_cpus"], request.flags)
    now = {
        "format": journal.FORMAT,
        "commit": listing.context["commit"],
        "dirty": listing.context["dirty"],
        "program": str(request.program),
        "program_sha256": listing.sha256,
        "flags": request.identity,
        "cells": cells,
        "seed": request.seed,
        "preset": request.preset,
        "budget_s": request.budget_s,
        "rounds": request.rounds,
        "least_rounds": request.least_rounds,
        "context": listing.context,
    }
    if request.resumed is None:
        return now
    if differences := journal.differences(request.resumed.header, now):
        raise journal.JournalError(_cannot_go_on(request.output, differences))
    changed = {"preset": request.preset, "budget_s": request.budget_s, "least_rounds": request.least_rounds}
    return {**request.resumed.header, **changed}


def _measure(request: Request, header: dict[str, Any], runner: Runner, console) -> tuple[dict[str, Any], float, bool]:
    """Measures until the end or Ctrl-C; the results document, what the run took, and whether it was interrupted."""
    samples = rounds.Samples(header["cells"])
    sampler = sampling.Sampler(request.program, request.flags, request.output, runner, request.limit_s)
    for line in request.resumed.samples if request.resumed else []:
        samples.add(line)
        sampler.remember(line)
    with _open_journal(request, header, console) as lines:
        console.print(_plan(request, header, len(samples.lines)), soft_wrap=True)
        limits = request.budget_s, request.rounds, request.least_rounds
        shown = round_progress.display(console, round_progress.Position(samples, *limits))
        measuring = rounds.Run(samples, sampler, lines, shown, header["seed"], *limits)
        interrupted = False
        try:
            with shown:
                measuring.measure()
        except Interrupted:
            interrupted = True
            measuring.give_up()
        elapsed_s = measuring.elapsed_s
    return assembling.assemble(header, samples, measuring.stops, elapsed_s, interrupted), elapsed_s, interrupted


def _open_journal(request: Request, header: dict[str, Any], console) -> journal.Journal:
    path = journal.beside(request.output)
    if request.resumed:
        return journal.Journal(path, request.resumed.whole_bytes)
    kept = journal.set_aside(path)
    if kept:
        console.print(f"the journal of an earlier run is now {kept.name}; --resume would have gone on with it", soft_wrap=True)
    made = journal.Journal(path)
    made.add(header)
    return made


def _plan(request: Request, header: dict[str, Any], before: int) -> str:
    if request.rounds:
        how_long = f"{request.rounds} round{'' if request.rounds == 1 else 's'}"
    elif request.least_rounds:
        how_long = f"rounds for {request.budget_s:g} s, or {request.least_rounds} where these take longer"
    else:
        how_long = f"rounds for at most {request.budget_s:g} s"
    again = f", after the {before} samples of the journal" if before else ""
    return f"measuring {len(header['cells'])} cells, a process a sample, {how_long}{again} (seed {header['seed']})"


def _write(request: Request, document: dict[str, Any]) -> None:
    try:
        write_json(request.output, document)
    except OSError as error:
        raise journal.JournalError(
            f"{request.output} cannot be written: {error.strerror}. Nothing is lost: what was measured is in "
            f"{journal.beside(request.output)}; make room, and go on with scripts/bench --resume."
        ) from None


def _report(output: Path, document: dict[str, Any], elapsed_s: float, console) -> None:
    from poolmark_scripts import bench_report, plot, results

    measured = results.load(output)
    console.print()
    bench_report.print_report(measured, console)
    console.print()
    for sentence in round_summary.summary(document):
        console.print(sentence, soft_wrap=not console.is_terminal)
    if document["partial"]:
        console.print("The rest can be measured later: scripts/bench --resume.")
    written = [output] + (plot.draw([measured], output.parent) if measured.cells else [])
    console.print("\nwritten: " + ", ".join(shown(path) for path in written), soft_wrap=True)
    console.print(round_summary.closing(document, elapsed_s), soft_wrap=True)


def quick_cells(names: list[str], cpus: int, flags: tuple[str, ...] = ()) -> list[str]:
    """One worker count for each workload: as many as CPUs where CPUs are needed, and the baselines.

    Pools are not asked to `wait`: such a batch takes as long as one of as_completed, and shows less.
    """
    given = {flag.split("=", 1)[0] for flag in flags}
    if given & {"--workers", "--benchmark_filter"}:
        return names  # the user's own choice
    left_out = () if "--patterns" in given else ("wait",)
    counts: dict[str, set[int]] = {}
    for name in names:
        workload, executor, _, workers = name.split("/")[:4]
        if executor != "sequential":
            counts.setdefault(workload, set()).add(int(workers.removeprefix("workers:")))
    chosen = []
    for name in names:
        workload, executor, pattern, workers = name.split("/")[:4]
        wanted = QUICK_WORKERS_OF_WAITING.get(workload, cpus)
        if executor == "sequential":
            # The other patterns of the baseline would double the time and show the same.
            if pattern == "map" or not counts.get(workload):
                chosen.append(name)
        elif pattern not in left_out and int(workers.removeprefix("workers:")) == min(counts[workload], key=lambda n: (abs(n - wanted), n)):
            chosen.append(name)
    return chosen
