"""Puts scripts/ on the path and finds the measuring program, when one is built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from fake_machine import FakeMachine, make_guest, make_server  # noqa: E402


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def scaling_program() -> Path:
    """The real measuring program; POOLMARK_SCALING names another than the release build's."""
    program = Path(os.environ.get("POOLMARK_SCALING", ROOT / "build" / "release" / "bench" / "scaling"))
    if not program.exists():
        pytest.skip(f"{program} is not built; scripts/test release builds it, POOLMARK_SCALING names another")
    return program


@pytest.fixture(scope="session")
def real_results(scaling_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results file of a short real run: one workload, all executors and patterns."""
    output = tmp_path_factory.mktemp("real") / "real.json"
    subprocess.run(
        [scaling_program, "--workloads=sum", "--workers=2", "--benchmark_repetitions=2", f"--benchmark_out={output}"],
        check=True, stdout=subprocess.DEVNULL,
    )
    return output


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    """A made-up one with two CPUs, of which nothing else is known."""
    return FakeMachine(tmp_path / "root")


@pytest.fixture
def server(machine: FakeMachine) -> FakeMachine:
    """Bare metal on which nothing is wrong."""
    make_server(machine)
    return machine


@pytest.fixture
def guest(server: FakeMachine) -> FakeMachine:
    """The same machine as a guest sees it."""
    make_guest(server)
    return server
