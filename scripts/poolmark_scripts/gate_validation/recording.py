"""Records many rounds of all cells, one program against itself, for exchanging.py."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from poolmark_scripts.gate import report_json, run, trees
from poolmark_scripts.gate_validation import builds
from poolmark_scripts.gate_validation.plan import RECORDED_ROUNDS, RECORDING
from poolmark_scripts.gate_validation.runs import KEPT, keep

SEED = 64


def perform(commit: str, console: Console) -> None:
    """Measures a screen of so many rounds, and keeps it."""
    base = builds.base(commit, console)
    documents: list[dict[str, Any]] = []
    arm = trees.find(str(base.directory))
    request = run.Request(
        base=arm, new=arm, target=builds.TARGET, flags=(), cells=None, output=KEPT / "unused.json", seed=SEED, budget_s=0.0,
        command="scripts/validate-gate --only recording", counts=False, anyway=True, screen_rounds=RECORDED_ROUNDS,
        tries_suspects=False, write=lambda report, _: documents.append(report_json.document(report)),
    )  # fmt: skip
    status = run.run(request, console)
    keep(RECORDING, 1, status, documents[0])
