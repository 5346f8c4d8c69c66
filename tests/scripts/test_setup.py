"""Set-up on machines that lack something: a sentence, exit 2, or the right apt-get call."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Callable

import pytest

Machine = Callable[..., "subprocess.CompletedProcess[str]"]
TOOLS = ("mktemp", "rm", "env", "grep", "id", "cat", "bash")
EVERYTHING = ("g++", "cmake", "ninja", "git", "python3")


def executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, root: Path) -> Machine:
    """Runs set_up with a PATH that holds only what is named; returns what it said.

    The made-up dpkg-query knows every package but those in `without`; apt-get appends its arguments to a file.
    """
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    for tool in TOOLS:
        found = next(Path(p) / tool for p in ("/usr/bin", "/bin") if (Path(p) / tool).exists())
        (bin_directory / tool).symlink_to(found)

    def run(
        commands: tuple[str, ...] = EVERYTHING, without: tuple[str, ...] = (), dpkg: bool = True,
        apt: str | None = "", user: int = 0, script: str = "set_up bench",
    ) -> "subprocess.CompletedProcess[str]":  # fmt: skip
        for name in commands:
            executable(bin_directory / name, "#!/bin/bash\nexit 0\n")
        if dpkg:
            lacks = " ".join(without)
            executable(
                bin_directory / "dpkg-query",
                f'#!/bin/bash\nfor p in "${{@:3}}"; do [[ " {lacks} " == *" $p "* ]] || echo "$p=installed"; done\n',
            )
        if apt is not None:
            executable(bin_directory / "apt-get", f'#!/bin/bash\necho "$*" >>{tmp_path}/apt-calls\n{apt}\n')
        # EUID is read-only in bash; the copy asks a variable of the test instead.
        setup = (root / "scripts" / "lib" / "setup.sh").read_text().replace("EUID", "FAKE_UID")
        setup = setup.replace("/usr/bin/python3", str(bin_directory / "python3"))
        (tmp_path / "scripts" / "lib").mkdir(parents=True, exist_ok=True)
        (tmp_path / "scripts" / "lib" / "setup.sh").write_text(setup)
        packages = (root / "scripts" / "lib" / "packages.txt").read_text()
        (tmp_path / "scripts" / "lib" / "packages.txt").write_text(packages)
        executable(
            tmp_path / "scripts" / "bench",
            '#!/bin/bash\nset -euo pipefail\nsource "${BASH_SOURCE[0]%/*}/lib/setup.sh"\n' + script + "\necho ready\n",
        )
        environment = {"PATH": str(bin_directory), "FAKE_UID": str(user), "TMPDIR": str(tmp_path), "LC_ALL": "C"}
        return subprocess.run(
            [tmp_path / "scripts" / "bench"], env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_a_machine_that_has_everything(machine: Machine, tmp_path: Path) -> None:
    shown = machine()
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "ready\n", "")
    assert not (tmp_path / "apt-calls").exists()


def test_missing_packages_are_installed_and_named(machine: Machine, tmp_path: Path) -> None:
    provides = f'[[ $1 == install ]] && printf "#!/bin/bash\\nexit 0\\n" >{tmp_path}/bin/ninja && ' \
               f'/bin/chmod +x {tmp_path}/bin/ninja; exit 0'  # fmt: skip
    shown = machine(commands=("g++", "cmake", "git", "python3"), apt=provides)
    assert shown.returncode == 0, shown.stderr
    assert "because they are missing:\n  ninja-build (run the build)" in shown.stdout
    calls = (tmp_path / "apt-calls").read_text().splitlines()
    assert calls == ["update", "install -y --no-install-recommends ninja-build"]


def test_no_compiler_and_no_package_manager(machine: Machine) -> None:
    shown = machine(commands=("cmake", "ninja", "git", "python3"), dpkg=False, apt=None)
    assert shown.returncode == 2
    assert "g++ (compile (C++20: g++ 12 or newer))" in shown.stderr
    assert "There is no apt-get here" in shown.stderr and shown.stderr.startswith("scripts/bench: ")


def test_no_root(machine: Machine, tmp_path: Path) -> None:
    shown = machine(without=("libfmt-dev", "libcereal-dev"), user=1000)
    assert shown.returncode == 2
    assert "sudo apt-get install -y --no-install-recommends libfmt-dev libcereal-dev" in shown.stderr
    assert not (tmp_path / "apt-calls").exists()


def test_no_network(machine: Machine, tmp_path: Path) -> None:
    failing = 'echo "E: Failed to fetch http://deb.example/ Could not resolve host" >&2; exit 100'
    shown = machine(without=("libfmt-dev",), apt=failing)
    assert shown.returncode == 2
    assert "apt-get could not install libfmt-dev." in shown.stderr
    assert "Could not resolve host" in shown.stderr and "Is the network up" in shown.stderr
    assert not list(tmp_path.glob("tmp.*"))


def test_apt_that_says_it_worked_and_did_not(machine: Machine) -> None:
    shown = machine(without=("libfmt-dev",), apt="exit 0")
    assert shown.returncode == 2 and "still missing libfmt-dev" in shown.stderr


def test_optional_packages_are_done_without(machine: Machine) -> None:
    shown = machine(without=("libclang-rt-16-dev",), apt="exit 100", script="set_up bench\nset_up_optional maybe")
    assert shown.returncode == 0 and shown.stdout.endswith("ready\n")
    shown = machine(without=("libclang-rt-16-dev",), user=1000, script="set_up bench\nset_up_optional maybe")
    assert shown.returncode == 0 and shown.stdout.endswith("ready\n")


def test_no_python_with_the_modules(machine: Machine, tmp_path: Path) -> None:
    executable(tmp_path / "bin" / "python3", "#!/bin/bash\nexit 1\n")
    commands = tuple(name for name in EVERYTHING if name != "python3")
    shown = machine(commands=commands)  # the packages are there, but no interpreter sees them
    assert shown.returncode == 2 and "no Python has all of: numpy scipy matplotlib rich jsonschema" in shown.stderr


@pytest.mark.parametrize("name", sorted(path.name for path in (Path(__file__).parents[2] / "scripts").iterdir() if path.is_file()))
def test_help_comes_before_any_set_up(name: str, root: Path, tmp_path: Path) -> None:
    """With an interpreter that has nothing but the standard library, and no packages."""
    (tmp_path / "bash").symlink_to("/bin/bash")
    executable(tmp_path / "bare", '#!/bin/bash\nexec /usr/bin/python3 -S -E "$@"\n')
    environment = {"PATH": str(tmp_path), "POOLMARK_PYTHON": str(tmp_path / "bare"), "HOME": os.environ.get("HOME", "/")}
    code = f'import sys; sys.path.insert(0, {str(root / "scripts")!r})'
    executable(tmp_path / "bare", f'#!/bin/bash\n[[ $1 == -c ]] && exit 0\nexec /usr/bin/python3 -S -c "{code}\n'
               f'import runpy; sys.argv = [sys.argv[1], \'--help\']; runpy.run_module(sys.argv[0], run_name=\'__main__\')" "$2"\n')  # fmt: skip
    shown = subprocess.run([root / "scripts" / name, "--help"], env=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"usage: scripts/{name}") and "examples:" in shown.stdout
