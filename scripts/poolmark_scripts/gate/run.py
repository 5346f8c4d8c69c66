"""What scripts/gate does once its command line is right: build, link, count, measure, decide, report."""

from __future__ import annotations

import os
import re
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Sequence

from poolmark_scripts import program
from poolmark_scripts.comparability import FIELDS
from poolmark_scripts.gate import counts, deciding, layouts, machine, planning, reporting, trees
from poolmark_scripts.gate.model import Arm, ArmFacts, GateReport, Stage
from poolmark_scripts.gate.progress import GateProgress
from poolmark_scripts.gate.rounds import Measures, Rounds
from poolmark_scripts.gate.sampling import Sampler
from poolmark_scripts.one_process import EXIT_INTERRUPTED, Interrupted, Runner

# Of sequential cells only map is a kernel alone, and a pool's wait is its as_completed with less to see.
LEFT_OUT = re.compile(r"/sequential/(as_completed|wait)/|/wait/")


class GateError(Exception):
    """The arms cannot be compared; the text is the sentence the user reads."""


class Unusable(Exception):
    """The machine cannot be measured on; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Request:
    """What is to be judged, and where it goes."""

    base: trees.Wanted
    new: trees.Wanted
    target: str  # the program below a build directory
    flags: tuple[str, ...]  # of the program, the user's own
    cells: str | None  # regular expression; None: all that a gate wants
    output: Path
    seed: int
    budget_s: float
    command: str
    counts: bool = True
    strict: bool = False
    removed_is_fine: bool = False
    anyway: bool = False
    # For the validation of the gate: a sampler that spoils samples, a new arm in other layouts, a screen without a trial,
    # a report that is kept.
    make_sampler: Callable[..., Measures] = Sampler
    relinked: bool = False
    screen_rounds: int = deciding.RULES.screen_rounds
    tries_suspects: bool = True
    write: Callable[[GateReport, int], object] | None = None


@dataclass(frozen=True)
class _Arms:
    """Both builds, and what their programs say of themselves."""

    builds: dict[Arm, trees.Build]
    listings: dict[Arm, program.Listing]
    cells: list[str]  # that both have
    only_base: list[str]
    only_new: list[str]
    keep_pools: bool  # whether both programs can be told how many batches to run on one pool


def run(request: Request, console) -> int:
    """Judges; returns the exit status. Raises GateError, Unusable, TreeError, LinkError, ProgramError, Interrupted."""
    wanted = [request.base, request.new]
    trees.check_room(wanted)
    builds = {arm: trees.build(one, request.target, console) for arm, one in zip((Arm.BASE, Arm.NEW), wanted)}
    began = time.monotonic()
    with Runner() as runner:
        arms = _examine(request, builds, runner)
        if not request.anyway and (why := machine.why_unusable()):
            raise Unusable(f"the machine is unusable for measuring: {why}. --anyway measures all the same.")
        trees.remove_old_links()
        with tempfile.TemporaryDirectory(dir=trees.TREES, prefix=f"{trees.LINKS}{os.getpid()}-") as directory:
            gate = _Gate(request, arms, runner, Path(directory), console)
            interrupted = gate.measure()
            report = gate.report(time.monotonic() - began, interrupted)
    if interrupted and not report.blocks:
        raise Interrupted
    status = deciding.exit_status(report.cells, request.strict)
    status = EXIT_INTERRUPTED if interrupted else status
    if request.write:
        request.write(report, status)
    else:
        reporting.write(report, request.output, builds[Arm.NEW].tree, status, console)
    return status


class _Gate:
    """One run, from links to verdicts."""

    def __init__(self, request: Request, arms: _Arms, runner: Runner, workspace: Path, console) -> None:
        self._request, self._arms, self._runner, self._workspace, self._console = request, arms, runner, workspace, console
        self._rules = replace(deciding.RULES, screen_rounds=request.screen_rounds)
        self._notes: list[str] = []
        if request.removed_is_fine and arms.only_base:
            self._notes.append(f"Removed, which --allow-removed allows: {', '.join(arms.only_base)}.")
        self._counts: dict[str, list[Any]] = {}
        self._repeated = False
        self._tried_s = 0.0  # what the first trial was planned to take
        self._rounds: Rounds | None = None
        self._sha256: dict[Arm, tuple[str, ...]] = {arm: () for arm in Arm}

    def measure(self) -> bool:
        """Everything up to the verdicts; whether the user has interrupted it."""
        try:
            self._count()
            rounds = self._rounds = self._prepare()
            rounds.calibrate(self._arms.cells)
            self._say_what_comes(rounds)
            rounds.measure(Stage.SCREEN, dict.fromkeys(self._measurable(rounds), self._rules.screen_rounds))
            if self._request.tries_suspects:
                self._try(rounds, deciding.suspects(self._evidence()))
                self._try_again(rounds)
        except Interrupted:
            return True
        finally:
            if self._rounds:
                self._rounds.display.stage_ended()
                self._rounds.sampler.close()
        return False

    def report(self, elapsed_s: float, partial: bool) -> GateReport:
        """What was found."""
        evidence = self._evidence()
        return GateReport(
            base=self._facts(Arm.BASE), new=self._facts(Arm.NEW), cells=tuple(deciding.decide(evidence, self._rules)),
            command=self._request.command, seed=self._request.seed, elapsed_s=elapsed_s, repeated=self._repeated,
            partial=partial, notes=tuple(self._notes), blocks=tuple(evidence.blocks),
        )  # fmt: skip

    def _facts(self, arm: Arm) -> ArmFacts:
        build, listing = self._arms.builds[arm], self._arms.listings[arm]
        return ArmFacts(
            build.name, listing.context["commit"], str(build.program), self._sha256[arm] or (listing.sha256,), listing.context
        )

    def _count(self) -> None:
        if not self._request.counts:
            self._notes.append("Nothing was counted (--no-counts).")
            return
        with self._console.status("counting ..."):
            base, new = (self._arms.builds[arm].program for arm in (Arm.BASE, Arm.NEW))
            self._counts, notes = counts.count_changes(
                base, new, self._arms.cells, self._runner, self._workspace / "counts", self._request.flags
            )
        self._notes += notes

    def _link(self, which: str) -> dict[Arm, list[Path]]:
        """Every arm in each layout. The null arm is the base in layouts of its own."""
        programs: dict[Arm, list[Path]] = {arm: [] for arm in Arm}
        with self._console.status("linking the layouts ..."):
            for arm in Arm:
                build = self._arms.builds[Arm.BASE if arm is Arm.NULL else arm]
                drawn = f"{self._request.seed} {which} {self._order_of(arm)}"
                for number in range(self._rules.layouts):
                    into = self._workspace / which / arm.value / str(number)
                    programs[arm].append(layouts.link(build.directory, build.program, drawn, number, into, self._runner))
                self._sha256[arm] += tuple(map(program.sha256, programs[arm]))
        return programs

    def _prepare(self) -> Rounds:
        """What the screen and the first trial run."""
        programs = self._link("first")
        if not self._arms.keep_pools:
            self._note("A program does not know --batches, so every batch is the first on its pool, and scatters more.")
        if self._sha256[Arm.NEW] == self._sha256[Arm.BASE]:
            self._note("Both builds are the same program, byte for byte: what differs between them is noise.")
        sampler = self._request.make_sampler(
            self._runner, self._workspace, self._request.flags, self._request.seed, self._arms.keep_pools
        )
        return Rounds(programs, sampler, GateProgress(self._console), self._request.seed)

    def _note(self, text: str) -> None:
        """Once, however often it comes to light."""
        if text not in self._notes:
            self._notes.append(text)

    def _order_of(self, arm: Arm) -> str:
        return arm.value if arm is Arm.NULL or (arm is Arm.NEW and self._request.relinked) else "both"

    def _measurable(self, rounds: Rounds) -> list[str]:
        return [cell for cell in self._arms.cells if cell in rounds.batches]

    def _say_what_comes(self, rounds: Rounds) -> None:
        if rounds.too_short:
            self._notes.append(
                f"{', '.join(rounds.too_short)}: a batch takes less than a millisecond, of which the waking of a core is a "
                "large part; give it more tasks."
            )
        self._console.print(
            f"{len(self._arms.cells)} cells of {self._request.target}, three arms of {self._rules.layouts} layouts: "
            f"{self._request.base.name}, the same linked anew, and {self._request.new.name} (seed {self._request.seed})",
            soft_wrap=True,
        )  # fmt: skip

    def _try(self, rounds: Rounds, names: Sequence[str]) -> None:
        """Half of the budget is kept for a second trial."""
        if names:
            plan = planning.first_trial(self._evidence(), names, rounds.block_s, self._request.budget_s / 2, self._rules)
            self._tried_s = planning.seconds_of(plan, rounds.block_s)
            rounds.measure(Stage.TRIAL, plan)

    def _try_again(self, rounds: Rounds) -> None:
        """With other links: a base that lay well by chance will hardly do so again."""
        left_s = max(self._request.budget_s / 2, self._request.budget_s - self._tried_s)
        second = planning.second_trial(self._evidence(), rounds.block_s, left_s, self._rules)
        if second.too_long_s:
            self._notes.append(
                f"Cells that cannot be trusted were not tried again: that takes {second.too_long_s / 60:.0f} minutes, more "
                "than --budget allows."
            )
        if second.plan:
            self._repeated = True
            rounds.programs, rounds.repeats = self._link("again"), 0
            rounds.measure(Stage.SECOND_TRIAL, second.plan)

    def _evidence(self) -> deciding.Evidence:
        rounds = self._rounds
        return deciding.Evidence(
            bands=rounds.bands if rounds else {}, blocks=list(rounds.blocks) if rounds else [],
            failures=rounds.failures if rounds else {}, only_new=self._arms.only_new,
            only_base=[] if self._request.removed_is_fine else self._arms.only_base,
            counts=self._counts,
        )  # fmt: skip


def _examine(request: Request, builds: dict[Arm, trees.Build], runner: Runner) -> _Arms:
    listings = {arm: program.examine(build.program, request.flags, runner) for arm, build in builds.items()}
    if said := _differences(listings[Arm.BASE].context, listings[Arm.NEW].context):
        raise GateError(
            f"the arms were built in different ways, so their times say nothing of the code: {'; '.join(said)}. Build both alike."
        )
    chosen = _chooser(request.cells)
    base, new = ([cell for cell in listings[arm].cells if chosen(cell)] for arm in (Arm.BASE, Arm.NEW))
    common = [cell for cell in base if cell in new]
    if not common:
        asked = f"that match {request.cells!r}" if request.cells else "to judge"
        raise GateError(
            f"there are no cells {asked} in both arms: {request.base.name} has {_some(base or listings[Arm.BASE].cells)}, "
            f"{request.new.name} has {_some(new or listings[Arm.NEW].cells)}. --cells takes a regular expression of names "
            f"that both have."
        )
    only_base, only_new = [cell for cell in base if cell not in new], [cell for cell in new if cell not in base]
    keep_pools = all(_knows_batches(build.program, request.flags, runner) for build in builds.values())
    return _Arms(builds, listings, common, only_base, only_new, keep_pools)


def _knows_batches(measuring: Path, flags: Sequence[str], runner: Runner) -> bool:
    """A program that takes the flag but does not tell of it is too old to write the median of the batches."""
    try:
        return "batches" in program.examine(measuring, [*flags, "--batches=1"], runner).context
    except program.ProgramError:
        return False


def _differences(base: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [
        f"{field} is {base.get(field)!r} in the base and {new.get(field)!r} in the new build"
        for field in FIELDS["compiler"] if base.get(field) != new.get(field)
    ]  # fmt: skip


def _chooser(pattern: str | None) -> Callable[[str], bool]:
    if pattern is None:
        return lambda cell: not LEFT_OUT.search(cell)
    try:
        found = re.compile(pattern)
    except re.error as error:
        raise GateError(f"--cells {pattern!r} is no regular expression: {error}.") from None
    return lambda cell: bool(found.search(cell))


def _some(cells: Sequence[str]) -> str:
    shown = ", ".join(cells[:2])
    return f"{shown} and {len(cells) - 2} more" if len(cells) > 2 else shown or "none"
