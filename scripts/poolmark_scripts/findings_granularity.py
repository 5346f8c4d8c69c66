"""How long tasks must be, from a run of scripts/granularity on the same build and machine, if there is one."""

from __future__ import annotations

from pathlib import Path

from poolmark_scripts.results import Results

LATEST = Path(__file__).resolve().parents[2] / "results" / "granularity-latest.json"
# What must be equal, or its numbers are of something else.
SAME = ("commit", "host_name", "cpu_model", "usable_cpus", "compiler", "compiler_flags", "build_type")


def task_lengths(results: Results, path: Path = LATEST) -> list[str]:
    """The sentences about threads and processes; none without such a run."""
    if not path.exists() or results.context["commit"] == "unknown" or results.context["dirty"]:
        return []
    # Imported here: most runs have no such file.
    from poolmark_scripts import granularity_findings, granularity_goals, granularity_results

    try:
        measured = granularity_results.load(path)
    except granularity_results.ResultsError:
        return []  # whoever wants to know why asks scripts/granularity --report
    context = measured.context
    if context.get("dirty") or any(context.get(field) != results.context[field] for field in SAME):
        return []
    workers = granularity_goals.workers_of_goals(measured)
    outcomes = [one for one in measured.outcomes().values() if one.subject.workers == workers and one.rounds]
    said = granularity_findings.threads_or_processes(outcomes)
    return [f"{one} (scripts/granularity, same build and machine.)" for one in said]
